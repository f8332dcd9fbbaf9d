import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backoff, backoffMs } from "../../src/client/backoff.js";

const DEFAULT: Backoff = { delayMs: 1000, maxMs: 5000, jitter: 0.5 };
const STEADY: Backoff = { ...DEFAULT, jitter: 0 };

describe("backoffMs", () => {
  it.each([
    { backoff: STEADY, attempt: 0, chance: 0.3, waits: 1000 },
    { backoff: STEADY, attempt: 1, chance: 0.3, waits: 2000 },
    { backoff: STEADY, attempt: 2, chance: 0.3, waits: 4000 },
    { backoff: STEADY, attempt: 3, chance: 0.3, waits: 5000 },
    { backoff: STEADY, attempt: 5000, chance: 0.3, waits: 5000 },
    { backoff: DEFAULT, attempt: 0, chance: 0, waits: 500 },
    { backoff: DEFAULT, attempt: 0, chance: 0.5, waits: 1000 },
    { backoff: DEFAULT, attempt: 0, chance: 1, waits: 1500 },
    { backoff: DEFAULT, attempt: 1, chance: 0, waits: 1000 },
    { backoff: DEFAULT, attempt: 1, chance: 1, waits: 3000 },
    // At the maximum the jitter goes down only.
    { backoff: DEFAULT, attempt: 9, chance: 0, waits: 2500 },
    { backoff: DEFAULT, attempt: 9, chance: 1, waits: 5000 },
    { backoff: { delayMs: 9000, maxMs: 5000, jitter: 0 }, attempt: 0, chance: 0, waits: 5000 },
    { backoff: { delayMs: 10, maxMs: 20, jitter: 1 }, attempt: 0, chance: 0, waits: 0 },
  ])(
    "waits $waits ms before attempt $attempt of $backoff with chance $chance",
    ({ backoff, attempt, chance, waits }) => {
      expect(backoffMs(backoff, attempt, chance)).toBe(waits);
    },
  );

  const backoffs = fc.record({
    delayMs: fc.integer({ min: 1, max: 100_000 }),
    maxMs: fc.integer({ min: 1, max: 100_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const chances = fc.double({ min: 0, max: 1, noNaN: true });

  it("is a whole number from 0 to the maximum, for any attempt", () => {
    fc.assert(
      fc.property(backoffs, fc.nat(10_000), chances, (backoff, attempt, chance) => {
        const waits = backoffMs(backoff, attempt, chance);
        expect(Number.isInteger(waits)).toBe(true);
        expect(waits).toBeGreaterThanOrEqual(0);
        expect(waits).toBeLessThanOrEqual(backoff.maxMs);
      }),
    );
  });

  it("never gets shorter with the attempts, nor with the chance", () => {
    fc.assert(
      fc.property(backoffs, fc.nat(50), chances, chances, (backoff, attempt, a, b) => {
        expect(backoffMs(backoff, attempt + 1, a)).toBeGreaterThanOrEqual(backoffMs(backoff, attempt, a));
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(backoffMs(backoff, attempt, more)).toBeGreaterThanOrEqual(backoffMs(backoff, attempt, less));
      }),
    );
  });
});
