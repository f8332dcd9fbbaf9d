import type { Clock, Timer } from "@sockeye/protocol";

type Handle = ReturnType<typeof setTimeout>;

/** The longest delay that platforms know, 24.8 days. They take a longer one, `Infinity` included, for none at all. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * The real clock of browsers, workers and Node.js.
 *
 * Deferred work runs after the current batch of input on Node.js (`setImmediate`: what all sockets read in one turn of the
 * event loop is answered with one write each), and at the end of the current task elsewhere.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (callback, delayMs): Timer => setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimer: (timer) => clearTimeout(timer as Handle),
  defer:
    typeof setImmediate === "function"
      ? (callback) => void setImmediate(callback)
      : (callback) => queueMicrotask(callback),
};
