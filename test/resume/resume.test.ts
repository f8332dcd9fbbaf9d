// Our client and our server, with a network between them that breaks: what the apps at both ends see of it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Socket as ClientSocket, io as dial, type ManagerOptions } from "@sockeye/client";
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { once, until } from "../support/wait.js";
import { CuttingProxy } from "./cutting-proxy.js";

const TRANSPORTS = ["polling", "websocket", "stream", "sse"];

const ends: (() => unknown)[] = [];
beforeEach(() => vi.stubGlobal("EventSource", EventSource));
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllGlobals();
});

interface Stage {
  readonly io: Server;
  readonly port: number;
  readonly proxy: CuttingProxy;
  readonly client: ClientSocket;
  readonly socket: Socket;
  /** What the apps at both ends hear of the connection. */
  readonly log: string[];
}

async function serve(options: Partial<ServerOptions> = {}, port = 0): Promise<{ io: Server; port: number }> {
  const http = createServer();
  const io = new Server(http, { transports: TRANSPORTS, ...options } as ServerOptions);
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  ends.push(async () => {
    const closed = io.close();
    http.closeAllConnections();
    await closed;
  });
  return { io, port: (http.address() as AddressInfo).port };
}

async function stage(
  client: Partial<ManagerOptions> = {},
  server: Partial<ServerOptions> = {},
): Promise<Stage> {
  const { io, port } = await serve(server);
  const proxy = await CuttingProxy.start(port);
  ends.push(() => proxy.stop());
  const log: string[] = [];
  const arrived = once(io, "connection");
  const socket = dial(proxy.url, { forceNew: true, resume: true, upgrade: false, ...client });
  ends.push(() => socket.disconnect());
  const [half] = (await arrived) as [Socket];
  await until(() => socket.connected, "the client to be connected");
  // Else the server would not notice before its next heartbeat that the client is gone.
  await until(() => half.conn.transport.writable, "a poll that waits");
  socket.on("disconnect", (reason) => log.push(`client: disconnect ${reason}`));
  half.on("disconnect", (reason) => log.push(`server: disconnect ${reason}`));
  for (const event of ["suspend", "resume"] as const) {
    socket.io.engine.on(event, () => log.push(`client: ${event}`));
  }
  return { io, port, proxy, client: socket, socket: half, log };
}

/** Numbers that arrive, with bytes around them. */
function listen(source: ClientSocket | Socket): number[] {
  const numbers: number[] = [];
  (source as ClientSocket).on("n", (number: number, bytes: Uint8Array, more?: { tail: Uint8Array }) => {
    numbers.push(number);
    expect([bytes.length, bytes[0] ?? number % 256]).toEqual([sizeOf(number), number % 256]);
    expect(more?.tail.length ?? 3).toBe(3);
  });
  return numbers;
}

function sizeOf(number: number): number {
  return (number * 37) % 500;
}

