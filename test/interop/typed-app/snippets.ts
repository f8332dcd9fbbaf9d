// What else is found in apps that use Socket.IO with TypeScript. None of it runs: the compiler is the test.
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { Request, RequestHandler } from "express";
import session from "express-session";
import { type ExtendedError, type Namespace, Server, type ServerOptions, Socket } from "socket.io";
import connect, {
  type Socket as ClientSocket,
  io as dial,
  type ManagerOptions,
  type SocketOptions,
} from "socket.io-client";
import type {
  ClientToServerEvents,
  InterServerEvents,
  KitchenToServerEvents,
  ServerToClientEvents,
  ServerToKitchenEvents,
  SocketData,
} from "./events.js";

type Shop = Server<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;
type ShopSocket = Socket<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;

declare module "express-session" {
  interface SessionData {
    visits: number;
  }
}
declare module "node:http" {
  interface IncomingMessage {
    session: session.Session & Partial<session.SessionData>;
  }
}

// ---- sockets that know more than ours do

declare module "socket.io" {
  interface Socket {
    tenant?: string;
  }
}

interface UserSocket extends Socket {
  user?: string;
}

class Chat extends Server {
  constructor() {
    super({ path: "/chat" });
    this.use((socket: UserSocket, next) => {
      socket.user = String(socket.id);
      socket.tenant = "default";
      next();
    });
    this.on("connection", (socket: UserSocket) => this.#enter(socket));
  }

  #enter(socket: UserSocket): void {
    if (socket instanceof Socket) socket.join(socket.tenant ?? "none");
    socket.broadcast.emit("entered", socket.user);
  }
}

/** What a test of an app hands to its code. */
interface Emits {
  emit(event: string, ...args: unknown[]): boolean;
}

export function subtypes(socket: ShopSocket): Emits[] {
  const io: Server = new Chat();
  let room = io.to("a");
  for (const each of ["b", "c"]) room = room.to(each);
  const handshake: Socket["handshake"] = socket.handshake;
  const count: number = io.sockets.adapter.rooms.get("a")?.size ?? handshake.issued;
  const users = new Map<string, Socket>();
  io.on("connection", (each) => users.set(each.id, each));
  const fake = { id: "1", emit: () => count > 0 } as unknown as Socket;
  return [io, room, fake, io.send("a").write("b"), io.sockets];
}

// ---- ways to make a server

export function servers(http: HttpServer, options: Partial<ServerOptions>): Server[] {
  const withAll = new Server(http, {
    path: "/events/",
    serveClient: false,
    pingTimeout: 1,
    upgradeTimeout: 1,
    connectTimeout: 1,
    transports: ["websocket", "polling"],
    allowUpgrades: true,
    allowEIO3: true,
    perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { chunkSize: 8 * 1024 } },
    httpCompression: true,
    cookie: { name: "io", httpOnly: true, sameSite: "strict", maxAge: 86_400 },
    cors: {
      origin: (origin, callback) => callback(null, origin === undefined || origin.endsWith(".example.com")),
      methods: ["GET", "POST"],
      allowedHeaders: ["x-header"],
      credentials: true,
    },
    cleanupEmptyChildNamespaces: true,
    addTrailingSlash: false,
    destroyUpgrade: false,
  });
  return [
    new Server(),
    new Server(3000),
    new Server(3000, options),
    new Server(options),
    new Server({ cors: { origin: "*" } }),
    new Server(undefined, { serveClient: false }),
    withAll.listen(http).attach(http, { path: "/x" }).path("/y").serveClient(true).connectTimeout(5),
  ];
}

// ---- types as parameters: what takes any server or socket, and what takes the app's

function anyServer(io: Server): void {
  io.emit("whatever", 1, { a: [1] });
  io.on("connection", (socket: Socket) => anySocket(io, socket));
  io.of("/x").on("connection", (socket) => anySocket(io, socket));
}

function anySocket(io: Server, socket: Socket): void {
  socket.on("message", (text: string, ack: (reply: string) => void) => ack(text));
  socket.on("loose", async (...args) => {
    socket.emit("back", ...args);
    io.to(socket.id).emit("back", args.length);
  });
  socket.data.anything = socket.handshake.auth["token"];
  socket.handshake.auth["checked"] = true;
}

function anyNamespace(namespace: Namespace): number {
  namespace.use((socket, next) => (socket.recovered ? next() : next(new Error("no"))));
  return namespace.sockets.size;
}

