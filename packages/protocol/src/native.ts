/**
 * What the platform had when this was loaded. The tests of an app may put fakes in the place of these, whose callbacks come when the
 * test says so, or never: what waits for one would wait forever.
 */
// Free names: the build for old browsers puts its own in their place.
export const startTimer: typeof setTimeout = setTimeout;
export const stopTimer: typeof clearTimeout = clearTimeout;
export const deferTask: typeof queueMicrotask = queueMicrotask;

type AfterTurn = (callback: () => void) => unknown;

/** `setImmediate`, or the end of the task on platforms that have no such thing. */
export const afterTurn: AfterTurn =
  (globalThis as { setImmediate?: AfterTurn }).setImmediate ?? ((callback) => deferTask(callback));
