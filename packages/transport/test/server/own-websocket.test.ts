import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import {
  BINARY,
  type ClientFrame,
  CONTINUES,
  closeBody,
  encodeFrame,
  encodeFrames,
  FIN_BINARY,
  FIN_CLOSE,
  FIN_PING,
  FIN_PONG,
  FIN_TEXT,
  LAST,
  TEXT,
} from "./client-frames.js";
import { type GateServer, gateServer } from "./gate-server.js";
import { RawConnection, upgradeRequest } from "./raw-client.js";

const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";

/** Opens a WebSocket by hand, with these bytes in the same packet as the request. */
async function open({ port }: GateServer, glued: Uint8Array = new Uint8Array()): Promise<RawConnection> {
  const connection = RawConnection.to(port).write(
    Buffer.concat([Buffer.from(upgradeRequest(WEBSOCKET)), glued]),
  );
  await connection.until('0{"sid"');
  return connection;
}

const only = ({ acceptor }: GateServer) => {
  const session = [...acceptor.sessions.values()].at(-1);
  if (session === undefined) throw new Error("no session");
  return session;
};

/** A server that sends back every message. */
async function echoServer(options: Parameters<typeof gateServer>[0]): Promise<GateServer> {
  const server = await gateServer(options);
  server.acceptor.onFrame = (session, frame) => session.transport.send([new EncodedPacket(frame)]);
  return server;
}

interface Outcome {
  /** Every byte that the server wrote, summed up. */
  readonly written: string;
  /** The code of its close frame. */
  readonly closed: number | undefined;
  readonly reasons: readonly string[];
}

/** What a server that echoes does with these bytes, up to the end of the connection. */
async function outcome(webSockets: "own" | "ws", chunks: readonly Uint8Array[]): Promise<Outcome> {
  const server = await echoServer({ webSockets });
  const connection = await open(server);
  for (const chunk of chunks) {
    connection.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await connection.over;
  await vi.waitFor(() => expect(server.connections.size).toBe(0));
  // Ours names the limit, which `ws` does not.
  const received = connection.received.replace(`\x88\x28${TOO_LARGE}`, "\x88\x02\x03\xf1");
  const close = Buffer.from(received.slice(received.lastIndexOf("\x88")), "latin1");
  return {
    written: `${received.length} bytes, ${createHash("sha1").update(received).digest("hex")}`,
    closed: close.length > 2 ? close.readUInt16BE(2) : undefined,
    reasons: only(server).endings.map(({ reason }) => reason),
  };
}

const TOO_LARGE = "\x03\xf1ERR_PACKET_TOO_LARGE (maxMessageBytes)";
const GOODBYE: ClientFrame = { first: FIN_CLOSE, payload: closeBody(1000, "bye") };
const FISH = Buffer.from("4🐟");
const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 100_000];

type Row = readonly [name: string, frames: readonly ClientFrame[], code: number | undefined];

