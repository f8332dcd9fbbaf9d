import { frameOf, frameVector, readVectors } from "@sockeye/conformance";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import { decodePayload as stockDecode, encodePayload as stockEncode } from "engine.io-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePayload, encodePayload, splitPayload, takeWithin } from "../src/payload.js";

const LIMITS = { maxPacketsPerPayload: 1000 };
const vectors = readVectors("payloads");
const legal = vectors.filter(({ error }) => error === undefined);

function packet(head: Frame, ...attachments: Uint8Array[]): EncodedPacket {
  return new EncodedPacket(head, attachments);
}

function framesOf(packets: readonly EncodedPacket[]): unknown[] {
  return packets.flatMap(({ head, attachments }) => [head, ...attachments]).map(frameVector);
}

function decoded(body: string): unknown[] {
  return decodePayload(body, LIMITS).map(frameVector);
}

describe("decodePayload", () => {
  it.each(legal)("reads: $name", ({ body, frames }) => {
    expect(decoded(body)).toEqual(frames);
  });

  it.each(legal)("reads the same frame by frame: $name", ({ body, frames }) => {
    expect(body.split("\x1e").flatMap(decoded)).toEqual(frames);
  });

  it.each(vectors.filter(({ error }) => error !== undefined))("refuses: $name", ({ body, error }) => {
    expect(() => decodePayload(body, LIMITS)).toThrow(
      expect.objectContaining({ name: "CodecError", code: error }),
    );
  });

  it("stops at maxPacketsPerPayload, before it reads what follows", () => {
    const limits = { maxPacketsPerPayload: 2 };
    expect(decodePayload("2\x1e2", limits)).toHaveLength(2);
    const tooMany = expect.objectContaining({ code: "ERR_TOO_MANY_PACKETS" });
    expect(() => decodePayload("2\x1e2\x1e2", limits)).toThrow(tooMany);
    expect(() => decodePayload("2\x1e2\x1eb!", limits)).toThrow(tooMany);
    expect(() => decodePayload("2\x1e".repeat(1e6), limits)).toThrow(tooMany);
  });
});

describe("encodePayload", () => {
  it.each(legal)("writes: $name", ({ body, frames = [] }) => {
    expect(encodePayload(frames.map((frame) => packet(frameOf(frame))))).toBe(body);
  });

  it("writes attachments behind their head", () => {
    expect(
      encodePayload([packet("4a"), packet("451-", new Uint8Array([1]), new Uint8Array(0)), packet("2")]),
    ).toBe("4a\x1e451-\x1ebAQ==\x1eb\x1e2");
  });

  it("writes nothing for nothing", () => {
    expect(encodePayload([])).toBe("");
  });
});

const text = fc.string({ unit: "grapheme" }).map((tail) => `4${tail.replaceAll("\x1e", "")}`);
const bytes = fc.uint8Array({ maxLength: 50 });
const packets = fc.array(
  fc.oneof(
    text.map((head) => packet(head)),
    bytes.map((head) => packet(head)),
    fc.tuple(text, fc.array(bytes, { maxLength: 4 })).map(([head, all]) => packet(head, ...all)),
  ),
  { minLength: 1, maxLength: 10 },
);

describe("a body", () => {
  it("comes back frame by frame", () => {
    fc.assert(
      fc.property(packets, (list) => {
        expect(decoded(encodePayload(list))).toEqual(framesOf(list));
      }),
    );
  });

  it("is what engine.io-parser reads and writes", () => {
    fc.assert(
      fc.property(packets, (list) => {
        const messages = framesOf(list).map((vector) => frameOf(vector as string));
        const stock = stockDecode(encodePayload(list));
        expect(stock.map(({ data }) => data ?? "")).toEqual(
          messages.map((frame) => (typeof frame === "string" ? frame.slice(1) : frame)),
        );
        stockEncode(stock, (body) => expect(body).toBe(encodePayload(list)));
      }),
    );
  });
});

describe("takeWithin", () => {
  it.each<[string, EncodedPacket[], number, number]>([
    ["nothing of nothing", [], 10, 0],
    ["all that fit", [packet("4a"), packet("4b")], 5, 2],
    ["one byte short, so one less", [packet("4a"), packet("4b")], 4, 1],
    ["one that is too large, alone", [packet("4aaaaaa"), packet("4b")], 3, 1],
    ["what is before one that is too large", [packet("4b"), packet("4aaaaaa")], 3, 1],
    ["bytes of UTF-8, not characters", [packet("4\u20ac"), packet("4\u20ac")], 8, 1],
    ["just enough bytes of UTF-8", [packet("4\u20ac"), packet("4\u20ac")], 9, 2],
    ["base64 as it grows", [packet(new Uint8Array(3)), packet("2")], 7, 2],
    ["base64 with padding", [packet(new Uint8Array(4)), packet("2")], 10, 1],
    ["attachments with their head", [packet("2"), packet("451-", new Uint8Array(3))], 10, 1],
    ["attachments and head within", [packet("2"), packet("451-", new Uint8Array(3))], 12, 2],
  ])("takes %s", (_what, list, maxBytes, count) => {
    expect(takeWithin(list, maxBytes)).toBe(count);
  });

  it("takes the most that fit, by the true size of the body", () => {
    fc.assert(
      fc.property(packets, fc.nat(200), (list, maxBytes) => {
        const count = takeWithin(list, maxBytes);
        const size = (n: number): number => Buffer.byteLength(encodePayload(list.slice(0, n)));
        expect(count).toBeGreaterThan(0);
        if (count > 1) expect(size(count)).toBeLessThanOrEqual(maxBytes);
        if (count < list.length) expect(size(count + 1)).toBeGreaterThan(maxBytes);
      }),
    );
  });
});

describe("splitPayload", () => {
  it("cuts a packet that is too large between its frames, and no other", () => {
    const big = packet("451-", new Uint8Array(3), new Uint8Array(3), new Uint8Array(30));
    expect(splitPayload([packet("4a"), packet("4b"), big, packet("4c")], 10)).toEqual([
      "4a\x1e4b",
      "451-\x1ebAAAA",
      "bAAAA",
      `b${"A".repeat(40)}`,
      "4c",
    ]);
  });

  it("loses nothing, keeps the order, and exceeds the budget with single frames only", () => {
    fc.assert(
      fc.property(packets, fc.nat(200), (list, maxBytes) => {
        const bodies = splitPayload(list, maxBytes);
        expect(bodies.flatMap(decoded)).toEqual(framesOf(list));
        for (const body of bodies.filter((one) => Buffer.byteLength(one) > maxBytes)) {
          expect(body).not.toContain("\x1e");
        }
      }),
    );
  });
});
