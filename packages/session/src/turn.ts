import type { Clock } from "@sockeye/protocol";

/** Something with output to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** The sessions that have something to write. All of them write once, at the end of the current turn of the event loop. */
export class Turn {
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
    for (const session of waiting) session.flush();
  };
}