/** The cases that test suites of WebSocket servers have, in short. The code is that of the server's close frame. */
const rows: readonly Row[] = [
  ...sizes.map((size): Row => [`an echo of ${size} characters`, [text("x".repeat(size)), GOODBYE], 1000]),
  ...sizes.map((size): Row => [`an echo of ${size} bytes`, [bytes(size), GOODBYE], 1000]),
  ["an echo beyond ASCII", [text("4žluťoučký 日本語 🐟".repeat(50)), GOODBYE], 1000],
  ["30 echoes", [...Array.from({ length: 30 }, (_, n) => text(`4${n}`)), GOODBYE], 1000],
  ["a ping", [{ first: FIN_PING }, GOODBYE], 1000],
  ["a ping of 125 bytes", [{ first: FIN_PING, payload: "x".repeat(125) }, GOODBYE], 1000],
  ["a ping of 126 bytes", [{ first: FIN_PING, payload: "x".repeat(126) }], 1002],
  ["ten pings", [...new Array<ClientFrame>(10).fill({ first: FIN_PING, payload: "x" }), GOODBYE], 1000],
  ["a pong that nobody asked for", [{ first: FIN_PONG, payload: "x" }, GOODBYE], 1000],
  [
    "fragments with pings between",
    [
      { first: TEXT, payload: FISH.subarray(0, 2) },
      { first: FIN_PING, payload: "1" },
      { first: CONTINUES, payload: FISH.subarray(2, 4) },
      { first: FIN_PING, payload: "2" },
      { first: LAST, payload: FISH.subarray(4) },
      GOODBYE,
    ],
    1000,
  ],
  ["empty fragments", [{ first: BINARY }, { first: CONTINUES }, { first: LAST }, GOODBYE], 1000],
  ["a fragmented ping", [{ first: FIN_PING & ~LAST, payload: "x" }], 1002],
  ["a continuation of nothing", [{ first: LAST, payload: "x" }], 1002],
  ["a message within another", [{ first: TEXT, payload: "4a" }, text("4b")], 1002],
  ["a message over the limit", [{ first: FIN_BINARY, declared: 1_000_001n }], 1009],
  ["a message over the limit together", [bytes(600_000, BINARY), { first: LAST, declared: 400_001n }], 1009],
  [
    "a text that is not UTF-8",
    [{ first: FIN_TEXT, payload: Buffer.from([0xce, 0xba, 0xed, 0xa0, 0x80]) }],
    1007,
  ],
  ["a cut character", [text("4a"), { first: FIN_TEXT, payload: FISH.subarray(0, 3) }], 1007],
  ["a frame without a mask", [{ first: FIN_TEXT, payload: "4a", masked: false }], 1002],
  ...[0x10, 0x20, 0x40].map((bit): Row => [`the reserved bit ${bit}`, [{ first: FIN_TEXT | bit }], 1002]),
  ...[3, 5, 7, 11, 15].map((opcode): Row => [`the opcode ${opcode}`, [{ first: LAST | opcode }], 1002]),
  ["a close without a code", [{ first: FIN_CLOSE }], undefined],
  ["a close with half a code", [{ first: FIN_CLOSE, payload: "x" }], 1002],
  ["a close of 126 bytes", [{ first: FIN_CLOSE, payload: closeBody(1000, "x".repeat(124)) }], 1002],
  ["a reason that is not UTF-8", [{ first: FIN_CLOSE, payload: closeBody(1000, Buffer.from([0xff])) }], 1007],
  ["a message behind a close", [GOODBYE, text("4late"), { first: FIN_PING }], 1000],
  ...[1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
    (code): Row => [`a close with ${code}`, [{ first: FIN_CLOSE, payload: closeBody(code, "why") }], code],
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): Row => [`a close with ${code}`, [{ first: FIN_CLOSE, payload: closeBody(code) }], 1002],
  ),
];

function text(payload: string): ClientFrame {
  return { first: FIN_TEXT, payload };
}

function bytes(length: number, first = FIN_BINARY): ClientFrame {
  return { first, payload: Uint8Array.from({ length }, (_, index) => index) };
}

describe("a WebSocket of our own answers as ws does, byte for byte", () => {
  it.each(rows)("%s", async (_name, frames, code) => {
    const sent = encodeFrames(...frames);
    const theirs = await outcome("ws", [sent]);
    expect(await outcome("own", [sent])).toEqual(theirs);
    expect(await outcome("own", [sent.subarray(0, 5), sent.subarray(5)])).toEqual(theirs);
    // Nothing comes behind the close frame.
    expect(theirs.closed).toBe(code);
    const orderly = frames.some(({ first, payload }) => first === FIN_CLOSE && payload === GOODBYE.payload);
    if (orderly) expect(theirs.reasons).toEqual(["transport close"]);
  });
});

