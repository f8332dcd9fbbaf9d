import { manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { NO_SLOT, type Timed } from "../src/deadlines.js";
import { FlushScheduler } from "../src/flush-scheduler.js";
import { TimerWheel } from "../src/wheel.js";

// Whatever one throws, those behind it have their turn.

describe.each([1, 2, 4])("of four, number %i throws", (bad) => {
  it("the turn writes the others all the same", () => {
    const clock = manualClock();
    const turn = new FlushScheduler(clock);
    const flushed: number[] = [];
    for (const number of [1, 2, 3, 4]) {
      turn.add({
        flush: () => {
          if (number === bad) throw new Error("bad");
          flushed.push(number);
        },
      });
    }
    expect(() => clock.flush()).toThrow("bad");
    clock.flush();
    expect(flushed).toEqual([1, 2, 3, 4].filter((number) => number !== bad));
    turn.add({ flush: () => flushed.push(5) });
    clock.flush();
    expect(flushed.at(-1)).toBe(5);
  });

  it("the wheel calls the others all the same, and goes on", () => {
    const clock = manualClock();
    const wheel = new TimerWheel(clock);
    const called: number[] = [];
    const entry = (number: number, dueAt: number): Timed => ({
      dueAt,
      slot: NO_SLOT,
      onDeadline: () => {
        if (number === bad) throw new Error("bad");
        called.push(number);
      },
    });
    for (const number of [1, 2, 3, 4]) wheel.schedule(entry(number, number < 3 ? 100 : 150));
    for (let step = 0; step < 4; step++) {
      try {
        clock.advance(100);
      } catch {
        // As a platform would report it.
      }
    }
    expect(called).toEqual([1, 2, 3, 4].filter((number) => number !== bad));
    expect(clock.pendingTimers).toBe(0);
  });
});
