import type { Random } from "./random.js";
import { text } from "./values.js";

// Valid things made a little wrong.

/** A fragment is repeated up to about this length. */
const LONG = 60_000;

/** One to four changes. */
export function mutateText(random: Random, original: string, tokens: readonly string[] = []): string {
  let mutated = original;
  for (let n = 1 + random.below(4); n > 0; n--) mutated = changeText(random, mutated, tokens);
  return mutated;
}

function changeText(random: Random, original: string, tokens: readonly string[]): string {
  const from = random.below(original.length + 1);
  const to = Math.min(original.length, from + random.size());
  const before = original.slice(0, from);
  const middle = original.slice(from, to);
  const after = original.slice(to);
  switch (random.below(8)) {
    case 0:
      return before + after;
    case 1:
      return before + middle + middle + after;
    case 2:
      return before + text(random) + after;
    case 3:
      return before;
    case 4:
      return before + digits(random) + after;
    case 5:
      return random.chance(0.05) ? before + repeated(random, middle) + after : after + middle + before;
    default:
      return before + (tokens.length === 0 ? text(random) : random.pick(tokens)) + after;
  }
}

function repeated(random: Random, fragment: string): string {
  return fragment.repeat(random.below(LONG / (fragment.length + 1)));
}

function digits(random: Random): string {
  return random.pick([
    "0",
    "00",
    "-1",
    "1e0",
    "0x1",
    " 1",
    "9007199254740991",
    "9007199254740992",
    "9".repeat(40),
  ]);
}

/** One to four changes. */
export function mutateBytes(random: Random, original: Uint8Array): Buffer {
  let mutated = Buffer.from(original);
  for (let n = 1 + random.below(4); n > 0; n--) mutated = changeBytes(random, mutated);
  return mutated;
}

function changeBytes(random: Random, original: Buffer): Buffer<ArrayBuffer> {
  const from = random.below(original.length + 1);
  const to = Math.min(original.length, from + random.size());
  const before = original.subarray(0, from);
  const middle = original.subarray(from, to);
  const after = original.subarray(to);
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, middle, middle, after]);
    case 2:
      return Buffer.concat([before, random.bytes(random.size()), after]);
    case 3:
      return Buffer.concat([before]);
    case 4:
      return Buffer.concat([after, before]);
    case 5:
      return Buffer.concat([before, Buffer.from(random.pick(EDGES)), after]);
    default: {
      const flipped = Buffer.from(original);
      if (from < flipped.length) flipped[from] = (flipped[from] as number) ^ (1 << random.below(8));
      return flipped;
    }
  }
}

/** Lengths and numbers at which something changes. */
const EDGES: readonly (readonly number[])[] = [
  [0],
  [125],
  [126],
  [127],
  [128],
  [255],
  [126, 0, 1],
  [126, 255, 255],
  [127, 0, 0, 0, 0, 0, 1, 0, 0],
  [127, 0, 32, 0, 0, 0, 0, 0, 0],
  [127, 255, 255, 255, 255, 255, 255, 255, 255],
  [0xc1],
  [0xdd, 255, 255, 255, 255],
  [0xdf, 0, 1, 0, 0],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
];

/** The places at which something of this length is cut into pieces, in order. */
export function cutsOf(random: Random, length: number): number[] {
  if (random.chance(0.2) && length < 2000) return Array.from({ length }, (_, at) => at);
  return random.list(random.below(6), () => random.below(length + 1)).sort((a, b) => a - b);
}

/** The pieces between the cuts, which may be empty. */
export function cutAt<T>(whole: { slice(from: number, to?: number): T }, cuts: readonly number[]): T[] {
  const ends = [...cuts, undefined];
  return ends.map((end, n) => whole.slice(n === 0 ? 0 : (cuts[n - 1] as number), end));
}
