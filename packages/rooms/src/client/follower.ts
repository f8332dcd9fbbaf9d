import { formatPosition, type Position, parsePosition } from "../position.js";
import type { Heard } from "./wire.js";

/** What becomes of an event that has come: it is shown, it was shown before or waits, or one before it is missing. */
export type Verdict = "show" | "drop" | "gap";

/** What a join has brought. */
export interface CaughtUp {
  /** Has everything since the position come? */
  readonly complete: boolean;
  readonly events: readonly Heard[];
}

/** Puts what a join brings and what flows live into one line: each event once, in order. Pure. */
export class Follower {
  /** The last event that was shown, or the place behind it where the room was joined. */
  #last: Position | undefined;
  /** What came while joining; nothing is shown before the answer. */
  #held: Heard[] | undefined;

  get position(): string | undefined {
    return this.#last && formatPosition(this.#last);
  }

  /** Forgets where it was. @param since where it is now, if that is a position */
  restart(since?: string): void {
    this.#last = parsePosition(since);
    this.#held = undefined;
  }

  /** A join is sent: what was held comes again. */
  hold(): void {
    this.#held = [];
  }

  take(heard: Heard): Verdict {
    if (this.#held) {
      this.#held.push(heard);
      return "drop";
    }
    const at = parsePosition(heard.position);
    const last = this.#last;
    if (at === undefined) return "show";
    if (last !== undefined) {
      if (at.epoch !== last.epoch || at.offset > last.offset + 1) return "gap";
      if (at.offset <= last.offset) return "drop";
    }
    this.#last = at;
    return "show";
  }

  /**
   * The join is answered.
   *
   * @param position after the newest event, as the server says
   * @param complete what the server says; here it is looked whether a number is missing
   */
  release(position: unknown, complete: boolean): CaughtUp {
    const held = this.#held ?? [];
    this.#held = undefined;
    const since = this.#last;
    const end = parsePosition(position);
    // A room that keeps nothing numbers nothing.
    if (end === undefined) return { complete, events: held };
    const numbered = held
      .flatMap((heard) => ({ heard, at: parsePosition(heard.position) }))
      .filter((each): each is Numbered => each.at?.epoch === end.epoch)
      .sort((one, other) => one.at.offset - other.at.offset);
    let last = since?.epoch === end.epoch && since.offset <= end.offset ? since.offset : undefined;
    let whole = complete && (since === undefined || last !== undefined);
    const events: Heard[] = [];
    for (const { heard, at } of numbered) {
      if (last !== undefined && at.offset <= last) continue;
      if (last !== undefined && at.offset > last + 1) whole = false;
      last = at.offset;
      events.push(heard);
    }
    if (since !== undefined && (last ?? 0) < end.offset) whole = false;
    this.#last = { epoch: end.epoch, offset: Math.max(last ?? 0, end.offset) };
    return { complete: whole, events };
  }
}

interface Numbered {
  readonly heard: Heard;
  readonly at: Position;
}
