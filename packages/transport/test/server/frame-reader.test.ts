import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ws from "ws";
import { FrameReader, type FrameSink } from "../../src/server/websocket/frame-reader.js";
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

const LIMIT = 100_000;

class Log implements FrameSink {
  readonly told: string[] = [];
  readonly messages: Buffer[] = [];
  onMessage: () => void = () => {};
  text(message: string): void {
    this.told.push(`text ${message}`);
    this.onMessage();
  }
  binary(message: Buffer): void {
    this.told.push(`binary ${message.toString("hex")}`);
    this.messages.push(message);
    this.onMessage();
  }
  ping(payload: Buffer): void {
    this.told.push(`ping ${payload.toString("hex")}`);
  }
  goodbye(body: Buffer): void {
    this.told.push(`close ${body.toString("hex")}`);
  }
  violation(code: number): void {
    this.told.push(`violation ${code}`);
  }
}

function read(chunks: readonly Uint8Array[], limit = LIMIT): string[] {
  const log = new Log();
  const reader = new FrameReader(log, limit);
  // The reader writes into its chunks.
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return log.told;
}

/** What the reader of the `ws` package makes of the same chunks. */
async function readByWs(chunks: readonly Uint8Array[], maxPayload = LIMIT): Promise<string[]> {
  const { Receiver } = ws as unknown as { Receiver: new (options: object) => import("node:stream").Writable };
  const receiver = new Receiver({ isServer: true, maxPayload, maxFragments: 16_384 });
  const told: string[] = [];
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    told.push(isBinary ? `binary ${data.toString("hex")}` : `text ${data.toString()}`),
  );
  receiver.on("ping", (data: Buffer) => told.push(`ping ${data.toString("hex")}`));
  receiver.on("conclude", (code: number, reason: Buffer) =>
    told.push(`close ${code === 1005 ? "" : closeBody(code, reason).toString("hex")}`),
  );
  receiver.on("error", (error) => {
    const status = Object.getOwnPropertySymbols(error).map((key) => Reflect.get(error, key) as unknown);
    told.push(`violation ${status.find((value) => typeof value === "number")}`);
  });
  for (const chunk of chunks) {
    if (receiver.destroyed || receiver.writableEnded || receiver.errored) break;
    receiver.write(Buffer.from(chunk));
  }
  await new Promise((resolve) => setImmediate(resolve));
  return told;
}

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] =>
  [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));

/** Whole, in two parts at every point, and byte by byte. */
function* everyCut(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield cut(bytes, [at]);
  yield [...bytes].map((byte) => Buffer.from([byte]));
}

