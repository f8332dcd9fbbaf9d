// The client over real sockets, against the socket.io server of npm. What all pairings share stands in test/interop.
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { Server, type ServerOptions } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import { io, type Options, type Socket } from "../src/index.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Site {
  readonly io: Server;
  readonly http: HttpServer;
  readonly url: string;
  /** Destroys every connection. */
  cut(): void;
}

async function serve(options: Partial<ServerOptions> = {}): Promise<Site> {
  const http = createServer();
  const wires = new Set<NetSocket>();
  http.on("connection", (wire) => {
    wires.add(wire);
    wire.on("close", () => wires.delete(wire));
  });
  const server = new Server(http, options);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const wire of wires) wire.destroy();
  };
  cleanups.push(async () => {
    const closed = server.close();
    cut();
    await closed;
  });
  return { io: server, http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, cut };
}

function dial(url: string, options: Options = {}): Socket {
  const socket = io(url, { forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 50, ...options });
  cleanups.push(() => socket.io.disconnect());
  return socket;
}

interface Source {
  once(event: string, listener: (...args: unknown[]) => void): unknown;
}

function once(source: unknown, event: string): Promise<unknown[]> {
  return new Promise((resolve) => (source as Source).once(event, (...args) => resolve(args)));
}

/** Connects, and waits for the upgrade if there is one. */
async function connect(url: string, transports: string[]): Promise<Socket> {
  const socket = dial(url, { transports });
  const upgraded = transports.length > 1 ? once(socket.io.engine, "upgrade") : undefined;
  await Promise.all([once(socket, "connect"), upgraded]);
  expect(socket.io.engine.transport?.name).toBe(transports.at(-1));
  return socket;
}

describe.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])("over %s", (transports) => {
  it("carries events, acknowledgements and bytes both ways", async () => {
    const site = await serve();
    site.io.on("connection", (socket) => {
      socket.on("echo", (...args: unknown[]) => {
        const answer = args.pop() as (...args: unknown[]) => void;
        answer(...args);
      });
      socket.on("ask me", async (answer: (reply: unknown) => void) =>
        answer(await socket.emitWithAck("question", 1)),
      );
    });
    const socket = await connect(site.url, transports);
    socket.on("question", (n: number, answer: (n: number, bytes: Uint8Array) => void) =>
      answer(n + 1, Uint8Array.of(n)),
    );
    const args = [1, "ü", null, { deep: [true, Buffer.of(0, 255)] }];
    const answer = await new Promise((resolve) =>
      socket.emit("echo", ...args, (...all: unknown[]) => resolve(all)),
    );
    expect(answer).toEqual(args);
    expect(await socket.emitWithAck("ask me")).toBe(2);
    const big = Buffer.alloc(300_000, 7);
    expect(big.equals(await socket.timeout(5000).emitWithAck("echo", big))).toBe(true);
    expect(await socket.timeout(5000).emitWithAck("echo", "x".repeat(300_000))).toHaveLength(300_000);
  });

  it("comes back after the network broke, with what was emitted meanwhile", async () => {
    const site = await serve();
    const heard: unknown[] = [];
    const socket = await connect(site.url, transports);
    site.io.on("connection", (each) => {
      each.on("n", (n: number, answer: () => void) => {
        heard.push(n);
        answer();
      });
    });
    const lost = once(socket, "disconnect");
    const reconnected = once(socket.io, "reconnect");
    site.cut();
    expect((await lost)[0]).toMatch(/^transport (close|error)$/);
    socket.emit("n", 1, () => {});
    await socket.emitWithAck("n", 2);
    expect(heard).toEqual([1, 2]);
    expect(await reconnected).toEqual([expect.any(Number)]);
  });
});

it("joins several namespaces over one connection, each with its own auth", async () => {
  const site = await serve();
  const tokens: unknown[] = [];
  for (const name of ["/", "/admin"]) {
    site.io.of(name).use((socket, next) => {
      tokens.push([name, socket.handshake.auth["token"]]);
      next();
    });
  }
  const main = dial(site.url, { auth: { token: 1 }, forceNew: false });
  const admin = dial(`${site.url}/admin`, { auth: (tell) => tell({ token: 2 }), forceNew: false });
  await Promise.all([once(main, "connect"), once(admin, "connect")]);
  expect(admin.io).toBe(main.io);
  expect(tokens.sort()).toEqual([
    ["/", 1],
    ["/admin", 2],
  ]);
  expect(site.io.engine.clientsCount).toBe(1);
});

it("is refused by a middleware, with what the middleware adds", async () => {
  const site = await serve();
  site.io.use((_socket, next) => next(Object.assign(new Error("no"), { data: { why: "because" } })));
  const socket = dial(site.url);
  const [error] = await once(socket, "connect_error");
  expect(error).toMatchObject({ message: "no", data: { why: "because" }, code: "ERR_CONNECT_REFUSED" });
  expect(socket.active).toBe(false);
});

it("is told why a transport cannot be opened", async () => {
  const { http, url, io: server } = await serve();
  server.close();
  await once(http, "close");
  for (const [transport, message] of [
    ["polling", "xhr poll error"],
    ["websocket", "websocket error"],
  ] as const) {
    const socket = dial(url, { transports: [transport], reconnection: false });
    const [error] = await once(socket, "connect_error");
    expect(error).toMatchObject({ message, type: "TransportError", code: "ERR_TRANSPORT_OPEN" });
  }
});

it("falls back to the next transport, if asked to", async () => {
  const site = await serve({ transports: ["polling"] });
  const socket = dial(site.url, { transports: ["websocket", "polling"], tryAllTransports: true });
  await once(socket, "connect");
  expect(socket.io.engine.transport?.name).toBe("polling");
});

it("is recovered by a server that can", async () => {
  const site = await serve({ connectionStateRecovery: {} });
  const socket = dial(site.url, { transports: ["websocket"] });
  await once(socket, "connect");
  const { id } = socket;
  site.io.emit("news", 1);
  await once(socket, "news");
  const heard: unknown[] = [];
  socket.on("news", (n: number) => heard.push(n));
  const again = once(socket, "connect");
  const left = new Promise((resolve) => site.io.sockets.sockets.get(id as string)?.on("disconnect", resolve));
  site.cut();
  await left;
  site.io.emit("news", 2);
  await again;
  expect([socket.recovered, socket.id, heard]).toEqual([true, id, [2]]);
});
