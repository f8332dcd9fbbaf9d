const platform = globalThis;

/**
 * What the platform had when this was loaded. The tests of an app may put fakes in the place of these, whose callbacks come when the
 * test says so, or never: bytes that wait for one would wait for ever.
 */
export const setTimeout: typeof globalThis.setTimeout = platform.setTimeout;
export const clearTimeout: typeof globalThis.clearTimeout = platform.clearTimeout;
export const queueMicrotask: typeof globalThis.queueMicrotask = platform.queueMicrotask;
