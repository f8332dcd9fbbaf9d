import type { RoomLimits } from "./limits.js";
import { RoomState } from "./room-state.js";
import type { Rule } from "./rule.js";

interface StoreHost {
  now(): number;
  makeEpoch(): string;
  hasMembers(room: string): boolean;
}

/** The rooms of which something is kept, those that were used last at the end; bounded in number and bytes. */
export class RoomStore<S> {
  readonly #states = new Map<string, RoomState<S>>();
  readonly #limits: RoomLimits;
  readonly #host: StoreHost;
  #bytes = 0;

  constructor(limits: RoomLimits, host: StoreHost) {
    this.#limits = limits;
    this.#host = host;
  }

  /** Bytes of all events that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#states.size;
  }

  find(name: string): RoomState<S> | undefined {
    return this.#states.get(name);
  }

  /** The room, which is used now. */
  use(name: string, rule: Rule<S>): RoomState<S> {
    let state = this.#states.get(name);
    if (state === undefined) {
      state = new RoomState(name, rule, this.#host.makeEpoch());
      this.#makeRoom();
    } else this.#states.delete(name);
    this.#states.set(name, state);
    return state;
  }

  /** Runs what may change the bytes that a room keeps. */
  change<T>(state: RoomState<S>, act: () => T): T {
    const before = state.log?.bytes ?? 0;
    const result = act();
    this.#bytes += (state.log?.bytes ?? 0) - before;
    if (this.#bytes > this.#limits.maxKeptBytes) this.#shed(state);
    return result;
  }

  /** Lets go of events that are too old. */
  trim(): void {
    for (const state of this.#states.values()) this.change(state, () => state.log?.trim(this.#host.now()));
  }

  close(): void {
    this.#states.clear();
    this.#bytes = 0;
  }

  /** Forgets the room that was used longest ago of those without members. If all have members, there is one more for the while. */
  #makeRoom(): void {
    if (this.#states.size < this.#limits.maxKeptRooms) return;
    for (const state of this.#states.values()) {
      if (this.#host.hasMembers(state.name)) continue;
      this.#forget(state);
      return;
    }
  }

  /** Who comes back to a room that was forgotten finds another epoch, and is told that not all is there. */
  #shed(inUse: RoomState<S>): void {
    for (const state of this.#states.values()) {
      if (this.#bytes <= this.#limits.maxKeptBytes) return;
      if (state === inUse || state.log === undefined || state.log.bytes === 0) continue;
      this.change(state, () => state.log?.clear());
    }
  }

  #forget(state: RoomState<S>): void {
    this.#bytes -= state.log?.bytes ?? 0;
    this.#states.delete(state.name);
  }
}
