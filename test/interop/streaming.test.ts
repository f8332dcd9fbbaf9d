// Our client and our server over the transports that stream, beyond what the matrix asks of all transports.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io, type Options, SseTransport, StreamTransport } from "@sockeye/client";
import { Server, type Socket } from "@sockeye/server";
import { EventSource } from "eventsource";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { once } from "../support/wait.js";

beforeAll(() => {
  Object.assign(globalThis, { EventSource });
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const WAYS: Readonly<Record<string, Options>> = {
  stream: { transports: ["stream"] },
  "stream in text": { transports: ["stream"], forceBase64: true },
  "stream by its class": { transports: [StreamTransport] },
  sse: { transports: ["sse"] },
  "sse by its class": { transports: [SseTransport] },
};

async function connect(options: Options, recycleBytes: number) {
  const http = createServer();
  const server = new Server(http, { streams: { recycleBytes }, maxHttpBufferSize: 2e6 });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  let responses = 0;
  http.on("request", ({ method, url }) => {
    if (method === "GET" && url?.includes("sid=")) responses += 1;
  });
  const client = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    forceNew: true,
    reconnection: false,
    ...options,
  });
  ends.push(() => client.disconnect());
  const connected = once(client as never, "connect");
  const [socket] = (await once(server as never, "connection")) as [Socket];
  await connected;
  return { client, socket, responses: () => responses };
}

describe.each(Object.entries(WAYS))("over %s", (_name, options) => {
  it("10,000 messages each way keep their order while responses are ended and asked for again", async () => {
    const { client, socket, responses } = await connect(options, 4096);
    const many = Array.from({ length: 10_000 }, (_, n) => n);
    const got = { up: [] as number[], down: [] as number[] };
    const all = (half: typeof got.up, listen: (take: (n: number) => void) => void): Promise<void> =>
      new Promise((resolve) =>
        listen((n) => {
          half.push(n);
          if (half.length === many.length) resolve();
        }),
      );
    const done = [
      all(got.up, (take) => void socket.on("n", take)),
      all(got.down, (take) => void client.on("n", take)),
    ];
    for (const n of many) {
      client.emit("n", n);
      socket.emit("n", n);
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(done);
    expect(got).toEqual({ up: many, down: many });
    expect(responses()).toBeGreaterThan(1);
  });

  it("messages of 1 MB arrive whole, text and bytes, both ways", async () => {
    const { client, socket } = await connect(options, 131_072);
    const text = "ž".repeat(400_000);
    const bytes = Buffer.alloc(600_000, "0123456789");
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to as never, "large");
      from.emit("large", text, bytes);
      const [gotText, gotBytes] = await heard;
      expect(gotText === text).toBe(true);
      expect(bytes.equals(gotBytes as Buffer)).toBe(true);
    }
  });
});

it("tryAllTransports goes on from a transport that cannot be opened", async () => {
  Object.assign(globalThis, { EventSource: undefined });
  try {
    const { client } = await connect({ transports: ["sse", "stream"], tryAllTransports: true }, 4096);
    expect(client.io.engine?.transport?.name).toBe("stream");
  } finally {
    Object.assign(globalThis, { EventSource });
  }
});
