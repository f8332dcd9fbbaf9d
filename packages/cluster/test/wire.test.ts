import { EncodedPacket, type OverflowPolicy } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEvent, writeEvent } from "../src/event.js";
import { FrameFormat } from "../src/frame.js";
import { ByteReader, ByteWriter } from "../src/wire.js";

const TOPIC = "{shop/}*";
const refused = expect.objectContaining({ code: "ERR_CLUSTER_INPUT" });
const bytes = fc.uint8Array({ maxLength: 300 });

describe("numbers, texts and bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.string({ unit: "grapheme" }), bytes, (number, text, part) => {
        const reader = new ByteReader(
          new ByteWriter().varint(number).text(text).bytes(part).byte(7).finish(),
        );
        expect([reader.varint(), reader.text(), reader.bytes(), reader.byte()]).toEqual([
          number,
          text,
          part,
          7,
        ]);
        expect(reader.atEnd).toBe(true);
      }),
    );
  });

  it.each<[string, number[], (reader: ByteReader) => unknown]>([
    ["nothing", [], (reader) => reader.byte()],
    ["a length beyond the end", [5, 1], (reader) => reader.bytes()],
    ["a count beyond the end", [200, 1, 0], (reader) => reader.count()],
    ["a number of more than 53 bits", [255, 255, 255, 255, 255, 255, 255, 127], (reader) => reader.varint()],
    ["a number without an end", [255, 255, 255, 255, 255, 255, 255, 255, 255], (reader) => reader.varint()],
  ])("%s is refused", (_name, input, read) => {
    expect(() => read(new ByteReader(Uint8Array.from(input)))).toThrow(refused);
  });
});

describe("frames", () => {
  const format = new FrameFormat("abcdefgh", "hush");
  const message = { seq: 70_000, previous: 3, kind: 6, body: Uint8Array.of(1, 2, 3) };
  const frame = format.frame(TOPIC, [format.message(message), format.message({ ...message, seq: 70_001 })]);

  it("hold several messages of one node, which knows its own", () => {
    const expected = { origin: "abcdefgh", messages: [message, { ...message, seq: 70_001 }] };
    expect(new FrameFormat("ijklmnop", "hush").read(TOPIC, frame)).toEqual(expected);
    expect(format.isOwn(frame)).toBe(true);
    expect(new FrameFormat("ijklmnop", "hush").isOwn(frame)).toBe(false);
  });

  it.each([
    ["of another secret", () => new FrameFormat("ijklmnop", "loud").read(TOPIC, frame)],
    ["on another topic", () => format.read("{shop/}#room", frame)],
    [
      "with a byte changed",
      () =>
        format.read(
          TOPIC,
          frame.map((byte, at) => (at === 12 ? byte ^ 1 : byte)),
        ),
    ],
    ["too short for a signature", () => format.read(TOPIC, frame.subarray(0, 5))],
    [
      "of another version",
      () => new FrameFormat("a", undefined).read(TOPIC, Uint8Array.of(9, ...Array(20).fill(65))),
    ],
    ["of nobody", () => new FrameFormat("a", undefined).read(TOPIC, Uint8Array.of(1, ...Array(8).fill(32)))],
  ])("%s are refused", (_name, read) => {
    expect(read).toThrow(refused);
  });

  it("of any bytes are read or refused, nothing else", () => {
    const open = new FrameFormat("abcdefgh", undefined);
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          open.read(TOPIC, Uint8Array.of(1, ...Buffer.from("ijklmnop"), ...input));
        } catch (error) {
          expect(error).toEqual(refused);
        }
      }),
    );
  });
});

describe("events", () => {
  const anyRooms = fc
    .array(fc.oneof(fc.string(), fc.nat()), { maxLength: 6 })
    .map((rooms) => new Set(rooms as string[]));
  const policy = fc.constantFrom<OverflowPolicy | undefined>(undefined, "close", "drop-oldest", {
    conflate: "k",
  });

  it("come back with whom they mean, byte for byte", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), bytes),
        fc.array(bytes, { maxLength: 3 }),
        anyRooms,
        anyRooms,
        fc.record({ volatile: fc.boolean(), compress: fc.boolean(), overflow: policy }),
        (head, attachments, rooms, except, flags) => {
          const encoded = new EncodedPacket(head, attachments, flags.compress);
          const read = readEvent(writeEvent(encoded, { rooms, except, flags }));
          expect(read.options).toEqual({ rooms, except, flags });
          expect([read.encoded.head, read.encoded.attachments]).toEqual([head, attachments]);
        },
      ),
    );
  });

  it("of any bytes are read or refused, and what a count claims is not made", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          readEvent(input);
        } catch (error) {
          expect(error).toEqual(refused);
        }
      }),
    );
    expect(() => readEvent(Uint8Array.of(0, 255, 255, 255, 127))).toThrow(refused);
  });
});
