import type { Clock, Timer } from "@sockeye/protocol";

/** Something that wants to be called at a time which it may move without telling anybody. */
export interface Timed {
  /** When, on the clock of its {@link Deadlines}. Moving it later is a plain store; after moving it earlier call {@link Deadlines.schedule}. */
  dueAt: number;
  /** The mark of a {@link Deadlines} that is a wheel: the slot that holds this entry, or {@link NO_SLOT}. */
  slot: number;
  /** The time has come. The entry is forgotten unless it schedules itself again. Must not throw. */
  onDeadline(now: number): void;
}

export const NO_SLOT = -1;

/** Who calls sessions when they are due. */
export interface Deadlines {
  /** Sets the deadline of an entry, or moves it to an earlier time. */
  schedule(entry: Timed): void;
  remove(entry: Timed): void;
}

/** One timer, for the one session of a client. A server has a wheel. */
export class OneTimer implements Deadlines {
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  schedule(entry: Timed): void {
    const clock = this.#clock;
    const due = (): void => {
      const now = clock.now();
      // Platforms fire a fraction early, or their longest delay is shorter.
      if (entry.dueAt > now) this.schedule(entry);
      else entry.onDeadline(now);
    };
    this.remove();
    this.#timer = clock.setTimer(due, Math.ceil(Math.max(0, entry.dueAt - clock.now())));
  }

  remove(): void {
    this.#clock.clearTimer(this.#timer);
  }
}
