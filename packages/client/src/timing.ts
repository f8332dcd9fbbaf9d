import type { Clock } from "@sockeye/protocol";
import { nativeClock, systemClock, Timers, Turn } from "@sockeye/session";
import type { EngineOptions } from "./options.js";

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
