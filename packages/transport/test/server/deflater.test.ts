import { randomBytes } from "node:crypto";
import { constants, inflateRawSync, type ZlibOptions } from "node:zlib";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deflater } from "../../src/server/websocket/deflater.js";
import { type Framed, frameBatch } from "../../src/server/websocket/frame.js";
import { ZlibQueue } from "../../src/server/websocket/zlib-queue.js";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const TEXT = 0xc1;
const BINARY = 0xc2;
const PLAIN_TEXT = 0x81;
const PLAIN_BINARY = 0x82;

function deflater(windowBits = 15, threshold = 100, zlib: ZlibOptions = {}): Deflater {
  return new Deflater({ threshold, zlib, queue: new ZlibQueue(10) }, windowBits);
}

function joined(framed: Framed | undefined): Buffer {
  if (framed === undefined) throw new Error("not ready");
  return Buffer.concat(framed instanceof Uint8Array ? [framed] : framed);
}

interface Read {
  readonly first: number;
  readonly payload: Buffer;
}

function readFrames(bytes: Buffer): Read[] {
  const frames: Read[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] as number;
    let length = bytes[at + 1] as number;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    frames.push({ first, payload: bytes.subarray(at, at + length) });
    at += length;
  }
  return frames;
}

function inflate(payload: Buffer, windowBits = 15): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
}

/** What a receiver makes of frames, message by message. */
function messages(framed: Framed | undefined, windowBits?: number): Frame[] {
  return readFrames(joined(framed)).map(({ first, payload }) => {
    const bytes = first & 0x40 ? inflate(payload, windowBits) : payload;
    return (first & 0x0f) === 1 ? bytes.toString() : new Uint8Array(bytes);
  });
}

const firsts = (framed: Framed | undefined): number[] => readFrames(joined(framed)).map(({ first }) => first);
const ready = (subject: Deflater, batch: readonly EncodedPacket[]) =>
  new Promise<void>((resolve) => subject.whenReady(batch, resolve));
const long = (seed: string, length = 1000): string => `4${seed.repeat(Math.ceil(length / seed.length))}`;

