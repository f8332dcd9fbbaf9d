import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type BroadcastOperator,
  type DefaultEventsMap,
  type DisconnectReason,
  type Event,
  type ExtendedError,
  type Namespace,
  type RemoteSocket,
  Server,
  type ServerOptions,
  type Socket,
} from "socket.io";
import type {
  ClientToServerEvents,
  InterServerEvents,
  KitchenToServerEvents,
  Order,
  ServerToClientEvents,
  ServerToKitchenEvents,
  SocketData,
} from "./events.js";

type ShopServer = Server<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;
type ShopSocket = Socket<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;
type Kitchen = Namespace<KitchenToServerEvents, ServerToKitchenEvents, DefaultEventsMap>;

const OPTIONS: Partial<ServerOptions> = {
  pingInterval: 20_000,
  maxHttpBufferSize: 1e5,
  cors: { origin: ["http://localhost:8080"], credentials: true },
  connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: true },
  allowRequest: (req, callback) => callback(null, req.headers["x-banned"] === undefined),
};

class Orders {
  readonly #all: Order[] = [];

  add(item: string): Order {
    const order: Order = { id: this.#all.length + 1, item, state: "open" };
    this.#all.push(order);
    return order;
  }

  finish(id: number): Order | undefined {
    const at = this.#all.findIndex((order) => order.id === id);
    const order = this.#all[at];
    if (order === undefined) return undefined;
    const finished: Order = { ...order, state: "ready" };
    this.#all[at] = finished;
    return finished;
  }

  list(): Order[] {
    return [...this.#all];
  }
}

/** A middleware that apps keep in a file of its own, with its parameters annotated. */
const authenticate = (socket: ShopSocket, next: (error?: ExtendedError) => void): void => {
  const { user } = socket.handshake.auth;
  if (!user) {
    const error: ExtendedError = new Error("who are you?");
    error.data = { code: "NO_USER" };
    next(error);
    return;
  }
  const name: string = socket.handshake.auth["user"];
  socket.data.user = name.trim();
  socket.data.visits = Number(socket.handshake.query["visits"] ?? 0);
  next();
};

function onlyShort([name, ...args]: Event, next: (error?: Error) => void): void {
  const [first] = args;
  if (typeof first === "string" && first.length > 100) next(new Error(`${name}: too long`));
  else next();
}

/** One file per concern, each taking the server and a socket: the structure that Socket.IO's documents show. */
function registerOrders(kitchen: Kitchen, socket: ShopSocket, orders: Orders): void {
  socket.on("order:add", async (item, ack) => {
    const order = orders.add(item);
    ack({ ok: true, value: order });
    await socket.join(`order:${order.id}`);
    kitchen.emit("cook", order);
    socket.broadcast.emit("order:changed", order, socket.data.user);
  });

  socket.on("order:list", (ack) => ack(orders.list(), orders.list().length));

  socket.on("watch", (id) => void socket.join([`order:${id}`, "watchers"]));

  socket.on("finish", () => {
    socket.leave("watchers");
    socket.disconnect(true);
  });
}

function registerKitchen(kitchen: Kitchen, io: ShopServer, orders: Orders): void {
  kitchen.use((socket, next) => {
    socket.data.station = socket.handshake.auth["station"];
    next(socket.data.station ? undefined : new Error("no station"));
  });
  kitchen.on("connection", (socket) => {
    socket.on("ready", async (id, ack) => {
      const order = orders.finish(id);
      if (order !== undefined) await confirm(io, order);
      ack();
    });
    socket.nsp.to("all").emit("cook", { id: 0, item: "nothing", state: "open" });
  });
}

/** Asks everybody who watches the order, then tells everybody. */
async function confirm(io: ShopServer, order: Order): Promise<boolean[]> {
  let watchers: BroadcastOperator<ServerToClientEvents, SocketData> | ShopServer = io;
  watchers = io;
  let answers: boolean[] = [];
  try {
    answers = await watchers.to(`order:${order.id}`).timeout(2000).emitWithAck("order:confirm", order);
  } catch (error) {
    answers = (error as { responses?: boolean[] }).responses ?? [];
  }
  io.to(`order:${order.id}`).except("nobody").compress(false).emit("order:changed", order, answers.join());
  return answers;
}

async function names(io: ShopServer): Promise<string[]> {
  const sockets: RemoteSocket<ServerToClientEvents, SocketData>[] = await io.in("watchers").fetchSockets();
  for (const socket of sockets) {
    socket.join("seen");
    socket.emit("hello");
    socket.timeout(100).emit("order:confirm", { id: 0, item: "", state: "open" }, (error, yes) => {
      const told: boolean = error ? false : yes;
      void told;
    });
  }
  return sockets.map(({ data, id, rooms }) => `${data.user} ${rooms.has(id)}`);
}

/** What an admin page such as Socket.IO's would read, asked for by structure. */
interface Inspectable {
  of(name: string): {
    readonly sockets: ReadonlyMap<string, { readonly id: string; readonly data: unknown }>;
  };
  readonly engine: { readonly clientsCount: number };
}

function inspect(io: Inspectable): string {
  return `${io.of("/").sockets.size} sockets, ${io.engine.clientsCount} clients`;
}

export interface Shop {
  readonly url: string;
  readonly seen: string[];
  inspect(): string;
  rooms(): string[];
  names(): Promise<string[]>;
  close(): Promise<void>;
}

export async function start(): Promise<Shop> {
  const http = createServer();
  const io = new Server<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>(
    http,
    OPTIONS,
  );
  const seen: string[] = [];
  const orders = new Orders();
  const kitchen: Kitchen = io.of("/kitchen");

  io.engine.use((req: IncomingMessage, _res: ServerResponse, next: () => void) => {
    seen.push(`request ${String(req.headers["x-shop"] ?? "plain")}`);
    next();
  });
  io.engine.on("connection_error", (error) => seen.push(`refused ${error.code} ${error.message}`));
  io.engine.on("initial_headers", (headers, req) => {
    headers["x-seen"] = String(req.url?.length);
  });
  io.of("/").adapter.on("create-room", (room) => {
    if (room.startsWith("order:")) seen.push(`room ${room}`);
  });

  io.use(authenticate);
  io.on("connection", (socket) => {
    socket.use(onlyShort);
    registerOrders(kitchen, socket, orders);
    socket.onAny((name, ...args) => seen.push(`${name} ${args.length}`));
    socket.conn.once("upgrade", () => seen.push(`upgraded to ${socket.conn.transport.name}`));
    socket.on("disconnecting", (reason) => seen.push(`${socket.rooms.size} rooms at ${reason}`));
    socket.on("disconnect", (reason: DisconnectReason) => seen.push(reason));
    socket.on("error", (error) => seen.push(error.message));
    socket.emit("hello");
    socket.emit("photo", Buffer.from([1, 2, 3]));
  });
  registerKitchen(kitchen, io, orders);
  io.on("cleared", (by) => seen.push(by));

  await new Promise<void>((resolve) => http.listen(0, resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    seen,
    inspect: () => inspect(io),
    rooms: () => [...io.of("/").adapter.rooms.keys()].filter((room) => !io.sockets.sockets.has(room)),
    names: () => names(io),
    close: () => io.close(),
  };
}
