import type { Clock } from "@sockeye/protocol";
import { nativeClock, systemClock } from "@sockeye/session";
import type { EngineOptions } from "./options.js";

/** The real time, as the options want its timers. */
export function clockFor({ autoUnref, useNativeTimers }: Partial<EngineOptions>): Clock {
  const clock = useNativeTimers ? nativeClock : systemClock;
  if (!autoUnref) return clock;
  return {
    ...clock,
    setTimer: (callback, delayMs) => {
      const timer = clock.setTimer(callback, delayMs) as { unref?(): void };
      timer.unref?.();
      return timer;
    },
  };
}