const rows: readonly (readonly [name: string, frames: readonly ClientFrame[]])[] = [
  ["a text", [{ first: FIN_TEXT, payload: "4hello" }]],
  ["an empty text", [{ first: FIN_TEXT }]],
  ["a text beyond ASCII", [{ first: FIN_TEXT, payload: "žluťoučký 日本語 🐟" }]],
  ["text with a mask of zeros", [{ first: FIN_TEXT, payload: "4hello", mask: [0, 0, 0, 0] }]],
  ["bytes", [{ first: FIN_BINARY, payload: Uint8Array.from({ length: 40 }, (_, i) => i * 7) }]],
  ["no bytes", [{ first: FIN_BINARY }]],
  ["several messages", [1, 2, 3].map((n) => ({ first: FIN_TEXT, payload: "x".repeat(n) }))],
  ["a length in 16 bits", [{ first: FIN_TEXT, payload: "x".repeat(126) }]],
  ["a length in more bits than it needs", [{ first: FIN_TEXT, payload: "4hi", longForm: 16 }]],
  ["a length in far more bits", [{ first: FIN_BINARY, payload: "4hi", longForm: 64 }]],
  [
    "fragments",
    [
      { first: TEXT, payload: "4a" },
      { first: CONTINUES, payload: "b" },
      { first: LAST, payload: "c" },
    ],
  ],
  ["an empty message of fragments", [{ first: BINARY }, { first: CONTINUES }, { first: LAST }]],
  [
    "a character cut by fragments, with pings between",
    [
      { first: TEXT, payload: Buffer.from("4🐟").subarray(0, 3) },
      { first: FIN_PING, payload: "now?" },
      { first: LAST, payload: Buffer.from("4🐟").subarray(3) },
      { first: FIN_PONG, payload: "unasked" },
      { first: FIN_PING },
    ],
  ],
  [
    "a close with a reason, and what must be ignored",
    [
      { first: FIN_TEXT, payload: "4a" },
      { first: FIN_CLOSE, payload: closeBody(1000, "bye") },
      { first: FIN_TEXT, payload: "4b" },
    ],
  ],
  ["a close without a code", [{ first: FIN_CLOSE }]],
  ["a text that is not UTF-8", [{ first: FIN_TEXT, payload: Buffer.from([0x34, 0xc3, 0x28]) }]],
  ["a cut character", [{ first: FIN_TEXT, payload: Buffer.from([0x34, 0xf0, 0x9f]) }]],
  ["a surrogate", [{ first: FIN_TEXT, payload: Buffer.from([0xed, 0xa0, 0x80]) }]],
  [
    "fragments that are not UTF-8 together",
    [
      { first: TEXT, payload: Buffer.from([0xc3]) },
      { first: LAST, payload: "(" },
    ],
  ],
  ["a reason that is not UTF-8", [{ first: FIN_CLOSE, payload: closeBody(1000, Buffer.from([0xff])) }]],
  ["half a status code", [{ first: FIN_CLOSE, payload: "x" }]],
  ["no mask", [{ first: FIN_TEXT, payload: "4a", masked: false }]],
  ["a continuation of nothing", [{ first: LAST, payload: "4a" }]],
  ["a message within another", [{ first: TEXT, payload: "4a" }, { first: FIN_TEXT }]],
  ["a fragmented ping", [{ first: 0x09 }]],
  ["a long ping", [{ first: FIN_PING, payload: "x".repeat(126) }]],
  ["too much at once", [{ first: FIN_BINARY, declared: 100_001n }]],
  [
    "too much together",
    [
      { first: BINARY, payload: "x" },
      { first: LAST, declared: 100_000n },
    ],
  ],
  ["beyond 2^53", [{ first: FIN_BINARY, declared: 2n ** 53n }]],
  ["beyond all numbers", [{ first: FIN_BINARY, declared: 2n ** 64n - 1n }]],
  ...[0x10, 0x20, 0x40, 0x70].map(
    (bit) => [`the reserved bits ${bit}`, [{ first: FIN_TEXT | bit }]] as const,
  ),
  ...[3, 4, 7, 11, 15].map((opcode) => [`the opcode ${opcode}`, [{ first: LAST | opcode }]] as const),
  ...[0, 999, 1000, 1004, 1005, 1006, 1007, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65_535].map(
    (code) => [`a close with ${code}`, [{ first: FIN_CLOSE, payload: closeBody(code) }]] as const,
  ),
];

