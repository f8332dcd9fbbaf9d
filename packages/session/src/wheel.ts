import type { Clock, Timer } from "@sockeye/protocol";
import type { Deadlines, Timed } from "./deadlines.js";
import { NO_SLOT } from "./deadlines.js";

/** How late a call may come, at most. Pings of one slot leave together, so that their pongs arrive together. */
const RESOLUTION_MS = 50;

/** A call may be late by this part of the times that are kept. */
const SHARE = 1 / 100;

/**
 * One timer for the deadlines of all sessions. Each entry lies in the slot of its deadline; an entry whose deadline has
 * moved on when its slot comes up just moves to the later slot, which makes "heard from it again" free.
 */
export class TimerWheel implements Deadlines {
  readonly #clock: Clock;
  readonly #resolutionMs: number;
  readonly #slots = new Map<number, Set<Timed>>();
  #timer: Timer | undefined;
  #next = Number.POSITIVE_INFINITY;

  /** @param shortestMs the shortest time that is kept with it: calls are late by a hundredth of it at most, or 1 ms, and never by more than 50 ms */
  constructor(clock: Clock, shortestMs: number = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#resolutionMs = Math.max(1, Math.min(RESOLUTION_MS, Math.floor(shortestMs * SHARE)));
  }

  schedule(entry: Timed): void {
    const slot = Math.ceil(entry.dueAt / this.#resolutionMs);
    if (entry.slot !== NO_SLOT) {
      if (slot >= entry.slot) return;
      this.remove(entry);
    }
    const held = this.#slots.get(slot);
    if (held) held.add(entry);
    else this.#slots.set(slot, new Set([entry]));
    entry.slot = slot;
    if (slot < this.#next) this.#arm(slot);
  }

  remove(entry: Timed): void {
    const held = this.#slots.get(entry.slot);
    if (held?.delete(entry) && held.size === 0) {
      this.#slots.delete(entry.slot);
      if (this.#slots.size === 0) this.#disarm();
    }
    entry.slot = NO_SLOT;
  }

  #arm(slot: number): void {
    this.#disarm();
    this.#next = slot;
    const delayMs = Math.max(0, slot * this.#resolutionMs - this.#clock.now());
    // Rounded up: a timer that fires a fraction early would find nothing due.
    this.#timer = this.#clock.setTimer(() => this.#turn(), Math.ceil(delayMs));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #turn(): void {
    this.#timer = undefined;
    this.#next = Number.POSITIVE_INFINITY;
    try {
      this.#callDue();
    } finally {
      // Also if one has thrown: the others stay in their slots, and get their turn.
      let next = Number.POSITIVE_INFINITY;
      for (const slot of this.#slots.keys()) if (slot < next) next = slot;
      if (next < this.#next) this.#arm(next);
    }
  }

  #callDue(): void {
    const now = this.#clock.now();
    const reached = Math.floor(now / this.#resolutionMs);
    for (const [slot, held] of [...this.#slots]) {
      if (slot > reached) continue;
      this.#slots.delete(slot);
      try {
        for (const entry of held) {
          held.delete(entry);
          // Removed by an earlier entry of this very turn.
          if (entry.slot !== slot) continue;
          entry.slot = NO_SLOT;
          if (entry.dueAt > now) this.schedule(entry);
          else entry.onDeadline(now);
        }
      } finally {
        for (const entry of held) {
          entry.slot = NO_SLOT;
          this.schedule(entry);
        }
      }
    }
  }
}
