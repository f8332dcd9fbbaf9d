import type { Clock } from "@sockeye/protocol";

const WINDOW_MS = 10_000;

/** What is known of one socket: where it is by the room protocol, and what it was allowed. */
export class Visitor {
  /** Rooms that it has joined by the room protocol. */
  readonly rooms: Set<string> = new Set();
  /** Answers of `authorize`, by action and room. */
  readonly grants: Map<string, boolean | Promise<boolean>> = new Map();
  #sent = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** Notes bytes of kept events that it wants to be sent. @returns is it too much? */
  exceeds(bytes: number, most: number, clock: Pick<Clock, "now">): boolean {
    const now = clock.now();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#sent = 0;
    }
    // One answer always fits: a room may keep more than the bound.
    if (this.#sent > 0 && this.#sent + bytes > most) return true;
    this.#sent += bytes;
    return false;
  }
}
