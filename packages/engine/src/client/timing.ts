import type { Clock } from "@sockeye/protocol";
import { FlushScheduler, nativeClock, systemClock, Timers } from "@sockeye/session";
import type { EngineOptions } from "./options.js";

/** Time, and what sessions do with it. Managers share it. */
export interface Timing {
  readonly clock: Clock;
  readonly deadlines: Timers;
  readonly turn: FlushScheduler;
}

export function timingOn(clock: Clock): Timing {
  return { clock, deadlines: new Timers(clock), turn: new FlushScheduler(clock) };
}

const shared: Timing = timingOn(systemClock);

export function systemTiming({ autoUnref, useNativeTimers }: Partial<EngineOptions>): Timing {
  if (!autoUnref && !useNativeTimers) return shared;
  const clock = useNativeTimers ? nativeClock : systemClock;
  return timingOn({
    ...clock,
    setTimer: (callback, delayMs) => {
      const timer = clock.setTimer(callback, delayMs) as { unref?(): void };
      if (autoUnref) timer.unref?.();
      return timer;
    },
  });
}
