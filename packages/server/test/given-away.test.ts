import type { Socket as NetSocket } from "node:net";
import { io as dialOurs } from "@sockeye/client";
import { createMsgpackCodec as clientMsgpack } from "@sockeye/client/msgpack";
import type { Socket } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { describe, expect, it } from "vitest";
import { once, until } from "../../../test/support/wait.js";
import { atEnd, type Site, serve } from "./site.js";

// Bytes that the app gives away: before the emit they are refused there, and after it their event is dropped. Nobody else notices.

/** Bytes, and what makes them unreadable. */
const GIFTS: readonly (readonly [title: string, make: () => { bytes: () => unknown; give: () => void }])[] = [
  [
    "memory of WebAssembly that grows",
    () => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const view = new Uint8Array(memory.buffer, 0, 100);
      return { bytes: () => view, give: () => memory.grow(1) };
    },
  ],
  ...([100, 20_000] as const).map(
    (length) =>
      [
        `a view of ${length} bytes that are transferred`,
        () => {
          const view = new Uint8Array(length);
          return { bytes: () => view, give: () => structuredClone(0, { transfer: [view.buffer] }) };
        },
      ] as const,
  ),
  [
    "a bare buffer that is transferred",
    () => {
      const buffer = new ArrayBuffer(8);
      return { bytes: () => buffer, give: () => structuredClone(0, { transfer: [buffer] }) };
    },
  ],
  [
    "a view of floats that is transferred",
    () => {
      const view = new Float64Array(4);
      return { bytes: () => view, give: () => structuredClone(0, { transfer: [view.buffer] }) };
    },
  ],
  [
    "a DataView that is transferred",
    () => {
      const view = new DataView(new ArrayBuffer(8));
      return { bytes: () => view, give: () => structuredClone(0, { transfer: [view.buffer] }) };
    },
  ],
  [
    "a Buffer that is transferred",
    () => {
      const buffer = Buffer.from(new ArrayBuffer(8));
      return {
        bytes: () => buffer,
        give: () => structuredClone(0, { transfer: [buffer.buffer as ArrayBuffer] }),
      };
    },
  ],
  [
    "a buffer that shrinks",
    () => {
      // TypeScript knows them from ES2024 on.
      const buffer = Reflect.construct(ArrayBuffer, [100, { maxByteLength: 200 }]) as ArrayBuffer & {
        resize(length: number): void;
      };
      const view = new Uint8Array(buffer, 50, 50);
      return { bytes: () => view, give: () => buffer.resize(10) };
    },
  ],
];

const WAYS = ["websocket", "polling", "stream"] as const;

/** Four clients; what each has heard by now. */
async function four(
  site: Site,
  options: Record<string, unknown>,
): Promise<{ sockets: Socket[]; heard: unknown[][]; ends: string[]; errors: unknown[] }> {
  const sockets: Socket[] = [];
  const heard: unknown[][] = [];
  const ends: string[] = [];
  const errors: unknown[] = [];
  site.io.on("error", (error) => errors.push(error));
  for (let index = 0; index < 4; index++) {
    const client = dialOurs(site.url, { forceNew: true, upgrade: false, ...options });
    atEnd(() => client.disconnect());
    const events: unknown[] = [];
    heard.push(events);
    client.onAny((event) => events.push(event));
    client.on("disconnect", (reason) => ends.push(reason));
    await once(client as never, "connect");
    await until(() => site.io.sockets.sockets.has(client.id ?? ""), "the server's half");
    sockets.push(site.io.sockets.sockets.get(client.id ?? "") as Socket);
  }
  return { sockets, heard, ends, errors };
}

