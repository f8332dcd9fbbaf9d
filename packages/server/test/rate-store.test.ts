import { manualClock } from "@sockeye/conformance";
import { flexibleStore, TokenBuckets } from "@sockeye/server";
import fc from "fast-check";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { describe, expect, test } from "vitest";

describe("token buckets", () => {
  test("give what is in them, and fill again", () => {
    const clock = manualClock();
    const buckets = new TokenBuckets({ points: 2, perMs: 1000 }, clock);
    expect([1, 1, 1].map((points) => buckets.take("a", points))).toEqual([0, 0, 500]);
    clock.advance(499);
    expect(buckets.take("a", 1)).toBe(1);
    clock.advance(1);
    expect(buckets.take("a", 1)).toBe(0);
    clock.advance(60_000);
    expect([2, 1].map((points) => buckets.take("a", points))).toEqual([0, 500]);
  });

  test("are one for each key", () => {
    const buckets = new TokenBuckets({ points: 1, perMs: 1000 }, manualClock());
    expect(["a", "b", "a", "__proto__"].map((key) => buckets.take(key, 1))).toEqual([0, 0, 1000, 0]);
  });

  test("never give more than they hold", () => {
    const buckets = new TokenBuckets({ points: 10, perMs: 1000 }, manualClock());
    expect(buckets.take("a", 11)).toBe(Number.POSITIVE_INFINITY);
    expect(buckets.take("a", 10)).toBe(0);
  });

  test("are forgotten once they are full again", () => {
    const clock = manualClock();
    const buckets = new TokenBuckets({ points: 1, perMs: 1000 }, clock);
    for (let key = 0; key < 100_000; key++) {
      buckets.take(`${key}`, 1);
      clock.advance(1);
    }
    // About a thousand are not full; twice that, and what comes until the next sweep.
    expect(buckets.size).toBeLessThan(3100);
    expect(buckets.take("99999", 1)).toBeGreaterThan(0);
  });

  test.each([
    [{ points: 0, perMs: 1 }],
    [{ points: 1, perMs: Number.NaN }],
    [{ points: "many" as unknown as number, perMs: 1 }],
  ])("refuse %o", (rate) => {
    expect(() => new TokenBuckets(rate, manualClock())).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });

  test("let through no more than the rate and one bucket, whatever comes when", () => {
    const acts = fc.array(fc.record({ after: fc.nat(2000), points: fc.integer({ min: 1, max: 8 }) }));
    fc.assert(
      fc.property(acts, (list) => {
        const clock = manualClock();
        const buckets = new TokenBuckets({ points: 5, perMs: 1000 }, clock);
        let taken = 0;
        let passed = 0;
        for (const { after, points } of list) {
          clock.advance(after);
          passed += after;
          const wait = buckets.take("key", points);
          if (wait === 0) taken += points;
          expect(taken).toBeLessThanOrEqual(5 + passed / 200 + 1e-6);
          if (wait > 0 && wait < Number.POSITIVE_INFINITY) {
            // What it says is true.
            clock.advance(wait);
            passed += wait;
            expect(buckets.take("key", points)).toBe(0);
            taken += points;
          }
        }
      }),
    );
  });
});

describe("a limiter of rate-limiter-flexible", () => {
  test("decides", async () => {
    const store = flexibleStore(new RateLimiterMemory({ points: 2, duration: 60 }));
    expect(await store.take("a", 2)).toBe(0);
    expect(await store.take("a", 1)).toBeGreaterThan(50_000);
    expect(await store.take("b", 1)).toBe(0);
  });

  test("that fails says so", async () => {
    const failure = new Error("no Redis");
    const store = flexibleStore({ consume: () => Promise.reject(failure) });
    await expect(store.take("a", 1)).rejects.toBe(failure);
  });

  test("is one", () => {
    expect(() => flexibleStore({} as never)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});
