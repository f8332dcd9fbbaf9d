import type { Turns, Waiter } from "./turns.js";

/**
 * What of one client has waited for the app, and may continue: very much may have waited for one promise. In order, and within what a turn
 * of the event loop has for all.
 */
export class Continuations implements Waiter {
  readonly #turns: Turns;
  readonly #waiting: (() => void)[] = [];
  #at = 0;
  /** Units of the piece that is being handled. */
  #left = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** May one continue now? If not, it has to be {@link add added}. */
  goesOn(): boolean {
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    return this.#waiting.length === 0 && this.#turns.allows(1);
  }

  /** @param goOn called when its turn has come. Must not throw */
  add(goOn: () => void): void {
    if (this.#waiting.push(goOn) === 1) this.#turns.goesOn(this);
  }

  take(units: number): boolean {
    this.#left = units;
    let hasThrown = true;
    try {
      while (this.#at < this.#waiting.length && this.#left > 0) {
        const before = this.#left;
        const goOn = this.#waiting[this.#at];
        this.#waiting[this.#at++] = NOTHING;
        goOn?.();
        // One that asks by itself has paid.
        if (this.#left === before) this.#left--;
      }
      hasThrown = false;
    } finally {
      this.#left = 0;
      if (this.#at === this.#waiting.length) {
        this.#waiting.length = 0;
        this.#at = 0;
        this.#turns.wentOn();
      } else if (hasThrown) {
        // The others get their turn.
        this.#turns.wentOn();
        this.#turns.goesOn(this);
      }
    }
    return this.waits;
  }
}

const NOTHING = (): void => {};
