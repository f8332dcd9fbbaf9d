import {
  frameOf,
  frameVector,
  type PacketVector,
  packetOf,
  packetText,
  readVectors,
} from "@sockeye/conformance";
import { type Packet, PacketType } from "@sockeye/protocol";
import { Decoder, Encoder, type PacketType as Kind, type Packet as StockPacket } from "socket.io-parser";
import { describe, expect, it } from "vitest";
import { createTextCodec } from "../src/index.js";

// What a stranger's parser says about the same frames.

const codec = createTextCodec();
const canonical = readVectors("packets").filter((vector) => vector.canonical);

/** The traps that socket.io-parser walks into: it delivers something, or waits for attachments. */
const LENIENT = new Set([
  "a space for a packet",
  "acknowledgement with a bad id",
  "acknowledgement without an id",
  "acknowledgement without data",
  "attachment count with a needless zero",
  "attachment count with a space before it",
  "attachment count with a space behind it",
  "attachment count with an exponent",
  "attachment without a placeholder",
  "auth nested too deep",
  "binary acknowledgement without an id",
  "connect error with an id",
  "connect with a number",
  "connect with an id",
  "disconnect with an id",
  "empty packet",
  "endless namespace",
  "event name is not finite",
  "event name too long",
  "event with a byte order mark",
  "event with a namespace that ends the text",
  "event with an id and no data",
  "event without data",
  "fewer placeholders than attachments",
  "fractional attachment count",
  "hexadecimal attachment count",
  "id beyond the safe integers",
  "id of 21 digits",
  "id of 5000 digits",
  "id of two zeros",
  "id with a needless zero",
  "namespace too long",
  "namespace without a comma before the id",
  "nested 4000 levels with an attachment",
  "nested one level too deep",
  "nested too deep behind an escaped quote",
  "nested too deep in objects",
  "one attachment used twice",
  "one attachment used twice, another not at all",
  "payload separator in a namespace",
  "placeholder number is a fraction",
  "placeholder number is a method name",
  "placeholder number is a text",
  "placeholder number is missing",
  "placeholder number is negative",
  "placeholder number is null",
  "placeholder number is out of range",
  "signed attachment count",
  "space after an id",
  "space before the JSON",
  "space inside an id",
]);

/** All packets that socket.io-parser makes of the frames; throws what it throws. */
function stockDecode(frames: PacketVector["frames"]): StockPacket[] {
  const decoder = new Decoder();
  const packets: StockPacket[] = [];
  decoder.on("decoded", (packet) => packets.push(packet));
  for (const vector of frames) {
    const frame = frameOf(vector);
    decoder.add(typeof frame === "string" ? frame.slice(1) : frame);
  }
  return packets;
}

function stockEncode({ type, nsp, id, data }: Packet): unknown[] {
  const packet: StockPacket = { type: type as Kind, nsp, data };
  if (id !== undefined) packet.id = id;
  const [head, ...rest] = new Encoder().encode(packet);
  return [`4${head}`, ...rest.map(asVector)];
}

function ourEncode(packet: Packet): unknown[] {
  const { head, attachments } = codec.encode(packet);
  return [head, ...attachments].map(asVector);
}

