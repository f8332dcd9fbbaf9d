import type { Clock } from "@sockeye/protocol";
import { afterTurn } from "@sockeye/protocol";

/** The event loop, as far as it matters here. */
export interface Loop {
  now(): number;
  /** Calls back when what this turn has read is handled, and before the next is read. */
  defer(callback: () => void): void;
}

export function loopOf(clock: Pick<Clock, "now">): Loop {
  return { now: () => clock.now(), defer: (callback) => void afterTurn(callback) };
}

/** A session whose input is not handled yet. */
export interface Waiter {
  /**
   * Handles what fits into so many units, and one piece at least.
   *
   * @returns is there more?
   */
  take(units: number): boolean;
}

/** What a turn of the event loop has for all connections together, in milliseconds: once as it comes in, and once for what waits. */
export const DEFAULT_TURN_MS = 5;

/** Units that one connection gets at once while the turn has time. Beyond that it waits, and others are read. */
export const DIRECT_UNITS = 256;

/** Units between two looks at the clock, at most, and for one that waits before it is the turn of the next. */
const STEP_UNITS = 16;

/** A step that took longer was too long: the next ones are shorter. The app's handlers decide that. */
const STEP_MS = 1;

/** Each message costs one. Its bytes cost as well, since text is parsed, and bytes are at least copied. */
export function unitsOf(bytes: number, isText: boolean): number {
  return 1 + (isText ? bytes >> 9 : bytes >> 14);
}

/** A compressed message that is unpacked at once costs as much as so many short ones. */
export const UNPACK_UNITS = 16;

/** A control frame may be answered by a write. */
export const CONTROL_UNITS = 4;

/** A request, up to the session that it is for or begins. */
export const REQUEST_UNITS = 16;

/**
 * What comes in is handled at once, as one stack of plain calls, while the turn of the event loop has time. When its time is
 * up, or a connection has had its share, the rest waits: at the end of each turn those who wait get some more time together,
 * in small steps, one after the other. Who waits with little goes first. So what others send is read after one turn at the
 * latest, however much comes in, and from however many connections.
 *
 * A message is never interrupted: one that takes longer than a turn has does so.
 */
export class Turns {
  readonly #loop: Loop;
  readonly #maxMs: number;
  /** Units until the clock is looked at. */
  #left = STEP_UNITS;
  #step = STEP_UNITS;
  /** `idle`: the clock has not been looked at in this turn. */
  #state: "idle" | "timed" | "spent" = "idle";
  #beganAt = 0;
  #lookedAt = 0;
  /** How many of those who wait are for what continues: what comes in waits as long, or more would come than is handled. */
  #goingOn = 0;
  readonly #light = new Set<Waiter>();
  readonly #heavy = new Set<Waiter>();

  constructor(loop: Loop, maxMs: number = DEFAULT_TURN_MS) {
    this.#loop = loop;
    this.#maxMs = maxMs;
  }

  /** May something of this cost be handled now? If not, it has to {@link wait}. */
  allows(units: number): boolean {
    if (this.#goingOn > 0) return false;
    this.#left -= units;
    return this.#left >= 0 || this.#look();
  }

  /** Puts one that does not wait yet at the end of the queue, and calls it when it is its turn. @param units what the first piece costs */
  wait(waiter: Waiter, units: number): void {
    (units > STEP_UNITS ? this.#heavy : this.#light).add(waiter);
    if (this.#state === "idle") this.#begin(this.#loop.now());
  }

  /** Something continues that has waited for the app: at once if there is time, else when it is its turn. @param goOn must not throw */
  goOn(units: number, goOn: () => void): void {
    if (this.allows(units)) {
      goOn();
      return;
    }
    const waiter: Waiter = {
      take: () => {
        this.wentOn();
        goOn();
        return false;
      },
    };
    this.goesOn(waiter);
  }

  /** Puts one there that is for what has waited for the app, until {@link wentOn}. */
  goesOn(waiter: Waiter): void {
    this.#goingOn++;
    this.wait(waiter, DIRECT_UNITS);
  }

  wentOn(): void {
    this.#goingOn--;
  }

  #look(): boolean {
    if (this.#state === "spent") return false;
    const now = this.#loop.now();
    if (this.#state === "idle") this.#begin(now);
    else if (now - this.#beganAt >= this.#maxMs) this.#state = "spent";
    else this.#adapt(now);
    this.#left = this.#step;
    return this.#state !== "spent";
  }

  #begin(now: number): void {
    this.#state = "timed";
    this.#beganAt = now;
    this.#lookedAt = now;
    this.#loop.defer(this.#end);
  }

  #adapt(now: number): void {
    const took = now - this.#lookedAt;
    this.#lookedAt = now;
    if (took > STEP_MS) this.#step = Math.max(1, this.#step >> 1);
    else if (this.#step < STEP_UNITS && took < STEP_MS / 2) this.#step <<= 1;
  }

  readonly #end = (): void => {
    const now = this.#loop.now();
    this.#lookedAt = now;
    try {
      if (this.#serve(this.#light, now + this.#maxMs)) this.#serve(this.#heavy, now + this.#maxMs);
      // A crowd that waits with little must not keep the others waiting forever.
      else this.#serve(this.#heavy, 0);
    } finally {
      // Also if one has thrown: the others must not wait forever.
      this.#state = "idle";
      this.#left = this.#step;
      if (this.#light.size + this.#heavy.size > 0) this.#begin(this.#loop.now());
    }
  };

  /** One after the other, one at least. @returns is there time left? */
  #serve(waiting: Set<Waiter>, until: number): boolean {
    for (const waiter of waiting) {
      waiting.delete(waiter);
      // From its end on it would be served again: those who have more go there.
      if (waiter.take(this.#step)) this.#heavy.add(waiter);
      const now = this.#loop.now();
      this.#adapt(now);
      if (now >= until) return false;
    }
    return true;
  }
}
