import type { Watcher } from "./production.js";

/** A stream that is open, as its frames see it. */
export interface Lane {
  /** @returns false if there is no such item */
  taken(seq: number): boolean;
  stop(): void;
  detach(): void;
  /** Of an upload: a frame with bytes, or their end. */
  take?(event: unknown, value: unknown, bytes: unknown): void;
}

/** @param left told once its client has gone away */
export function laneOf(watcher: Watcher, left: () => void): Lane {
  return {
    taken: (seq) => watcher.taken(seq),
    stop: () => watcher.stop(),
    detach: () => {
      watcher.leave();
      left();
    },
  };
}
