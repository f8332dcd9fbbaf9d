import { manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";

describe("manualClock", () => {
  it("stands still until it is moved", () => {
    const clock = manualClock();
    expect(clock.now()).toBe(0);
    clock.advance(5);
    clock.advance(0);
    expect(clock.now()).toBe(5);
  });

  it("runs timers by due time, equal ones in order of setting, and shows each its own time", () => {
    const clock = manualClock();
    const seen: string[] = [];
    const set = (name: string, delay: number) =>
      clock.setTimer(() => seen.push(`${name}@${clock.now()}`), delay);
    set("late", 30);
    set("first", 10);
    set("second", 10);
    set("now", 0);
    set("never", 31);
    clock.advance(30);
    expect(seen).toEqual(["now@0", "first@10", "second@10", "late@30"]);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.now()).toBe(30);
  });

  it("runs a timer that a timer sets, if it is due within the same move", () => {
    const clock = manualClock();
    const seen: number[] = [];
    clock.setTimer(() => {
      seen.push(clock.now());
      clock.setTimer(() => seen.push(clock.now()), 5);
      clock.setTimer(() => seen.push(clock.now()), 50);
    }, 10);
    clock.advance(20);
    expect(seen).toEqual([10, 15]);
  });

  it("does not run a timer that was cleared, not even one due in the same move", () => {
    const clock = manualClock();
    const seen: string[] = [];
    const second = clock.setTimer(() => seen.push("second"), 10);
    clock.setTimer(() => clock.clearTimer(second), 9);
    clock.clearTimer(clock.setTimer(() => seen.push("third"), 1));
    clock.advance(100);
    clock.clearTimer(second);
    expect(seen).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("runs deferred callbacks on flush, with what they defer, and before the next timer", () => {
    const clock = manualClock();
    const seen: string[] = [];
    clock.defer(() => {
      seen.push("a");
      clock.defer(() => seen.push("b"));
    });
    expect(clock.pendingDeferred).toBe(1);
    expect(seen).toEqual([]);
    clock.flush();
    expect(seen).toEqual(["a", "b"]);

    clock.setTimer(() => clock.defer(() => seen.push("deferred by a timer")), 1);
    clock.setTimer(() => seen.push("timer"), 2);
    clock.advance(2);
    expect(seen.slice(2)).toEqual(["deferred by a timer", "timer"]);
    expect(clock.pendingDeferred).toBe(0);
  });

  it("turns an endless chain of deferred callbacks into an error", () => {
    const clock = manualClock();
    const again = (): void => clock.defer(again);
    again();
    expect(() => clock.flush()).toThrow(/without end/);
  });

  it("never runs a timer before the present", () => {
    const clock = manualClock();
    clock.advance(10);
    let at = 0;
    clock.setTimer(() => {
      at = clock.now();
    }, -5);
    clock.advance(1);
    expect(at).toBe(10);
    expect(clock.now()).toBe(11);
  });

  it("moves the time of day with time, and alone by jump", () => {
    const clock = manualClock();
    const start = clock.wall();
    clock.advance(10);
    expect(clock.wall() - start).toBe(10);
    let fired = false;
    clock.setTimer(() => {
      fired = true;
    }, 1);
    clock.jump(60_000);
    expect(clock.wall() - start).toBe(60_010);
    expect(clock.now()).toBe(10);
    expect(fired).toBe(false);
  });
});
