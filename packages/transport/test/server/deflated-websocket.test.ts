import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, deflateRawSync } from "node:zlib";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  BINARY,
  type ClientFrame,
  CONTINUES,
  encodeFrame,
  encodeFrames,
  FIN_BINARY,
  FIN_CLOSE,
  FIN_PING,
  FIN_TEXT,
  LAST,
  TEXT,
} from "./client-frames.js";
import { type FakeSession, type GateServer, gateServer } from "./gate-server.js";
import { RawConnection, upgradeRequest } from "./raw-client.js";

// A WebSocket with permessage-deflate, over a real connection: the handshake, both directions, and what a peer may do to it.

const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";
const OFFER = "permessage-deflate; client_max_window_bits";
const COMPRESSED = 0x40;
const AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const deflated = (payload: string | Uint8Array): Buffer =>
  deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

const served: GateServer[] = [];

async function serve(options: Parameters<typeof gateServer>[0] = {}): Promise<GateServer> {
  const server = await gateServer(options);
  served.push(server);
  return server;
}

afterEach(() => {
  for (const { connections } of served.splice(0)) for (const socket of connections) socket.destroy();
});

/** Opens one by hand that offers permessage-deflate. */
async function open({ port }: GateServer, offer = OFFER): Promise<RawConnection> {
  const connection = RawConnection.to(port).write(
    upgradeRequest(WEBSOCKET, { "Sec-WebSocket-Extensions": offer }),
  );
  // The first frame may be compressed.
  await connection.until("\r\n\r\n");
  return connection;
}

const extensionsOf = ({ received }: RawConnection): string | undefined =>
  /^Sec-WebSocket-Extensions: (.*)$/m.exec(received)?.[1]?.trim();

function only({ acceptor }: GateServer): FakeSession {
  const session = [...acceptor.sessions.values()].at(-1);
  if (session === undefined) throw new Error("no session");
  return session;
}

/** The code of the close frame that ended it. */
async function closeCode(connection: RawConnection): Promise<number> {
  const start = (): number => connection.received.indexOf("\x88");
  await until(() => start() >= 0 && connection.received.length >= start() + 4);
  return Buffer.from(connection.received, "latin1").readUInt16BE(start() + 2);
}

/** On a later turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 8000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function heard(session: FakeSession, count: number): Promise<Frame[]> {
  await until(() => session.frames.length >= count || session.endings.length > 0);
  return session.frames;
}

/** Stands for a large frame in comparisons. */
function digest(frame: Frame): string {
  return `${typeof frame} ${createHash("sha1").update(frame).digest("hex")}`;
}

