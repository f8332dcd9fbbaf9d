import type { Clock, Timer } from "@sockeye/protocol";
import type { Incoming } from "../request/incoming.js";
import type { Pending } from "../request/pending.js";
import type { Located } from "./located.js";

export interface WhereaboutsTerms {
  readonly clock: Clock;
  readonly pending: Pending;
  /** After so long the session is taken to be nobody's. */
  readonly timeoutMs: number;
  addressOf(visit: Incoming): string | undefined;
}

/**
 * Requests that name a session, while it is asked whose it is. Each counts as held open, and nothing of it is read. One that breaks
 * off is forgotten, and all are turned away when the gate closes.
 */
export class Whereabouts {
  readonly #terms: WhereaboutsTerms;
  readonly #turnAway = new Set<() => void>();

  constructor(terms: WhereaboutsTerms) {
    this.#terms = terms;
  }

  /** How many wait. */
  get size(): number {
    return this.#turnAway.size;
  }

  /** @param then called with the answer, later, unless nobody waits for it any more; a failure counts as nobody's */
  await(visit: Incoming, answer: Promise<Located>, then: (located: Located) => void): void {
    const { addressOf, clock, pending, timeoutMs } = this.#terms;
    const visitor = { address: addressOf(visit), cut: () => cutOff(visit) };
    let timer: Timer | undefined;
    let stopWatching = (): void => {};
    /** @returns was it still awaited? */
    const settle = (): boolean => {
      if (!this.#turnAway.delete(turnAway)) return false;
      if (timer !== undefined) clock.clearTimer(timer);
      stopWatching();
      pending.leave(visitor);
      return !visit.gone;
    };
    const turnAway = (): void => {
      if (settle()) visit.turnAway();
    };
    const done = (located: Located): void => {
      if (settle()) then(located);
    };
    this.#turnAway.add(turnAway);
    pending.enter(visitor);
    timer = clock.setTimer(() => done(undefined), timeoutMs);
    stopWatching = visit.onGone(settle);
    answer.then(done, () => done(undefined));
  }

  close(): void {
    for (const turnAway of [...this.#turnAway]) turnAway();
  }
}

function cutOff(visit: Incoming): void {
  if (visit.kind === "request") visit.res.destroy();
  else visit.socket.destroy();
}
