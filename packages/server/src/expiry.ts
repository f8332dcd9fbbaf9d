import { types } from "node:util";
import type { Clock, Timer } from "@sockeye/protocol";
import { NamespaceError, UsageError } from "@sockeye/protocol";

/**
 * The time of day is asked again this often: machines sleep, their clocks are set, and platforms know no timer of more than
 * 24.8 days.
 */
const LOOK_MS = 60_000;

/** Until when a client may stay, by the time of day. */
export class Expiry {
  /** In milliseconds since 1970. */
  at: number;
  readonly #clock: Clock;
  #timer: Timer | undefined = undefined;
  #tell: (() => void) | undefined = undefined;

  constructor(clock: Clock, at: number) {
    this.#clock = clock;
    this.at = at;
  }

  get passed(): boolean {
    return this.at <= this.#clock.wall();
  }

  /** Moves the time, to earlier or later. */
  move(at: number): void {
    this.at = at;
    if (this.#tell) this.watch(this.#tell);
  }

  /** @param tell called once, when the time has come; never at once */
  watch(tell: () => void): void {
    this.stop();
    this.#tell = tell;
    if (this.at === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(LOOK_MS, Math.max(0, this.at - this.#clock.wall()));
    this.#timer = this.#clock.setTimer(() => this.#look(tell), Math.ceil(delayMs));
  }

  stop(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#tell = undefined;
  }

  #look(tell: () => void): void {
    if (!this.passed) {
      this.watch(tell);
      return;
    }
    this.stop();
    tell();
  }
}

/** Whose time is over. The client may come back with something newer. */
export function expired(): NamespaceError {
  return new NamespaceError("ERR_EXPIRED", "expired", { code: "ERR_EXPIRED" });
}

/** @throws UsageError `ERR_BAD_OPTION`: what is no time must not let anybody stay forever */
export function readTime(when: unknown): number {
  const at = types.isDate(when) ? when.getTime() : when;
  if (typeof at === "number" && !Number.isNaN(at)) return at;
  throw new UsageError(
    "ERR_BAD_OPTION",
    "expireAt takes a Date, or milliseconds since 1970; Infinity means forever.",
  );
}