describe("socket.io-parser", () => {
  it.each(readVectors("packets"))("understands: $name", (vector) => {
    const packets = stockDecode(vector.frames);
    expect(packets).toHaveLength(1);
    const expected = packetOf(vector);
    const data: unknown = packets[0]?.data;
    // It leaves the older form of a connect error as it comes; we give it the newer one.
    if (typeof data === "string") expect(expected.data).toEqual({ message: data });
    else expect(packetText(packets[0] as unknown as Packet)).toBe(packetText(expected));
  });

  it.each(canonical)("writes the same: $name", (vector) => {
    const written = stockEncode(packetOf(vector));
    // It sets a prototype there instead of a key, and the bytes are gone.
    if (vector.name === "bytes under a key called __proto__") expect(written).not.toEqual(vector.frames);
    else expect(written).toEqual(vector.frames);
  });

  it.each(readVectors("traps"))("refuses, unless it is known to be lenient: $name", (vector) => {
    expect(isRefused(vector.frames)).toBe(!LENIENT.has(vector.name));
  });

  const when = new Date(0);
  class Point {
    x = 1;
    #hidden = 2;
    get y(): number {
      return this.#hidden;
    }
  }
  const values: [string, unknown][] = [
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["NaN", Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY],
    ["minus zero", -0],
    ["large and small numbers", [1e21, 1e-7, 123456789012345680000]],
    ["undefined in places", { a: undefined, b: [undefined, () => 1, Symbol("s")], c: () => 1 }],
    ["a date", when],
    ["a date inside", { when, list: [when] }],
    ["a bad date", [new Date(Number.NaN)]],
    ["a map and a set", [new Map([[1, 2]]), new Set([1])]],
    ["a regular expression and an error", [/x/, new Error("x")]],
    ["a sparse array", Object.assign(new Array(3), { 0: 1, 2: 3 })],
    ["an instance", new Point()],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    [
      "an object that inherits keys",
      Object.create({ inherited: Buffer.alloc(1) }, { own: { value: 1, enumerable: true } }),
    ],
    [
      "a hidden property",
      Object.defineProperty({ a: 1 }, "b", { value: Buffer.alloc(1), enumerable: false }),
    ],
    ["toJSON", { toJSON: () => ({ a: 1 }) }],
    ["toJSON that gives nothing", [{ toJSON: () => undefined }, { a: { toJSON: () => undefined } }]],
    [
      "toJSON of a class",
      new (class {
        toJSON(): unknown {
          return { made: [1] };
        }
      })(),
    ],
    ["toJSON whose answer has one too", { a: { toJSON: () => ({ b: 1, toJSON: () => "never" }) } }],
    ["a URL", new URL("https://example.org/")],
    ["lone surrogates", ["\ud800", { "\udfff": "x\udc00x" }]],
    ["pairs of surrogates", "\u{1f41f}"],
    ["long text", `${"x".repeat(1000)}"`],
    ["control characters", Array.from({ length: 0x30 }, (_, i) => String.fromCharCode(i)).join("")],
    [
      "characters from 0x7f to 0xa0, and line separators",
      `${String.fromCharCode(...Array.from({ length: 34 }, (_, i) => 0x7f + i))}\u2028\u2029\ufeff\uffff`,
    ],
  ];
  const bytes: [string, unknown][] = [
    ["a Buffer", Buffer.from([1, 2])],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer],
    ["a Float64Array", new Float64Array([1, 2])],
    ["a part of an ArrayBuffer", new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
    ["a DataView on a part", new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
    ["the same bytes twice", ((one) => [one, { one }])(Buffer.from([7]))],
    ["bytes from toJSON", { toJSON: () => Buffer.from([1]) }],
    [
      "bytes inside what toJSON gives",
      [{ toJSON: () => ({ file: new Uint8Array([1]), list: [{ toJSON: () => new Uint8Array([2]) }] }) }],
    ],
    ["bytes and a date", { when, bytes: Buffer.from([1]) }],
    ["bytes and undefined", { a: undefined, b: [undefined, Buffer.from([1])], c: () => 1 }],
    ["bytes in an instance", Object.assign(new Point(), { bytes: Buffer.from([1]) })],
    ["a SharedArrayBuffer, which is none", new SharedArrayBuffer(2)],
  ];

  it.each([...values, ...bytes])("writes %s in the same way", (_what, value) => {
    for (const data of [
      ["e", value],
      ["e", "a", value, "z"],
      [0, { deep: [value] }],
    ] as [string | number, unknown][]) {
      for (const id of [undefined, 0, 12]) {
        const packet: Packet = { type: PacketType.EVENT, nsp: id === 12 ? "/n" : "/", id, data };
        expect(ourEncode(packet)).toEqual(stockEncode(packet));
      }
    }
  });

  it.each(values)("writes %s in the same way beside bytes", (what, value) => {
    // It copies such objects key by key there, and so loses what JSON makes of them; we do not.
    const differs = what === "toJSON whose answer has one too";
    const data: [string, unknown, unknown] = ["e", value, Buffer.from([1])];
    const packet: Packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data };
    const [ours, stock] = [ourEncode(packet), stockEncode(packet)];
    if (differs) expect(ours).not.toEqual(stock);
    else expect(ours).toEqual(stock);
  });

  it("keeps boxed values beside bytes as JSON has them, where socket.io-parser takes them apart", () => {
    const data: [string, ...unknown[]] = [
      "e",
      new String("ab"),
      new Number(1),
      new Boolean(true),
      Buffer.from([1]),
    ];
    const packet: Packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data };
    expect(ourEncode(packet)[0]).toBe('451-["e","ab",1,true,{"_placeholder":true,"num":0}]');
  });

  it("refuses or swaps a placeholder of the app beside bytes; we do not send it", () => {
    const data: [string, ...unknown[]] = ["e", { _placeholder: true, num: 5 }, Buffer.from([1])];
    const packet: Packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data };
    expect(() => stockDecode(stockEncode(packet) as PacketVector["frames"])).toThrow("illegal attachments");
    expect(() => ourEncode(packet)).toThrow(expect.objectContaining({ code: "ERR_UNENCODABLE" }));
  });
});

function isRefused(frames: PacketVector["frames"]): boolean {
  try {
    stockDecode(frames);
    return false;
  } catch {
    return true;
  }
}

/** What a stock encoder leaves to the engine may be any kind of bytes. */
function asVector(frame: unknown): unknown {
  if (frame instanceof ArrayBuffer) return frameVector(new Uint8Array(frame));
  if (!ArrayBuffer.isView(frame)) return frame;
  return frameVector(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
}
