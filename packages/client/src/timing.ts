import type { Clock } from "@sockeye/protocol";
import { systemClock, TimerWheel, Turn } from "@sockeye/session";

/** Time, and what sessions do with it. Managers share it, so that all heartbeats hang on one timer. */
export interface Timing {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
}

export function timingOn(clock: Clock): Timing {
  return { clock, wheel: new TimerWheel(clock), turn: new Turn(clock) };
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
