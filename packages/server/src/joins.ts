import type { Clock, Limits } from "@sockeye/protocol";
import { NamespaceError } from "@sockeye/protocol";

const MINUTE_MS = 60_000;

/**
 * How often a connection may still ask to join a namespace: each time runs the app's middlewares. A bucket that fills within a
 * minute; of it there is but one number, when it will be full again.
 */
export class Joins {
  #fullAt = Number.NEGATIVE_INFINITY;

  /** Takes one. @returns why that cannot be, if it cannot */
  take(
    { maxJoinsPerMinute: most }: Pick<Limits, "maxJoinsPerMinute">,
    clock: Clock,
  ): NamespaceError | undefined {
    const now = clock.now();
    const eachMs = MINUTE_MS / most;
    const fullAt = Math.max(now, this.#fullAt) + eachMs;
    // Half of one is the room that sums of fractions need.
    if (fullAt - now > MINUTE_MS + eachMs / 2)
      return new NamespaceError("ERR_TOO_MANY_JOINS", "Too many joins");
    this.#fullAt = fullAt;
    return undefined;
  }
}
