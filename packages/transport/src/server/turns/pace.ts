import type { Frame } from "@sockeye/protocol";
import type { Pace } from "../../shared/webtransport-pipe.js";
import { FrameLine, unitsOfFrame } from "./frame-line.js";
import { DIRECT_UNITS, type Turns } from "./turns.js";

/** What a chunk of a stream costs, whatever is in it: that it is waited for takes no turn of the event loop. */
const CHUNK_UNITS = 1;

/** For pipes that read by themselves: frames that have to wait their turn keep the pipe from reading on. */
export function paceBy(turns: Turns): Pace {
  return (frames: Frame[], hand: (frame: Frame) => void): Promise<void> | undefined => {
    let share = DIRECT_UNITS;
    let at = 0;
    if (!turns.allows(CHUNK_UNITS)) return wait(turns, frames, hand);
    for (const frame of frames) {
      const units = unitsOfFrame(frame);
      if ((units > share && at > 0) || !turns.allows(units)) return wait(turns, frames.slice(at), hand);
      share -= units;
      at++;
      hand(frame);
    }
    return undefined;
  };
}

function wait(turns: Turns, frames: Frame[], hand: (frame: Frame) => void): Promise<void> {
  return new Promise((resolve) => {
    new FrameLine(turns, frames, { received: hand, handled: resolve });
  });
}
