// Our client and our server over a way that takes longer for a message than the heartbeats allow for silence.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Socket as ClientSocket, io as dial } from "@sockeye/client";
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import { EventSource } from "eventsource";
import { Server as StockServer } from "socket.io";
import { io as dialStock } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocketServer } from "ws";
import { once } from "../support/wait.js";
import { SlowProxy } from "./slow-proxy.js";

const HEARTBEATS = { pingInterval: 600, pingTimeout: 600 };
const BYTES_PER_SECOND = 80_000;

const ends: (() => unknown)[] = [];
beforeEach(() => vi.stubGlobal("EventSource", EventSource));
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllGlobals();
});

interface Way {
  readonly name: string;
  readonly transport: string;
  readonly server?: Partial<ServerOptions>;
  /** Does the client see what has come of a message, and not only the whole? */
  readonly sees: boolean;
}

const WAYS: readonly Way[] = [
  { name: "websocket", transport: "websocket", sees: true },
  {
    name: "websocket, compressed",
    transport: "websocket",
    server: { perMessageDeflate: true },
    sees: true,
  },
  {
    name: "websocket over ws",
    transport: "websocket",
    server: { wsEngine: WebSocketServer } as Partial<ServerOptions>,
    sees: true,
  },
  { name: "websocket without counting", transport: "websocket", server: { resume: false }, sees: true },
  { name: "polling", transport: "polling", sees: true },
  { name: "polling without counting", transport: "polling", server: { resume: false }, sees: true },
  { name: "stream", transport: "stream", sees: true },
  { name: "sse", transport: "sse", sees: false },
];

interface Stage {
  readonly proxy: SlowProxy;
  readonly client: ClientSocket;
  readonly socket: Socket;
  /** What both ends hear of the connection. */
  readonly log: string[];
}

async function stage({ transport, server }: Way): Promise<Stage> {
  const http = createServer();
  const io = new Server(http, {
    transports: ["polling", "websocket", "stream", "sse"],
    ...HEARTBEATS,
    ...server,
  } as ServerOptions);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(async () => {
    const closed = io.close();
    http.closeAllConnections();
    await closed;
  });
  const proxy = await SlowProxy.start((http.address() as AddressInfo).port, BYTES_PER_SECOND);
  ends.push(() => proxy.stop());
  const log: string[] = [];
  const arrived = once(io, "connection");
  const client = dial(proxy.url, { forceNew: true, transports: [transport], reconnection: false });
  ends.push(() => client.disconnect());
  // A session in which nothing is joined yet is not resumed.
  const joined = once(client as never, "connect");
  const [socket] = (await arrived) as [Socket];
  await joined;
  client.on("disconnect", (reason) => log.push(`client: disconnect ${reason}`));
  client.io.engine.on("suspend", () => log.push("client: suspend"));
  socket.on("disconnect", (reason) => log.push(`server: disconnect ${reason}`));
  return { proxy, client, socket, log };
}

/** Bytes that do not compress. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, seed = 1; at < length; at++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[at] = seed >> 16;
  }
  return bytes;
}

describe("a message that takes longer than the heartbeats allow for silence", () => {
  const kinds = WAYS.flatMap((way) =>
    (["up", "down"] as const).flatMap((direction) =>
      (["text", "binary"] as const).map((kind) => ({ way, direction, kind, name: way.name })),
    ),
  );

  it.each(kinds)(
    "arrives $direction over $name, as $kind",
    async ({ way, direction, kind }) => {
      const { proxy, client, socket, log } = await stage(way);
      const [from, to] = direction === "up" ? [client, socket] : [socket, client];
      // Where the client does not see it come, the next try has four times as long.
      const bytes = noise(way.sees || direction === "up" ? 120_000 : 100_000);
      const payload =
        kind === "text" ? bytes.toString("base64") : [bytes.subarray(0, 50_000), bytes.subarray(50_000)];
      (to as Socket).on("much", (value: unknown, ack: (n: number) => void) =>
        ack(JSON.stringify(value).length),
      );
      (to as Socket).on("little", (ack: () => void) => ack());
      const much = (from as Socket).emitWithAck("much", payload);
      const little = (from as Socket).emitWithAck("little");
      const answer = await much;
      expect(answer).toBe(JSON.stringify(payload).length);
      await little;
      if (way.sees || direction === "up") {
        expect(log).toEqual([]);
        // It was sent once.
        if (direction === "up") expect(proxy.upBytes).toBeLessThan(1.5 * payloadBytes(payload));
      } else {
        expect(log.filter((line) => line !== "client: suspend")).toEqual([]);
      }
    },
    20_000,
  );
});

it("Socket.IO ends with `ping timeout`", async () => {
  const http = createServer();
  const io = new StockServer(http, { ...HEARTBEATS });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  const proxy = await SlowProxy.start((http.address() as AddressInfo).port, BYTES_PER_SECOND);
  ends.push(() => proxy.stop());
  const client = dialStock(proxy.url, { transports: ["websocket"], reconnection: false });
  ends.push(() => client.disconnect());
  await once(client, "connect");
  const ended = once(client, "disconnect");
  client.emit("much", noise(160_000).toString("base64"));
  expect((await ended)[0]).toMatch(/ping timeout|transport close/);
});

function payloadBytes(payload: string | readonly Uint8Array[]): number {
  if (typeof payload === "string") return payload.length;
  // In base64, at most.
  return payload.reduce((bytes, { length }) => bytes + length, 0) * (4 / 3);
}
