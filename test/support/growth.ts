import { expect } from "vitest";

// What an input costs per byte, and how that changes when the input grows. Work that is linear costs the same per byte at any
// size; a copy, a search or a shift of all that came before for each item makes it ten times as much at ten times the size.

/** How often each size is tried; the quickest try counts, since others use the processor, too. */
const TRIES = 2;
/** Small inputs are played again and again for so much of the processor's time. */
const LEAST_MS = 1;
/** What takes so long is not tried again. */
const TOO_LONG_MS = 2000;
/** Caches, hash tables and the collector make large inputs somewhat dearer. Quadratic work is a hundred times dearer here. */
const MOST = 25;
/** Per byte. What is so cheap cannot be told from noise. */
const FREE_NS = 2;

/**
 * Expects that the hundredfold of an input costs about a hundred times as much.
 *
 * @param make an input of about so many bytes
 * @param play the work
 */
export function expectLinear<Input extends { readonly length: number }>(
  make: (bytes: number) => Input,
  play: (input: Input) => void,
  bytes = 2000,
): void {
  const small = perByte(make(bytes), play);
  for (const factor of [10, 100]) {
    const large = perByte(make(bytes * factor), play);
    expect(
      large,
      `ns per byte: ${small.toFixed(1)} for ${bytes} bytes, for ${factor} times as many`,
    ).toBeLessThan(MOST * small + FREE_NS);
  }
}

function perByte<Input extends { readonly length: number }>(
  input: Input,
  play: (input: Input) => void,
): number {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < TRIES; n++) {
    let plays = 0;
    const begin = process.cpuUsage();
    let spent = 0;
    do {
      play(input);
      plays++;
      const { user, system } = process.cpuUsage(begin);
      spent = (user + system) / 1000;
    } while (spent < LEAST_MS);
    best = Math.min(best, (spent * 1e6) / plays / input.length);
    if (spent > TOO_LONG_MS) break;
  }
  return best;
}
