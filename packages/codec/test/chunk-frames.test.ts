import { frameVector } from "@sockeye/conformance";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ChunkFrameDecoder,
  encodeChunkFrame,
  encodeChunkFrames,
  splitChunkFrames,
} from "../src/chunk-frames.js";

const NO_LIMIT = Number.POSITIVE_INFINITY;

const frame = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.uint8Array(),
  // Around the lengths where the header grows.
  fc.constantFrom(125, 126, 127, 65_535, 65_536).map((length) => "x".repeat(length)),
  fc.constantFrom(0, 125, 126, 65_535, 65_536).map((length) => new Uint8Array(length).fill(7)),
);

function packets(frames: readonly Frame[]): EncodedPacket[] {
  return frames.map((head) => new EncodedPacket(head));
}

function read(bytes: Uint8Array, size = bytes.length, maxBytes = NO_LIMIT): unknown[] {
  const decoder = new ChunkFrameDecoder(maxBytes);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) frames.push(...decoder.write(bytes.slice(at, at + size)));
  expect(decoder.pending).toBe(false);
  return frames.map(frameVector);
}

describe("encodeChunkFrame", () => {
  it.each([
    ["a text", "2", [0x01, 0x32]],
    ["UTF-8", "é", [0x02, 0xc3, 0xa9]],
    ["bytes", new Uint8Array([1, 2]), [0x82, 1, 2]],
    ["no bytes", new Uint8Array(0), [0x80]],
    ["a byte-order mark", "\ufeff", [0x03, 0xef, 0xbb, 0xbf]],
    ["a lone surrogate", "\ud800", [0x03, 0xef, 0xbf, 0xbd]],
  ])("writes %s", (_name, input, bytes) => {
    expect([...encodeChunkFrame(input)]).toEqual(bytes);
  });

  it.each([
    [125, [0xfd]],
    [126, [0xfe, 0, 126]],
    [65_535, [0xfe, 0xff, 0xff]],
    [65_536, [0xff, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])("takes the shortest header for %i bytes", (length, header) => {
    const bytes = encodeChunkFrame(new Uint8Array(length));
    expect([...bytes.subarray(0, header.length)]).toEqual(header);
    expect(bytes.length).toBe(header.length + length);
  });
});

describe("ChunkFrameDecoder", () => {
  it("reads the same frames from any pieces", () => {
    fc.assert(
      fc.property(fc.array(frame), fc.integer({ min: 1, max: 70_000 }), (frames, size) => {
        expect(read(encodeChunkFrames(packets(frames)), size)).toEqual(frames.map(frameVector));
      }),
    );
  });

  it("reads the same frames byte by byte", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 3 }), (frames) => {
        expect(read(encodeChunkFrames(packets(frames)), 1)).toEqual(frames.map(frameVector));
      }),
      { numRuns: 30 },
    );
  });

  it("skips empty texts, but not empty bytes", () => {
    expect(read(new Uint8Array([0, 0, 0x80, 0, 1, 0x32, 0xfe, 0, 0, 0x7e, 0, 0]))).toEqual(
      [new Uint8Array(0), "2", new Uint8Array(0)].map(frameVector),
    );
  });

  it("takes lengths that are longer than they need to be", () => {
    expect(read(new Uint8Array([0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 0x32, 0x7e, 0, 1, 0x33]))).toEqual(
      ["2", "3"].map(frameVector),
    );
  });

  it.each([
    ["a length above the limit", [4], "ERR_PACKET_TOO_LARGE"],
    ["the same of bytes", [0x84], "ERR_PACKET_TOO_LARGE"],
    ["the same in 16 bits", [0x7e, 0, 4], "ERR_PACKET_TOO_LARGE"],
    ["2^53 - 1", [0x7f, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "ERR_PACKET_TOO_LARGE"],
    ["2^53", [0x7f, 0, 0x20, 0, 0, 0, 0, 0, 0], "ERR_PACKET_MALFORMED"],
    ["2^64 - 1", [0x7f, 255, 255, 255, 255, 255, 255, 255, 255], "ERR_PACKET_MALFORMED"],
    ["text that is not UTF-8", [0x02, 0xc3, 0x28], "ERR_PACKET_MALFORMED"],
    ["text that ends within a character", [0x01, 0xc3], "ERR_PACKET_MALFORMED"],
  ])("refuses %s, whole and byte by byte", (_name, bytes, code) => {
    const refusal = expect.objectContaining({ name: "CodecError", code });
    for (const size of [bytes.length, 1]) {
      expect(() => read(new Uint8Array(bytes), size, 3)).toThrow(refusal);
    }
  });

  it("takes no padding where that is illegal", () => {
    expect(new ChunkFrameDecoder(NO_LIMIT).write(new Uint8Array([0, 0]))).toEqual([]);
    const strict = new ChunkFrameDecoder(NO_LIMIT, "illegal");
    expect(strict.write(new Uint8Array([0x80]))).toEqual([new Uint8Array(0)]);
    expect(() => strict.write(new Uint8Array([0]))).toThrow(/empty/);
  });

  it("takes a frame of exactly the limit", () => {
    expect(read(new Uint8Array([3, 50, 50, 50]), 1, 3)).toEqual([frameVector("222")]);
  });

  it("knows that a frame is not whole yet", () => {
    const decoder = new ChunkFrameDecoder(NO_LIMIT);
    expect(decoder.pending).toBe(false);
    for (const byte of [0x7e, 0, 1]) {
      expect(decoder.write(new Uint8Array([byte]))).toEqual([]);
      expect(decoder.pending).toBe(true);
    }
    expect(decoder.write(new Uint8Array([0x32]))).toEqual(["2"]);
    expect(decoder.pending).toBe(false);
  });

  it("gives bytes that share no memory with the piece", () => {
    const piece = new Uint8Array([0x81, 1, 0x82, 2]);
    const decoder = new ChunkFrameDecoder(NO_LIMIT);
    const [first] = decoder.write(piece);
    const [second] = decoder.write(new Uint8Array([3]));
    piece.fill(9);
    expect([first, second]).toEqual([new Uint8Array([1]), new Uint8Array([2, 3])]);
  });

  it("takes no memory for what is only announced", () => {
    const decoder = new ChunkFrameDecoder(2 ** 40);
    expect(decoder.write(new Uint8Array([0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 1]))).toEqual([]);
  });

  it("copies each byte a bounded number of times, however small the pieces are", () => {
    const length = 2 ** 20;
    const decoder = new ChunkFrameDecoder(length);
    const bytes = encodeChunkFrame(new Uint8Array(length).fill(1));
    let copied = 0;
    const set = Uint8Array.prototype.set;
    Uint8Array.prototype.set = function (source, offset): void {
      copied += source.length;
      set.call(this, source, offset);
    };
    try {
      let frames: Frame[] = [];
      for (let at = 0; at < bytes.length; at++) frames = decoder.write(bytes.subarray(at, at + 1));
      expect(frames).toHaveLength(1);
    } finally {
      Uint8Array.prototype.set = set;
    }
    expect(copied).toBeGreaterThanOrEqual(length);
    expect(copied).toBeLessThan(4 * length);
  });
});

describe("splitChunkFrames", () => {
  it("fills bodies up to the limit, and cuts between frames only", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1 }), fc.integer({ min: 1, max: 500 }), (frames, maxBytes) => {
        const bodies = splitChunkFrames(packets(frames), maxBytes);
        expect(bodies.flatMap((body) => read(body))).toEqual(frames.map(frameVector));
        let at = 0;
        for (const body of bodies) {
          const count = read(body).length;
          expect(body.length <= maxBytes || count === 1).toBe(true);
          at += count;
          const next = frames[at];
          if (next !== undefined)
            expect(body.length + encodeChunkFrame(next).length).toBeGreaterThan(maxBytes);
        }
      }),
    );
  });

  it("counts attachments, and the frames that a peer takes in one body", () => {
    const packet = new EncodedPacket("451-[]", [new Uint8Array(10), new Uint8Array(10)]);
    expect(splitChunkFrames([packet], 20).map(({ length }) => length)).toEqual([18, 11]);
    const many = new Array<EncodedPacket>(16_385).fill(new EncodedPacket("2"));
    expect(splitChunkFrames(many, NO_LIMIT).map(({ length }) => length)).toEqual([2 * 16_384, 2]);
  });
});
