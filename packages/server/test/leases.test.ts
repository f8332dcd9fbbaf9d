import { manualClock } from "@sockeye/conformance";
import type { FirstRequest } from "@sockeye/engine/server";
import { clientGroup } from "@sockeye/engine/server";
import { TokenBuckets } from "@sockeye/server";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Leases } from "../src/leases.js";

const POINTS = 5;
const PER_MS = 1000;

function buckets() {
  const clock = manualClock();
  const store = new TokenBuckets({ points: POINTS, perMs: PER_MS }, clock);
  const leases = new Leases<object>({
    clock,
    fullInMs: (key) => store.fullInMs(key),
    forget: (key) => store.forget(key),
  });
  return { clock, store, leases };
}

describe("buckets of clients", () => {
  test("stay with a client and then with its address until they are full", () => {
    const { clock, store, leases } = buckets();
    const first = {};
    const key = leases.enter(first, "a");
    expect(leases.enter(first, "a")).toBe(key);
    expect(store.take(key, 5)).toBe(0);
    leases.leave(first);
    expect(leases.kept).toBe(0);
    leases.leave(first);
    expect(leases.kept).toBe(1);
    expect(leases.enter({}, "b")).not.toBe(key);
    clock.advance(999);
    const second = {};
    expect(leases.enter(second, "a")).toBe(key);
    expect(store.take(key, 5)).toBeGreaterThan(0);
    leases.leave(second);
    clock.advance(1);
    const third = leases.enter({}, "a");
    expect(store.take(third, 5)).toBe(0);
    expect(leases.kept).toBe(0);
  });

  test("are not kept if nothing was taken, or if it is there again", () => {
    const { clock, store, leases } = buckets();
    for (const points of [0, 1]) {
      const client = {};
      const key = leases.enter(client, "a");
      if (points > 0) store.take(key, points);
      clock.advance(PER_MS);
      leases.leave(client);
      expect({ kept: leases.kept, buckets: store.size }).toEqual({ kept: 0, buckets: 0 });
    }
  });

  test("are bounded, and go by the clock", () => {
    const { clock, store, leases } = buckets();
    let most = 0;
    for (let n = 0; n < 50_000; n++) {
      const client = {};
      store.take(leases.enter(client, `${n}`), 5);
      leases.leave(client);
      clock.advance(1);
      most = Math.max(most, leases.kept);
    }
    // About a thousand are not full; twice that, and what comes until the next sweep.
    expect(most).toBeLessThan(3100);
    expect(store.size).toBeLessThan(4000);
  });

  test("are bounded, though time stands still", () => {
    const { store, leases } = buckets();
    for (let n = 0; n < 250_000; n++) {
      const client = {};
      store.take(leases.enter(client, `${n}`), 5);
      leases.leave(client);
    }
    expect(leases.kept).toBeLessThanOrEqual(100_000);
    expect(store.size).toBeLessThanOrEqual(100_001);
  });

  test("give an address no more than its clients at any one time may have, whoever comes and goes", () => {
    const acts = fc.array(
      fc.record({ client: fc.nat(3), does: fc.constantFrom("joins", "leaves", "takes", "waits") }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(acts, (list) => {
        const { clock, store, leases } = buckets();
        const clients = [{}, {}, {}, {}];
        const keys: (string | undefined)[] = [undefined, undefined, undefined, undefined];
        let taken = 0;
        let passed = 0;
        let most = 0;
        for (const { client, does } of list) {
          const owner = clients[client] as object;
          const key = keys[client];
          if (does === "joins" && key === undefined) keys[client] = leases.enter(owner, "a");
          else if (does === "leaves" && key !== undefined) {
            leases.leave(owner);
            keys[client] = undefined;
          } else if (does === "takes" && key !== undefined && store.take(key, 1) === 0) taken++;
          else if (does === "waits") {
            clock.advance(50);
            passed += 50;
          }
          most = Math.max(most, keys.filter((each) => each !== undefined).length);
          expect(taken).toBeLessThanOrEqual(most * (POINTS + (POINTS * passed) / PER_MS) + 1e-6);
        }
      }),
    );
  });
});

describe("the group of a client", () => {
  test.each([
    ["none", undefined, "1.2.3.4"],
    ["one", () => "::ffff:9.9.9.9", "9.9.9.9"],
    ["one that does not count it", () => undefined, undefined],
    ["one that is asynchronous", () => Promise.resolve("x") as never, undefined],
    ["one that rejects", () => Promise.reject(new Error("no")) as never, undefined],
    [
      "one that throws",
      () => {
        throw new Error("no");
      },
      undefined,
    ],
  ])("is what clientAddress says: %s", (_name, clientAddress, expected) => {
    const first = { address: "1.2.3.4", req: {} } as FirstRequest;
    expect(clientGroup(first, { clientAddress }, { reportError: () => {} })).toBe(expected);
  });
});
