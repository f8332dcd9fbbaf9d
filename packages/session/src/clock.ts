import { afterTurn, type Clock, startTimer, stopTimer, type Timer } from "@sockeye/protocol";

type Handle = ReturnType<typeof setTimeout>;

/** The longest delay that platforms know, 24.8 days. They take a longer one, `Infinity` included, for none at all. */
const MAX_DELAY_MS = 2 ** 31 - 1;

// Taken when this is loaded, as startTimer and the others.
const readTime = performance.now.bind(globalThis.performance);

/**
 * The real clock of browsers, workers and Node.js, whatever fakes are in use: for what servers do by themselves, and clients
 * with `useNativeTimers`.
 *
 * Deferred work runs after the current batch of input on Node.js (`setImmediate`: what all sockets read in one turn of the
 * event loop is answered with one write each), and at the end of the current task elsewhere.
 */
export const nativeClock: Clock = {
  now: () => readTime(),
  wall: () => Date.now(),
  setTimer: (callback, delayMs): Timer => startTimer(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimer: (timer) => stopTimer(timer as Handle),
  defer: (callback) => void afterTurn(callback),
};

/** The same, with a time and timers that a test may fake, so that it can reach the end of a wait that the app has set. */
export const systemClock: Clock = {
  ...nativeClock,
  now: () => performance.now(),
  setTimer: (callback, delayMs): Timer => setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimer: (timer) => clearTimeout(timer as Handle),
};
