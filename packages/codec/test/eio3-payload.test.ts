import { frameOf, frameVector, readVectors } from "@sockeye/conformance";
import { EncodedPacket, type Frame } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePayload, encodePayload, encodeTextPayload } from "../src/eio3-payload.js";
import { type StockPacket, stockParser } from "./stock-eio3.js";

const LIMITS = { maxPacketsPerPayload: 1000 };
const vectors = readVectors("payloads-v3");
const legal = vectors.filter(({ error }) => error === undefined);

function packet(head: Frame, ...attachments: Uint8Array[]): EncodedPacket {
  return new EncodedPacket(head, attachments);
}

function framesOf(packets: readonly EncodedPacket[]): unknown[] {
  return packets.flatMap(({ head, attachments }) => [head, ...attachments]).map(frameVector);
}

function decoded(body: Frame): unknown[] {
  return decodePayload(body, LIMITS).map(frameVector);
}

describe("decodePayload", () => {
  it.each(legal)("reads: $name", ({ body, frames }) => {
    expect(decoded(frameOf(body))).toEqual(frames);
  });

  it.each(vectors.filter(({ error }) => error !== undefined))("refuses: $name", ({ body, error }) => {
    expect(() => decodePayload(frameOf(body), LIMITS)).toThrow(
      expect.objectContaining({ name: "CodecError", code: error }),
    );
  });

  it("stops at maxPacketsPerPayload, before it reads what follows", () => {
    const limits = { maxPacketsPerPayload: 2 };
    const tooMany = expect.objectContaining({ code: "ERR_TOO_MANY_PACKETS" });
    expect(decodePayload("1:21:2", limits)).toHaveLength(2);
    expect(() => decodePayload("1:21:2x", limits)).toThrow(tooMany);
    expect(() => decodePayload("1:2".repeat(1e6), limits)).toThrow(tooMany);
    const entry = [0, 1, 255, 0x32];
    expect(() => decodePayload(Uint8Array.from([...entry, ...entry, ...entry]), limits)).toThrow(tooMany);
  });

  it("ends, whatever it is given", () => {
    const bytes = fc.uint8Array({ maxLength: 60 });
    const text = fc.string({ unit: fc.constantFrom("0", "1", "2", "9", ":", "b", "4", "=", "A") });
    fc.assert(
      fc.property(fc.oneof(bytes, text), (body) => {
        try {
          for (const frame of decodePayload(body, LIMITS)) expect(frame).toBeDefined();
        } catch (error) {
          expect(error).toMatchObject({ name: "CodecError" });
        }
      }),
    );
  });
});

describe("encoding", () => {
  it.each(legal)("writes: $name", ({ body, frames = [], canonical }) => {
    const packets = frames.map((frame) => packet(frameOf(frame)));
    if (canonical === true) expect(frameVector(encodePayload(packets))).toEqual(body);
    if (canonical === "base64") expect(encodeTextPayload(packets)).toBe(body);
    expect(decoded(encodePayload(packets))).toEqual(frames);
    expect(decoded(encodeTextPayload(packets))).toEqual(frames);
  });

  it("writes attachments behind their head", () => {
    const event = packet("451-", new Uint8Array([1]), new Uint8Array(0));
    expect(encodeTextPayload([packet("4a"), event, packet("2")])).toBe("2:4a4:451-6:b4AQ==2:b41:2");
  });
});

// A lone surrogate is no text in UTF-8.
const text = fc.string({ unit: "grapheme" }).map((tail) => `4${tail}`);
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
  it("comes back frame by frame, in both forms", () => {
    fc.assert(
      fc.property(packets, (list) => {
        expect(decoded(encodePayload(list))).toEqual(framesOf(list));
        expect(decoded(encodeTextPayload(list))).toEqual(framesOf(list));
      }),
    );
  });

  it("is what the parser of Socket.IO 2 reads and writes, to the byte", () => {
    fc.assert(
      fc.property(packets, (list) => {
        const messages = list.flatMap(({ head, attachments }) => [head, ...attachments]).map(stockMessage);
        for (const body of [encodePayload(list), encodeTextPayload(list)]) {
          const read: StockPacket[] = [];
          stockParser.decodePayload(asStock(body), (each) => read.push(each));
          expect(read.map(({ type, data = "" }) => ({ type, data }))).toEqual(messages);
        }
        stockParser.encodePayload(messages, true, (body) =>
          expect(asStock(encodePayload(list))).toEqual(body),
        );
        stockParser.encodePayload(messages, false, (body) => expect(encodeTextPayload(list)).toBe(body));
      }),
    );
  });
});

function stockMessage(frame: Frame): { type: string; data: unknown } {
  return { type: "message", data: typeof frame === "string" ? frame.slice(1) : Buffer.from(frame) };
}

function asStock(body: Frame): unknown {
  return typeof body === "string" ? body : Buffer.from(body);
}
