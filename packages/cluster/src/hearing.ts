/** A node that has not heard itself for so long reconnects. */
const DEAF_MS = 6_000;
const MAX_PAUSE_MS = 60_000;

/** Does a node hear itself? A connection may live, and bring nothing. Owns no clock. */
export class Hearing {
  #since: number;
  #pauseMs = DEAF_MS;
  /** When it said what it has not heard yet. */
  #saidAt: number | undefined = undefined;
  #lagMs = 0;
  #began: number;

  constructor(now: number) {
    this.#since = now;
    this.#began = now;
  }

  /** When its connections began. */
  get hearsSince(): number {
    return this.#began;
  }

  said(now: number): void {
    this.#saidAt ??= now;
  }

  /** How long its own words take to come back: the last that did, or those that are under way, if they take longer. */
  lagMs(now: number): number {
    return Math.max(this.#lagMs, now - (this.#saidAt ?? now));
  }

  heard(now: number): void {
    if (this.#saidAt !== undefined) this.#lagMs = now - this.#saidAt;
    this.#saidAt = undefined;
    this.#since = now;
    this.#pauseMs = DEAF_MS;
  }

  /** Its connections are new: it may take as long again until the first word. */
  began(now: number): void {
    this.#since = now;
    this.#began = now;
  }

  /** Is it time to reconnect? The pause until the next time doubles. */
  isDeaf(now: number): boolean {
    if (now - this.#since < this.#pauseMs) return false;
    this.#since = now;
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    return true;
  }
}
