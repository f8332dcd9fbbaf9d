import { manualClock } from "@sockeye/conformance";
import { HANDLE, REPORT } from "@sockeye/protocol";
import {
  type AckCallback,
  Acks,
  type DefaultEventsMap,
  dispatch,
  Emission,
  type Emit,
  Emitter,
} from "@sockeye/socket";
import { describe, expect, it, vi } from "vitest";

class Source extends Emitter<DefaultEventsMap> {
  readonly errors: unknown[] = [];
  [REPORT](error: unknown): void {
    this.errors.push(error);
  }
  say(...args: unknown[]): void {
    dispatch(this, "x", args);
  }
  handle(listener: () => void, signal?: AbortSignal): void {
    this[HANDLE]("x", listener, { signal });
  }
}

/** A signal that knows who listens to it. */
function counted() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: never) => {
    listeners.add(listener);
    addEventListener.call(signal, type, listener);
  };
  signal.removeEventListener = (type: string, listener: never) => {
    listeners.delete(listener);
    removeEventListener.call(signal, type, listener);
  };
  return { signal, listeners, abort: (reason?: unknown) => controller.abort(reason) };
}

const ADDED = [
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
  "addEventListener",
] as const;

describe("a listener with a signal", () => {
  it.each(ADDED)("%s: is taken off when it aborts", (add) => {
    const source = new Source();
    const { signal, abort } = counted();
    const listener = vi.fn();
    source[add]("x", listener, { signal });
    expect(source.listeners("x")).toEqual([listener]);
    abort();
    source.say(1);
    expect(listener).not.toHaveBeenCalled();
    expect(source.listenerCount("x")).toBe(0);
  });

  it.each(ADDED)("%s: is not added if it has aborted already", (add) => {
    const source = new Source();
    source[add]("x", vi.fn(), { signal: AbortSignal.abort() });
    expect(source.eventNames()).toEqual([]);
  });

  it.each<[string, (source: Source, listener: () => void) => unknown]>([
    ["off(name, listener)", (source, listener) => source.off("x", listener)],
    ["off(name)", (source) => source.off("x")],
    ["off()", (source) => source.off()],
    ["removeAllListeners()", (source) => source.removeAllListeners()],
    ["the one call of once", (source) => source.say()],
  ])("holds nothing at the signal after %s", (_, end) => {
    const source = new Source();
    const { signal, listeners } = counted();
    const listener = vi.fn();
    source.once("x", listener, { signal });
    expect(listeners.size).toBe(1);
    end(source, listener);
    expect(listeners.size).toBe(0);
    expect(source.listenerCount("x")).toBe(0);
  });

  it("aborts alone: the same function without a signal, or with another, stays", () => {
    const source = new Source();
    const [one, two] = [counted(), counted()];
    const listener = vi.fn();
    source.on("x", listener).on("x", listener, { signal: one.signal }).on("x", listener, two);
    one.abort();
    source.say();
    expect(listener).toHaveBeenCalledTimes(2);
  });
});

describe("the only handler of a name", () => {
  const none = (): void => {};
  const HANDLED = expect.objectContaining({ code: "ERR_HANDLED" });

  it.each(ADDED)("takes no listener beside it, by %s", (add) => {
    const source = new Source();
    source.handle(() => {});
    expect(() => source[add]("x", none)).toThrow(HANDLED);
    expect(() => source.handle(() => {})).toThrow(HANDLED);
    source.on("y", none);
    expect(source.listenerCount("x")).toBe(1);
  });

  it("is refused where somebody listens", () => {
    const source = new Source();
    source.on("x", none).on("x", none);
    expect(() => source.handle(() => {})).toThrow(HANDLED);
  });

  it("gives the name back when it is taken off, by off or by its signal", () => {
    const source = new Source();
    const { signal, abort } = counted();
    source.handle(() => {}, signal);
    expect(() => source.on("x", none)).toThrow(HANDLED);
    abort();
    source.on("x", none).off("x");
    source.handle(() => {});
    source.off("x").on("x", none).on("x", none);
    expect(source.listenerCount("x")).toBe(2);
  });
});

describe("an acknowledgement with a signal", () => {
  function waiting(takesError = true) {
    const acks = new Acks(manualClock());
    const given = counted();
    const calls: unknown[][] = [];
    const gaveUp: unknown[] = [];
    const callback: AckCallback = (...args) => calls.push(args);
    const givenUp = (code: string): void => void gaveUp.push(code);
    acks.expect(1, { callback, takesError, timeoutMs: 10, signal: given.signal, givenUp });
    return { acks, calls, gaveUp, ...given };
  }

  it.each([
    { takesError: true, reason: new Error("enough"), got: [[new Error("enough")]] },
    { takesError: true, reason: undefined, got: [[expect.objectContaining({ name: "AbortError" })]] },
    { takesError: true, reason: 0, got: [[expect.objectContaining({ code: "ERR_ACK_ABORTED" })]] },
    { takesError: false, reason: undefined, got: [] },
  ])("waits no more when it aborts: $takesError, $reason", ({ takesError, reason, got }) => {
    const { acks, calls, gaveUp, abort } = waiting(takesError);
    abort(reason);
    acks.settle(1, ["late"]);
    expect(calls).toEqual(got);
    expect(gaveUp).toEqual(["ERR_ACK_ABORTED"]);
    expect(acks.size).toBe(0);
  });

  it.each<[string, (acks: Acks) => void]>([
    ["an answer", (acks) => acks.settle(1, [])],
    ["the end of the connection", (acks) => acks.failAll()],
    ["forgetting", (acks) => acks.forget(1)],
  ])("holds nothing at the signal after %s", (_, end) => {
    const { acks, calls, listeners, abort } = waiting();
    end(acks);
    expect(listeners.size).toBe(0);
    const before = calls.length;
    abort();
    expect(calls).toHaveLength(before);
  });

  it("waits without end if its timeout is Infinity", () => {
    const clock = manualClock();
    new Acks(clock).expect(1, { callback: () => {}, takesError: true, timeoutMs: Number.POSITIVE_INFINITY });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("an emit with a signal", () => {
  function emission(signal: AbortSignal) {
    const emits: Emit[] = [];
    return {
      emits,
      emission: new Emission({ emitOut: (emit) => void emits.push(emit) }, {}).timeout(5, { signal }),
    };
  }

  it("hands the signal over beside the flags, which travel", () => {
    const { signal } = counted();
    const { emits, emission: with_ } = emission(signal);
    with_.volatile.emit("x", 1, () => {});
    expect(emits[0]).toMatchObject({ signal, flags: { timeout: 5, volatile: true }, ackTakesError: true });
    expect(emits[0]?.flags).not.toHaveProperty("signal");
  });

  it("is not sent if it has aborted already", async () => {
    const { emits, emission: with_ } = emission(AbortSignal.abort(new Error("enough")));
    const ack = vi.fn();
    with_.emit("x", ack);
    expect(ack).toHaveBeenCalledWith(new Error("enough"));
    with_.emit("x");
    await expect(with_.emitWithAck("x")).rejects.toThrow("enough");
    expect(emits).toEqual([]);
  });
});
