import type { HistoryOptions, Presence, RoomEvent, RoomSocket, Rooms } from "@sockeye/rooms";

/** A room that has a rule: what it keeps, and who is there. From `io.room(name)`. On a cluster: as far as this node knows, see {@link open}. */
export class RoomHandle {
  /** Its name. */
  readonly name: string;
  readonly #core: { readonly rooms: Rooms<RoomSocket> | undefined };

  /** @internal */
  constructor(core: { readonly rooms: Rooms<RoomSocket> | undefined }, name: string) {
    this.#core = core;
    this.name = name;
  }

  /**
   * On a cluster a node follows the rooms that its clients have joined, and asks the engine for others: resolves once it knows what this room keeps, and who is there.
   * It is followed for a minute at least. On one node there is nothing to wait for.
   *
   * @throws Error (as a rejection) `ERR_ROOM_LIMIT` if the engine does not answer within 5 s
   */
  async open(): Promise<this> {
    await this.#core.rooms?.open(this.name);
    return this;
  }

  /** After its newest event; `undefined` if nothing is kept. A client that joins with `since: position` gets what came later. */
  get position(): string | undefined {
    return this.#core.rooms?.position(this.name);
  }

  /** A page of what is kept, the oldest event first: the newest 50 unless it is said otherwise. */
  history(options?: HistoryOptions): readonly RoomEvent[] {
    return this.#core.rooms?.history(this.name, options) ?? [];
  }

  /** Forgets all events. Who was at an earlier position is told that something is missing. */
  clear(): void {
    this.#core.rooms?.clear(this.name);
  }

  /** Who is there, in the order of their keys. @param after the key behind which the page begins */
  presence({
    limit = 100,
    after,
  }: {
    readonly limit?: number;
    readonly after?: string;
  } = {}): readonly Presence[] {
    return this.#core.rooms?.presence(this.name)?.page(limit, after) ?? [];
  }

  /** How many are there: one for each key. */
  get presenceCount(): number {
    return this.#core.rooms?.presence(this.name)?.count ?? 0;
  }

  /**
   * Shows a socket to the room by the key that the rule gives it, whether it has joined or not: until it leaves the room or is gone. While
   * its connection is broken it is away.
   *
   * @throws UsageError `ERR_BAD_OPTION` if the rule gives it no key, or the value is above a bound
   */
  setPresence(socket: { readonly id: string }, value: unknown): void {
    this.#core.rooms?.setPresence(this.name, socket as RoomSocket, value);
  }

  /** Shows it no more. */
  clearPresence(socket: string | { readonly id: string }): void {
    this.#core.rooms?.clearPresence(this.name, typeof socket === "string" ? socket : socket.id);
  }

  /** Puts a socket out of the room, and asks `authorize` again when it comes back. */
  revoke(socket: string | { readonly id: string }): void {
    this.#core.rooms?.revoke(this.name, typeof socket === "string" ? socket : socket.id);
  }
}
