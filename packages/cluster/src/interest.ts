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
  /** Those that nobody is in any more, and since when; the first to leave first. */
  readonly #left = new Map<Room, number>();
  /** Those that sockets are about to be in, and how many sockets. */
  readonly #held = new Map<Room, number>();
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

  /** A socket is about to be in a room: it stays, even if all others leave it meanwhile. */
  hold(room: Room): void {
    this.#held.set(room, (this.#held.get(room) ?? 0) + 1);
    this.want(room);
  }

  release(room: Room): void {
    const left = (this.#held.get(room) ?? 1) - 1;
    if (left > 0) this.#held.set(room, left);
    else this.#held.delete(room);
  }

  /** A room has no member here any more. */
  drop(room: Room): void {
    if (!this.#rooms.has(room) || this.#held.has(room)) return;
    this.#left.delete(room);
    this.#left.set(room, this.#terms.clock.now());
    this.#linger(LINGER_MS);
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

  #linger(ms: number): void {
    this.#timer ??= this.#terms.clock.setTimer(() => this.#leave(), ms);
  }

  #leave(): void {
    this.#timer = undefined;
    const now = this.#terms.clock.now();
    // What is not in force yet stays until it is: its confirmation must not be taken for that of a later subscription.
    const rooms = [...this.#left].flatMap(([room, since]) =>
      since + LINGER_MS > now || this.#waiting.has(room) ? [] : [room],
    );
    for (const room of rooms) {
      this.#left.delete(room);
      this.#rooms.delete(room);
    }
    for (const since of this.#left.values()) {
      const left = since + LINGER_MS - now;
      this.#linger(left > 0 ? left : LINGER_MS);
      break;
    }
    if (rooms.length > 0) this.#terms.unsubscribe(rooms);
  }
}
