import {
  type Codec,
  CodecError,
  type Decoder,
  type EncodedPacket,
  type ErrorCode,
  type Frame,
  type Packet,
  PacketType,
} from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import {
  type FrameVector,
  frameOf,
  frameVector,
  type PacketVector,
  packetOf,
  packetText,
  readVectors,
  type TrapVector,
} from "./vectors.js";

/** The digit that the engine puts before every text message. */
const ENVELOPE = "4";

/**
 * What every codec must do, whatever its format: each packet of the vectors comes out as it went in, decoders don't know
 * of each other, and only `CodecError` is thrown.
 */
export function codecSuite(name: string, codec: Codec): void {
  describe(`${name} is a codec`, () => {
    const vectors = readVectors("packets");

    it.each(vectors)("carries: $name", (vector) => {
      const packet = packetOf(vector);
      const before = packetText(packet);
      const frames = messagesOf(codec.encode(packet));
      expect(packetText(packet), "the packet given is left alone").toBe(before);
      expect(packetText(decodeAll(codec.decoder(), frames))).toBe(before);
    });

    it("takes packets one after the other with one decoder", () => {
      const decoder = codec.decoder();
      for (const vector of [...vectors, ...vectors]) {
        const packet = packetOf(vector);
        expect(packetText(decodeAll(decoder, messagesOf(codec.encode(packet))))).toBe(packetText(packet));
      }
    });

    it("keeps decoders apart", () => {
      const [first, second] = [codec.decoder(), codec.decoder()];
      const frames = messagesOf(codec.encode(event(["bytes", new Uint8Array([1]), new Uint8Array([2])])));
      const [head, ...rest] = frames;
      expect(rest.length === 0 ? undefined : first.write(head as Frame)).toBeUndefined();
      expect(packetText(decodeAll(second, messagesOf(codec.encode(event(["x"])))))).toBe(
        packetText(event(["x"])),
      );
      const last = decodeAll(first, rest.length === 0 ? frames : rest);
      expect(packetText(last)).toBe(packetText(event(["bytes", new Uint8Array([1]), new Uint8Array([2])])));
    });

    it("passes on whether to compress", () => {
      expect(codec.encode(event(["x"])).compress).toBe(true);
      expect(codec.encode(event(["x"]), false).compress).toBe(false);
      expect(codec.encode(event(["x", new Uint8Array(1)]), false).compress).toBe(false);
    });

    it.each(unencodable())("cannot encode $what", ({ make }) => {
      expect(codeOf(() => codec.encode(event(["x", make()])))).toBe("ERR_UNENCODABLE");
      expect(codeOf(() => codec.encode(event(["x", new Uint8Array(1), make()])))).toBe("ERR_UNENCODABLE");
    });
  });
}

/**
 * What a codec must do on top if it speaks Socket.IO's text format: the wire vectors, to the letter.
 *
 * @param otherwise traps that this codec takes, or refuses with another code, by their names. Each is looked at, and must differ
 */
export function textCodecSuite(
  name: string,
  codec: Codec,
  otherwise: Readonly<Record<string, ErrorCode | "taken">> = {},
): void {
  describe(`${name} speaks Socket.IO's text`, () => {
    it.each(readVectors("packets"))("decodes: $name", (vector) => {
      expect(packetText(decodeVector(codec, vector))).toBe(packetText(packetOf(vector)));
    });

    it.each(readVectors("packets").filter((vector) => vector.canonical))("encodes: $name", (vector) => {
      const { head, attachments } = codec.encode(packetOf(vector));
      expect([head, ...attachments].map(frameVector)).toEqual(vector.frames);
    });

    const traps = readVectors("traps");

    it.each(traps)("refuses: $name", (vector) => {
      const decoder = codec.decoder();
      const frames = vector.frames.map(messageOf);
      const last = frames.pop() as Frame;
      for (const frame of frames) decoder.write(frame);
      expect(codeOf(() => decoder.write(last))).toBe(otherwise[vector.name] ?? vector.error);
    });

    it("differs where that is said, and nowhere else", () => {
      const errors = new Map(traps.map((trap) => [trap.name, trap.error]));
      const same = Object.entries(otherwise).filter(([trap, code]) => (errors.get(trap) ?? code) === code);
      expect(same).toEqual([]);
    });
  });
}

/** Frame by frame: nothing before the last, the packet with the last. */
function decodeVector(codec: Codec, vector: PacketVector | TrapVector): Packet {
  return decodeAll(codec.decoder(), vector.frames.map(messageOf));
}

function decodeAll(decoder: Decoder, frames: readonly Frame[]): Packet {
  const packets = frames.map((frame) => decoder.write(frame));
  const last = packets.pop();
  expect(packets.every((packet) => packet === undefined)).toBe(true);
  if (last === undefined) throw new Error("the last frame completed no packet");
  return last;
}

function messagesOf(encoded: EncodedPacket): Frame[] {
  return [encoded.head, ...encoded.attachments].map((frame) => messageOf(frameVector(frame)));
}

/** What a session hands to a decoder: the frame without the engine's envelope. */
function messageOf(vector: FrameVector): Frame {
  const frame = frameOf(vector);
  if (typeof frame !== "string") return frame;
  expect(frame.startsWith(ENVELOPE)).toBe(true);
  return frame.slice(ENVELOPE.length);
}

function event(data: readonly [string, ...unknown[]]): Packet {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
}

/** The code of what is thrown, which must be a `CodecError`. */
function codeOf(act: () => unknown): ErrorCode | "taken" {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).code;
  }
  return "taken";
}

function unencodable(): readonly { readonly what: string; readonly make: () => unknown }[] {
  return [
    { what: "an object that contains itself", make: ownParent },
    { what: "an array that contains itself", make: ownElement },
    { what: "a toJSON that throws", make: () => ({ toJSON: raise }) },
    { what: "a toJSON that throws nothing readable", make: () => ({ toJSON: raiseBare }) },
    {
      what: "a getter that throws",
      make: () => Object.defineProperty({}, "a", { get: raise, enumerable: true }),
    },
    { what: "a Blob", make: () => new Blob(["x"]) },
    { what: "a Blob inside", make: () => ({ files: [new Blob(["x"])] }) },
    { what: "what is nested too deep", make: () => nest(10_000) },
  ];
}

function raise(): never {
  throw new Error("the app's own");
}

function raiseBare(): never {
  throw Object.create(null);
}

function ownParent(): unknown {
  const parent: Record<string, unknown> = {};
  parent["child"] = { parent };
  return parent;
}

function ownElement(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

function nest(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}