describe("a reader of frames agrees with ws", () => {
  it.each(rows)("about %s, wherever it is cut", async (_name, frames) => {
    const bytes = encodeFrames(...frames);
    const expected = await readByWs([bytes]);
    expect(expected).not.toEqual([]);
    for (const chunks of everyCut(bytes)) expect(read(chunks)).toEqual(expected);
  });

  it.each([125, 126, 127, 128, 191, 192, 193, 194, 195, 65_535, 65_536, 65_537, 99_999, LIMIT, LIMIT + 1])(
    "about %i bytes, in any chunks",
    async (length) => {
      const text = "abcdefghij".repeat(length / 10 + 1).slice(0, length);
      for (const payload of [text, `${text.slice(0, length - 2)}ž`]) {
        for (const first of [FIN_TEXT, FIN_BINARY]) {
          const bytes = encodeFrame({ first, payload });
          const expected = await readByWs([bytes]);
          for (const at of [[], [1], [7], [length], [3, 5, 100], [9, length - 1]]) {
            expect(read(cut(bytes, at))).toEqual(expected);
          }
        }
      }
    },
  );

  it.each([16_383, 16_384, 16_385])("about %i fragments", async (count) => {
    for (const payload of ["", "x"]) {
      const bytes = encodeFrames(
        { first: TEXT, payload },
        ...new Array<ClientFrame>(count - 2).fill({ first: CONTINUES, payload }),
        { first: LAST, payload },
      );
      const expected = await readByWs([bytes]);
      expect(read([bytes])).toEqual(expected);
      expect(expected[0]).toMatch(count > 16_384 ? "violation 1008" : "text");
    }
  });

  it("about anything, in any chunks", async () => {
    const payload = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: "binary-ascii", maxLength: 140 }),
    );
    const mask = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
    const one = (first: number) => fc.record({ first: fc.constant(first), payload, mask }).map((f) => [f]);
    const control = fc.record({
      first: fc.constantFrom(FIN_PING, FIN_PONG),
      payload: fc.string({ maxLength: 30 }),
      mask,
    });
    const fragmented = fc
      .tuple(
        fc.constantFrom(TEXT, BINARY),
        fc.array(fc.tuple(payload, control), { minLength: 2, maxLength: 5 }),
      )
      .map(([opcode, parts]) =>
        parts.flatMap(([part, between], index): ClientFrame[] => [
          { first: (index === 0 ? opcode : 0) | (index === parts.length - 1 ? LAST : 0), payload: part },
          between,
        ]),
      );
    const broken = fc.record({
      first: fc.nat(255),
      payload: fc.uint8Array({ maxLength: 130 }),
      mask,
      masked: fc.boolean(),
    });
    const messages = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: one(FIN_TEXT) },
        { weight: 3, arbitrary: one(FIN_BINARY) },
        { weight: 3, arbitrary: fragmented },
        { weight: 2, arbitrary: control.map((frame) => [frame]) },
        { weight: 1, arbitrary: broken.map((frame) => [frame]) },
      ),
      { maxLength: 8 },
    );
    const cuts = fc.array(fc.nat(999), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(messages, cuts, async (groups, shares) => {
        const bytes = encodeFrames(...groups.flat());
        const at = shares.map((share) => Math.floor((share * bytes.length) / 1000)).sort((a, b) => a - b);
        expect(read(cut(bytes, at))).toEqual(await readByWs([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it("about pure noise", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (noise) => {
        const expected = await readByWs([noise]);
        for (const chunks of everyCut(Buffer.from(noise))) expect(read(chunks)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a reader of frames", () => {
  const message = (payload: string, first = FIN_TEXT): Buffer => encodeFrame({ first, payload });

  it("stops in the middle of a chunk when it is told to", () => {
    const log = new Log();
    const reader = new FrameReader(log, LIMIT);
    log.onMessage = () => reader.stop();
    reader.read(Buffer.concat([message("1"), message("2"), message("3").subarray(0, 4)]));
    reader.read(message("4"));
    expect(log.told).toEqual(["text 1"]);
  });

  it("stops also within a frame that came in parts", () => {
    const log = new Log();
    const reader = new FrameReader(log, LIMIT);
    log.onMessage = () => reader.stop();
    reader.read(message("1").subarray(0, 3));
    reader.read(Buffer.concat([message("1").subarray(3), message("2")]));
    expect(log.told).toEqual(["text 1"]);
  });

  it("hands out no view of a large chunk for a small message, and no copy of a large one", () => {
    const log = new Log();
    const small = message("x".repeat(100), FIN_BINARY);
    const chunk = Buffer.from(Buffer.concat(new Array<Buffer>(600).fill(small)));
    new FrameReader(log, LIMIT).read(chunk);
    expect(log.messages).toHaveLength(600);
    for (const bytes of log.messages) expect(bytes.buffer).not.toBe(chunk.buffer);
    const large = Buffer.from(message("x".repeat(60_000), FIN_BINARY));
    new FrameReader(log, LIMIT).read(large);
    expect(log.messages.at(-1)?.buffer).toBe(large.buffer);
  });

  it("takes no message that no string could hold, whatever the limit", () => {
    const bytes = encodeFrame({ first: FIN_TEXT, declared: 2n ** 32n });
    expect(read([bytes], Number.POSITIVE_INFINITY)).toEqual(["violation 1009"]);
  });

  it("takes as long for bytes that drip as for those that come at once, to an order of magnitude", () => {
    // Gathering anew with each byte would copy 125 GB here.
    const bytes = message("x".repeat(500_000), FIN_BINARY);
    const began = performance.now();
    expect(
      read(
        [...bytes].map((byte) => Uint8Array.of(byte)),
        1e6,
      ),
    ).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(4000);
  });
});
