import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asArrayBuffer, countUtf8, platformBytes, utf8Length } from "../src/bytes.js";

describe("platformBytes", () => {
  it.each([
    ["a few bytes of a chunk", 60_000, 10, true],
    ["a third of a chunk", 60_000, 20_000, true],
    ["most of a chunk", 60_000, 40_000, false],
    ["a few bytes of Node's own pool", Buffer.poolSize, 10, false],
    ["a few bytes of a megabyte", 1_000_000, 0, true],
  ])("of Node copies what would keep much more than itself: %s", (_name, memory, length, copied) => {
    const whole = new Uint8Array(memory).fill(7);
    for (const part of [Buffer.from(whole.buffer, 5, length), whole.subarray(5, 5 + length)]) {
      const received = platformBytes(part) as Buffer;
      expect(received.equals(part)).toBe(true);
      expect(received.buffer !== whole.buffer).toBe(copied);
      expect(received.buffer.byteLength).toBeLessThanOrEqual(2 * length + Buffer.poolSize);
    }
  });

  it("gives a Buffer on Node and copies nothing else", () => {
    const buffer = Buffer.from([1]);
    expect(platformBytes(buffer)).toBe(buffer);
    const part = new Uint8Array([1, 2, 3]).subarray(1);
    const received = platformBytes(part) as Buffer;
    expect(Buffer.isBuffer(received)).toBe(true);
    expect([...received]).toEqual([2, 3]);
    expect(received.buffer).toBe(part.buffer);
  });
});

describe("asArrayBuffer", () => {
  it("copies a part only", () => {
    const whole = new Uint8Array([1, 2, 3]);
    expect(asArrayBuffer(whole)).toBe(whole.buffer);
    expect([...new Uint8Array(asArrayBuffer(whole.subarray(1)))]).toEqual([2, 3]);
    expect(asArrayBuffer(whole.subarray(3)).byteLength).toBe(0);
  });
});

describe("utf8Length", () => {
  it("is the same with and without Node", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd700, max: 0xe0ff }))), (codes) => {
        const text = String.fromCharCode(...codes);
        expect(countUtf8(text)).toBe(Buffer.byteLength(text));
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});