/** The `ws` client, and what it gets. */
async function client({ port }: GateServer, options: object | boolean = true) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${WEBSOCKET}`, { perMessageDeflate: options as boolean });
  const agreed = once(ws, "upgrade").then(([{ headers }]) => headers["sec-websocket-extensions"]);
  const got: (string | Buffer)[] = [];
  let wake = (): void => {};
  ws.on("message", (data: Buffer, isBinary) => {
    got.push(isBinary ? data : data.toString());
    wake();
  });
  const received = async (count: number): Promise<(string | Buffer)[]> => {
    while (got.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return got;
  };
  await received(1);
  got.length = 0;
  return { ws, received, agreed };
}

describe("the handshake", () => {
  it.each([
    ["no offer", undefined, undefined],
    ["an offer", "permessage-deflate", AGREED],
    [
      "an offer of a smaller window",
      "permessage-deflate; server_max_window_bits=10",
      `${AGREED}; server_max_window_bits=10`,
    ],
    ["an unknown extension", "x-unknown", undefined],
    ["an offer that cannot be taken", "permessage-deflate; server_max_window_bits=8", undefined],
  ])("answers %s", async (_name, offer, expected) => {
    const connection = await open(await serve({ perMessageDeflate: true }), offer ?? "");
    expect(extensionsOf(connection)).toBe(expected);
  });

  it("refuses a malformed header with 400, and only where it matters", async () => {
    const request = upgradeRequest(WEBSOCKET, { "Sec-WebSocket-Extensions": "permessage-deflate; =" });
    const on = await serve({ perMessageDeflate: true });
    const refused = RawConnection.to(on.port).write(request);
    await refused.over;
    expect(refused.received).toMatch(/^HTTP\/1.1 400 /);
    expect(on.acceptor.sessions.size).toBe(0);
    const off = await serve();
    await RawConnection.to(off.port).write(request).until('0{"sid"');
  });

  it("needs no ws, unless the app demands context takeover", async () => {
    const pipes: string[] = [];
    for (const perMessageDeflate of [
      true,
      { serverNoContextTakeover: false },
      { clientNoContextTakeover: false },
    ]) {
      const server = await serve({ perMessageDeflate });
      const connection = await open(server);
      pipes.push(`${only(server).transport.constructor.name}: ${extensionsOf(connection)}`);
    }
    expect(pipes).toEqual([
      `OwnWebSocketPipe: ${AGREED}`,
      "WebSocketPipe: permessage-deflate",
      "WebSocketPipe: permessage-deflate",
    ]);
  });

  it("makes a gate refuse options that make no sense", async () => {
    await expect(serve({ perMessageDeflate: { threshold: "all" } })).rejects.toMatchObject({
      code: "ERR_BAD_OPTION",
    });
  });

  it("still carries messages with context takeover where that is demanded", async () => {
    const server = await serve({ perMessageDeflate: { serverNoContextTakeover: false, threshold: 0 } });
    const { ws, received } = await client(server);
    expect(ws.extensions).toBe("permessage-deflate");
    only(server).transport.send([
      new EncodedPacket("4one".repeat(500)),
      new EncodedPacket("4one".repeat(500)),
    ]);
    expect(await received(2)).toEqual(["4one".repeat(500), "4one".repeat(500)]);
    ws.terminate();
  });
});

describe("what the server sends", () => {
  it("stands in frames that say so, from the threshold on", async () => {
    const server = await serve({ perMessageDeflate: { threshold: 50 } });
    const connection = await open(server);
    const text = `4${"ab".repeat(100)}`;
    // OPEN leaves a moment after the 101.
    await connection.until("}");
    const before = connection.received.length;
    only(server).transport.send([
      new EncodedPacket("4short"),
      new EncodedPacket(text),
      new EncodedPacket(text, [], false),
      new EncodedPacket("4end"),
    ]);
    const received = (await connection.until("4end")).slice(before);
    const payload = deflated(text).toString("latin1");
    const compressed = `\xc1${String.fromCharCode(payload.length)}${payload}`;
    expect(received).toBe(`\x81\x064short${compressed}\x81\x7e\x00\xc9${text}\x81\x044end`);
  });

  it.each([9, 12, 15])(
    "is read by ws, in order, small and large, text and bytes, with a window of %i bits",
    async (bits) => {
      const server = await serve({ perMessageDeflate: { threshold: 100 } });
      const { ws, received, agreed } = await client(server, { serverMaxWindowBits: bits });
      expect(await agreed).toBe(`${AGREED}; server_max_window_bits=${bits}`);
      const session = only(server);
      const packets = Array.from({ length: 40 }, (_, index) => {
        const size = [5, 500, 20_000, 100_000][index % 4] as number;
        return index % 3 === 0
          ? new EncodedPacket(`4${index}`, [randomBytes(size), Buffer.alloc(size, index)])
          : new EncodedPacket(`4${index}${"text€".repeat(size / 5)}`);
      });
      // Those that come while the pipe is not writable must wait, even if nobody asks it.
      for (let from = 0; from < packets.length; from += 4)
        session.transport.send(packets.slice(from, from + 4));
      const expected = packets.flatMap(({ head, attachments }) => [head, ...attachments]);
      expect((await received(expected.length)).map(digest)).toEqual(expected.map(digest));
      ws.terminate();
    },
  );

  it("is not writable while a large packet is compressed, and says when it is again", async () => {
    const server = await serve({ perMessageDeflate: true });
    const { ws, received } = await client(server);
    const { transport } = only(server);
    const writable = new Promise<void>((resolve) => {
      transport.bind({ frame: () => {}, writable: () => resolve(), ended: () => {} });
    });
    transport.send([new EncodedPacket(`4${"x".repeat(100_000)}`)]);
    expect(transport.writable).toBe(false);
    await writable;
    expect(transport.writable).toBe(true);
    transport.send([new EncodedPacket("4after")]);
    expect((await received(2))[1]).toBe("4after");
    ws.terminate();
  });

  it("arrives before the close frame, even if it is being compressed", async () => {
    const server = await serve({ perMessageDeflate: true });
    const { ws, received } = await client(server);
    const { transport } = only(server);
    const text = `4${"x".repeat(100_000)}`;
    const closed = once(ws, "close");
    transport.send([new EncodedPacket(text)]);
    transport.close("goodbye");
    expect(await received(1)).toEqual([text]);
    expect((await closed)[0]).toBe(1005);
  });

  it("is dropped without harm if the peer is gone before it is compressed", async () => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    const session = only(server);
    session.transport.send([new EncodedPacket(`4${"x".repeat(3_000_000)}`)]);
    connection.reset();
    await until(() => session.endings.length > 0);
    expect(session.transport.writable).toBe(false);
    const { ws, received } = await client(server);
    only(server).transport.send([new EncodedPacket("4on")]);
    expect(await received(1)).toEqual(["4on"]);
    ws.terminate();
  });

  it("is compressed once for all receivers", async () => {
    const server = await serve({ perMessageDeflate: true });
    const clients = await Promise.all([client(server), client(server), client(server, false)]);
    const packet = new EncodedPacket(`4${"x".repeat(2000)}`);
    for (const session of server.acceptor.sessions.values()) session.transport.send([packet]);
    for (const { received, ws } of clients) {
      expect(await received(1)).toEqual([packet.head]);
      ws.terminate();
    }
    expect((packet.wire as { deflated: unknown[] }).deflated).toHaveLength(1);
  });

  it("does not hold up the event loop, even if it is large", async () => {
    const server = await serve({ perMessageDeflate: true });
    const { ws } = await client(server);
    const text = `4${randomBytes(5_000_000).toString("hex")}`;
    const packet = new EncodedPacket(text);
    const began = performance.now();
    only(server).transport.send([packet]);
    const blocked = performance.now() - began;
    const finished = performance.now();
    await until(() => only(server).transport.writable);
    expect(blocked).toBeLessThan((performance.now() - finished) / 2);
    ws.terminate();
  });
});

describe("what a client sends", () => {
  it("is read with and without compression, whole and in pieces", async () => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    const text = `4${"€uro".repeat(100)}`;
    const packed = deflated(text);
    connection.write(
      encodeFrames(
        { first: FIN_TEXT | COMPRESSED, payload: packed },
        { first: FIN_TEXT, payload: "4plain" },
        { first: TEXT | COMPRESSED, payload: packed.subarray(0, 3) },
        { first: FIN_PING, payload: "hi" },
        { first: CONTINUES, payload: packed.subarray(3, 9) },
        { first: LAST | CONTINUES, payload: packed.subarray(9) },
        { first: FIN_BINARY | COMPRESSED, payload: deflated(Buffer.alloc(300)) },
        { first: FIN_TEXT | COMPRESSED, payload: Buffer.from([0]) },
        // A block that says that it is the last one. RFC 7692, section 7.2.3.4
        {
          first: FIN_TEXT | COMPRESSED,
          payload: Buffer.concat([deflateRawSync("4final"), Buffer.from([0])]),
        },
      ),
    );
    expect(await heard(only(server), 6)).toEqual([text, "4plain", text, Buffer.alloc(300), "", "4final"]);
    await connection.until("\x8a\x02hi");
  });

  it("is delivered in order, also where large messages are unpacked by another thread", async () => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    const large = `4${randomBytes(50_000).toString("hex")}`;
    const frames: ClientFrame[] = [];
    const expected: string[] = [];
    for (let index = 0; index < 30; index++) {
      const text = index % 3 === 0 ? `${large}${index}` : `4${index}`;
      expected.push(text);
      frames.push(
        index % 2 === 0
          ? { first: FIN_TEXT | COMPRESSED, payload: deflated(text) }
          : { first: FIN_TEXT, payload: text },
      );
    }
    const bytes = encodeFrames(...frames);
    for (let at = 0; at < bytes.length; at += 30_001) connection.write(bytes.subarray(at, at + 30_001));
    expect(await heard(only(server), 30)).toEqual(expected);
  });

  it("is compressed by ws, with any window, and read", async () => {
    const server = await serve({ perMessageDeflate: true });
    for (const clientMaxWindowBits of [true, 9, 15]) {
      const { ws } = await client(server, { threshold: 0, clientMaxWindowBits });
      const session = only(server);
      const texts = [10, 1000, 300_000].map((size) => `4${"abc".repeat(size)}`);
      for (const text of texts) ws.send(text);
      ws.send(Buffer.alloc(5000, 7));
      expect(await heard(session, 4)).toEqual([...texts, Buffer.alloc(5000, 7)]);
      ws.terminate();
    }
  });

  it.each<[name: string, frames: ClientFrame[], code: number]>([
    [
      "a small bomb",
      [{ first: FIN_TEXT | COMPRESSED, payload: deflated(Buffer.alloc(2_000_000, 0x34)) }],
      1009,
    ],
    [
      "a large bomb",
      [{ first: FIN_TEXT | COMPRESSED, payload: deflated(Buffer.alloc(50_000_000, 0x34)) }],
      1009,
    ],
    [
      "a bomb in pieces",
      [
        { first: TEXT | COMPRESSED, payload: deflated(Buffer.alloc(50_000_000, 0x34)).subarray(0, 20_000) },
        { first: LAST | CONTINUES, payload: deflated(Buffer.alloc(50_000_000, 0x34)).subarray(20_000) },
      ],
      1009,
    ],
    [
      "one byte more than the limit",
      [{ first: FIN_BINARY | COMPRESSED, payload: deflated(Buffer.alloc(1_000_001)) }],
      1009,
    ],
    ["what cannot be unpacked", [{ first: FIN_TEXT | COMPRESSED, payload: Buffer.alloc(100, 0xff) }], 1007],
    ["much that cannot", [{ first: FIN_TEXT | COMPRESSED, payload: Buffer.alloc(100_000, 0xff) }], 1007],
    [
      "a text that is not UTF-8",
      [{ first: FIN_TEXT | COMPRESSED, payload: deflated(Buffer.alloc(9, 0xff)) }],
      1007,
    ],
    ["a compressed ping", [{ first: FIN_PING | COMPRESSED, payload: "" }], 1002],
    ["a compressed close", [{ first: FIN_CLOSE | COMPRESSED, payload: "" }], 1002],
    [
      "a piece that is compressed by itself",
      [
        { first: BINARY, payload: "a" },
        { first: LAST | CONTINUES | COMPRESSED, payload: "b" },
      ],
      1002,
    ],
    ["another reserved bit", [{ first: FIN_TEXT | COMPRESSED | 0x20, payload: "" }], 1002],
  ])("is refused if it is %s", async (_name, frames, code) => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    // What comes behind it is not heard any more.
    connection.write(
      Buffer.concat([encodeFrames(...frames), encodeFrame({ first: FIN_TEXT, payload: "4late" })]),
    );
    expect(await closeCode(connection)).toBe(code);
    expect(only(server).endings).toMatchObject([{ reason: "transport error" }]);
    expect(only(server).frames).toEqual([]);
    const next = await open(server);
    next.write(encodeFrame({ first: FIN_TEXT | COMPRESSED, payload: deflated("4alive") }));
    expect(await heard(only(server), 1)).toEqual(["4alive"]);
  });

  it("may be as large as the limit", async () => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    connection.write(
      encodeFrame({ first: FIN_BINARY | COMPRESSED, payload: deflated(Buffer.alloc(1_000_000)) }),
    );
    expect(((await heard(only(server), 1))[0] as Buffer).length).toBe(1_000_000);
  });

  it("may not be compressed if that was not agreed on", async () => {
    const connection = await open(await serve({ perMessageDeflate: true }), "");
    connection.write(encodeFrame({ first: FIN_TEXT | COMPRESSED, payload: deflated("4") }));
    expect(await closeCode(connection)).toBe(1002);
  });

  it("is not waited for if the peer goes while it is unpacked", async () => {
    const server = await serve({ perMessageDeflate: true });
    const connection = await open(server);
    const session = only(server);
    const payload = deflated(randomBytes(400_000).toString("hex"));
    connection.write(encodeFrame({ first: FIN_TEXT | COMPRESSED, payload }));
    connection.reset();
    await until(() => session.endings.length > 0);
    expect(session.endings).toHaveLength(1);
    await open(server);
  });
});
