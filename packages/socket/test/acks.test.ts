import { manualClock } from "@sockeye/conformance";
import { AckError } from "@sockeye/protocol";
import { Acks, ackTimeout } from "@sockeye/socket";
import { describe, expect, it } from "vitest";

function waiting(options: { takesError?: boolean; timeoutMs?: number } = {}) {
  const clock = manualClock();
  const acks = new Acks(clock);
  const calls: unknown[][] = [];
  acks.expect(7, {
    callback: (...args) => calls.push(args),
    takesError: options.takesError ?? false,
    timeoutMs: options.timeoutMs,
  });
  return { clock, acks, calls };
}

const code = (calls: unknown[][]): unknown => (calls[0]?.[0] as AckError | undefined)?.code;

describe("an acknowledgement", () => {
  it.each([
    { takesError: false, timeoutMs: undefined, got: [1, 2] },
    { takesError: true, timeoutMs: undefined, got: [null, 1, 2] },
    { takesError: true, timeoutMs: 100, got: [null, 1, 2] },
    { takesError: false, timeoutMs: 100, got: [1, 2] },
  ])(
    "is settled by the peer (takes an error: $takesError, timeout: $timeoutMs)",
    ({ takesError, timeoutMs, got }) => {
      const { acks, calls, clock } = waiting({
        takesError,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      acks.settle(7, [1, 2]);
      acks.settle(7, [3]);
      clock.advance(1000);
      acks.failAll();
      expect(calls).toEqual([got]);
      expect(acks.size).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("is settled by time, at its time and not before, and a late answer is ignored", () => {
    const { acks, calls, clock } = waiting({ takesError: true, timeoutMs: 100 });
    clock.advance(99);
    expect(calls).toEqual([]);
    clock.advance(1);
    acks.settle(7, ["late"]);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toBeInstanceOf(AckError);
    expect(calls[0]?.[0]).toMatchObject({ code: "ERR_ACK_TIMEOUT", message: "operation has timed out" });
    expect(acks.size).toBe(0);
  });

  it("whose callback takes no error goes without a word when time is up", () => {
    const { acks, calls, clock } = waiting({ timeoutMs: 100 });
    clock.advance(100);
    expect(calls).toEqual([]);
    expect(acks.size).toBe(0);
  });

  it("is settled by the end of the connection", () => {
    const { acks, calls, clock } = waiting({ takesError: true, timeoutMs: 100 });
    acks.failAll();
    acks.failAll();
    expect(calls).toHaveLength(1);
    expect(code(calls)).toBe("ERR_ACK_DISCONNECTED");
    expect(calls[0]?.[0]).toMatchObject({ message: "socket has been disconnected" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("whose callback takes no error is forgotten at the end of the connection", () => {
    const { acks, calls } = waiting();
    acks.failAll();
    expect(calls).toEqual([]);
    expect(acks.size).toBe(0);
  });

  it("that still waits to be sent outlives the connection", () => {
    const { acks, calls } = waiting({ takesError: true });
    acks.failAll(new Set([7]));
    expect([calls.length, acks.size]).toEqual([0, 1]);
    acks.settle(7, ["yes"]);
    expect(calls).toEqual([[null, "yes"]]);
  });

  it("can be forgotten, timer included", () => {
    const { acks, calls, clock } = waiting({ takesError: true, timeoutMs: 5 });
    acks.forget(7);
    acks.forget(8);
    clock.advance(10);
    expect([calls.length, acks.size, clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  it("is not settled by an id that nobody waits for", () => {
    const { acks, calls } = waiting();
    for (const id of [0, 8, -1, Number.NaN]) acks.settle(id, ["x"]);
    expect(calls).toEqual([]);
    expect(acks.size).toBe(1);
  });

  it("may be followed by another one from inside its callback, which the same end does not fail", () => {
    const clock = manualClock();
    const acks = new Acks(clock);
    const codes: unknown[] = [];
    const again = (error: unknown): void => {
      codes.push((error as AckError).code);
      if (codes.length < 3) acks.expect(7, { callback: again, takesError: true, timeoutMs: undefined });
    };
    acks.expect(7, { callback: again, takesError: true, timeoutMs: undefined });
    acks.failAll();
    expect(codes).toEqual(["ERR_ACK_DISCONNECTED"]);
    expect(acks.size).toBe(1);
  });
});

it("ackTimeout makes a new error each time: an app may write to it", () => {
  expect(ackTimeout()).not.toBe(ackTimeout());
});
