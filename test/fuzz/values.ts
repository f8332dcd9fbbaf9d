import type { PacketVector } from "@sockeye/conformance";
import { PacketType } from "@sockeye/protocol";
import type { Random } from "./random.js";

// Valid things, with all that is hard about them.

const TEXTS: readonly string[] = [
  "",
  "a",
  "message",
  "error",
  "connect",
  "disconnecting",
  "newListener",
  "__proto__",
  "constructor",
  "toString",
  "_placeholder",
  "num",
  "toJSON",
  "\x1e",
  "\0",
  "\r\n",
  "\u2028",
  "\ufeff",
  "€",
  "😀",
  "\ud800",
  "\udc00",
  '"',
  "\\",
  "\\u0000",
  "</script>",
  "<!--",
  "%",
  "%0A",
  "%zz",
  "[",
  "{",
  "[[[[",
  "b",
  "bAAAA",
  "4",
  "/",
  ",",
  "-",
  "1-",
  '{"_placeholder":true,"num":0}',
  '{"_placeholder":true,"num":"splice"}',
];

const NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  127,
  128,
  255,
  256,
  -32,
  -33,
  -128,
  -129,
  32_767,
  65_536,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e-7,
  1.7976931348623157e308,
  5e-324,
];

export function text(random: Random): string {
  if (random.chance(0.6)) return random.pick(TEXTS);
  return random.list(random.size(), () => random.pick(TEXTS)).join("");
}

export function number(random: Random): number {
  return random.chance(0.5) ? random.pick(NUMBERS) : random.below(100_000);
}

/** A value as vectors have it: JSON, in which `{"$base64": "…"}` stands for bytes. */
export function value(random: Random, levels = 4): unknown {
  switch (random.below(levels === 0 ? 5 : 9)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return number(random);
    case 3:
    case 4:
      return text(random);
    case 5:
      return { $base64: random.bytes(random.size()).toString("base64") };
    case 6:
      return random.list(random.below(5), () => value(random, levels - 1));
    case 7:
      return random.chance(0.02) ? deep(random) : value(random, levels - 1);
    default:
      return Object.fromEntries(
        random.list(random.below(4), () => [text(random), value(random, levels - 1)] as const),
      );
  }
}

/** About as deep as is allowed. */
function deep(random: Random): unknown {
  let inner: unknown = value(random, 0);
  for (let n = 90 + random.below(20); n > 0; n--) inner = random.chance(0.5) ? [inner] : { a: inner };
  return inner;
}

/** A packet that can be sent. */
export function packet(random: Random): PacketVector["packet"] {
  const nsp = random.pick(["/", "/", "/chat", "/__proto__", "/a/b?c=d", `/${"n".repeat(511)}`, "/€"]);
  const id = random.chance(0.4) ? Math.abs(Math.trunc(random.pick([0, 1, 42, 2 ** 53 - 1]))) : undefined;
  const items = random.list(random.below(4), () => value(random));
  switch (random.below(8)) {
    case 0:
      return { type: PacketType.CONNECT, nsp, ...(random.chance(0.5) && { data: record(random) }) };
    case 1:
      return { type: PacketType.DISCONNECT, nsp };
    case 2:
      return { type: PacketType.CONNECT_ERROR, nsp, data: { message: text(random), data: text(random) } };
    case 3:
      return { type: PacketType.ACK, nsp, id: id ?? 7, data: items };
    default: {
      const name = random.chance(0.9) ? `e${text(random)}` : random.below(1000);
      return { type: PacketType.EVENT, nsp, ...(id !== undefined && { id }), data: [name, ...items] };
    }
  }
}

/** Without bytes, which packets of the library itself cannot carry. */
function record(random: Random): Record<string, unknown> {
  return Object.fromEntries(random.list(random.below(4), () => [text(random), text(random)]));
}
