import type { Clock } from "@sockeye/protocol";
import { systemClock, Timers, Turn } from "@sockeye/session";

/** Time, and what sessions do with it. Managers share it. */
export interface Timing {
  readonly clock: Clock;
  readonly deadlines: Timers;
  readonly turn: Turn;
}

export function timingOn(clock: Clock): Timing {
  return { clock, deadlines: new Timers(clock), turn: new Turn(clock) };
}

const shared: Timing = timingOn(systemClock);

/** @param unref timers that do not keep a process alive; for Node.js */
export function systemTiming(unref: boolean): Timing {
  if (!unref) return shared;
  return timingOn({
    ...systemClock,
    setTimer: (callback, delayMs) => {
      const timer = systemClock.setTimer(callback, delayMs) as { unref?(): void };
      timer.unref?.();
      return timer;
    },
  });
}
