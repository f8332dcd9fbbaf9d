import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { packetOf, packetText, readVectors } from "@sockeye/conformance";
import { CodecError, type Frame, type Packet, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { codecFromParser, createTextCodec, type Parser } from "../src/index.js";
import { createMsgpackCodec } from "../src/msgpack.js";

const require = createRequire(import.meta.url);
const msgpackParser = require("socket.io-msgpack-parser") as Parser;
const textParser = createRequire(require.resolve("socket.io"))("socket.io-parser") as Parser;

// Its decoder takes `__proto__` for the prototype.
const vectors = readVectors("packets").filter((vector) => !JSON.stringify(vector).includes("__proto__"));

describe("socket.io-msgpack-parser as a codec", () => {
  const codec = codecFromParser(msgpackParser);
  const decoder = codec.decoder();

  it.each(vectors)("carries: $name", (vector) => {
    const packet = packetOf(vector);
    const { head, attachments } = codec.encode(packet);
    expect(attachments).toEqual([]);
    expect(packetText(decoder.write(head) as Packet)).toBe(packetText(packet));
  });

  it("is understood by our own, and understands it", () => {
    const own = createMsgpackCodec();
    for (const vector of vectors) {
      const packet = packetOf(vector);
      expect(packetText(own.decoder().write(codec.encode(packet).head) as Packet)).toBe(packetText(packet));
      expect(packetText(decoder.write(own.encode(packet).head) as Packet)).toBe(packetText(packet));
    }
  });
});

const EVENT: Packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data: ["e", 1] };

/** A parser that does what a test says. */
function parserOf(make: {
  encode?: (packet: unknown) => unknown;
  add?: (emit: (packet: unknown) => void) => void;
}) {
  const seen: unknown[] = [];
  const destroyed: unknown[] = [];
  class Encoder {
    encode(packet: unknown): never {
      seen.push(packet);
      return (make.encode ?? (() => [JSON.stringify(packet)]))(packet) as never;
    }
  }
  class Decoder extends EventEmitter {
    add(frame: unknown): void {
      seen.push(frame);
      (make.add ?? (() => {}))((packet) => this.emit("decoded", packet));
    }
    destroy(): void {
      destroyed.push(this);
      throw new Error("too late");
    }
  }
  return { parser: { Encoder, Decoder } as Parser, seen, destroyed };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof CodecError ? error.code : `not a CodecError: ${String(error)}`;
  }
  return "nothing thrown";
}

