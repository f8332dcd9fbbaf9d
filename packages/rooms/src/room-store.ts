import type { RoomLimits } from "./limits.js";
import { RoomState } from "./room-state.js";
import type { Rule } from "./rule.js";

interface StoreHost<S> {
  now(): number;
  makeEpoch(): string;
  hasMembers(room: string): boolean;
  /** A room was not known before; or it is forgotten now. */
  opened(state: RoomState<S>): void;
  forgotten(state: RoomState<S>): void;
}

/** The objects around an event that is kept. */
const ENTRY_BYTES = 400;
/** Among how many rooms one without members is looked for. To look at all of them each time would be slow. */
const TRIES = 16;

/** The rooms that have a rule and were used, those that were used last at the end; bounded in number and bytes. */
export class RoomStore<S> {
  /** Those that have kept something. */
  readonly #kept = new Map<string, RoomState<S>>();
  /** Those that never have: however many clients name, they push out none of which something is kept. */
  readonly #empty = new Map<string, RoomState<S>>();
  /** Those that keep something now, in the same order: who looks for one to clear must not pass all that are clear. */
  readonly #full = new Set<RoomState<S>>();
  readonly #limits: RoomLimits;
  readonly #host: StoreHost<S>;
  #bytes = 0;

  constructor(limits: RoomLimits, host: StoreHost<S>) {
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
      this.#host.opened(state);
    } else shelf.delete(name);
    state.usedAt = this.#host.now();
    shelf.set(name, state);
    if (this.#full.delete(state)) this.#full.add(state);
    return state;
  }

  /** Runs what may change the bytes that a room keeps. */
  change<T>(state: RoomState<S>, act: () => T): T {
    const before = weightOf(state);
    const result = act();
    const after = weightOf(state);
    this.#bytes += after - before;
    if (after === 0) this.#full.delete(state);
    else if (before === 0 && this.find(state.name) === state) this.#full.add(state);
    if (before === 0 && this.#empty.get(state.name) === state && after > 0) {
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

  /** Forgets rooms that nobody uses. */
  sweep(isUnused: (state: RoomState<S>) => boolean): void {
    for (const shelf of [this.#kept, this.#empty])
      for (const [name, state] of shelf) if (isUnused(state)) this.#forget(shelf, name, state);
  }

  close(): void {
    for (const shelf of [this.#kept, this.#empty])
      for (const state of shelf.values()) this.#host.forgotten(state);
    this.#kept.clear();
    this.#empty.clear();
    this.#full.clear();
    this.#bytes = 0;
  }

  /** Forgets the rooms that were used longest ago, of those without members. If all have members, there is one more for the while. */
  #makePlace(shelf: Map<string, RoomState<S>>): void {
    for (let tries = 0; tries < TRIES && shelf.size >= this.#limits.maxKeptRooms; tries++) {
      const [[name, state] = []] = shelf;
      if (name === undefined || state === undefined) return;
      if (this.#host.hasMembers(name) || state.presence?.hasOwn || state.readers.size > 0) {
        shelf.delete(name);
        shelf.set(name, state);
      } else this.#forget(shelf, name, state);
    }
  }

  #forget(shelf: Map<string, RoomState<S>>, name: string, state: RoomState<S>): void {
    shelf.delete(name);
    this.#full.delete(state);
    this.#bytes -= weightOf(state);
    this.#host.forgotten(state);
  }

  /** Who comes back to a room that was forgotten finds another epoch, and is told that not all is there. */
  #shed(inUse: RoomState<S>): void {
    for (const state of this.#full) {
      if (this.#bytes <= this.#limits.maxKeptBytes) return;
      if (state !== inUse) this.change(state, () => state.log?.clear());
    }
  }
}

function weightOf({ log }: RoomState<never>): number {
  return log === undefined ? 0 : log.bytes + ENTRY_BYTES * log.size;
}
