import type { Clock, Limits } from "@sockeye/protocol";
import { NamespaceError } from "@sockeye/protocol";

const MINUTE_MS = 60_000;

/**
 * How often a connection may still ask to join a namespace: each time runs the app's middlewares. A bucket that fills within a
 * minute; of it there is but one number, when it will be full again.
 *
 * @param fullAt that number; `-Infinity` for one that is full
 * @returns the same once one is taken; `undefined` if there is none
 */
export function takeJoin(
  fullAt: number,
  { maxJoinsPerMinute: most }: Pick<Limits, "maxJoinsPerMinute">,
  clock: Clock,
): number | undefined {
  const now = clock.now();
  const eachMs = MINUTE_MS / most;
  const next = Math.max(now, fullAt) + eachMs;
  // Half of one is the room that sums of fractions need.
  return next - now > MINUTE_MS + eachMs / 2 ? undefined : next;
}

export function tooManyJoins(): NamespaceError {
  return new NamespaceError("ERR_TOO_MANY_JOINS", "Too many joins");
}

export function tooManyNamespaces(): NamespaceError {
  return new NamespaceError("ERR_TOO_MANY_NAMESPACES", "Too many namespaces");
}

export function authTooLarge(): NamespaceError {
  const code = "ERR_AUTH_TOO_LARGE";
  return new NamespaceError(code, "Auth payload too large", { code });
}

/** The app has not decided in time. */
export function decidedLate(): NamespaceError {
  const code = "ERR_JOIN_TIMEOUT";
  return new NamespaceError(code, "Not decided in time", { code });
}
