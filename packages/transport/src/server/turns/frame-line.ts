import type { Frame } from "@sockeye/protocol";
import { type Turns, unitsOf, type Waiter } from "./turns.js";

/** Whom the frames of a {@link FrameLine} are for. */
export interface FrameLineOwner {
  received(frame: Frame): void;
  /** All were. */
  handled(): void;
}

/** Frames that have come in and wait for their turn, in order. */
export class FrameLine implements Waiter {
  readonly #frames: Frame[];
  readonly #owner: FrameLineOwner;
  #at = 0;

  /** @param frames at least one; they are the line's from now on */
  constructor(turns: Turns, frames: Frame[], owner: FrameLineOwner) {
    this.#frames = frames;
    this.#owner = owner;
    turns.wait(this, unitsOfFrame(frames[0] ?? ""));
  }

  /** Adds one at the end. */
  add(frame: Frame): void {
    this.#frames.push(frame);
  }

  take(units: number): boolean {
    let left = units;
    while (this.#at < this.#frames.length) {
      const frame = this.#frames[this.#at] as Frame;
      const cost = unitsOfFrame(frame);
      if (cost > left && left < units) return true;
      left -= cost;
      // It is not kept until all have had their turn.
      this.#frames[this.#at++] = "";
      this.#owner.received(frame);
    }
    this.#owner.handled();
    return false;
  }
}

export function unitsOfFrame(frame: Frame): number {
  return unitsOf(frame.length, typeof frame === "string");
}