export function parameters(io: Shop, socket: ShopSocket, untyped: Server): void {
  anyServer(untyped);
  untyped.on("connection", (each) => anyNamespace(each.nsp));
  anyNamespace(untyped.of("/x"));
  anyNamespace(untyped.sockets);
  const of: Namespace<ClientToServerEvents, ServerToClientEvents, InterServerEvents> = socket.nsp;
  of.use((_socket, next) => next());
  const back: Shop = io.of("/").server;
  back.emit("hello");
  const mine: Namespace<KitchenToServerEvents, ServerToKitchenEvents> = io.of("/kitchen");
  mine.emit("cook", { id: 1, item: "", state: "open" });
  const list: Map<string, ShopSocket> = io.sockets.sockets;
  list.get("id")?.disconnect();
  socket.nsp.server.of("/kitchen");
  socket.nsp.adapter.rooms.get("a")?.has(socket.id);
  socket.nsp.sockets.get("a")?.emit("hello");
}

// ---- middlewares

const wrap =
  (middleware: RequestHandler) =>
  (socket: Socket, next: (error?: ExtendedError) => void): void =>
    void middleware(socket.request as Request, {} as never, next as never);

export function sessions(io: Server): void {
  const withSession = session({ secret: "s", resave: false, saveUninitialized: false });
  io.engine.use(withSession);
  io.use(wrap(withSession));
  io.use(async (socket, next) => {
    socket.data.user = await Promise.resolve(socket.handshake.headers.authorization);
    next();
  });
  io.on("connection", (socket) => {
    const { session } = socket.request;
    session.visits = (session.visits ?? 0) + 1;
    socket.use((_, next) => session.reload((error) => (error ? socket.disconnect() : next())));
    io.in(session.id).disconnectSockets();
  });
}

// ---- dynamic namespaces

export function dynamic(io: Shop): void {
  const parent = io.of(/^\/order-\d+$/);
  parent.on("connection", (socket) => socket.nsp.emit("hello"));
  io.of((name, auth, next) => next(null, name.startsWith("/") && auth["token"] === 1));
  io.on("new_namespace", (namespace) => namespace.on("connection", () => namespace.name));
}

// ---- flags, acknowledgements, several servers

export async function emits(io: Shop, socket: ShopSocket): Promise<void> {
  const order = { id: 1, item: "soup", state: "open" } as const;
  socket.volatile.compress(true).emit("order:changed", order);
  socket.timeout(5).emit("order:confirm", order, (error, yes) => (error ? error.message : yes));
  socket.to("a").to(["b", "c"]).in("d").except("e").volatile.local.emit("hello");
  socket.volatile.broadcast.emit("hello");
  socket.compress(false).to("a").emit("hello");
  const one: boolean = await socket.timeout(5).emitWithAck("order:confirm", order);
  const all: boolean[] = await io.timeout(5).emitWithAck("order:confirm", order);
  io.timeout(5).emit("order:confirm", order, (error, answers: boolean[]) => (error ? error.name : answers));
  io.local.emit("hello");
  io.serverSideEmit("cleared", "a");
  io.serverSideEmit("load", "a", (error, counts) =>
    error ? error.message : counts.map((count) => count + 1),
  );
  const loads: number[] = await io.serverSideEmitWithAck("load", "a");
  io.of("/x").serverSideEmit("cleared", "a");
  io.socketsJoin(["a"]);
  io.in("a").socketsLeave("b");
  io.in("a").disconnectSockets(true);
  for (const each of await io.fetchSockets()) {
    each.leave("a");
    each.disconnect(true).emit("hello");
    const answer: boolean = await each.timeout(5).emitWithAck("order:confirm", order);
    void answer;
  }
  for (const { id } of await io.of("/").except("a").fetchSockets()) void id;
  const ids: Set<string> = await io.allSockets();
  void [one, all, loads, ids];
}

// ---- the engine, the connection, the adapter

export function inside(io: Shop, socket: ShopSocket): void {
  io.engine.generateId = (req) => `${req.headers.host}-1`;
  io.engine.on("connection", (raw) => {
    raw.request = null;
    raw.on("close", (reason: string) => reason.length);
  });
  io.engine.on("headers", (headers, req) => {
    headers["x-host"] = req.headers.host ?? "";
  });
  socket.conn.on("packet", ({ type, data }) => `${type} ${data}`);
  socket.conn.on("packetCreate", ({ type }) => type);
  socket.conn.on("close", (reason) => reason);
  socket.conn.on("drain", () => {});
  const facts: [string, number, string] = [
    socket.conn.remoteAddress,
    socket.conn.protocol,
    socket.conn.readyState,
  ];
  const address = io.httpServer.address();
  const request: string | undefined = socket.client.request.url ?? socket.request.socket.remoteAddress;
  socket.client.conn.close();
  for (const event of ["create-room", "delete-room", "join-room", "leave-room"]) {
    io.sockets.adapter.on(event, (room: string, id?: string) => `${room} ${id}`);
  }
  const sids: Map<string, Set<string>> = io.of("/").adapter.sids;
  void [facts, address, request, sids, io.engine.opts.pingTimeout, io._opts.path, io._nsps.size];
}