describe("the frames of a Deflater", () => {
  it("have the first reserved bit set, and go without the tail of a flush", () => {
    const text = long("ab");
    const [frame, ...others] = readFrames(joined(deflater().frame([new EncodedPacket(text)])));
    expect(others).toEqual([]);
    expect(frame?.first).toBe(TEXT);
    expect(frame?.payload.subarray(-4)).not.toEqual(TAIL);
    expect(frame?.payload.length).toBeLessThan(100);
    expect(inflate(frame?.payload as Buffer).toString()).toBe(text);
  });

  it.each<[name: string, packet: EncodedPacket, threshold: number, expected: number[]]>([
    ["a text at the threshold", new EncodedPacket("a".repeat(100)), 100, [TEXT]],
    ["a text below it", new EncodedPacket("a".repeat(99)), 100, [PLAIN_TEXT]],
    ["a text that is long in bytes only", new EncodedPacket("é".repeat(50)), 100, [TEXT]],
    ["one that nearly is", new EncodedPacket("é".repeat(49)), 100, [PLAIN_TEXT]],
    ["one that asks not to be", new EncodedPacket("a".repeat(500), [], false), 100, [PLAIN_TEXT]],
    [
      "long bytes behind a short head",
      new EncodedPacket("4", [Buffer.alloc(500)]),
      100,
      [PLAIN_TEXT, BINARY],
    ],
    [
      "short bytes behind a long head",
      new EncodedPacket("4".repeat(500), [Buffer.alloc(5)]),
      100,
      [TEXT, PLAIN_BINARY],
    ],
    ["bytes as the head", new EncodedPacket(Buffer.alloc(500)), 100, [BINARY]],
    ["what becomes no smaller", new EncodedPacket("4", [randomBytes(500)]), 100, [PLAIN_TEXT, PLAIN_BINARY]],
    ["nothing", new EncodedPacket(""), 0, [PLAIN_TEXT]],
    ["no bytes", new EncodedPacket("", [Buffer.alloc(0)]), 0, [PLAIN_TEXT, PLAIN_BINARY]],
    ["anything, without a threshold", new EncodedPacket("a".repeat(20)), 0, [TEXT]],
  ])("of %s", (_name, packet, threshold, expected) => {
    const framed = deflater(15, threshold).frame([packet]);
    expect(firsts(framed)).toEqual(expected);
    const bytes = [packet.head, ...packet.attachments].map((f) =>
      typeof f === "string" ? f : new Uint8Array(f),
    );
    expect(messages(framed)).toEqual(bytes);
  });

  it.each([9, 10, 11, 12, 13, 14, 15])("can be read with a window of %i bits", async (bits) => {
    // Repeats itself at a distance that only the largest window reaches, and at short ones.
    const noise = randomBytes(15_000).toString("hex");
    const packet = new EncodedPacket(`${noise}${noise}${long("xyz", 5000)}`);
    const subject = deflater(bits);
    subject.frame([packet]);
    await ready(subject, [packet]);
    const framed = subject.frame([packet]);
    expect(firsts(framed)).toEqual([TEXT]);
    expect(messages(framed, bits)).toEqual([packet.head]);
  });

  it("keep no context: each can be read by itself, in any order", () => {
    const subject = deflater();
    const packets = ["one", "two", "three"].map((word) => new EncodedPacket(long(word)));
    const frames = packets.map((packet) => subject.frame([packet]));
    for (const index of [2, 0, 1, 1]) expect(messages(frames[index])).toEqual([packets[index]?.head]);
  });

  it("follow the options of zlib", () => {
    const packet = (): EncodedPacket => new EncodedPacket(JSON.stringify(process.versions).repeat(2));
    const sizes = [1, 9].map((level) => joined(deflater(15, 0, { level }).frame([packet()])).length);
    expect(sizes[1]).toBeLessThan(sizes[0] as number);
    const framed = deflater(15, 0, { info: true, finishFlush: 4, maxOutputLength: 1 } as ZlibOptions).frame([
      packet(),
    ]);
    expect(messages(framed)).toEqual([packet().head]);
  });

  it("are read as they were meant, whatever the batch", async () => {
    const frame = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.constantFrom(0, 99, 100, 5000, 30_000).map((size) => "ab€".repeat(size / 3)),
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(0, 99, 100, 5000, 30_000).map((size) => new Uint8Array(size)),
    );
    const packet = fc
      .tuple(frame, fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 2 }), fc.boolean())
      .map(([head, attachments, compress]) => new EncodedPacket(head, attachments, compress));
    await fc.assert(
      fc.asyncProperty(
        fc.array(packet, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 9, max: 15 }),
        async (batch, bits) => {
          const subject = deflater(bits);
          const expected = batch
            .flatMap(({ head, attachments }) => [head, ...attachments])
            .map((f) => (typeof f === "string" ? Buffer.from(f).toString() : f));
          for (let round = 0; round < 2; round++) {
            while (subject.frame(batch) === undefined) await ready(subject, batch);
            expect(messages(subject.frame(batch), bits)).toEqual(expected);
          }
          // Those without compression are not given compressed frames.
          expect(firsts(frameBatch(batch)).every((first) => (first & 0x40) === 0)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("a packet for many", () => {
  it("is compressed once: all get the same buffer", () => {
    const subject = deflater();
    const packet = new EncodedPacket(long("ab"));
    const first = subject.frame([packet]);
    expect(first).toBeInstanceOf(Buffer);
    for (let count = 0; count < 3; count++) expect(subject.frame([packet])).toBe(first);
  });

  it("is compressed once for different windows, too, if it fits into the smaller one", () => {
    const packet = new EncodedPacket(long("ab", 200));
    const frames = [9, 12, 15].map((bits) => deflater(bits).frame([packet]));
    expect(frames[1]).toBe(frames[0]);
    expect(frames[2]).toBe(frames[0]);
  });

  it("is never given to a smaller window than it was made for", () => {
    const noise = randomBytes(500).toString("hex");
    for (const order of [
      [15, 9, 11, 15, 9],
      [9, 15, 10, 9, 15],
    ]) {
      const packet = new EncodedPacket(noise + noise);
      for (const bits of order) expect(messages(deflater(bits).frame([packet]), bits)).toEqual([packet.head]);
    }
  });

  it("stays one for those without compression as well", () => {
    const subject = deflater();
    const packet = new EncodedPacket(long("ab"));
    const compressed = subject.frame([packet]);
    const plain = [1, 2, 3].map(() => frameBatch([packet]));
    expect(plain[2]).toBe(plain[1]);
    expect(subject.frame([packet])).toBe(compressed);
    expect(firsts(plain[2])).toEqual([PLAIN_TEXT]);
  });

  it("is framed beside others without being compressed again", () => {
    const subject = deflater();
    const shared = new EncodedPacket(long("ab"));
    const alone = subject.frame([shared]) as Buffer;
    const framed = subject.frame([
      new EncodedPacket("4a"),
      new EncodedPacket("4b"),
      shared,
      new EncodedPacket("4c"),
    ]);
    expect(framed).toContain(alone);
    expect(messages(framed)).toEqual(["4a", "4b", shared.head, "4c"]);
  });

  it("does not make a constant packet hold it", () => {
    const subject = deflater();
    const ping = new EncodedPacket("2");
    for (let round = 0; round < 3; round++) subject.frame([ping]);
    const kept = ping.wire;
    subject.frame([ping, new EncodedPacket(long("secret"))]);
    expect(ping.wire).toBe(kept);
  });
});

describe("a large packet", () => {
  const large = (): EncodedPacket => new EncodedPacket(long("large", 100_000));

  it("is compressed apart, once for all that wait for it, who are told in order", async () => {
    const subject = deflater();
    const packet = large();
    const told: number[] = [];
    expect(subject.frame([packet])).toBeUndefined();
    const all = [1, 2, 3].map(
      (number) =>
        new Promise<Framed | undefined>((resolve) => {
          expect(subject.frame([packet])).toBeUndefined();
          subject.whenReady([packet], () => {
            told.push(number);
            resolve(subject.frame([packet]));
          });
        }),
    );
    expect(told).toEqual([]);
    const frames = await Promise.all(all);
    expect(told).toEqual([1, 2, 3]);
    expect(new Set(frames).size).toBe(1);
    expect(messages(frames[0])).toEqual([packet.head]);
  });

  it("makes its batch wait, and keeps its place in it", async () => {
    const subject = deflater();
    const batch = [
      new EncodedPacket("4a"),
      large(),
      new EncodedPacket(long("b")),
      large(),
      new EncodedPacket("4c"),
    ];
    while (subject.frame(batch) === undefined) await ready(subject, batch);
    expect(messages(subject.frame(batch))).toEqual(batch.map(({ head }) => head));
  });

  it("goes as it is if it becomes no smaller, without a copy of its bytes", async () => {
    const subject = deflater();
    const bytes = randomBytes(50_000);
    const packet = new EncodedPacket("4", [bytes]);
    expect(subject.frame([packet])).toBeUndefined();
    await ready(subject, [packet]);
    expect(firsts(subject.frame([packet]))).toEqual([PLAIN_TEXT, PLAIN_BINARY]);
    expect(subject.frame([packet])).toContain(bytes);
  });
});

describe("ZlibQueue", () => {
  it("lets only so many run, in order", () => {
    const queue = new ZlibQueue(2);
    const log: string[] = [];
    const ends: (() => void)[] = [];
    for (const name of ["a", "b", "c", "d"]) {
      queue.add((done) => {
        log.push(name);
        ends.push(done);
      });
    }
    expect(log).toEqual(["a", "b"]);
    ends[1]?.();
    expect(log).toEqual(["a", "b", "c"]);
    ends[0]?.();
    expect(log).toEqual(["a", "b", "c", "d"]);
  });
});