describe("codecFromParser", () => {
  it("returns a codec as it is", () => {
    const codec = createTextCodec();
    expect(codecFromParser(codec)).toBe(codec);
  });

  it.each([{}, { Encoder: class {} }, { Encoder: 1, Decoder: 2 }])("refuses %j", (parser) => {
    expect(() => codecFromParser(parser as unknown as Parser)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });

  it("speaks Socket.IO's text with Socket.IO's parser", () => {
    const codec = codecFromParser(textParser);
    const packet: Packet = {
      ...EVENT,
      data: ["e", Buffer.from([1]), { b: Buffer.from([2]) }],
      id: 3,
    } as Packet;
    const { head, attachments } = codec.encode(packet);
    expect(head).toBe('452-3["e",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]');
    expect(attachments).toEqual([Buffer.from([1]), Buffer.from([2])]);
    const decoder = codec.decoder();
    expect(decoder.write((head as string).slice(1))).toBeUndefined();
    expect(decoder.write(attachments[0] as Frame)).toBeUndefined();
    expect(packetText(decoder.write(attachments[1] as Frame) as Packet)).toBe(packetText(packet));
  });
});

describe("encoding", () => {
  it("shows the parser the packet, with nothing in it that is not there", () => {
    const { parser, seen } = parserOf({});
    const codec = codecFromParser(parser);
    codec.encode({ type: PacketType.CONNECT, nsp: "/a", id: undefined, data: undefined });
    codec.encode({ ...EVENT, offset: "o" } as Packet);
    codec.encode({ type: PacketType.ACK, nsp: "/", id: 0, data: [] });
    expect(seen).toEqual([
      { type: 0, nsp: "/a" },
      { type: 2, nsp: "/", data: ["e", 1, "o"] },
      { type: 3, nsp: "/", data: [], id: 0 },
    ]);
    expect(seen.map((packet) => Object.keys(packet as object).length)).toEqual([2, 3, 4]);
  });

  it.each<[string, (packet: unknown) => unknown, unknown]>([
    ["text", () => ["x"], ["4x"]],
    ["bytes", () => [Uint8Array.of(1)], [Uint8Array.of(1)]],
    ["an ArrayBuffer", () => [Uint8Array.of(1).buffer], [Uint8Array.of(1)]],
    [
      "text and bytes",
      () => ["x", new DataView(Uint8Array.of(1, 2, 3).buffer, 1, 1)],
      ["4x", Uint8Array.of(2)],
    ],
  ])("takes %s", (_what, encode, frames) => {
    const { head, attachments } = codecFromParser(parserOf({ encode }).parser).encode(EVENT);
    expect([head, ...attachments]).toEqual(frames);
  });

  it.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["an empty list", () => []],
    ["a text that is no list", () => "x"],
    ["a number", () => [1]],
    ["two texts", () => ["a", "b"]],
    ["the separator of polling", () => ["a\x1eb"]],
    [
      "a throw",
      () => {
        throw new Error("no");
      },
    ],
  ])("refuses %s", (_what, encode) => {
    expect(codeOf(() => codecFromParser(parserOf({ encode }).parser).encode(EVENT))).toBe("ERR_UNENCODABLE");
  });
});

describe("decoding", () => {
  it("hands frames on as the platform has them", () => {
    const { parser, seen } = parserOf({});
    const decoder = codecFromParser(parser).decoder();
    decoder.write("text");
    decoder.write(Uint8Array.of(1));
    expect(seen).toEqual(["text", Buffer.from([1])]);
    expect(Buffer.isBuffer(seen[1])).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "ERR_PACKET_MALFORMED"],
    ["text", "x", "ERR_PACKET_MALFORMED"],
    ["an unknown type", { type: 9, nsp: "/" }, "ERR_PACKET_MALFORMED"],
    ["no namespace", { type: 2, data: ["a"] }, "ERR_PACKET_MALFORMED"],
    ["an event with no list", { type: 2, nsp: "/", data: { length: 1, 0: "a" } }, "ERR_PACKET_MALFORMED"],
    ["a reserved name", { type: 2, nsp: "/", data: ["disconnect"] }, "ERR_BAD_EVENT_NAME"],
    ["a bad id", { type: 2, nsp: "/", data: ["a"], id: 1.5 }, "ERR_PACKET_MALFORMED"],
    ["a long namespace", { type: 0, nsp: `/${"n".repeat(600)}` }, "ERR_NAMESPACE_TOO_LONG"],
  ])("refuses what the parser makes: %s", (_what, packet, code) => {
    const { parser } = parserOf({ add: (emit) => emit(packet) });
    expect(codeOf(() => codecFromParser(parser).decoder().write("x"))).toBe(code);
  });

  it("refuses a throw, and two packets for one frame", () => {
    const throwing = parserOf({
      add: () => {
        throw "anything";
      },
    });
    expect(codeOf(() => codecFromParser(throwing.parser).decoder().write("x"))).toBe("ERR_PACKET_MALFORMED");
    const eager = parserOf({ add: (emit) => [EVENT, EVENT].map(emit) });
    expect(codeOf(() => codecFromParser(eager.parser).decoder().write("x"))).toBe("ERR_PACKET_MALFORMED");
  });

  it("lets the parser go at the end, and does not mind what it throws", () => {
    const { parser, destroyed } = parserOf({});
    const decoder = codecFromParser(parser).decoder();
    decoder.close?.();
    expect(destroyed).toHaveLength(1);
  });
});
