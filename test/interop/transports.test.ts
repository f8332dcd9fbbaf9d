// What must hold over every transport, at both ends: one table. The matrix (test/interop/matrix) asks more of those that
// two ends in Node.js have without further ado; test/browser asks real browsers; readers that stop are in
// packages/server/test/slow-reader.test.ts.

import { io, type Options, SseTransport, StreamTransport, WebTransport } from "@sockeye/client";
import { memoryWebTransport } from "@sockeye/conformance";
import { IframeTransport, JsonpTransport } from "@sockeye/transport/client";
import { EventSource } from "eventsource";
import type { Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { becomePage } from "../support/loading-page.js";
import { type ServerName, type Site, serverHalf, startSite, writable } from "../support/servers.js";
import { once, until } from "../support/wait.js";

beforeAll(() => {
  Object.assign(globalThis, { EventSource });
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Way {
  readonly options: Options;
  /** Its responses end after so many bytes, and the next is asked for. */
  readonly recycles?: true;
  /** What the dialling end needs besides Node.js. */
  readonly prepare?: (site: Site) => () => void;
  /** Default: ours. */
  readonly server?: ServerName;
}

const inPage = (site: Site): (() => void) => becomePage(site.url);

const WAYS: Readonly<Record<string, Way>> = {
  websocket: { options: { transports: ["websocket"] } },
  polling: { options: { transports: ["polling"] } },
  "polling, then websocket": { options: { transports: ["polling", "websocket"] } },
  stream: { options: { transports: ["stream"] }, recycles: true },
  "stream in text": { options: { transports: ["stream"], forceBase64: true }, recycles: true },
  "stream by its class": { options: { transports: [StreamTransport] }, recycles: true },
  sse: { options: { transports: ["sse"] }, recycles: true },
  "sse by its class": { options: { transports: [SseTransport] }, recycles: true },
  iframe: { options: { transports: [IframeTransport] }, recycles: true, prepare: inPage },
  jsonp: { options: { transports: [JsonpTransport] }, prepare: inPage },
  "jsonp with Socket.IO": {
    options: { transports: [JsonpTransport] },
    prepare: inPage,
    server: "socket.io 4",
  },
  webtransport: { options: { transports: [WebTransport] }, prepare: inMemory },
};

const memorySessions: { cut(error: Error): void }[] = [];

function inMemory(site: Site): () => void {
  const engine = site.io.engine as unknown as { onWebTransportSession(...args: unknown[]): unknown };
  const platform = memoryWebTransport((session, address) => {
    memorySessions.push(session);
    const { pathname, search } = new URL(address);
    void engine.onWebTransportSession(session, { url: pathname + search });
  });
  Object.assign(globalThis, { WebTransport: platform });
  return () => Reflect.deleteProperty(globalThis, "WebTransport");
}

interface Scene {
  readonly site: Site;
  readonly client: ClientSocket;
  readonly socket: Socket;
  /** GETs of sessions. */
  readonly responses: () => number;
}

async function scene(way: Way, { recycleBytes = 131_072, resume = true } = {}): Promise<Scene> {
  const transports = ["polling", "websocket", "stream", "sse", "iframe", "jsonp", "webtransport"];
  const options = { streams: { recycleBytes }, resume, maxHttpBufferSize: 2e6, transports };
  const server = way.server ?? "sockeye";
  const site = await startSite(
    server,
    server === "sockeye" ? (options as never) : { maxHttpBufferSize: 4e6 },
  );
  ends.push(() => site.end());
  const undo = way.prepare?.(site);
  if (undo) ends.push(undo);
  let responses = 0;
  site.http.on("request", ({ method, url }) => {
    if (method === "GET" && url?.includes("sid=")) responses += 1;
  });
  const client = io(site.url, {
    forceNew: true,
    reconnectionDelay: 10,
    reconnectionDelayMax: 30,
    ...way.options,
  }) as unknown as ClientSocket;
  ends.push(() => client.disconnect());
  await once(client, "connect");
  const socket = await serverHalf(site, client);
  return { site, client, socket, responses: () => responses };
}

const reasonOf = async (half: ClientSocket | Socket): Promise<unknown> => (await once(half, "disconnect"))[0];

describe.each(Object.entries(WAYS))("over %s", (name, way) => {
  it("events, acknowledgements and bytes arrive, both ways", async () => {
    const { client, socket } = await scene(way);
    expect(name).toContain(client.io.engine.transport.name);
    const values = ["</script>\u2028\\n\r\n\0%ž€😀", { deep: [Uint8Array.of(0, 255, 10, 13)] }, null, ""];
    const got = ["</script>\u2028\\n\r\n\0%ž€😀", { deep: [Buffer.from([0, 255, 10, 13])] }, null, ""];
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      to.on("echo", (...args: unknown[]) => (args.pop() as (...args: unknown[]) => void)(...args));
      expect(
        await new Promise((resolve) => from.emit("echo", ...values, (...args: unknown[]) => resolve(args))),
      ).toEqual(got);
    }
  });

  it("10,000 messages each way keep their order, whatever ends and begins anew meanwhile", async () => {
    const { client, socket, responses } = await scene(way, { recycleBytes: 4096 });
    const many = Array.from({ length: 10_000 }, (_, n) => n);
    const up: number[] = [];
    const down: number[] = [];
    socket.on("n", (n: number) => up.push(n));
    client.on("n", (n: number) => down.push(n));
    for (const n of many) {
      client.emit("n", n);
      socket.emit("n", n);
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => up.length + down.length >= 20_000, "all to arrive", 15_000);
    expect({ up, down }).toEqual({ up: many, down: many });
    if (way.recycles) expect(responses()).toBeGreaterThan(1);
  });

  it("messages of 1 MB arrive whole, text and bytes, both ways", async () => {
    const { client, socket } = await scene(way);
    const text = "ž".repeat(400_000);
    const bytes = Buffer.alloc(600_000, "0123456789");
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "large");
      from.emit("large", text, bytes);
      const [gotText, gotBytes] = await heard;
      expect(gotText === text).toBe(true);
      expect(bytes.equals(gotBytes as Buffer)).toBe(true);
    }
  });

  it("either side closes, and both know why", async () => {
    const first = await scene(way);
    const atServer = reasonOf(first.socket);
    first.client.disconnect();
    expect(await atServer).toBe("client namespace disconnect");
    first.client.connect();
    await once(first.client, "connect");
    const socket = await serverHalf(first.site, first.client);
    const atClient = reasonOf(first.client);
    socket.disconnect(true);
    expect(await atClient).toBe("io server disconnect");
  });

  it("a client that is cut off goes on, and what either side emits meanwhile arrives", async () => {
    if (way.server !== undefined) return;
    const { site, client, socket } = await scene(way);
    const told: unknown[] = [];
    for (const half of [client, socket]) half.on("disconnect", (reason: unknown) => told.push(reason));
    const [up, down]: [unknown[], unknown[]] = [[], []];
    socket.on("n", (...args: unknown[]) => up.push(args));
    client.on("n", (...args: unknown[]) => down.push(args));
    await writable(socket);
    for (let n = 0; n < 2; n++) {
      client.emit("n", n, Buffer.of(n));
      socket.emit("n", n, Buffer.of(n));
      cutOff(site, socket);
      await until(() => up.length === n + 1 && down.length === n + 1, "the events");
    }
    const expected = [0, 1].map((n) => [n, Buffer.of(n)]);
    expect([
      up,
      down.map((args) =>
        (args as [number, Buffer]).map((arg) => (typeof arg === "number" ? arg : Buffer.from(arg))),
      ),
      told,
    ]).toEqual([expected, expected, []]);
  });

  it("a client that is cut off and does not count comes back, and what it emits meanwhile arrives", async () => {
    const { site, client, socket } = await scene(way, { resume: false });
    const heard: unknown[] = [];
    site.io.on("connection", (next) => next.on("n", (n: number) => heard.push(n)));
    const lost = Promise.all([reasonOf(client), reasonOf(socket)]);
    await writable(socket);
    cutOff(site, socket);
    for (const reason of await lost) expect(reason).toMatch(/^transport (close|error)$/);
    client.emit("n", 1);
    client.emit("n", 2);
    await once(client, "connect");
    await until(() => heard.length === 2, "the events");
    expect(heard).toEqual([1, 2]);
  });
});

/** Wires of TCP, or the session in memory that has none. */
function cutOff(site: Site, socket: Socket): void {
  if (socket.conn.transport.name !== "webtransport") site.cut();
  else for (const session of memorySessions.splice(0)) session.cut(new Error("cut"));
}

it("tryAllTransports goes on from a transport that cannot be opened", async () => {
  Object.assign(globalThis, { EventSource: undefined });
  try {
    const options = { transports: ["sse", "stream"], tryAllTransports: true };
    const { client } = await scene({ options });
    expect(client.io.engine.transport.name).toBe("stream");
  } finally {
    Object.assign(globalThis, { EventSource });
  }
});
