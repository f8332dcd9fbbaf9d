import type { Clock, Timer } from "@sockeye/protocol";

/** From the first look to the second twice as long, and so on. */
const FIRST_MS = 30_000;
const LONGEST_MS = 960_000;

/** Looks again and again, at growing intervals and not in a tab in the background, whether a better transport works by now. */
export class UpgradeRetry {
  readonly #clock: Clock;
  readonly #look: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, look: () => void) {
    this.#clock = clock;
    this.#look = look;
  }

  begin(delayMs: number = FIRST_MS): void {
    this.end();
    this.#timer = this.#clock.setTimer(() => {
      const isHidden = globalThis.document?.hidden;
      this.begin(isHidden ? delayMs : Math.min(2 * delayMs, LONGEST_MS));
      if (!isHidden) this.#look();
    }, delayMs);
  }

  end(): void {
    this.#clock.clearTimer(this.#timer);
  }
}