function say(to: ClientSocket | Socket, number: number): void {
  const bytes = Buffer.alloc(sizeOf(number), number % 256);
  if (number % 3 === 0) to.emit("n", number, bytes, { tail: Buffer.alloc(3) });
  else to.emit("n", number, bytes);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("a connection that breaks goes on, and nobody sees it", () => {
  const pairs = TRANSPORTS.flatMap((from) => TRANSPORTS.map((to) => [from, to] as const));

  it.each(pairs)("from %s over %s", async (from, to) => {
    const { proxy, client, socket, log } = await stage({ transports: from === to ? [from] : [from, to] });
    const { engine } = client.io;
    expect(engine.transport.name).toBe(from);
    const [atClient, atServer] = [listen(client), listen(socket)];
    for (const number of upTo(3)) {
      say(client, number);
      say(socket, number);
    }
    if (from !== to) proxy.refused = `transport=${from}`;
    proxy.cut();
    for (const number of [3, 4, 5]) {
      say(client, number);
      say(socket, number);
    }
    const id = client.id;
    await until(() => atClient.length >= 6 && atServer.length >= 6, "all events");
    expect([engine.transport.name, client.id, socket.connected]).toEqual([to, id, true]);
    expect(socket.conn.transport.name).toBe(to);
    expect([atClient, atServer]).toEqual([upTo(6), upTo(6)]);
    expect(await client.emitWithAck.call(echoing(socket, client), "echo", 1)).toBe(1);
    expect(log).toEqual(["client: suspend", "client: resume"]);
  });

  it.each(
    [["polling"], ["websocket"], ["stream"], ["sse"], ["polling", "websocket", "stream"]].map((list) => [
      list,
    ]),
  )(
    "over %j that is cut after any number of bytes, in the middle of events and polls",
    async (transports) => {
      const { proxy, client, socket, log } = await stage(
        { transports, upgrade: transports.length > 1 },
        { maxHttpBufferSize: 1e6 },
      );
      const [atClient, atServer] = [listen(client), listen(socket)];
      echoing(socket, client);
      const answers: number[] = [];
      let seed = 7;
      proxy.allowance = () => {
        seed = (seed * 1103515245 + 12345) % 2 ** 31;
        return 1000 + (seed % 15_000);
      };
      proxy.cut();
      const [rounds, each] = [6, 10];
      const count = rounds * each;
      for (const round of upTo(rounds)) {
        for (const number of upTo(each).map((index) => round * each + index)) {
          say(client, number);
          say(socket, number);
          client.emit("echo", number, (answer: number) => answers.push(answer));
        }
        const lengths = [atClient, atServer, answers];
        await until(() => lengths.every(({ length }) => length >= (round + 1) * each), "all events", 15_000);
      }
      expect([atClient, atServer, answers]).toEqual([upTo(count), upTo(count), upTo(count)]);
      expect(log.filter((line) => line.includes("disconnect"))).toEqual([]);
      expect(log.filter((line) => line.includes("suspend")).length).toBeGreaterThan(2);
    },
    40_000,
  );

  it.each(TRANSPORTS)("over %s, while the server still believes in the old pipe", async (name) => {
    const { proxy, client, socket, log } = await stage({ transports: [name] });
    const [atClient, atServer] = [listen(client), listen(socket)];
    say(socket, 0);
    await until(() => atClient.length === 1, "the first event");
    proxy.cutNear();
    say(socket, 1);
    say(client, 0);
    await until(() => atClient.length >= 2 && atServer.length >= 1, "all events");
    say(client, 1);
    await until(() => atServer.length >= 2, "all events");
    expect([atClient, atServer]).toEqual([upTo(2), upTo(2)]);
    expect(log).toEqual(["client: suspend", "client: resume"]);
  });

  it("whoever reads too slowly is not let off by it: what waits stays bounded", async () => {
    const { proxy, client, socket } = await stage({ transports: ["websocket"] }, {
      resume: { maxBytes: 100_000 },
    } as Partial<ServerOptions>);
    const got: number[] = [];
    client.on("big", (number: number) => got.push(number));
    for (const number of upTo(50)) {
      socket.emit("big", number, "x".repeat(10_000));
      if (number % 20 === 10) proxy.cut();
    }
    await until(() => got.length >= 50, "all events");
    expect(got).toEqual(upTo(50));
  });
});

/** The server's half answers `echo`. */
function echoing(socket: Socket, client: ClientSocket): ClientSocket {
  if (socket.listeners("echo").length === 0)
    socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
  return client;
}

describe("a connection that cannot go on", () => {
  const QUICK = { reconnectionDelay: 20, randomizationFactor: 0, transports: ["websocket"] };

  it("ends when the server has forgotten it, and the client connects anew", async () => {
    const { io, port, proxy, client, log } = await stage(QUICK);
    proxy.down = true;
    proxy.cut();
    await until(() => log.includes("client: suspend"), "the suspension");
    // As when a process is killed: nobody hears of it.
    for (const socket of io.sockets.sockets.values()) socket.removeAllListeners("disconnect");
    await io.close();
    await serve({}, port);
    const again = once(client as never, "connect");
    proxy.down = false;
    await again;
    expect(log).toEqual([
      "client: suspend",
      expect.stringMatching(/^client: disconnect transport (close|error)$/),
    ]);
    expect(client.recovered).toBe(false);
  });

  it("ends when its time has passed, and recovery of Socket.IO takes over", async () => {
    const { proxy, client, socket, log } = await stage(QUICK, {
      resume: { windowMs: 200 },
      connectionStateRecovery: {},
    } as Partial<ServerOptions>);
    await new Promise<void>((resolve) => {
      client.once("hello", () => resolve());
      socket.emit("hello");
    });
    proxy.down = true;
    proxy.cut();
    await until(() => log.filter((line) => line.includes("disconnect")).length === 2, "the end at both ends");
    const again = once(client as never, "connect");
    proxy.down = false;
    await again;
    expect(client.recovered).toBe(true);
    expect([...log].sort()).toEqual([
      expect.stringMatching(/^client: disconnect transport (close|error)$/),
      "client: suspend",
      expect.stringMatching(/^server: disconnect transport (close|error)$/),
    ]);
  });

  it.each(TRANSPORTS)(
    "because the client's app ends it, over %s: the server hears it if it can",
    async (name) => {
      const { proxy, client, socket, log } = await stage({ transports: [name] });
      proxy.down = true;
      proxy.cut();
      await until(() => client.io.engine.suspended && socket.conn.suspended, "the suspension");
      client.emit("never");
      proxy.down = false;
      client.disconnect();
      expect(client.connected).toBe(false);
      await until(() => !socket.connected, "the server to hear of it");
      expect(log.filter((line) => line.includes("disconnect"))).toEqual([
        "client: disconnect io client disconnect",
        "server: disconnect transport close",
      ]);
    },
  );

  it("because the server's app ends it: the client is told when it comes back", async () => {
    const { proxy, client, socket, log } = await stage(QUICK);
    proxy.down = true;
    proxy.cut();
    await until(() => client.io.engine.suspended && socket.conn.suspended, "the suspension");
    socket.disconnect(true);
    proxy.down = false;
    await until(() => log.some((line) => line.startsWith("client: disconnect")), "the client to hear of it");
    expect(socket.connected).toBe(false);
  });
});

it("two ends that do not both want it end as they always did", async () => {
  for (const [mine, theirs] of [
    [false, true],
    [true, false],
  ]) {
    const { proxy, client, log } = await stage(
      { transports: ["websocket"], resume: mine as boolean, reconnection: false },
      { resume: theirs } as Partial<ServerOptions>,
    );
    proxy.cut();
    await until(() => !client.connected, "the end");
    await until(() => log.length >= 2, "both ends to hear of it");
    expect([...log].sort()).toEqual([
      expect.stringMatching(/^client: disconnect transport (close|error)$/),
      expect.stringMatching(/^server: disconnect transport (close|error)$/),
    ]);
  }
});
