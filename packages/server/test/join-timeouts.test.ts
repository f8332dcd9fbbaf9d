import { manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { JoinTimeouts } from "../src/join-timeouts.js";

function room(timeoutMs = 100) {
  const clock = manualClock();
  const expired: string[] = [];
  const settings = { timeoutMs };
  const waiting = new JoinTimeouts<string>(
    clock,
    () => settings.timeoutMs,
    (who) => expired.push(`${who}@${clock.now()}`),
  );
  return { clock, expired, waiting, settings };
}

describe("WaitingRoom", () => {
  it("sends each away after its time, with one timer for all", () => {
    const { clock, expired, waiting } = room();
    for (const who of ["a", "b", "c"]) {
      waiting.enter(who);
      clock.advance(30);
      expect(clock.pendingTimers).toBe(1);
    }
    clock.advance(1000);
    expect(expired).toEqual(["a@100", "b@130", "c@160"]);
    expect([waiting.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it("forgets who leaves, and keeps no timer for nobody", () => {
    const { clock, expired, waiting } = room();
    waiting.enter("a");
    waiting.enter("b");
    waiting.leave("a");
    waiting.leave("a");
    expect([waiting.size, clock.pendingTimers]).toEqual([1, 1]);
    waiting.leave("b");
    waiting.leave("stranger");
    expect([waiting.size, clock.pendingTimers]).toEqual([0, 0]);
    clock.advance(1000);
    expect(expired).toEqual([]);
  });

  it("waits on for the second if the first has left", () => {
    const { clock, expired, waiting } = room();
    waiting.enter("a");
    clock.advance(50);
    waiting.enter("b");
    waiting.leave("a");
    clock.advance(1000);
    expect(expired).toEqual(["b@150"]);
  });

  it("lets those who are sent away change it", () => {
    const clock = manualClock();
    const expired: string[] = [];
    const waiting = new JoinTimeouts<string>(
      clock,
      () => 100,
      (who) => {
        expired.push(who);
        waiting.leave("b");
        if (who === "a") waiting.enter("c");
      },
    );
    waiting.enter("a");
    clock.advance(100);
    expect(expired).toEqual(["a"]);
    clock.advance(100);
    expect(expired).toEqual(["a", "c"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("may have to wait for ever", () => {
    const { clock, expired, waiting } = room(Number.POSITIVE_INFINITY);
    waiting.enter("a");
    clock.advance(1e12);
    expect(expired).toEqual([]);
  });
});
