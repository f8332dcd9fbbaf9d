// Nothing that `emit` accepts costs anybody a connection: at each entry of both ends, and in the answers.

import { createServer } from "node:http";
import { runInNewContext } from "node:vm";
import {
  io as dialOurs,
  type ManagerOptions,
  type Socket as OurSocket,
  type SocketOptions,
} from "@sockeye/client";
import { createMsgpackCodec as clientMsgpack } from "@sockeye/client/msgpack";
import { Server as OurServer, type ServerOptions } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { afterEach, describe, expect, it } from "vitest";
import { optionsFor, startSite, WAYS } from "../support/servers.js";
import { once, until } from "../support/wait.js";

type Emitter = (event: never, ...args: unknown[]) => unknown;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: ServerOptions = {}): Promise<{ io: OurServer; url: string }> {
  const http = createServer();
  const io = new OurServer(http, options);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  ends.push(() => {
    http.closeAllConnections();
    return io.close();
  });
  const address = http.address();
  return { io, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
}

async function join(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Promise<OurSocket> {
  const client = dialOurs(url, { forceNew: true, transports: ["websocket"], ...options });
  ends.push(() => client.disconnect());
  await once(client as never, "connect");
  return client;
}

const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
const refused = (code: string): unknown => expect.objectContaining({ code });

/** No names, at either library. */
const NAMES: readonly unknown[] = [
  undefined,
  null,
  {},
  [],
  ["x"],
  true,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1n,
  Symbol("x"),
  () => {},
];

describe("a name that is none", () => {
  it("is refused at every entry, and nobody is lost", async () => {
    const { io, url } = await serve();
    const client = await join(url);
    await until(() => io.sockets.sockets.size === 1, "the socket");
    const [socket] = io.sockets.sockets.values();
    const waiting = dialOurs(url, { forceNew: true, autoConnect: false });
    const retrying = await join(url, { retries: 1 });
    const lost: unknown[] = [];
    for (const each of [client, retrying]) each.on("disconnect", (reason) => lost.push(reason));
    const entries: Record<string, Emitter> = {
      "socket.emit": (...args) => socket?.emit(...args),
      "socket.volatile": (...args) => socket?.volatile.emit(...args),
      "socket.timeout": (...args) => socket?.timeout(10).emit(...args),
      "socket.compress": (...args) => socket?.compress(true).emit(...args),
      "socket.broadcast": (...args) => socket?.broadcast.emit(...args),
      "socket.emitWithAck": (...args) => socket?.emitWithAck(...args),
      "io.emit": (...args) => io.emit(...args),
      "io.to": (...args) => io.to("r").emit(...args),
      "io.emitWithAck": (...args) => io.emitWithAck(...args),
      "io.of": (...args) => io.of("/").volatile.emit(...args),
      "io.serverSideEmit": (...args) => io.serverSideEmit(...args),
      "client.emit": (...args) => client.emit(...args),
      "client.volatile": (...args) => client.volatile.emit(...args),
      "client.timeout": (...args) => client.timeout(10).emit(...args),
      "client.emitWithAck": (...args) => client.emitWithAck(...args),
      "before there is a connection": (...args) => waiting.emit(...args),
      "with retries": (...args) => retrying.emit(...args),
    };
    for (const [entry, emit] of Object.entries(entries)) {
      for (const name of NAMES) {
        expect(() => emit(name as never, 1), `${entry} of ${String(name)}`).toThrow(
          refused("ERR_BAD_EVENT_NAME"),
        );
      }
    }
    // Numbers are names, as with Socket.IO.
    const heard = once(client as never, 7 as never);
    socket?.emit(7 as never, "seven");
    expect(await heard).toEqual(["seven"]);
    expect(lost).toEqual([]);
  });

  it("control: on Socket.IO it costs the connection", async () => {
    const site = await startSite("socket.io 4");
    ends.push(() => site.end());
    const client = await join(site.url, { reconnection: false });
    const lost = once(client as never, "disconnect");
    site.io.emit(undefined as never, 1);
    expect((await lost)[0]).toBe("parse error");
  });
});

describe.each(WAYS)("what a server sends, over %s", (way) => {
  it("the client measures nothing", async () => {
    const { io, url } = await serve({
      maxHttpBufferSize: 1e8,
      limits: { maxJsonDepth: 5000, maxAttachments: 100, maxEventNameLength: 5000, maxOutboundBytes: 1e9 },
    });
    const client = await join(url, optionsFor(way) as object);
    const lost: unknown[] = [];
    client.on("disconnect", (reason) => lost.push(reason));
    const got: string[] = [];
    client.onAny((event) => got.push(event.slice(0, 8)));
    io.emit("bytes", Buffer.alloc(12e6));
    io.emit("deep", deep(2000));
    io.emit("n".repeat(4000));
    io.emit("pieces", ...Array(60).fill(Buffer.from("x")));
    io.emit("last");
    await until(() => got.at(-1) === "last", "the last");
    expect(got).toEqual(["bytes", "deep", "nnnnnnnn", "pieces", "last"]);
    expect(lost).toEqual([]);
    // And it may send as much back.
    for (const args of [[deep(2000)], Array(60).fill(Buffer.from("x"))]) {
      const heard = once([...io.sockets.sockets.values()][0] as never, "back");
      client.emit("back", ...args);
      await heard;
    }
  });
});

describe("with MessagePack", () => {
  it("the client measures nothing", async () => {
    const limits = { maxJsonDepth: 500, maxEventNameLength: 5000 };
    const { io, url } = await serve({ parser: createMsgpackCodec(limits), limits });
    const client = await join(url, { parser: clientMsgpack() });
    const got: string[] = [];
    client.onAny((event) => got.push(event.slice(0, 4)));
    io.emit("deep", deep(400));
    io.emit("n".repeat(4000));
    await until(() => got.length === 2, "both");
    expect(() => client.emit("x", deep(400))).not.toThrow();
  });
});

describe("what a server must not send", () => {
  it("is refused at the call: what its limits do not let in, no client of theirs would take", async () => {
    const { io, url } = await serve();
    const client = await join(url);
    const lost: unknown[] = [];
    client.on("disconnect", (reason) => lost.push(reason));
    const eleven = Array(11).fill(Buffer.from("x"));
    const [socket] = io.sockets.sockets.values();
    const tooMany = refused("ERR_TOO_MANY_ATTACHMENTS");
    expect(() => io.emit("x", ...eleven)).toThrow(tooMany);
    expect(() => io.to("r").emit("x", { deep: eleven })).toThrow(tooMany);
    expect(() => socket?.emit("x", eleven)).toThrow(tooMany);
    expect(() => socket?.volatile.emit("x", eleven)).toThrow(tooMany);
    expect(() => io.emit("x", deep(100))).toThrow(refused("ERR_UNENCODABLE"));
    await expect(io.emitWithAck("x", ...eleven)).rejects.toEqual(tooMany);
    const heard = once(client as never, "ten");
    io.emit("ten", ...eleven.slice(1));
    expect(await heard).toHaveLength(10);
    expect(lost).toEqual([]);
  });
});

describe.each(["websocket", "polling", "stream"])("what a client must not send, over %s", (transport) => {
  it("is refused by the limits that its server has told", async () => {
    const { io, url } = await serve({
      transports: ["polling", "websocket", "stream"],
      maxHttpBufferSize: 10_000,
      limits: {
        maxAttachments: 3,
        maxBinaryEventBytes: 12_000,
        maxJsonDepth: 5,
        maxEventNameLength: 20,
        maxNamespaceLength: 30,
      },
    });
    const client = await join(url, { transports: [transport], upgrade: false, retries: 0 });
    const lost: unknown[] = [];
    client.on("disconnect", (reason) => lost.push(reason));
    const rows: readonly (readonly [code: string, event: string, ...args: unknown[]])[] = [
      ["ERR_PACKET_TOO_LARGE", "x", "a".repeat(10_000)],
      ["ERR_PACKET_TOO_LARGE", "x", "€".repeat(4000)],
      ["ERR_PACKET_TOO_LARGE", "x", Buffer.alloc(10_001)],
      ["ERR_BINARY_EVENT_TOO_LARGE", "x", Buffer.alloc(6000), Buffer.alloc(6001)],
      [
        "ERR_TOO_MANY_ATTACHMENTS",
        "x",
        1,
        Buffer.alloc(1),
        [Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1)],
      ],
      ["ERR_UNENCODABLE", "x", deep(5)],
      ["ERR_BAD_EVENT_NAME", "n".repeat(21)],
    ];
    for (const [code, event, ...args] of rows) {
      expect(() => client.emit(event, ...args), code).toThrow(refused(code));
      expect(() => client.volatile.emit(event, ...args), code).toThrow(refused(code));
      await expect(client.timeout(1000).emitWithAck(event, ...args)).rejects.toEqual(refused(code));
    }
    // Each one less is taken.
    const got: unknown[] = [];
    const [socket] = io.sockets.sockets.values();
    socket?.onAny((event) => got.push(event));
    client.emit("n".repeat(20));
    client.emit("x", "a".repeat(9980));
    client.emit("x", Buffer.alloc(transport === "polling" ? 7000 : 9997));
    client.emit("x", ...Array(3).fill(Buffer.alloc(1)));
    client.emit("x", deep(4));
    await until(() => got.length === 5, "all");
    const chat = client.io.socket(`/${"c".repeat(40)}`);
    expect((await once(chat as never, "connect_error"))[0]).toEqual(refused("ERR_NAMESPACE_TOO_LONG"));
    expect(lost).toEqual([]);
  });
});

describe("what was emitted before the server has said what it takes", () => {
  it.each<[string, string, ...args: unknown[]]>([
    ["ERR_PACKET_TOO_LARGE", "large", "a".repeat(20_000)],
    ["ERR_UNENCODABLE", "deep", deep(150)],
    ["ERR_UNENCODABLE", "deep", { inside: deep(100) }, Buffer.alloc(1)],
    ["ERR_TOO_MANY_ATTACHMENTS", "eleven", ...Array(11).fill(Buffer.alloc(1))],
    ["ERR_BAD_EVENT_NAME", "n".repeat(1025)],
  ])("is dropped by itself, and told: %s", async (code, event, ...args) => {
    const { io, url } = await serve({ maxHttpBufferSize: 10_000 });
    const got: unknown[] = [];
    io.on("connection", (socket) => socket.onAny((event) => got.push(event)));
    const client = dialOurs(url, { forceNew: true, transports: ["websocket"], autoConnect: false });
    ends.push(() => client.disconnect());
    const lost: unknown[] = [];
    client.on("disconnect", (reason) => lost.push(reason));
    client.emit("first");
    const answer = client.timeout(5000).emitWithAck(event, ...args);
    client.emit("last");
    client.connect();
    await expect(answer).rejects.toEqual(refused(code));
    await until(() => got.length === 2, "the others");
    expect(got).toEqual(["first", "last"]);
    expect(lost).toEqual([]);
  });
});

it.each(["websocket", "polling"])(
  "auth that is nested too deep is refused once, over %s",
  async (transport) => {
    const { url } = await serve();
    for (const name of ["sockeye", "socket.io-client 4"] as const) {
      const { io: dial } = await (await import("../support/servers.js")).loadClient(name);
      const client = dial(url, { ...optionsFor(transport as "polling"), auth: { a: deep(150) } });
      ends.push(() => client.disconnect());
      const lost: unknown[] = [];
      client.on("disconnect", (reason) => lost.push(reason));
      const [error] = (await once(client as never, "connect_error")) as [Error];
      expect(error.message).toMatch(name === "sockeye" ? /nested too deep/ : /^Auth payload too large$/);
      expect(client.active).toBe(false);
      expect(lost).toEqual([]);
    }
  },
);

describe("answers", () => {
  it.each<[string, unknown[], string]>([
    ["a BigInt", [1n], "ERR_UNENCODABLE"],
    ["too many pieces of bytes", Array(11).fill(Buffer.from("x")), "ERR_TOO_MANY_ATTACHMENTS"],
    ["too many levels", [deep(100)], "ERR_UNENCODABLE"],
  ])(
    "with %s are refused where they are given, at both ends, and another may be given",
    async (_title, args, code) => {
      const { io, url } = await serve();
      const errors: unknown[] = [];
      const handler = (ack: (...args: unknown[]) => void): void => {
        try {
          ack(...args);
        } catch (error) {
          errors.push(error);
          ack("instead");
        }
      };
      io.on("connection", (socket) => socket.on("ask", handler as never));
      const client = await join(url);
      client.on("ask", handler as never);
      expect(await client.timeout(5000).emitWithAck("ask")).toBe("instead");
      const [socket] = io.sockets.sockets.values();
      expect(await socket?.timeout(5000).emitWithAck("ask")).toBe("instead");
      expect(errors).toEqual([refused(code), refused(code)]);
    },
  );
});

describe("terms without an end", () => {
  const NO_END = {
    maxHttpBufferSize: Number.POSITIVE_INFINITY,
    pingInterval: Number.POSITIVE_INFINITY,
    pingTimeout: Number.POSITIVE_INFINITY,
  };

  it.each([
    ["sockeye", "sockeye"],
    ["sockeye", "socket.io-client 4"],
    ["socket.io 4", "sockeye"],
  ] as const)("server %s, client %s: they connect and talk", async (server, name) => {
    // Timers of Node.js take such a time for none, and npm's server does not know that.
    const { maxHttpBufferSize } = NO_END;
    const site = await startSite(server, server === "sockeye" ? NO_END : { maxHttpBufferSize });
    ends.push(() => site.end());
    const { loadClient } = await import("../support/servers.js");
    const { io: dial } = await loadClient(name);
    site.io.on("connection", (socket) => socket.on("ask", (ack: (n: number) => void) => ack(1)));
    for (const way of WAYS) {
      const client = dial(site.url, { forceNew: true, ...optionsFor(way) });
      await once(client, "connect");
      expect(await client.timeout(5000).emitWithAck("ask")).toBe(1);
      client.disconnect();
    }
  });
});

describe.each(WAYS)("bytes of any kind in events, over %s", (way) => {
  const realm = runInNewContext(
    "({ view: Uint8Array.of(1, 2), buffer: Uint8Array.of(3, 4).buffer, date: new Date(0), list: [1], map: { a: 1 } })",
  ) as Record<string, unknown>;
  const floats = Float64Array.of(1.5);
  const SENT = [
    Uint8Array.of(1).buffer,
    new DataView(Uint8Array.of(1, 2, 3).buffer, 1),
    floats,
    Int32Array.of(1),
    realm["view"],
    realm["buffer"],
    Buffer.from("x"),
    realm["date"],
    realm["list"],
    realm["map"],
  ];
  const ARRIVES = [
    Buffer.of(1),
    Buffer.of(2, 3),
    Buffer.from(floats.buffer),
    Buffer.of(1, 0, 0, 0),
    Buffer.of(1, 2),
    Buffer.of(3, 4),
    Buffer.from("x"),
    "1970-01-01T00:00:00.000Z",
    [1],
    { a: 1 },
  ];

  it("arrive both ways", async () => {
    const { io, url } = await serve();
    const client = await join(url, optionsFor(way) as object);
    const [socket] = io.sockets.sockets.values();
    const there = once(client as never, "x");
    socket?.emit("x", ...SENT);
    expect(await there).toEqual(ARRIVES);
    const back = once(socket as never, "x");
    client.emit("x", ...SENT);
    expect(await back).toEqual(ARRIVES);
  });
});
