import type { Clock } from "@sockeye/protocol";

/** Something with output to write at the end of the turn. */
export interface Flushable {
  /** Must not throw. */
  flush(): void;
}

/** The sessions that have something to write. All of them write once, at the end of the current turn of the event loop. */
export class FlushScheduler {
  readonly #clock: Clock;
  #waiting: Flushable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(session: Flushable): void {
    if (this.#waiting.push(session) === 1) this.#clock.defer(this.#end);
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    let next = 0;
    try {
      while (next < waiting.length) (waiting[next++] as Flushable).flush();
    } finally {
      // One that throws all the same must not keep those behind it from their turn.
      for (; next < waiting.length; next++) this.add(waiting[next] as Flushable);
    }
  };
}
