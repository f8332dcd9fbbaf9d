/**
 * What the platform had when this was loaded. The tests of an app may put fakes in the place of these, whose callbacks come when the
 * test says so, or never: bytes that wait for one would wait for ever.
 */
// Free names: the build for old browsers puts its own in their place.
const startTimer: typeof setTimeout = setTimeout;
const stopTimer: typeof clearTimeout = clearTimeout;
const deferTask: typeof queueMicrotask = queueMicrotask;

export { deferTask as queueMicrotask, startTimer as setTimeout, stopTimer as clearTimeout };
