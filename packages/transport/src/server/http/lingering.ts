import type { Clock, Timer } from "@sockeye/protocol";
import type { HttpPipe } from "./http-pipe.js";

/** How long a closed session waits for a request that it can tell so. */
const LINGER_MS = 30_000;
/** How long a server that closes stays for it: a client that is there asks again at once. */
const GOODBYE_MS = 500;

/** Pipes of HTTP requests that have closed and could not say so yet, by session id. */
export class Lingering {
  readonly #clock: Clock;
  #state: "open" | "closed" = "open";
  readonly #pipes = new Map<
    string,
    { readonly pipe: HttpPipe; readonly timer: Timer; readonly since: number }
  >();
  /** While the server closes. */
  #told: { readonly promise: Promise<void>; readonly resolve: () => void; readonly timer: Timer } | undefined;

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
    this.#pipes.set(sid, { pipe, timer, since: this.#clock.now() });
  }

  remove(sid: string): void {
    const entry = this.#pipes.get(sid);
    if (entry === undefined) return;
    this.#clock.clearTimer(entry.timer);
    this.#pipes.delete(sid);
    if (this.#told !== undefined && this.#restMs() <= 0) this.#leave();
  }

  /** Resolves once all of the last half second have said it, or cannot be expected to any more. */
  told(): Promise<void> {
    const restMs = this.#restMs();
    if (restMs <= 0) return Promise.resolve();
    if (this.#told === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#told = { promise, resolve, timer: this.#clock.setTimer(() => this.#leave(), restMs) };
    }
    return this.#told.promise;
  }

  close(): void {
    this.#state = "closed";
    for (const { timer } of this.#pipes.values()) this.#clock.clearTimer(timer);
    this.#pipes.clear();
    this.#leave();
  }

  /** Until the youngest is given up. */
  #restMs(): number {
    let last = Number.NEGATIVE_INFINITY;
    for (const { since } of this.#pipes.values()) last = Math.max(last, since);
    return last + GOODBYE_MS - this.#clock.now();
  }

  #leave(): void {
    const told = this.#told;
    this.#told = undefined;
    if (told === undefined) return;
    this.#clock.clearTimer(told.timer);
    told.resolve();
  }
}
