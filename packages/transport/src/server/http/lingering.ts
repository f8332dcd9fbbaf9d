import type { Clock, Timer } from "@sockeye/protocol";
import type { HttpPipe } from "./http-pipe.js";

/** How long a closed session waits for a request that it can tell so. */
const LINGER_MS = 30_000;

/** Pipes of HTTP requests that have closed and could not say so yet, by session id. */
export class Lingering {
  readonly #clock: Clock;
  #state: "open" | "closed" = "open";
  readonly #pipes = new Map<string, { readonly pipe: HttpPipe; readonly timer: Timer }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(sid: string): HttpPipe | undefined {
    return this.#pipes.get(sid)?.pipe;
  }

  /** Does nothing after {@link close}. */
  add(sid: string, pipe: HttpPipe): void {
    if (this.#state === "closed") return;
    const timer = this.#clock.setTimer(() => this.#pipes.delete(sid), LINGER_MS);
    this.#pipes.set(sid, { pipe, timer });
  }

  remove(sid: string): void {
    const entry = this.#pipes.get(sid);
    if (entry === undefined) return;
    this.#clock.clearTimer(entry.timer);
    this.#pipes.delete(sid);
  }

  close(): void {
    this.#state = "closed";
    for (const { timer } of this.#pipes.values()) this.#clock.clearTimer(timer);
    this.#pipes.clear();
  }
}
