// What a client says when it joins is measured before it is read, whatever the codec.
import { createRequire } from "node:module";
import { type Codec, type Frame, type Packet, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { authGuard, codecFromParser, createTextCodec, type Parser } from "../src/index.js";
import { createMsgpackCodec } from "../src/msgpack.js";

const require = createRequire(import.meta.url);
const LIMIT = 1000;
const limits = { maxAuthBytes: LIMIT };

const codecs: Record<string, Codec> = {
  text: createTextCodec(limits, undefined, { guard: authGuard }),
  msgpack: createMsgpackCodec(limits),
  "another parser": codecFromParser(require("socket.io-msgpack-parser") as Parser, limits),
  "another parser of texts": codecFromParser(
    createRequire(require.resolve("socket.io"))("socket.io-parser") as Parser,
    limits,
  ),
};

function connect(nsp: string, data: Record<string, unknown>): Packet {
  return { type: PacketType.CONNECT, nsp, id: undefined, data };
}

function frameOf(codec: Codec, packet: Packet): Frame {
  const { head } = codec.encode(packet);
  return typeof head === "string" ? head.slice(1) : head;
}

const LARGE: Record<string, Record<string, unknown>> = {
  "a long text": { a: "x".repeat(2 * LIMIT) },
  "a text of two bytes each": { a: "\u00e4".repeat(LIMIT) },
  "many small objects": { a: Array.from({ length: 2 * LIMIT }, () => ({})) },
  "many members": Object.fromEntries(Array.from({ length: 2 * LIMIT }, (_, n) => [n, 0])),
  "many lists": { a: Array.from({ length: 2 * LIMIT }, () => []) },
  "a hundred times as much": { a: Array.from({ length: 200 * LIMIT }, () => ({})) },
};

it("the text codec leaves out what is nested too deep, and does not write it", () => {
  const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const decoder = codecs["text"]?.decoder();
  expect(decoder?.write(`0{"a":${deep(100)}}`)).toMatchObject({ type: PacketType.CONNECT, oversized: true });
  expect(decoder?.write(`0{"a":${deep(99)}}`)).not.toHaveProperty("oversized");
  expect(decoder?.write(`0/${"[".repeat(200)},{}`)).not.toHaveProperty("oversized");
  const auth = (levels: number) => connect("/", { a: JSON.parse(deep(levels)) as unknown });
  expect(() => codecs["text"]?.encode(auth(100))).toThrow(
    expect.objectContaining({ code: "ERR_UNENCODABLE" }),
  );
  expect(() => codecs["text"]?.encode(auth(99))).not.toThrow();
});

describe.each(Object.entries(codecs))("the %s codec", (_name, codec) => {
  it.each(Object.entries(LARGE))("leaves out %s, in every namespace", (_what, auth) => {
    for (const nsp of ["/", "/other"]) {
      expect(codec.decoder().write(frameOf(codec, connect(nsp, auth)))).toEqual({
        type: PacketType.CONNECT,
        nsp,
        id: undefined,
        data: undefined,
        oversized: true,
      });
    }
  });

  it("takes what is within the limit, and events of any size", () => {
    const small = connect("/n", { token: "x".repeat(LIMIT - 100), more: [{}, null, 1.5, true] });
    expect(codec.decoder().write(frameOf(codec, small))).toEqual(small);
    const event: Packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data: ["e", LARGE] };
    expect(codec.decoder().write(frameOf(codec, event))?.data).toEqual(["e", LARGE]);
  });
});

describe("the limit", () => {
  it.each([
    ["ASCII", "x", 1],
    ["two bytes", "\u00e4", 2],
    ["three bytes", "\u20ac", 3],
    ["four bytes", "\u{1f600}", 4],
  ])("is counted in bytes of the JSON: %s", (_what, letter, bytes) => {
    const codec = createTextCodec(limits, undefined, { guard: authGuard });
    const room = LIMIT - '{"a":""}'.length;
    const fits = `{"a":"${letter.repeat(Math.floor(room / bytes))}${" ".repeat(room % bytes)}"}`;
    expect(codec.decoder().write(`0${fits}`)).toMatchObject({ data: JSON.parse(fits) });
    expect(codec.decoder().write(`0/n,${fits} `)).toMatchObject({ nsp: "/n", oversized: true });
  });

  it("is checked before the JSON is parsed: it need not be any", () => {
    expect(
      createTextCodec(limits, undefined, { guard: authGuard })
        .decoder()
        .write(`0${"{".repeat(LIMIT + 1)}`),
    ).toHaveProperty("oversized");
  });

  it("does not read MessagePack either: bytes that are no value make no difference, wherever the type stands", () => {
    const codec = createMsgpackCodec(limits);
    const arrays = Buffer.concat([Buffer.from([0xdc, 0x07, 0xd0]), Buffer.alloc(2000, 0xc1 - 1)]);
    const type = Buffer.from("a474797065".concat("00"), "hex");
    const nsp = Buffer.from("a36e7370a12f", "hex");
    const data = Buffer.concat([Buffer.from("a464617461", "hex"), arrays]);
    for (const members of [
      [type, nsp, data],
      [data, type, nsp],
      [nsp, data, type],
    ]) {
      const packet = codec.decoder().write(Buffer.concat([Buffer.from([0x83]), ...members]));
      expect(packet).toMatchObject({ type: PacketType.CONNECT, nsp: "/", oversized: true });
    }
  });
});

describe("a binary event whose attachments are missing", () => {
  const small = '51-["e",{"_placeholder":true,"num":0}]';
  const large = `51-["e",{"_placeholder":true,"num":0},[${"{},".repeat(300_000)}{}]]`;

  it.each([
    ["small", small],
    ["large", large],
  ])("is whole in the end: %s", (_what, text) => {
    const decoder = createTextCodec(undefined, (bytes) => bytes).decoder();
    expect(decoder.write(text)).toBeUndefined();
    expect(decoder.waitingBytes).toBe(text.length - 3);
    const bytes = new Uint8Array([1, 2, 3]);
    const packet = decoder.write(bytes);
    expect(packet?.data).toHaveProperty(["1"], bytes);
    expect(decoder.waitingBytes).toBe(0);
    const expected = JSON.parse(text.slice(3)) as unknown[];
    expected[1] = bytes;
    expect(packet?.data).toEqual(expected);
  });

  it.each([
    ["no JSON", `51-["e",{"_placeholder":true,"num":0},"${"x".repeat(10_000)}]`],
    ["too few placeholders", `51-["e","${"x".repeat(10_000)}"]`],
    ["a name of the library", `51-["connect",{"_placeholder":true,"num":0},"${"x".repeat(10_000)}"]`],
  ])("is refused at once, however large: %s", (_what, text) => {
    expect(() => createTextCodec().decoder().write(text)).toThrow();
  });

  it("counts its JSON for maxBinaryEventBytes, with the attachments", () => {
    const code = (limit: number, attachment: number): unknown => {
      const decoder = createTextCodec({ maxBinaryEventBytes: limit }).decoder();
      try {
        decoder.write(small);
        decoder.write(Buffer.alloc(attachment));
        return "taken";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const json = small.length - 3;
    expect(code(json + 10, 10)).toBe("taken");
    expect(code(json + 10, 11)).toBe("ERR_BINARY_EVENT_TOO_LARGE");
    expect(code(json - 1, 0)).toBe("ERR_BINARY_EVENT_TOO_LARGE");
  });
});
