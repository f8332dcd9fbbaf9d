import type { Clock, Room, Timer } from "@sockeye/protocol";

/** A room that was left may be joined again at once; only then it is unsubscribed from. */
const LINGER_MS = 1_000;

export interface InterestTerms {
  readonly clock: Clock;
  subscribe(room: Room): void;
  unsubscribe(rooms: readonly Room[]): void;
}

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** For which rooms messages of other nodes come here: those with members here. */
export class Interest {
  readonly #terms: InterestTerms;
  /** All that are subscribed to, or about to be. */
  readonly #rooms = new Set<Room>();
  /** Those that are not in force yet. */
  readonly #waiting = new Map<Room, Waiting>();
  /** Those that nobody is in any more. */
  #left = new Set<Room>();
  #timer: Timer | undefined = undefined;

  constructor(terms: InterestTerms) {
    this.#terms = terms;
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** A room has a member here. @returns resolves once it is in force; undefined: it is */
  want(room: Room): Promise<void> | undefined {
    if (this.#rooms.has(room)) {
      this.#left.delete(room);
      return this.#waiting.get(room)?.promise;
    }
    this.#rooms.add(room);
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#waiting.set(room, { promise, resolve });
    this.#terms.subscribe(room);
    return promise;
  }

  /** A room has no member here any more. */
  drop(room: Room): void {
    if (!this.#rooms.has(room)) return;
    this.#left.add(room);
    this.#timer ??= this.#terms.clock.setTimer(() => this.#leave(), LINGER_MS);
  }

  /** A subscription is in force. */
  confirmed(room: Room): void {
    this.#waiting.get(room)?.resolve();
    this.#waiting.delete(room);
  }

  /** Do messages for this room come? */
  isInForce(room: Room): boolean {
    return this.#rooms.has(room) && !this.#waiting.has(room);
  }

  /** Resolves once all of these that are wanted are in force. */
  inForce(rooms: readonly Room[]): Promise<unknown> {
    return Promise.all(rooms.map((room) => this.#waiting.get(room)?.promise));
  }

  /** @returns all that was subscribed to */
  close(): readonly Room[] {
    if (this.#timer !== undefined) this.#terms.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    for (const room of this.#waiting.keys()) this.confirmed(room);
    const rooms = [...this.#rooms];
    this.#rooms.clear();
    this.#left.clear();
    return rooms;
  }

  #leave(): void {
    this.#timer = undefined;
    const rooms = [...this.#left];
    this.#left = new Set();
    for (const room of rooms) {
      this.#rooms.delete(room);
      this.confirmed(room);
    }
    if (rooms.length > 0) this.#terms.unsubscribe(rooms);
  }
}
