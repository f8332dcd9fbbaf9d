import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ChunkFrameDecoder } from "@sockeye/codec/chunk-frames";
import type { Frame } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { LineDecoder } from "../../packages/transport/src/client/escaped-payload.js";
import { httpRequest } from "../../packages/transport/src/client/node/http.js";
import { readBody } from "../../packages/transport/src/server/request/request-body.js";
import { FrameReader, type FrameSink } from "../../packages/transport/src/server/websocket/frame-reader.js";
import { WebTransportPipe } from "../../packages/transport/src/shared/webtransport-pipe.js";
import { usedBytes } from "../support/memory.js";
import { countPieces, oneByteChunks } from "../support/pieces.js";
import { turn, until } from "../support/wait.js";

// Bytes cost what they weigh, however they are cut: whoever sends decides how small the pieces are, on every way in.

/** Bytes held for one that has come: a buffer that has just doubled is half empty. */
const MOST = 4;
/** What code and counters take. */
const SLACK = 400_000;
/** What a piece lies in: the network reads into memory that is larger than what comes. */
const SLAB = 1024;

/** A way in that has taken some bytes of something that has not ended. */
interface Way {
  take(piece: Buffer): void;
  /** So that it is alive when memory is looked at. */
  readonly held: () => unknown;
}

function pieceOf(bytes: readonly number[]): Buffer {
  const slab = Buffer.allocUnsafeSlow(SLAB);
  slab.set(bytes);
  return slab.subarray(0, bytes.length);
}

const sink: FrameSink = {
  text() {},
  binary() {},
  ping() {},
  goodbye() {},
  violation: (_code, what) => {
    throw new Error(what);
  },
};

function body(): Way {
  const req = Object.assign(new EventEmitter(), { headers: {}, resume() {} });
  readBody(req as unknown as IncomingMessage, 1e9, () => {});
  return { take: (piece) => req.emit("data", piece), held: () => req };
}

function chunkFrame(): Way {
  const decoder = new ChunkFrameDecoder(1e9);
  decoder.write(Buffer.from([127, 0, 0, 0, 0, 1, 0, 0, 0]));
  return { take: (piece) => decoder.write(piece), held: () => decoder.pending };
}

function line(): Way {
  const decoder = new LineDecoder();
  return { take: (piece) => decoder.write(piece), held: () => decoder.write(Buffer.alloc(0)) };
}

function webSocketFrame(): Way {
  const reader = new FrameReader(sink, 1e9);
  reader.read(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]));
  return { take: (piece) => reader.read(piece), held: () => reader.stop() };
}

function webSocketMessage(): Way {
  const reader = new FrameReader(sink, 1e9);
  reader.read(Buffer.from([0x02, 0x80, 0, 0, 0, 0]));
  return { take: (piece) => reader.read(piece), held: () => reader.stop() };
}

function webTransport(): Way {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const readable = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  const never = new Promise<never>(() => {});
  const session = {
    ready: never,
    closed: never,
    close() {},
    incomingBidirectionalStreams: new ReadableStream(),
  };
  const pipe = new WebTransportPipe(
    session,
    { readable, writable: new WritableStream() },
    { maxFrameBytes: 1e9 },
  );
  const frames: Frame[] = [];
  pipe.bind({ frame: (_from, frame) => frames.push(frame), writable() {}, ended() {} });
  controller?.enqueue(Buffer.from([127, 0, 0, 0, 0, 1, 0, 0, 0]));
  return { take: (piece) => controller?.enqueue(piece), held: () => [pipe, frames] };
}

const ONE = [0x34];
/** A masked frame that goes on, of one byte or of none. */
const FRAGMENT = [0x00, 0x81, 0, 0, 0, 0, 0x34];
const EMPTY_FRAGMENT = [0x00, 0x80, 0, 0, 0, 0];
const MANY = 100_000;
/** As many as a message may have. */
const FRAGMENTS = 16_000;

describe("bytes that come one by one", () => {
  it.each<[string, () => Way, readonly number[], number]>([
    ["a body of HTTP", body, ONE, MANY],
    ["a body of HTTP, in pieces of 16 bytes", body, Array(16).fill(0x34), MANY],
    ["a frame of a stream", chunkFrame, ONE, MANY],
    ["a frame of a stream, in empty pieces", chunkFrame, [], MANY],
    ["a line of a stream", line, ONE, MANY],
    ["a line of a stream, in letters of three bytes", line, [0xe2, 0x82, 0xac], MANY],
    ["a line of a stream, in empty pieces", line, [], MANY],
    ["a frame of a WebSocket", webSocketFrame, ONE, MANY],
    ["a frame of a WebSocket, in empty pieces", webSocketFrame, [], MANY],
    ["a WebSocket message in fragments", webSocketMessage, FRAGMENT, FRAGMENTS],
    ["a WebSocket message in empty fragments", webSocketMessage, EMPTY_FRAGMENT, FRAGMENTS],
    ["a frame of WebTransport", webTransport, ONE, MANY],
    ["a frame of WebTransport, in empty pieces", webTransport, [], MANY],
  ])("%s: are held as what they weigh", async (_name, open, bytes, count) => {
    const way = open();
    await turn();
    const before = await usedBytes();
    for (let n = 0; n < count; n++) {
      way.take(pieceOf(bytes));
      // What is read by promises needs its turns.
      if (n % 1000 === 0) await turn();
    }
    await turn();
    const held = (await usedBytes()) - before;
    expect(way.held()).not.toBe(way);
    expect(held).toBeLessThan(MOST * bytes.length * count + SLACK);
  });
});

const CHUNKS = 200_000;

describe("answers of a server", () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  it("in one-byte chunks are held as what they weigh", { timeout: 60_000 }, async () => {
    const pieces = countPieces();
    ends.push(pieces.end);
    let wire: Socket | undefined;
    const server = createServer((socket) => {
      wire = socket;
      socket.on("error", () => {});
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const options = { withCredentials: false, requestTimeoutMs: 0 };
    const { answer } = httpRequest(`http://127.0.0.1:${port}/`, options);
    await until(() => wire !== undefined, "the request");
    const before = await usedBytes();
    for (let n = 0; n < CHUNKS; n += 10_000) {
      wire?.write(oneByteChunks(10_000));
      await until(() => pieces.count >= n + 10_000, "the pieces to come");
    }
    expect((await usedBytes()) - before).toBeLessThan(MOST * CHUNKS + 2 * SLACK);
    wire?.end("0\r\n\r\n");
    expect((await answer).responseText).toBe("4".repeat(CHUNKS));
  });
});