// ---- listeners of Node.js's kind

export async function emitters(io: Shop, socket: ShopSocket): Promise<unknown> {
  const takes = (emitter: NodeJS.EventEmitter): number => emitter.listenerCount("connection");
  const [first] = await once(io, "connection");
  await once(socket, "disconnect");
  await once(io.engine, "connection");
  io.engine.emit("connection_error", new Error("tried"));
  return [first, takes(io), takes(socket), takes(io.of("/")), takes(io.engine), takes(io.of("/").adapter)];
}

export function listeners(socket: ShopSocket, name: string): void {
  const mine = (id: number): void => void id;
  socket.on("watch", mine).off("watch", mine).removeListener("watch", mine).removeAllListeners("watch");
  socket.once("watch", mine).prependListener("watch", mine).addListener("watch", mine);
  socket.off(name, mine).removeListener(name, mine).removeAllListeners(name);
  const any = (event: keyof ClientToServerEvents, ...args: unknown[]): unknown => [event, args];
  socket.onAny(any).offAny(any).prependAny(any).onAnyOutgoing(any).offAnyOutgoing();
  const counts: number =
    socket.listenerCount(name) + socket.listenersAny().length + socket.listeners("watch").length;
  const names: Array<string | symbol> = socket.eventNames();
  socket.setMaxListeners(50);
  void [counts, names];
}

// ---- clients

export function clients(options: Partial<ManagerOptions & SocketOptions>): void {
  const auth: SocketOptions = { auth: (tell) => tell({ token: 1 }) };
  const untyped = dial();
  const typed: ClientSocket<ServerToClientEvents, ClientToServerEvents> = dial("/x", { ...options, ...auth });
  const some: ClientSocket[] = [dial(options), connect("http://x"), dial({ path: "/x", auth: { token: 1 } })];
  const kept: { current: ReturnType<typeof dial> | null } = { current: untyped };
  kept.current?.on("anything", (...args) => args.length);
  untyped.on("anything", (text: string) => untyped.emit("back", text, (reply: number) => reply));
  untyped.auth = { token: 2 };
  (untyped.auth as { [name: string]: unknown })["token"] = 3;
  typed.auth = (tell) => tell({});
  typed.io.opts.query = { a: 1 };
  typed.io.opts.extraHeaders = { a: "b" };
  typed.io.opts.transports = ["websocket"];
  typed.io.engine.on("upgrade", (transport) => transport.name);
  typed.io.engine.once("close", (reason) => reason);
  typed.io.engine.on("packet", ({ type, data }) => `${type} ${data}`);
  typed.io.on("reconnect_error", (error) => error.message);
  typed.io.on("ping", () => {});
  typed.io.on("close", (reason) => reason);
  typed.on("connect_error", (error) => (error.data ? typed.active : error.message));
  typed.on("disconnect", (reason, details) => {
    if (reason === "io server disconnect") typed.connect();
    if (details instanceof Error) return details.message;
    return details ? `${details.description} ${String(details.context)}` : reason;
  });
  typed.volatile.emit("watch", 1);
  typed.compress(false).emit("finish");
  typed.emit("watch", 1).emit("finish");
  typed.timeout(5).emit("order:list", (error, orders, total) => (error ? 0 : orders.length + total));
  typed.onAny((name, ...args) => `${name} ${args.length}`);
  typed.off("hello").off().removeAllListeners("hello").disconnect().connect().close();
  typed.sendBuffer = [];
  typed.receiveBuffer = [];
  const id: string | undefined = typed.id;
  const flags: boolean[] = [typed.connected, typed.disconnected, typed.active, typed.recovered];
  some.push(typed.io.socket("/y", { retries: 3, ackTimeout: 10 }));
  typed.io.reconnection(true).reconnectionAttempts(2).reconnectionDelay(1).timeout(false);
  typed.io.open((error) => error?.message);
  void [id, flags, createServer];
}
