import type { Clock, Timer } from "@sockeye/protocol";

/** Connections that have joined no namespace yet. All wait equally long, so one timer for the oldest serves all. */
export class JoinTimeouts<T> {
  readonly #clock: Clock;
  readonly #timeoutMs: () => number;
  readonly #expired: (waiting: T) => void;
  readonly #since = new Map<T, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: () => number, expired: (waiting: T) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#expired = expired;
  }

  get size(): number {
    return this.#since.size;
  }

  enter(waiting: T): void {
    this.#since.set(waiting, this.#clock.now());
    this.#arm();
  }

  leave(waiting: T): void {
    if (!this.#since.delete(waiting) || this.#since.size > 0 || this.#timer === undefined) return;
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    for (const since of this.#since.values()) {
      const delayMs = Math.max(0, Math.ceil(since + this.#timeoutMs() - this.#clock.now()));
      this.#timer = this.#clock.setTimer(() => this.#expire(), delayMs);
      return;
    }
  }

  #expire(): void {
    this.#timer = undefined;
    const latest = this.#clock.now() - this.#timeoutMs();
    try {
      for (const [waiting, since] of [...this.#since]) {
        if (since > latest) break;
        this.#since.delete(waiting);
        this.#expired(waiting);
      }
    } finally {
      this.#arm();
    }
  }
}
