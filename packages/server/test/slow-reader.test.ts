import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect, type Socket as NetSocket } from "node:net";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { joinMain, type Wire } from "../../../test/support/rawsocket.js";
import { once, until } from "../../../test/support/wait.js";
import { openStream } from "../../transport/test/server/stream-client.js";
import type { Diagnostics, ServerOptions, Socket } from "../src/index.js";
import { atEnd, dial, half, join, roundTrip, type Site, serve } from "./site.js";

// Peers that stop to read. The kernel takes some megabytes for each, so all tests send until it takes no more.

const BOUND = 300_000;
const LIMITS: ServerOptions = { limits: { maxOutboundBytes: BOUND } };
const CHUNK = "x".repeat(20_000);

const exceeded: Diagnostics["sockeye:limit"][] = [];
const tell = (told: unknown): void => void exceeded.push(told as Diagnostics["sockeye:limit"]);
subscribe("sockeye:limit", tell);
afterEach(() => void exceeded.splice(0));
afterAll(() => unsubscribe("sockeye:limit", tell));

interface Deaf {
  readonly socket: Socket;
  /** From now on it reads again. */
  listen(): void;
  readonly wire?: Wire;
}

async function deafWebSocket({ io, port }: Site): Promise<Deaf> {
  const { wire, sid } = await joinMain(port);
  atEnd(() => wire.end());
  wire.ws.pause();
  const socket = io.sockets.sockets.get(sid);
  if (socket === undefined) throw new Error("it did not join");
  return { socket, wire, listen: () => wire.ws.resume() };
}

