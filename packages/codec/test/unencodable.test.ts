import type { Codec, Packet } from "@sockeye/protocol";
import { type CodecError, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../src/msgpack.js";
import { createTextCodec } from "../src/text-codec.js";

/** The text of the refusal. */
function refusal(codec: Codec, packet: Packet): string {
  try {
    codec.encode(packet);
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_UNENCODABLE" });
    return (error as CodecError).message;
  }
  return "taken";
}

function event(...data: [string, ...unknown[]]): Packet {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
}

function cycle(): unknown {
  const person = { name: "Ann", friends: [{}] as unknown[] };
  person.friends.push({ person });
  return person;
}

function nest(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

const shared = { a: 1 };
const DEEP = "the arguments are nested too deep, or a cycle";
const PLACES: readonly (readonly [what: string, args: readonly unknown[], reason: string, place: string])[] =
  [
    ["a cycle", [1, cycle()], DEEP, "arguments[2].friends[1].person, which is arguments[2]"],
    ["a cycle behind what is there twice", [shared, shared, cycle()], DEEP, "arguments[3].friends[1].person"],
    ["what is deep", [{ "a b": nest(120) }], DEEP, 'arguments[1]["a b"].a.a.a.a'],
    ["a BigInt", [{ list: [1, { n: 2n }] }], "send a BigInt as a string", "arguments[1].list[1].n"],
    ["a Blob", [{ file: new Blob(["x"]) }], "a Blob cannot be read at once", "arguments[1].file"],
    [
      "a getter that throws",
      [
        {
          b: {
            get c(): never {
              throw new Error("mine");
            },
          },
        },
      ],
      "mine",
      "arguments[1].b.c",
    ],
  ];

describe.each([
  ["text", createTextCodec()],
  ["MessagePack", createMsgpackCodec()],
])("what cannot be written as %s is told with the event and the place", (_name, codec) => {
  it.each(PLACES)("%s", (_what, args, reason, place) => {
    const text = refusal(codec, event("news", ...args));
    expect(text).toMatch(/^event "news": /);
    expect(text).toContain(reason);
    expect(text).toContain(`, at ${place}`);
    // Beside bytes the text codec goes another way.
    expect(refusal(codec, event("news", ...args, new Uint8Array(1)))).toContain(`, at ${place}`);
  });

  it("of an acknowledgement", () => {
    const packet: Packet = { type: PacketType.ACK, nsp: "/", id: 1, data: [1n] };
    expect(refusal(codec, packet)).toMatch(/^acknowledgement: .*, at arguments\[0\]$/);
  });

  it("and without a place where only a call would tell: it was called once", () => {
    let calls = 0;
    const toJSON = (): never => {
      calls++;
      throw new Error("mine");
    };
    expect(refusal(codec, event("news", { toJSON }))).toMatch(/^event "news": .*mine$/);
    expect(calls).toBe(1);
  });

  it("in a line that nothing can break, and in time", () => {
    const wide = Array.from({ length: 300_000 }, () => ({}));
    expect(refusal(codec, event('a\n"', { "b\n": 1n }))).toContain(String.raw`event "a\n\"": `);
    expect(refusal(codec, event("news", wide, cycle()))).toBe(`event "news": ${DEEP}`);
    expect(refusal(codec, event("news", { ["k".repeat(500)]: { n: 1n } })).length).toBeLessThan(300);
  });
});

it("without a limit a cycle is found all the same", () => {
  const codec = createTextCodec(undefined, undefined, { accepted: {} });
  expect(refusal(codec, event("news", cycle()))).toContain("which is arguments[1]");
});

it("what the peer does not take has a code of its own, and says all there is", () => {
  const bytes = Array.from({ length: 11 }, () => new Uint8Array(1));
  expect(() => createTextCodec().encode(event("news", ...bytes))).toThrow(
    expect.objectContaining({ code: "ERR_TOO_MANY_ATTACHMENTS" }) as CodecError,
  );
});
