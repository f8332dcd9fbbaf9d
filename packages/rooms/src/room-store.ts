import type { RoomLimits } from "./limits.js";
import { RoomState } from "./room-state.js";
import type { Rule } from "./rule.js";

interface StoreHost {
  now(): number;
  makeEpoch(): string;
  hasMembers(room: string): boolean;
}

/** The objects around an event that is kept. */
const ENTRY_BYTES = 400;
/** Of so many is looked for one without members: all of them would be looked at again and again. */
const TRIES = 16;

/** The rooms that have a rule and were used, those that were used last at the end; bounded in number and bytes. */
export class RoomStore<S> {
  /** Those that have kept something. */
  readonly #kept = new Map<string, RoomState<S>>();
  /** Those that never have: however many clients name, they push out none of which something is kept. */
  readonly #empty = new Map<string, RoomState<S>>();
  readonly #limits: RoomLimits;
  readonly #host: StoreHost;
  #bytes = 0;

  constructor(limits: RoomLimits, host: StoreHost) {
    this.#limits = limits;
    this.#host = host;
  }

  /** Bytes of all events that are kept, with the objects around them. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#kept.size + this.#empty.size;
  }

  find(name: string): RoomState<S> | undefined {
    return this.#kept.get(name) ?? this.#empty.get(name);
  }

  /** The room, which is used now. */
  use(name: string, rule: Rule<S>): RoomState<S> {
    const shelf = this.#kept.has(name) ? this.#kept : this.#empty;
    let state = shelf.get(name);
    if (state === undefined) {
      state = new RoomState(name, rule, this.#host.makeEpoch());
      this.#makePlace(shelf);
    } else shelf.delete(name);
    shelf.set(name, state);
    return state;
  }

  /** Runs what may change the bytes that a room keeps. */
  change<T>(state: RoomState<S>, act: () => T): T {
    const before = weightOf(state);
    const result = act();
    this.#bytes += weightOf(state) - before;
    if (before === 0 && this.#empty.get(state.name) === state && weightOf(state) > 0) {
      this.#empty.delete(state.name);
      this.#makePlace(this.#kept);
      this.#kept.set(state.name, state);
    }
    if (this.#bytes > this.#limits.maxKeptBytes) this.#shed(state);
    return result;
  }

  /** Lets go of events that are too old. */
  trim(): void {
    for (const state of this.#kept.values()) this.change(state, () => state.log?.trim(this.#host.now()));
  }

  close(): void {
    this.#kept.clear();
    this.#empty.clear();
    this.#bytes = 0;
  }

  /** Forgets the rooms that were used longest ago, of those without members. If all have members, there is one more for the while. */
  #makePlace(shelf: Map<string, RoomState<S>>): void {
    for (let tries = 0; tries < TRIES && shelf.size >= this.#limits.maxKeptRooms; tries++) {
      const [[name, state] = []] = shelf;
      if (name === undefined || state === undefined) return;
      shelf.delete(name);
      if (this.#host.hasMembers(name) || state.presence?.count || state.readers.size > 0)
        shelf.set(name, state);
      else this.#bytes -= weightOf(state);
    }
  }

  /** Who comes back to a room that was forgotten finds another epoch, and is told that not all is there. */
  #shed(inUse: RoomState<S>): void {
    for (const state of this.#kept.values()) {
      if (this.#bytes <= this.#limits.maxKeptBytes) return;
      if (state === inUse || state.log === undefined || state.log.bytes === 0) continue;
      this.change(state, () => state.log?.clear());
    }
  }
}

function weightOf({ log }: RoomState<never>): number {
  return log === undefined ? 0 : log.bytes + ENTRY_BYTES * log.size;
}
