import { type ManualClock, manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { NO_SLOT, type Timed, Timers } from "../src/deadlines.js";

class Entry implements Timed {
  slot = NO_SLOT;
  readonly calls: number[] = [];

  constructor(public dueAt: number) {}

  onDeadline(now: number): void {
    this.calls.push(now);
  }
}

function made(): { clock: ManualClock; timers: Timers } {
  const clock = manualClock();
  return { clock, timers: new Timers(clock) };
}

describe("Timers", () => {
  it("calls each entry once, when it is due", () => {
    const { clock, timers } = made();
    const entries = [new Entry(clock.now() + 100), new Entry(clock.now() + 30.5)];
    for (const entry of entries) timers.schedule(entry);
    clock.advance(30);
    expect(entries.map(({ calls }) => calls.length)).toEqual([0, 0]);
    clock.advance(1);
    expect(entries.map(({ calls }) => calls.length)).toEqual([0, 1]);
    clock.advance(1000);
    expect(entries.map(({ calls }) => calls.length)).toEqual([1, 1]);
  });

  it("finds out by itself that a deadline has moved on", () => {
    const { clock, timers } = made();
    const entry = new Entry(clock.now() + 100);
    timers.schedule(entry);
    entry.dueAt += 200;
    clock.advance(299);
    expect(entry.calls).toEqual([]);
    clock.advance(1);
    expect(entry.calls).toHaveLength(1);
  });

  it("takes an earlier deadline when it is told", () => {
    const { clock, timers } = made();
    const entry = new Entry(clock.now() + 100);
    timers.schedule(entry);
    entry.dueAt -= 80;
    timers.schedule(entry);
    clock.advance(20);
    expect(entry.calls).toHaveLength(1);
    clock.advance(500);
    expect(entry.calls).toHaveLength(1);
  });

  it("forgets what is removed, and does not mind what it never had", () => {
    const { clock, timers } = made();
    const entry = new Entry(clock.now() + 10);
    timers.remove(entry);
    timers.schedule(entry);
    timers.remove(entry);
    clock.advance(1000);
    expect(entry.calls).toEqual([]);
  });
});
