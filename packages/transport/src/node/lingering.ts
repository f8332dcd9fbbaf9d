import type { Clock, Timer } from "@sockeye/protocol";
import type { PollingPipe } from "./polling.js";

/** How long a closed session waits for a request that it can tell so. */
const LINGER_MS = 30_000;

/** Polling pipes that have closed and could not say so yet, by session id. */
export class Lingering {
  readonly #clock: Clock;
  readonly #pipes = new Map<string, { readonly pipe: PollingPipe; readonly timer: Timer }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(sid: string): PollingPipe | undefined {
    return this.#pipes.get(sid)?.pipe;
  }

  add(sid: string, pipe: PollingPipe): void {
    const timer = this.#clock.setTimer(() => this.#pipes.delete(sid), LINGER_MS);
    this.#pipes.set(sid, { pipe, timer });
  }

  remove(sid: string): void {
    const entry = this.#pipes.get(sid);
    if (entry === undefined) return;
    this.#clock.clearTimer(entry.timer);
    this.#pipes.delete(sid);
  }

  clear(): void {
    for (const { timer } of this.#pipes.values()) this.#clock.clearTimer(timer);
    this.#pipes.clear();
  }
}