describe("a WebSocket of our own", () => {
  it("reads what is glued to the request", async () => {
    const server = await echoServer({});
    const connection = await open(server, encodeFrames(text("4first"), text("4second")));
    await connection.until("4second");
    const frames = connection.received.split("\r\n\r\n")[1] ?? "";
    expect(frames.slice(2)).toBe(
      `0{"sid":"${[...server.acceptor.sessions.keys()][0]}"}\x81\x064first\x81\x074second`,
    );
    connection.reset();
  });

  it("sends the first frames in the same packet as the answer to the request of a browser", async () => {
    const server = await gateServer();
    const connection = RawConnection.to(server.port);
    const first = new Promise<string>((resolve) => connection.socket.once("data", resolve));
    connection.write(upgradeRequest(`${WEBSOCKET}&resume=offer`, { Origin: "http://127.0.0.1" }));
    expect(await first).toContain('0{"sid"');
    connection.reset();
  });

  it("leaves nothing of Node's HTTP server on the socket, and shares its own listeners", async () => {
    const server = await gateServer();
    const connections = [await open(server), await open(server)];
    const [a, b] = [...server.connections];
    if (a === undefined || b === undefined) throw new Error("no connections");
    for (const event of ["data", "drain", "close"]) {
      expect(a.listeners(event).filter((listener) => b.listeners(event).includes(listener))).toHaveLength(1);
    }
    expect(a.listenerCount("data")).toBe(1);
    expect(a.listenerCount("timeout")).toBe(0);
    expect(a.timeout ?? 0).toBe(0);
    for (const connection of connections) connection.reset();
  });

  it("closes, waits for the peer's close frame, and drops what comes before it", async () => {
    const server = await gateServer();
    const connection = await open(server);
    const session = only(server);
    session.transport.close("goodbye");
    session.transport.close("goodbye");
    await connection.until("\x88\x00");
    expect(session.transport.writable).toBe(false);
    connection.write(encodeFrames(text("4late"), { first: FIN_PING }));
    connection.write(encodeFrame({ first: FIN_CLOSE }));
    await connection.over;
    expect(connection.received.endsWith("\x88\x00")).toBe(true);
    expect([session.frames, session.endings]).toEqual([[], []]);
    await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
  });

  const deaf: readonly (readonly [name: string, begin: (server: GateServer, c: RawConnection) => void])[] = [
    ["its own close frame", (server) => only(server).transport.close("goodbye")],
    ["a violation", (_server, connection) => connection.write(encodeFrame({ first: 0xff }))],
  ];
  it.each(deaf)("gives a peer that does not answer %s thirty seconds", async (_name, begin) => {
    const server = await gateServer();
    const connection = await open(server);
    // Half-open on purpose: this peer never says that it is done.
    connection.socket.allowHalfOpen = true;
    begin(server, connection);
    await connection.until("\x88");
    const [socket] = [...server.connections];
    server.clock.advance(29_999);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(socket?.destroyed).toBe(false);
    server.clock.advance(1);
    await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
    connection.socket.destroy();
  });

  it("does not wait for the FIN of a peer whose close frame it has answered", async () => {
    const server = await gateServer();
    const connection = await open(server);
    connection.socket.allowHalfOpen = true;
    connection.write(encodeFrame(GOODBYE));
    await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
    connection.socket.destroy();
  });

  it("gives also a peer that closes and does not read thirty seconds", async () => {
    const server = await gateServer();
    const connection = await open(server);
    connection.socket.pause();
    const session = only(server);
    const large = new EncodedPacket(new Uint8Array(8_000_000));
    session.transport.send([large]);
    expect(session.transport.writable).toBe(false);
    connection.write(encodeFrame(GOODBYE));
    await vi.waitFor(() => expect(session.endings.map(({ reason }) => reason)).toEqual(["transport close"]));
    expect(server.connections.size).toBe(1);
    server.clock.advance(30_000);
    await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
    connection.reset();
  });

  const ends: readonly (readonly [name: string, sent: Buffer, end: (c: RawConnection) => void])[] = [
    ["a FIN", Buffer.alloc(0), (connection) => connection.socket.end()],
    ["a reset", Buffer.alloc(0), (connection) => connection.reset()],
    ["a FIN in half a frame", encodeFrame(text("4hello")).subarray(0, 8), (c) => c.socket.end()],
    ["a reset in half a header", Buffer.from([FIN_TEXT]), (connection) => connection.reset()],
    ["a reset between fragments", encodeFrame({ first: TEXT, payload: "4" }), (c) => c.reset()],
  ];
  it.each(ends)("ends with %s", async (_name, sent, end) => {
    const server = await gateServer();
    const connection = await open(server);
    connection.write(sent);
    await new Promise((resolve) => setTimeout(resolve, 10));
    end(connection);
    await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
    const session = only(server);
    expect(session.endings).toEqual([{ reason: "transport close", cause: undefined }]);
    expect(session.transport.writable).toBe(false);
    session.send("4into the void");
  });

  it("tells why it broke", async () => {
    const server = await gateServer();
    const connection = await open(server);
    connection.write(encodeFrame({ first: FIN_TEXT, payload: "x", masked: false }));
    await connection.over;
    expect(only(server).endings).toMatchObject([
      {
        reason: "transport error",
        cause: { code: "ERR_TRANSPORT_FAILED", message: "a frame is not masked" },
      },
    ]);
  });

  it("takes no more than was declared to be too much: memory follows what comes", async () => {
    const server = await gateServer();
    const before = process.memoryUsage().arrayBuffers;
    const connections = await Promise.all(Array.from({ length: 50 }, () => open(server)));
    for (const connection of connections) {
      connection.write(encodeFrame({ first: FIN_BINARY, declared: 1_000_000n }));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    for (const connection of connections) connection.reset();
  });

  it("becomes writable again when the peer has read on, and says so", async () => {
    const server = await gateServer();
    const connection = await open(server);
    connection.socket.pause();
    const { transport } = only(server);
    const told = vi.spyOn(only(server), "writable");
    transport.send([new EncodedPacket(new Uint8Array(8_000_000))]);
    expect(transport.writable).toBe(false);
    connection.socket.resume();
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1));
    expect(transport.writable).toBe(true);
    connection.reset();
  });

  it("answers any number of pings of a peer that reads", async () => {
    const server = await gateServer();
    const connection = await open(server);
    for (let count = 0; count < 200; count++) {
      connection.write(encodeFrame({ first: FIN_PING, payload: `<${count}>` }));
      await connection.until(`\x8a${String.fromCharCode(`<${count}>`.length)}<${count}>`);
    }
    connection.reset();
  });

  it.each([60, 61, 100, 1000, 5000])(
    "answers %i pings of one packet, and what comes behind",
    async (count) => {
      const server = await echoServer({});
      const connection = await open(server);
      const pings = new Array<ClientFrame>(count).fill({ first: FIN_PING, payload: "p" });
      connection.write(encodeFrames(...pings, text("4behind")));
      await connection.until("4behind");
      expect(connection.received.split("\x8a\x01p")).toHaveLength(count + 1);
      connection.reset();
    },
  );

  it.each<[string, ClientFrame]>([
    ["the peer's close frame", GOODBYE],
    ["a bad frame", { first: LAST | 3 }],
    ["a text that is not UTF-8", { first: FIN_TEXT, payload: Uint8Array.of(0xff) }],
  ])("sends what waits until the end of the turn before it answers %s", async (_what, last) => {
    const server = await gateServer({ webSockets: "own" });
    const connection = await open(server);
    const { transport } = only(server);
    // As a session does, which writes once at the end of the turn, or when it is asked.
    let waiting: EncodedPacket[] = [];
    transport.bind({
      frame: () => waiting.push(new EncodedPacket("4reply")),
      writable: () => {
        if (waiting.length > 0) transport.send(waiting);
        waiting = [];
      },
      ended: () => {},
    });
    connection.write(encodeFrames(text("4hi"), last));
    await connection.over;
    const [before = "", after = ""] = connection.received.split("4reply");
    expect(before).not.toContain("\x88");
    expect(after[0]).toBe("\x88");
  });
});

