// What waits for a client, or from it, counts in the budget of the process, wherever it waits; and no longer once it is over.
import { connect, type Socket as NetSocket } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { CountedClient } from "../../../test/support/counted.js";
import { joinMain, openSession } from "../../../test/support/rawsocket.js";
import { once, until } from "../../../test/support/wait.js";
import { rateLimit, type Server, type ServerOptions } from "../src/index.js";
import { atEnd, type Site, serve } from "./site.js";

const MUCH = 200_000;
const CHUNK = Buffer.alloc(MUCH);

interface Visit {
  /** The connection breaks. */
  cut(): void;
}

interface Kind {
  readonly options?: ServerOptions;
  prepare?(io: Server): void;
  visit(site: Site): Promise<Visit>;
}

/** A WebSocket frame of a client, without its end. */
function beginningOfFrame(first: number, length: number, sent: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0x80 | 127;
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, Buffer.alloc(sent)]);
}

/** The TCP socket under a WebSocket. */
async function rawWire({ port }: Site): Promise<NetSocket & Visit> {
  const { wire } = await joinMain(port);
  atEnd(() => wire.end());
  const raw = (wire.ws as unknown as { _socket: NetSocket })._socket;
  return Object.assign(raw, { cut: () => wire.end() });
}

async function half(site: Site, first: number): Promise<Visit> {
  const raw = await rawWire(site);
  raw.write(beginningOfFrame(first, 2 * MUCH, MUCH));
  return raw;
}

/** A POST whose body does not end. */
async function body({ port }: Site, transport: string): Promise<Visit> {
  const client = await CountedClient.open(port, transport as "polling");
  atEnd(() => client.cut());
  const raw = connect(port, "127.0.0.1");
  raw.on("error", () => {});
  atEnd(() => raw.destroy());
  raw.write(
    `POST /socket.io/?EIO=4&transport=${transport}&sid=${client.sid} HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * MUCH}\r\n\r\n`,
  );
  raw.write("4".repeat(MUCH));
  return {
    cut: () => {
      raw.destroy();
      client.cut();
    },
  };
}

async function sends(site: Site, ...frames: (string | Uint8Array)[]): Promise<Visit> {
  const { wire } = await joinMain(site.port);
  atEnd(() => wire.end());
  wire.send(...frames);
  return { cut: () => wire.end() };
}

const HALF_EVENT = `451-["e",{"_placeholder":true,"num":0},"${"x".repeat(MUCH)}"]`;
const UNCOUNTED = { resume: false } as const;

const KINDS: Record<string, Kind> = {
  "half a WebSocket frame": { visit: (site) => half(site, 0x82) },
  "half a WebSocket frame, with compression agreed on": {
    options: { perMessageDeflate: true },
    visit: (site) => half(site, 0x82),
  },
  "half a WebSocket frame, of another engine": {
    options: { wsEngine: WebSocketServer as never },
    visit: (site) => half(site, 0x82),
  },
  "a message without its last fragment": {
    visit: async (site) => {
      const raw = await rawWire(site);
      const whole = beginningOfFrame(0x02, MUCH, MUCH);
      raw.write(whole);
      return raw;
    },
  },
  "a POST that has not ended": { options: UNCOUNTED, visit: (site) => body(site, "polling") },
  "a POST of a stream that has not ended": { options: UNCOUNTED, visit: (site) => body(site, "stream") },
  "JSON that waits for its attachment": { visit: (site) => sends(site, HALF_EVENT) },
  "an attachment that waits for another": {
    visit: (site) =>
      sends(site, '452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', CHUNK),
  },
  "what a reader does not read": {
    options: { limits: { maxOutboundBytes: 1e9 } },
    visit: async (site) => {
      const { wire, sid } = await joinMain(site.port);
      atEnd(() => wire.end());
      wire.ws.pause();
      for (let n = 0; n < 200; n++) {
        site.io.in(sid).emit("fill", CHUNK);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { cut: () => wire.end() };
    },
  },
  "what waits for the poll of one who is away": {
    visit: async (site) => {
      const client = await CountedClient.open(site.port, "polling");
      atEnd(() => client.cut());
      const connected = once(site.io, "connection");
      await client.send("0");
      await connected;
      await client.received(1);
      client.cut();
      await until(() => site.io.metrics().suspended === 1, "the session to be suspended");
      site.io.emit("fill", CHUNK);
      return { cut: () => client.cut() };
    },
  },
  "what a client has not acknowledged": {
    visit: async (site) => {
      const client = await CountedClient.open(site.port, "websocket");
      atEnd(() => client.cut());
      const connected = once(site.io, "connection");
      await client.send("0");
      await connected;
      site.io.emit("fill", CHUNK);
      await client.received(2);
      return { cut: () => client.cut() };
    },
  },
  "what waits for a client that is away": {
    visit: async (site) => {
      const client = await CountedClient.open(site.port, "websocket");
      const connected = once(site.io, "connection");
      await client.send("0");
      await connected;
      await client.received(1);
      client.cut();
      await until(() => site.io.metrics().suspended === 1, "the session to be suspended");
      for (let n = 0; n < 3; n++) site.io.emit("fill", CHUNK);
      return { cut: () => {} };
    },
  },
  "an event that a middleware thinks about": {
    prepare: (io) => {
      io.on("connection", (socket) => {
        socket.use(async () => new Promise(() => {}));
      });
    },
    visit: (site) => sends(site, `42["e","${"x".repeat(MUCH)}"]`),
  },
  "an event that a rate limit thinks about": {
    prepare: (io) => {
      io.use(rateLimit({ store: { take: () => new Promise<number>(() => {}) } }));
    },
    visit: (site) => sends(site, `42["e","${"x".repeat(MUCH)}"]`),
  },
  "what a client says of itself": {
    options: { limits: { maxAuthBytes: 1e6 } },
    visit: async (site) => {
      const { wire } = await openSession(site.port);
      atEnd(() => wire.end());
      wire.send(`40{"a":"${"x".repeat(MUCH)}"}`);
      await wire.nextMessage();
      return { cut: () => wire.end() };
    },
  },
};

const ENDINGS: Record<string, (site: Site, visit: Visit) => unknown> = {
  "its connection breaks": (_site, visit) => visit.cut(),
  "the server disconnects it": ({ io }, visit) => {
    io.disconnectSockets(true);
    visit.cut();
  },
  "the server closes": async ({ io, http }, visit) => {
    http.closeAllConnections();
    const closed = io.close();
    // One that does not read is given 30 s.
    visit.cut();
    await closed;
  },
};

const held = (io: Server): number => io.metrics().heldBytes;

describe.each(Object.entries(KINDS))("%s counts", (_what, { options, prepare, visit }) => {
  it.each(Object.entries(ENDINGS))("until %s", async (_how, end) => {
    const site = await serve({
      pingInterval: 300,
      pingTimeout: 700,
      resume: { windowMs: 500 },
      ...options,
    });
    const { io } = site;
    prepare?.(io);
    expect(held(io)).toBe(0);
    const visitor = await visit(site);
    await until(() => held(io) >= MUCH, "it to count");
    await end(site, visitor);
    await until(() => held(io) === 0, "it to count no longer");
  });
});