/** Joins by polling, and never reads an answer from then on; it even asks for more, on connection after connection. */
async function deafPolling({ io, port, url }: Site): Promise<Deaf> {
  const path = "/socket.io/?EIO=4&transport=polling";
  const open = await (await fetch(url + path)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  await (await fetch(`${url}${path}&sid=${sid}`, { method: "POST", body: "40" })).text();
  const joined = await (await fetch(`${url}${path}&sid=${sid}`)).text();
  const socket = io.sockets.sockets.get((JSON.parse(joined.slice(2)) as { sid: string }).sid);
  if (socket === undefined) throw new Error("it did not join");
  const connections: NetSocket[] = [];
  const ask = (): void => {
    const connection = connect(port, "127.0.0.1", () => {
      connection.write(`GET ${path}&sid=${sid} HTTP/1.1\r\nHost: a\r\n\r\n`);
    });
    connection.on("error", () => {});
    connection.pause();
    connections.push(connection);
  };
  ask();
  const timer = setInterval(ask, 20);
  atEnd(() => {
    clearInterval(timer);
    for (const connection of connections) connection.destroy();
  });
  return { socket, listen: () => {} };
}

/** Joins over a streaming transport and reads nothing from then on. */
const deafStream =
  (name: string) =>
  async ({ io, port, url }: Site): Promise<Deaf> => {
    const path = `/socket.io/?EIO=4&transport=${name}&b64=1&c=1`;
    const stream = await openStream(port, path);
    atEnd(() => stream.abort());
    await stream.until("maxPayload");
    const sid = /sid[\\":]*([\w-]+)/.exec(stream.body)?.[1];
    const joined = once(io as never, "connection");
    await (await fetch(`${url}${path}&sid=${sid}`, { method: "POST", body: "40" })).text();
    const [socket] = (await joined) as [Socket];
    await stream.until("40{");
    stream.pause();
    return { socket, listen: () => {} };
  };

/** One response for all, so that the kernel has to keep it for one connection and not for a new one each time. */
const ONE_RESPONSE: ServerOptions = { streams: { recycleBytes: 1e9 } };

/** Emits until the kernel takes no more and something waits in this process. */
async function fill(socket: Socket): Promise<void> {
  for (let n = 0; n < 3000 && socket.bufferedBytes < BOUND / 2; n++) {
    socket.overflow("drop-newest").emit("fill", CHUNK);
    if (n % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(socket.bufferedBytes).toBeGreaterThanOrEqual(BOUND / 2);
}

const READERS: readonly (readonly [string, (site: Site) => Promise<Deaf>, ServerOptions])[] = [
  ["WebSocket", deafWebSocket, {}],
  ["WebSocket of another engine", deafWebSocket, { wsEngine: WebSocketServer as never }],
  ["polling", deafPolling, {}],
  ["sse", deafStream("sse"), ONE_RESPONSE],
  ["stream", deafStream("stream"), ONE_RESPONSE],
  ["iframe", deafStream("iframe"), ONE_RESPONSE],
];

describe.each(READERS)("a reader that has stopped, over %s", (_name, deaf, options) => {
  it("costs no more than its bound, and is closed; the others notice nothing", async () => {
    const site = await serve({ ...options, ...LIMITS });
    const { client, socket: good } = await join(site);
    const { socket } = await deaf(site);
    const heard: unknown[] = [];
    client.on("to-all", (n: unknown) => heard.push(n));
    const left = once(socket as never, "disconnect");
    const others: number[] = [];
    let most = 0;
    for (let n = 0; n < 3000 && socket.connected; n++) {
      site.io.emit("to-all", n, CHUNK);
      others.push(n);
      most = Math.max(most, socket.bufferedBytes);
      await good.drained();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [reason, cause] = await left;
    expect([reason, (cause as { code?: string }).code]).toEqual(["forced server close", "ERR_OUTBOUND_FULL"]);
    // One packet more than the bound, if it is the only one that waits here.
    expect(most).toBeLessThan(BOUND + CHUNK.length + 1000);
    expect(socket.bufferedBytes).toBeLessThan(BOUND + CHUNK.length + 1000);
    await roundTrip(client, good);
    expect(heard).toEqual(others);
    expect(exceeded.map(({ limit, error }) => [limit, error.code])).toEqual([
      ["maxOutboundBytes", "ERR_OUTBOUND_FULL"],
    ]);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxOutboundBytes: 1 });
  });

  it("stays if events may be dropped, at no more than its bound", async () => {
    const site = await serve({ ...options, ...LIMITS, overflow: "drop-oldest" });
    const { socket } = await deaf(site);
    await fill(socket);
    for (let n = 0; n < 200; n++) socket.emit("more", n, CHUNK);
    expect(socket.connected).toBe(true);
    expect(socket.bufferedBytes).toBeLessThan(BOUND + CHUNK.length + 1000);
  });
});

describe("a reader that comes back", () => {
  it("gets the last value of each key, whole and in order", async () => {
    const site = await serve(LIMITS);
    const { socket, wire, listen } = await deafWebSocket(site);
    await fill(socket);
    for (let n = 0; n < 50_000; n++) site.io.overflow({ conflate: `k${n % 3}` }).emit("price", n);
    socket.emit("done");
    listen();
    const prices: unknown[] = [];
    for (;;) {
      const frame = String(await wire?.nextMessage());
      const [event, value] = JSON.parse(frame.slice(2)) as unknown[];
      if (event === "price") prices.push(value);
      if (event === "done") break;
    }
    expect(prices).toEqual([49_997, 49_998, 49_999]);
  });

  it("gets all or nothing of a binary event", async () => {
    const site = await serve(LIMITS);
    const { socket, wire, listen } = await deafWebSocket(site);
    await fill(socket);
    for (let n = 0; n < 100; n++) {
      socket.overflow("drop-oldest").emit("bytes", n, Buffer.alloc(10_000, n), Buffer.alloc(10_000, n));
    }
    listen();
    await socket.drained();
    socket.emit("done");
    let last = -1;
    for (;;) {
      const frame = String(await wire?.nextMessage());
      if (frame.startsWith('42["done"')) break;
      if (!frame.startsWith("452-")) continue;
      const [, n] = JSON.parse(frame.slice(4)) as [string, number];
      expect(n).toBeGreaterThan(last);
      last = n;
      for (const _ of "12") expect((await wire?.next())?.at(0)).toBe(n);
    }
    expect(last).toBe(99);
  });

  it("was waited for by whoever produces more", async () => {
    const site = await serve(LIMITS);
    const { client, socket } = await join(site);
    let heard = 0;
    client.on("part", () => heard++);
    let most = 0;
    for (let n = 0; n < 200; n++) {
      socket.emit("part", CHUNK);
      most = Math.max(most, socket.bufferedBytes);
      expect(await socket.drained()).toBe(true);
    }
    await roundTrip(client, socket);
    expect([heard, socket.connected]).toEqual([200, true]);
    expect(most).toBeLessThan(4 * CHUNK.length);
  });
});

describe("events for a reader that has stopped", () => {
  it("are told to whoever waits for their acknowledgement, if they are dropped", async () => {
    const site = await serve(LIMITS);
    const { socket } = await deafWebSocket(site);
    await fill(socket);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        socket
          .timeout(60_000)
          .overflow("drop-newest")
          .emitWithAck("ask", CHUNK)
          .catch((error: { code: string }) => error.code),
      ).slice(-5),
    );
    expect(answers).toEqual(Array(5).fill("ERR_EVENT_DROPPED"));
  });

  it("are not queued if they are volatile", async () => {
    const site = await serve(LIMITS);
    const { socket } = await deafWebSocket(site);
    await fill(socket);
    const before = socket.bufferedBytes;
    for (let n = 0; n < 1000; n++) socket.volatile.emit("never", CHUNK);
    expect(socket.bufferedBytes).toBe(before);
  });

  it("do not hold up a broadcast", async () => {
    const site = await serve(LIMITS);
    const deaf = await Promise.all(Array.from({ length: 5 }, () => deafWebSocket(site)));
    const clients = Array.from({ length: 50 }, () => dial(site));
    await Promise.all(clients.map((client) => half(site, client)));
    const counts = clients.map((client) => {
      const count = { heard: 0 };
      client.on("all", () => count.heard++);
      return count;
    });
    let sent = 0;
    while (deaf.some(({ socket }) => socket.connected) && sent < 3000) {
      site.io.emit("all", CHUNK);
      sent++;
      if (sent % 10 === 0) await until(() => counts.every(({ heard }) => heard === sent), "all to hear");
    }
    await until(() => counts.every(({ heard }) => heard === sent), "all to hear");
    expect(deaf.some(({ socket }) => socket.connected)).toBe(false);
    expect(clients.every((client) => client.connected)).toBe(true);
  });
});