it("500 connections, however they end, leave no pipe, no timer and no socket", async () => {
  const server = await gateServer();
  const ends: readonly ((connection: RawConnection) => unknown)[] = [
    (connection) => connection.write(encodeFrame(GOODBYE)),
    (connection) => connection.reset(),
    (connection) => connection.socket.end(),
    (connection) => connection.write(encodeFrame({ first: 0xff })),
    (connection) => connection.write(encodeFrame({ first: TEXT, payload: "half" })).socket.end(),
    (connection) => {
      only(server).transport.close("goodbye");
      connection.write(encodeFrame({ first: FIN_CLOSE }));
    },
  ];
  const pipes: WeakRef<object>[] = [];
  for (let count = 0; count < 500; count++) {
    const connection = await open(server);
    pipes.push(new WeakRef(only(server).transport));
    ends[count % ends.length]?.(connection);
    await connection.over;
    server.acceptor.sessions.clear();
  }
  await vi.waitFor(() => expect([server.connections.size, server.clock.pendingTimers]).toEqual([0, 0]));
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  await vi.waitFor(() => {
    gc();
    // The engine may still hold the last one in a register or an inline cache.
    expect(pipes.filter((pipe) => pipe.deref() !== undefined).length).toBeLessThan(5);
  });
}, 30_000);
