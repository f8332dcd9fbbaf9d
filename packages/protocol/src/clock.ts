/** Time, as an interface, so that tests choose it. Milliseconds everywhere. */
export interface Clock {
  /** Monotonic; only differences mean something. */
  now(): number;
  /** Time of day. Used to notice that a machine slept or a browser throttled timers. */
  wall(): number;
  /** Calls back once, at the earliest `delayMs` from now. */
  setTimer(callback: () => void, delayMs: number): Timer;
  /** Harmless for a timer that has fired or was cleared, and for none at all. */
  clearTimer(timer: Timer): void;
  /** Calls back once, before the event loop waits again: what a turn sends, leaves together. */
  defer(callback: () => void): void;
}

/** Opaque handle of {@link Clock.setTimer}. */
export type Timer = unknown;
