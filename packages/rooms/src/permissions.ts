import type { Delays } from "./afterwards.js";
import { forbidden } from "./room-error.js";
import type { RoomAction } from "./rule.js";

/** Answers of `authorize` that are kept for one socket; beyond that it is asked again. */
const MOST_KNOWN = 1000;

/** Told what speaks against a request: nothing if it is allowed. */
export type Verdict = (refusal: unknown) => void;

export function permissionKey(action: RoomAction, room: string): string {
  return `${action} ${room}`;
}

/** What one socket was allowed, and what the app is still to decide about. */
export class Permissions {
  readonly #known = new Map<string, boolean | Decision>();
  readonly #delays: Delays;

  /** @param delays for those who have waited for a decision: may be very many */
  constructor(delays: Delays = () => false) {
    this.#delays = delays;
  }

  /**
   * Asks once for each key.
   *
   * @returns settles once the app has decided, or nobody waits any more; nothing if it is decided, and `verdict` was called
   */
  check(
    key: string,
    ask: () => boolean | PromiseLike<boolean>,
    verdict: Verdict,
  ): PromiseLike<void> | undefined {
    let known = this.#known.get(key);
    if (known === undefined) {
      try {
        known = this.#ask(key, ask);
      } catch (error) {
        verdict(error);
        return undefined;
      }
    }
    if (typeof known !== "boolean") return known.wait(verdict);
    verdict(known ? undefined : forbidden());
    return undefined;
  }

  /** Asks again the next time. What waits for the app's decision is refused: it was asked before. */
  forget(key: string): void {
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (typeof known === "object") known.end(forbidden());
  }

  /** The socket is gone. Nothing of it waits any more, however long the app takes. */
  close(): void {
    for (const key of [...this.#known.keys()]) this.forget(key);
  }

  #ask(key: string, ask: () => boolean | PromiseLike<boolean>): boolean | Decision {
    const asked = ask();
    // Names are the client's: a client that keeps asking for new ones must not make this grow.
    if (this.#known.size >= MOST_KNOWN)
      for (const [each, known] of this.#known) if (typeof known === "boolean") this.#known.delete(each);
    if (!isThenable(asked)) {
      this.#known.set(key, asked === true);
      return asked === true;
    }
    const decision = new Decision();
    this.#known.set(key, decision);
    const decided = (granted: boolean | undefined, refusal: unknown): void => {
      // Until all who have waited know it, those who come go behind them.
      decision.decide(refusal, this.#delays, () => {
        if (this.#known.get(key) !== decision) return;
        if (granted === undefined) this.#known.delete(key);
        else this.#known.set(key, granted);
      });
    };
    asked.then(
      (granted) => decided(granted === true, granted === true ? undefined : forbidden()),
      (error: unknown) => decided(undefined, error),
    );
    return decision;
  }
}

/** One question that the app has not answered yet. */
class Decision {
  #waiting: Verdict[] = [];
  /** Those before it were told. */
  #at = 0;
  #settle: () => void = () => {};
  readonly #over = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  wait(verdict: Verdict): PromiseLike<void> {
    this.#waiting.push(verdict);
    return this.#over;
  }

  /** Tells all who wait, in order, as turns have time. @param told all of them */
  decide(refusal: unknown, delays: Delays, told: () => void): void {
    const goOn = (): void => {
      while (this.#at < this.#waiting.length) {
        if (delays(goOn)) return;
        this.#waiting[this.#at++]?.(refusal);
      }
      told();
      this.end(undefined);
    };
    goOn();
  }

  /** Tells the rest at once. */
  end(refusal: unknown): void {
    const waiting = this.#waiting.slice(this.#at);
    this.#waiting = [];
    this.#at = 0;
    this.#settle();
    for (const verdict of waiting) verdict(refusal);
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}
