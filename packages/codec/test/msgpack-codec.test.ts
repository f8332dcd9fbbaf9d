import { createRequire } from "node:module";
import { codecSuite, packetOf, packetText, readVectors } from "@sockeye/conformance";
import { CodecError, type Packet, PacketType } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../src/msgpack.js";

const require = createRequire(import.meta.url);
const parser = createRequire(require.resolve("socket.io-msgpack-parser"));
/** The implementation under socket.io-msgpack-parser. */
const stock = parser("notepack.io") as { encode(value: unknown): Buffer; decode(bytes: Uint8Array): unknown };

const codec = createMsgpackCodec();
const vectors = readVectors("msgpack");

codecSuite("the MessagePack codec", codec);

function bytesOf(packet: Packet): Buffer {
  const { head, attachments } = codec.encode(packet);
  expect(attachments).toEqual([]);
  return Buffer.from(head as Uint8Array);
}

function event(...data: [string, ...unknown[]]): Packet {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof CodecError ? error.code : `not a CodecError: ${String(error)}`;
  }
  return "nothing thrown";
}

function decode(bytes: Uint8Array): Packet {
  return codec.decoder().write(bytes) as Packet;
}

/** The arguments as they arrive. */
function carried(...args: unknown[]): unknown {
  return (decode(bytesOf(event("e", ...args))).data as unknown[]).slice(1);
}

describe("the vectors", () => {
  const legal = vectors.flatMap(({ packet, ...rest }) => (packet ? [{ packet, ...rest }] : []));

  it.each(legal)("decodes: $name", (vector) => {
    expect(packetText(decode(Buffer.from(vector.bytes, "hex")))).toBe(packetText(packetOf(vector)));
  });

  it.each(legal.filter(({ canonical }) => canonical))("encodes: $name", (vector) => {
    expect(bytesOf(packetOf(vector)).toString("hex")).toBe(vector.bytes);
  });

  it.each(vectors.filter(({ error }) => error !== undefined))("refuses: $name", ({ bytes, error }) => {
    expect(codeOf(() => decode(Buffer.from(bytes, "hex")))).toBe(error);
  });

  it.each(legal)("refuses every beginning of: $name", ({ bytes }) => {
    const whole = Buffer.from(bytes, "hex");
    for (let end = 0; end < whole.length; end++) {
      expect(codeOf(() => decode(whole.subarray(0, end)))).not.toBe("nothing thrown");
    }
  });

  it("refuses text", () => {
    expect(codeOf(() => codec.decoder().write('2["a"]'))).toBe("ERR_PACKET_MALFORMED");
  });
});

class Itself {
  readonly a = 1;
  toJSON(): unknown {
    return this;
  }
}

describe("values", () => {
  it.each<[string, unknown, unknown]>([
    ["a date", new Date(1_700_000_000_123), new Date(1_700_000_000_123)],
    ["a date before 1970", new Date(-1), new Date(-1)],
    ["a date that is none", new Date(Number.NaN), null],
    ["undefined", undefined, undefined],
    ["a function", () => 1, undefined],
    ["a map with functions in it", { a: 1, f: () => 1 }, { a: 1 }],
    ["not a number", Number.NaN, Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ["an integer beyond the safe ones", 2 ** 60, 2 ** 60],
    ["a huge number", -1.7976931348623157e308, -1.7976931348623157e308],
    ["an ArrayBuffer", Uint8Array.of(1, 2).buffer, Buffer.from([1, 2])],
    ["a part of a larger buffer", new Uint8Array([9, 1, 2, 9]).subarray(1, 3), Buffer.from([1, 2])],
    ["floats", Float32Array.of(1), Buffer.from([0, 0, 128, 63])],
    ["something with toJSON", { toJSON: () => ({ a: [1] }) }, { a: [1] }],
    ["the key that toJSON is told", { k: { toJSON: (key: string) => key } }, { k: "k" }],
    ["the index that toJSON is told", [{ toJSON: (key: string) => key }], ["0"]],
    ["a toJSON that returns itself", new Itself(), { a: 1 }],
    ["what toJSON returns, as it is", { toJSON: () => new Itself() }, { a: 1 }],
    ["an array with toJSON", Object.assign([1], { toJSON: () => 2 }), 2],
    ["what is in objects of its own", [new Number(1), new String("a"), new Boolean(false)], [1, "a", false]],
    ["a map and a set", [new Map([[1, 2]]), new Set([1])], [{}, {}]],
    ["an own __proto__", JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ["a lone surrogate", "\ud800", "\ufffd"],
    ["a byte order mark", "\ufeffa", "\ufeffa"],
    ["70,000 characters", "x".repeat(70_000), "x".repeat(70_000)],
    ["70,000 bytes", Buffer.alloc(70_000, 1), Buffer.alloc(70_000, 1)],
    ["70,000 items", Array.from({ length: 70_000 }, () => 0), Array.from({ length: 70_000 }, () => 0)],
  ])("carries %s", (_what, sent, got) => {
    expect(carried(sent, "behind")).toEqual([got, "behind"]);
  });

  it("gives no object a prototype", () => {
    const [got] = carried(JSON.parse('{"__proto__":{"polluted":1}}')) as [Record<string, unknown>];
    expect(got["polluted"]).toBeUndefined();
    expect(Object.keys(got)).toEqual(["__proto__"]);
  });

  it.each<[string, unknown]>([
    ["a BigInt", 1n],
    ["a BigInt in an object", Object(1n)],
  ])("cannot encode %s", (_what, value) => {
    expect(codeOf(() => codec.encode(event("e", value)))).toBe("ERR_UNENCODABLE");
  });

  it("is bounded in what it makes of few bytes", () => {
    // Each list claims a million items, and the rest is the next such list.
    const bomb = Buffer.concat([
      Buffer.from("8100", "hex"),
      ...Array.from({ length: 10_000 }, () => Buffer.from("dd000f4240", "hex")),
    ]);
    expect(codeOf(() => decode(bomb))).toBe("ERR_PACKET_MALFORMED");
  });
});

// What it cannot do: integers beyond 64 bits, and a key called __proto__.
const json = fc
  .jsonValue({ maxDepth: 5 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll("__proto__", "proto"), within) as unknown);

function within(_key: string, value: unknown): unknown {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? 0.5 : value;
}

describe("beside notepack.io", () => {
  it("writes what it writes, and reads it", () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 5 }), fc.option(fc.nat(), { nil: undefined }), (args, id) => {
        const packet = { ...event("e", ...args), id } as Packet;
        const plain = { type: 2, data: ["e", ...args], nsp: "/", ...(id !== undefined && { id }) };
        const bytes = bytesOf(packet);
        expect(stock.decode(bytes)).toEqual(plain);
        expect(packetText(decode(stock.encode(plain)))).toBe(packetText(packet));
        expect(packetText(decode(bytes))).toBe(packetText(packet));
      }),
    );
  });

  it("throws nothing but CodecErrors, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(200), (noise, at) => {
        const good = bytesOf(event("hi", { a: [1, "x", Buffer.from([1, 2])] }, new Date(0)));
        good.set(noise.subarray(0, Math.max(0, good.length - at)), Math.min(at, good.length));
        for (const bytes of [noise, good]) expect(codeOf(() => decode(bytes))).not.toMatch(/^not a/);
      }),
      { numRuns: 1000 },
    );
  });
});
