/** A node that has not heard itself for so long makes its connections anew. */
const DEAF_MS = 6_000;
const MAX_PAUSE_MS = 60_000;

/** Does a node hear itself? A connection may live, and bring nothing. Owns no clock. */
export class Hearing {
  #since: number;
  #pauseMs = DEAF_MS;

  constructor(now: number) {
    this.#since = now;
  }

  heard(now: number): void {
    this.#since = now;
    this.#pauseMs = DEAF_MS;
  }

  /** Its connections are new: it may take as long again until the first word. */
  began(now: number): void {
    this.#since = now;
  }

  /** Is it time to make the connections anew? The pause until the next time doubles. */
  isDeaf(now: number): boolean {
    if (now - this.#since < this.#pauseMs) return false;
    this.#since = now;
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    return true;
  }
}
