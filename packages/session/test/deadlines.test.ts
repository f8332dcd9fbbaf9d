import { type ManualClock, manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { NO_SLOT, OneTimer, type Timed } from "../src/deadlines.js";

class Entry implements Timed {
  slot = NO_SLOT;
  readonly calls: number[] = [];

  constructor(public dueAt: number) {}

  onDeadline(now: number): void {
    this.calls.push(now);
  }
}

function made(): { clock: ManualClock; timer: OneTimer } {
  const clock = manualClock();
  return { clock, timer: new OneTimer(clock) };
}

describe("OneTimer", () => {
  it("calls an entry once, when it is due", () => {
    const { clock, timer } = made();
    const entry = new Entry(clock.now() + 30.5);
    timer.schedule(entry);
    clock.advance(30);
    expect(entry.calls).toHaveLength(0);
    clock.advance(1);
    expect(entry.calls).toHaveLength(1);
    clock.advance(1000);
    expect(entry.calls).toHaveLength(1);
  });

  it("finds out by itself that a deadline has moved on", () => {
    const { clock, timer } = made();
    const entry = new Entry(clock.now() + 100);
    timer.schedule(entry);
    entry.dueAt += 200;
    clock.advance(299);
    expect(entry.calls).toEqual([]);
    clock.advance(1);
    expect(entry.calls).toHaveLength(1);
  });

  it("takes an earlier deadline when it is told", () => {
    const { clock, timer } = made();
    const entry = new Entry(clock.now() + 100);
    timer.schedule(entry);
    entry.dueAt -= 80;
    timer.schedule(entry);
    clock.advance(20);
    expect(entry.calls).toHaveLength(1);
    clock.advance(500);
    expect(entry.calls).toHaveLength(1);
  });

  it("forgets what is removed, and does not mind what it never had", () => {
    const { clock, timer } = made();
    const entry = new Entry(clock.now() + 10);
    timer.remove();
    timer.schedule(entry);
    timer.remove();
    clock.advance(1000);
    expect(entry.calls).toEqual([]);
  });
});
