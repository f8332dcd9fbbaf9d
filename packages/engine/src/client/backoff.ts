/** How long to wait before a new attempt. */
export interface Backoff {
  /** Before the first attempt; doubles with each. */
  readonly delayMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
  /** From 0 to 1: how far a wait may stray, as a fraction of itself. */
  readonly jitter: number;
}

/**
 * The wait before an attempt, in whole milliseconds. It lies anywhere between the two ends of the jitter, also once the
 * maximum is reached: clients that a server lost together do not come back together.
 *
 * @param attempt 0 for the first
 * @param chance from 0 to 1, evenly spread
 */
export function backoffMs({ delayMs, maxMs, jitter }: Backoff, attempt: number, chance: number): number {
  const middle = Math.min(delayMs * 2 ** attempt, maxMs);
  const shortest = middle * (1 - jitter);
  const longest = Math.min(middle * (1 + jitter), maxMs);
  return Math.round(shortest + (longest - shortest) * chance);
}