describe.each([
  ...WAYS.map((transport) => ({ title: transport, server: {}, client: { transports: [transport] } })),
  { title: "websocket, not counted", server: { resume: false }, client: { transports: ["websocket"] } },
  {
    title: "websocket, compressed",
    server: { perMessageDeflate: { threshold: 0 } },
    client: { transports: ["websocket"], perMessageDeflate: true },
  },
])("over $title", ({ server, client }) => {
  const start = async (): Promise<Awaited<ReturnType<typeof four>> & { site: Site }> => {
    const site = await serve({ transports: [...WAYS], ...server });
    return { site, ...(await four(site, client)) };
  };

  it.each(GIFTS)("%s: after the emit, its event is dropped, and that is all", async (_title, make) => {
    const { site, sockets, heard, ends, errors } = await start();
    const { bytes, give } = make();
    const [a, b, c, d] = sockets;
    a?.emit("x");
    b?.emit("frame", bytes());
    b?.emit("behind");
    c?.emit("x");
    d?.emit("x");
    give();
    await until(() => errors.length > 0, "the report");
    site.io.emit("later");
    await until(() => heard.every((events) => events.at(-1) === "later"), "all to hear the last");
    expect(heard).toEqual([
      ["x", "later"],
      ["behind", "later"],
      ["x", "later"],
      ["x", "later"],
    ]);
    expect(ends).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ code: "ERR_UNWRITABLE" })]);
  });

  it.each(GIFTS)("%s: after a broadcast, nobody gets it, and nobody is lost", async (_title, make) => {
    const { site, heard, ends, errors } = await start();
    const { bytes, give } = make();
    site.io.emit("before");
    site.io.emit("frame", bytes());
    site.io.emit("behind");
    give();
    await until(() => heard.every((events) => events.at(-1) === "behind"), "all to hear the last");
    expect(heard).toEqual(Array(4).fill(["before", "behind"]));
    expect(ends).toEqual([]);
    expect(errors.length).toBeGreaterThan(0);
  });

  it.each(GIFTS)("%s: before the emit it is refused there", async (_title, make) => {
    const { site, sockets, heard, errors } = await start();
    const { bytes, give } = make();
    const given = bytes();
    give();
    const refusal = expect.objectContaining({ code: "ERR_UNENCODABLE" });
    expect(() => sockets[0]?.emit("frame", given)).toThrow(refusal);
    expect(() => site.io.emit("frame", { deep: [given] })).toThrow(refusal);
    site.io.emit("later");
    await until(() => heard.every((events) => events.at(-1) === "later"), "all to hear the last");
    expect(heard).toEqual(Array(4).fill(["later"]));
    expect(errors).toEqual([]);
  });
});

describe("with MessagePack", () => {
  it.each(GIFTS)("%s: it is copied by the emit, and refused before", async (_title, make) => {
    const site = await serve({ parser: createMsgpackCodec() });
    const { heard, errors } = await four(site, { transports: ["websocket"], parser: clientMsgpack() });
    const { bytes, give } = make();
    site.io.emit("frame", bytes());
    const given = bytes();
    give();
    expect(() => site.io.emit("frame", given)).toThrow(expect.objectContaining({ code: "ERR_UNENCODABLE" }));
    site.io.emit("later");
    await until(() => heard.every((events) => events.at(-1) === "later"), "all to hear the last");
    expect(heard).toEqual(Array(4).fill(["frame", "later"]));
    expect(errors).toEqual([]);
  });
});

describe("raw messages", () => {
  it.each(GIFTS)("%s: dropped as well", async (_title, make) => {
    const site = await serve();
    const { sockets, heard, errors, ends } = await four(site, { transports: ["websocket"] });
    const { bytes, give } = make();
    const given = bytes();
    // Its peer takes bytes without an event for a breach of the protocol, so what matters is who else is served.
    sockets[1]?.conn.send(given as Uint8Array);
    for (const socket of sockets) socket.emit("x");
    give();
    await until(() => errors.length > 0, "the report");
    await until(() => heard.every((events) => events.length === 1), "all to hear it");
    expect(ends).toEqual([]);
  });
});

describe.each(["websocket", "stream"])("bytes that a slow reader has not taken, over %s", (way) => {
  it("arrive as they were, though the app has given their memory away", async () => {
    const site = await serve();
    const client = dialOurs(site.url, { transports: [way] });
    atEnd(() => client.disconnect());
    const connections: NetSocket[] = [];
    site.http.on("connection", (socket: NetSocket) => connections.push(socket));
    await once(client, "connect");
    await until(() => site.io.sockets.sockets.size === 1, "the server's half");
    const sums: number[] = [];
    client.on("frame", (bytes: Uint8Array) => sums.push(bytes.reduce((sum, byte) => sum + byte, 0)));
    // More than the network takes at once. What it has taken is not known to anybody but the kernel.
    const bytes = new Uint8Array(6_000_000).fill(1);
    site.io.emit("small", "x");
    site.io.emit("frame", bytes.subarray(100));
    site.io.emit("after");
    await until(() => connections.some(({ bytesWritten }) => bytesWritten > 1e6), "a part");
    await new Promise((resolve) => setImmediate(resolve));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await once(client, "after");
    expect(sums).toEqual([5_999_900]);
  });
});
