import { ChunkFrameDecoder, encodeChunkFrames } from "@sockeye/codec/chunk-frames";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { decodeChunkBody } from "../../src/server/http/chunk-body.js";

const LIMITS = { maxMessageBytes: 1_000_000, maxPacketsPerPayload: 1000 };
const read = (hex: string): unknown[] =>
  decodeChunkBody(Buffer.from(hex.replaceAll(" ", ""), "hex"), LIMITS).map((frame) =>
    typeof frame === "string" ? frame : [...frame],
  );

describe("a body of bytes", () => {
  it.each([
    ["01 32", ["2"]],
    ["01 32 82 01 02", ["2", [1, 2]]],
    ["00 00 02 34 61 80", ["4a", []]],
    ["00", []],
    ["7f 0000000000000001 32", ["2"]],
  ])("%s", (hex, frames) => expect(read(hex)).toEqual(frames));

  it.each([
    ["nothing", "", "ERR_PACKET_MALFORMED"],
    ["half a frame", "02 34", "ERR_PACKET_MALFORMED"],
    ["half a length", "01 32 fe 00", "ERR_PACKET_MALFORMED"],
    ["text that is not UTF-8", "01 c3", "ERR_PACKET_MALFORMED"],
    ["a length beyond all numbers", "ff ffffffffffffffff", "ERR_PACKET_MALFORMED"],
    ["a length above the limit", "ff 00000000000f4241", "ERR_PACKET_TOO_LARGE"],
    ["too many frames", "80".repeat(1001), "ERR_TOO_MANY_PACKETS"],
  ])("is refused for %s", (_name, hex, code) =>
    expect(() => read(hex)).toThrow(expect.objectContaining({ code })),
  );

  it("of very many frames is refused before all of them exist", () => {
    const write = vi.spyOn(ChunkFrameDecoder.prototype, "write");
    expect(() => decodeChunkBody(Buffer.alloc(1_000_000, 0x80), LIMITS)).toThrow();
    expect(write).toHaveBeenCalledTimes(1);
    expect(write.mock.results[0]?.value).toHaveLength(65_536);
    write.mockRestore();
  });

  it("gives what was written, whatever its size", () => {
    const frame = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(65_535, 65_536, 200_000).map((size) => new Uint8Array(size)),
    );
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), (frames) => {
        const body = encodeChunkFrames(frames.map((some) => new EncodedPacket(some)));
        expect(decodeChunkBody(body, LIMITS).map(plain)).toEqual(frames.map(plain));
      }),
      { numRuns: 50 },
    );
  });
});

/** Quick to compare. */
function plain(frame: Frame): string {
  return typeof frame === "string" ? frame : `bytes:${Buffer.from(frame).toString("base64")}`;
}
