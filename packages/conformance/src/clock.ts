import type { Clock, Timer } from "@sockeye/protocol";

/** A clock that stands still until a test moves it. It starts at 0, and at 1,000,000,000,000 as time of day. */
export interface ManualClock extends Clock {
  /**
   * Moves both times on by `ms`. Runs what was deferred, then every timer that falls due, in order of its time (equal
   * times: in order of setting), each followed by what it deferred.
   */
  advance(ms: number): void;

  /** Ends the turn of the event loop: runs what was deferred, and what that defers, until nothing is left. */
  flush(): void;

  /** Moves the time of day alone by `wallMs`, as when a machine slept. No timer fires. */
  jump(wallMs: number): void;

  /** How many timers are set. A test that ends with 0 has shown that nothing outlived its purpose. */
  readonly pendingTimers: number;

  /** How many deferred callbacks wait for {@link flush}. */
  readonly pendingDeferred: number;
}

export function manualClock(): ManualClock {
  return new HandMovedClock();
}

/** More rounds than any test needs: callbacks that defer each other forever become an error, not a hang. */
const MAX_DEFERRED = 1_000_000;

interface ManualTimer {
  readonly callback: () => void;
  readonly due: number;
}

class HandMovedClock implements ManualClock {
  #now = 0;
  #wallAhead = 1e12;
  // A Set keeps the order of setting, which decides between timers that are due at the same time.
  readonly #timers = new Set<ManualTimer>();
  #deferred: (() => void)[] = [];

  get pendingTimers(): number {
    return this.#timers.size;
  }

  get pendingDeferred(): number {
    return this.#deferred.length;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#wallAhead;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer: ManualTimer = { callback, due: this.#now + Math.max(0, delayMs) };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer as ManualTimer);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  flush(): void {
    for (let done = 0; this.#deferred.length > 0; ) {
      const round = this.#deferred;
      this.#deferred = [];
      for (const callback of round) callback();
      done += round.length;
      if (done > MAX_DEFERRED) throw new Error("deferred callbacks defer each other without end");
    }
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    this.flush();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = timer.due;
      timer.callback();
      this.flush();
    }
    this.#now = end;
  }

  jump(wallMs: number): void {
    this.#wallAhead += wallMs;
  }

  /** The earliest timer that is due by `end`. */
  #next(end: number): ManualTimer | undefined {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    }
    return next;
  }
}
