import { frameOf, frameVector, readVectors } from "@sockeye/conformance";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unwrapFrame, wrapBase64, wrapBytes } from "../src/eio3-envelope.js";
import { stockParser } from "./stock-eio3.js";

const vectors = readVectors("engine-frames-v3");

describe("unwrapFrame", () => {
  it.each(vectors.filter(({ error }) => error === undefined))("reads: $name", ({ frame, revision4 }) => {
    expect(frameVector(unwrapFrame(frameOf(frame)))).toEqual(revision4);
  });

  it.each(vectors.filter(({ error }) => error !== undefined))("refuses: $name", ({ frame, error }) => {
    expect(() => unwrapFrame(frameOf(frame))).toThrow(
      expect.objectContaining({ name: "CodecError", code: error }),
    );
  });

  it("copies nothing", () => {
    const frame = Uint8Array.of(4, 1, 2);
    expect((unwrapFrame(frame) as Uint8Array).buffer).toBe(frame.buffer);
  });
});

describe("wrapBytes and wrapBase64", () => {
  it("mark bytes as the parser of Socket.IO 2 does, and it reads them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const data = Buffer.from(bytes);
        const packet = { type: "message", data };
        stockParser.encodePacket(packet, true, (frame) => {
          expect(Buffer.from(wrapBytes(bytes))).toEqual(frame);
        });
        stockParser.encodePacket(packet, false, (frame) => expect(wrapBase64(bytes)).toBe(frame));
        for (const frame of [Buffer.from(wrapBytes(bytes)), wrapBase64(bytes)]) {
          expect(stockParser.decodePacket(frame)).toEqual(packet);
          expect(frameVector(unwrapFrame(frame))).toEqual(frameVector(bytes));
        }
      }),
    );
  });
});
