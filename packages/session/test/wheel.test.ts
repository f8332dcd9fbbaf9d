import { type ManualClock, manualClock } from "@sockeye/conformance";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_SLOT, type Timed } from "../src/deadlines.js";
import { TimerWheel } from "../src/wheel.js";

/** How late a call may come. */
const RESOLUTION_MS = 50;

/** An entry that notes when it was called. */
class Entry implements Timed {
  dueAt = Number.POSITIVE_INFINITY;
  slot = NO_SLOT;
  readonly calls: number[] = [];
  onDue: () => void = () => {};

  onDeadline(now: number): void {
    this.calls.push(now);
    this.onDue();
  }

  at(wheel: TimerWheel, dueAt: number): this {
    this.dueAt = dueAt;
    wheel.schedule(this);
    return this;
  }
}

function made(): { clock: ManualClock; wheel: TimerWheel } {
  const clock = manualClock();
  return { clock, wheel: new TimerWheel(clock) };
}

describe("TimerWheel", () => {
  it.each([0, 1, 49, 50, 51, 1234, 25_000])(
    "calls what is due at %i ms, once, and not much later",
    (dueAt) => {
      const { clock, wheel } = made();
      const entry = new Entry().at(wheel, dueAt);
      clock.advance(dueAt + RESOLUTION_MS);
      expect(entry.calls).toHaveLength(1);
      expect(entry.calls[0]).toBeGreaterThanOrEqual(dueAt);
      expect(entry.slot).toBe(NO_SLOT);
      clock.advance(1e6);
      expect(entry.calls).toHaveLength(1);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("uses one timer for any number of entries, and none without", () => {
    const { clock, wheel } = made();
    const entries = Array.from({ length: 1000 }, (_, n) => new Entry().at(wheel, n * 7));
    expect(clock.pendingTimers).toBe(1);
    for (const entry of entries) wheel.remove(entry);
    expect(clock.pendingTimers).toBe(0);
  });

  it("follows a deadline that moves later without being told", () => {
    const { clock, wheel } = made();
    const entry = new Entry().at(wheel, 100);
    entry.dueAt = 500;
    clock.advance(499);
    expect(entry.calls).toEqual([]);
    clock.advance(RESOLUTION_MS + 1);
    expect(entry.calls).toHaveLength(1);
  });

  it("follows a deadline that is scheduled earlier", () => {
    const { clock, wheel } = made();
    const entry = new Entry().at(wheel, 500).at(wheel, 100);
    clock.advance(100 + RESOLUTION_MS);
    expect(entry.calls).toHaveLength(1);
    clock.advance(1000);
    expect(entry.calls).toHaveLength(1);
  });

  it("calls nobody that was removed, even by another entry of the same slot", () => {
    const { clock, wheel } = made();
    const [first, second] = [new Entry(), new Entry()];
    first.onDue = () => wheel.remove(second);
    first.at(wheel, 10);
    second.at(wheel, 10);
    clock.advance(100);
    expect([first.calls.length, second.calls.length]).toEqual([1, 0]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("lets an entry schedule itself and others while it is called", () => {
    const { clock, wheel } = made();
    const [again, other] = [new Entry(), new Entry()];
    again.onDue = () => {
      again.at(wheel, clock.now() + 100);
      if (other.slot === NO_SLOT) other.at(wheel, clock.now());
    };
    again.at(wheel, 100);
    clock.advance(1000);
    expect(again.calls.length).toBeGreaterThanOrEqual(6);
    expect(other.calls.length).toBeGreaterThanOrEqual(6);
  });

  it("may remove what it does not hold", () => {
    const { wheel } = made();
    const entry = new Entry();
    wheel.remove(entry);
    wheel.remove(entry);
    expect(entry.slot).toBe(NO_SLOT);
  });

  it("catches up after a machine slept through many slots", () => {
    const { clock, wheel } = made();
    const entries = [10, 400, 90_000].map((dueAt) => new Entry().at(wheel, dueAt));
    clock.advance(500_000);
    expect(entries.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });

  it("is right about any schedule", () => {
    const act = fc.oneof(
      fc.record({ act: fc.constant("schedule" as const), entry: fc.nat(4), inMs: fc.nat(500) }),
      fc.record({ act: fc.constant("postpone" as const), entry: fc.nat(4), inMs: fc.nat(500) }),
      fc.record({ act: fc.constant("remove" as const), entry: fc.nat(4), inMs: fc.constant(0) }),
      fc.record({ act: fc.constant("advance" as const), entry: fc.constant(0), inMs: fc.nat(200) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { clock, wheel } = made();
        const entries = Array.from({ length: 5 }, () => new Entry());
        /** When each must have been called at the latest, if it waits. */
        const wanted = new Map<Entry, number>();
        for (const entry of entries) {
          entry.onDue = () => {
            expect(wanted.get(entry)).toBeLessThanOrEqual(clock.now());
            wanted.delete(entry);
          };
        }
        for (const { act, entry: index, inMs } of acts) {
          const entry = entries[index] as Entry;
          const dueAt = clock.now() + inMs;
          if (act === "schedule") {
            entry.at(wheel, dueAt);
            wanted.set(entry, dueAt);
          } else if (act === "postpone" && wanted.has(entry)) {
            entry.dueAt += inMs;
            wanted.set(entry, entry.dueAt);
          } else if (act === "remove") {
            wheel.remove(entry);
            wanted.delete(entry);
          } else if (act === "advance") {
            clock.advance(inMs);
          }
          for (const latest of wanted.values()) expect(latest).toBeGreaterThan(clock.now() - RESOLUTION_MS);
        }
        clock.advance(1e6);
        expect([wanted.size, clock.pendingTimers]).toEqual([0, 0]);
      }),
    );
  });
});
