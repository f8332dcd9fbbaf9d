import type { Clock } from "@sockeye/protocol";
import { afterwards, type Delays } from "./afterwards.js";
import { isThenable, Permissions } from "./permissions.js";

const WINDOW_MS = 10_000;

/** What is known of one socket: where it is by the room protocol, what it was allowed, and what it shows of itself. */
export class Visitor {
  /** Rooms that it has joined by the room protocol. */
  readonly rooms: Set<string> = new Set();
  readonly permissions: Permissions;
  readonly #delays: Delays;
  /** Bytes of its values of presence, by room. */
  readonly #shown = new Map<string, number>();
  #shownBytes = 0;
  /** Settles once no publication of it waits for the app any more; unset if none does. */
  #publishing: PromiseLike<void> | undefined;

  constructor(delays: Delays) {
    this.#delays = delays;
    this.permissions = new Permissions(delays);
  }

  /** Rooms in which it shows itself. */
  get shownIn(): readonly string[] {
    return [...this.#shown.keys()];
  }

  /** Notes the bytes of its value of presence in a room. @returns is it too much in all? Then nothing is noted. */
  showsTooMuch(room: string, bytes: number, most: number): boolean {
    const others = this.#shownBytes - (this.#shown.get(room) ?? 0);
    if (others + bytes > most) return true;
    this.#shown.set(room, bytes);
    this.#shownBytes = others + bytes;
    return false;
  }

  showsNothing(room: string): void {
    this.#shownBytes -= this.#shown.get(room) ?? 0;
    this.#shown.delete(room);
  }

  /** Runs one publication behind the other, so that their order stays: at once if none waits for the app. */
  inTurn<T>(publish: () => T | PromiseLike<T>): T | PromiseLike<T> {
    const result =
      this.#publishing === undefined ? publish() : afterwards(this.#publishing, this.#delays, publish);
    if (!isThenable(result)) return result;
    const over = result.then(
      () => {},
      () => {},
    );
    this.#publishing = over;
    over.then(() => {
      if (this.#publishing === over) this.#publishing = undefined;
    });
    return result as PromiseLike<T>;
  }
}

/** The sockets of which something is known. */
export class Visitors<S extends { readonly id: string }> {
  readonly #byId = new Map<string, Visitor>();
  readonly #delays: (socket: S) => Delays;

  constructor(delays: (socket: S) => Delays) {
    this.#delays = delays;
  }

  find(socketId: string): Visitor | undefined {
    return this.#byId.get(socketId);
  }

  of(socket: S): Visitor {
    let visitor = this.#byId.get(socket.id);
    if (visitor === undefined) {
      visitor = new Visitor(this.#delays(socket));
      this.#byId.set(socket.id, visitor);
    }
    return visitor;
  }

  /** Forgets a socket that is gone. @returns what was known of it */
  take(socketId: string): Visitor | undefined {
    const visitor = this.#byId.get(socketId);
    this.#byId.delete(socketId);
    visitor?.permissions.close();
    return visitor;
  }

  clear(): void {
    this.#byId.clear();
  }
}

interface Spent {
  since: number;
  bytes: number;
}

/** By connection: who leaves a namespace and comes back has what is left. */
const spending = new WeakMap<object, Spent>();

/** Notes bytes that a connection wants to be sent of what is kept, or of who is there. @returns is it too much for ten seconds? */
export function spendsTooMuch(
  connection: object,
  { bytes, most, clock }: { bytes: number; most: number; clock: Pick<Clock, "now"> },
): boolean {
  const now = clock.now();
  let spent = spending.get(connection);
  if (spent === undefined || now - spent.since >= WINDOW_MS) {
    spent = { since: now, bytes: 0 };
    spending.set(connection, spent);
  }
  // One answer always fits: a room may keep more than the bound.
  if (spent.bytes > 0 && spent.bytes + bytes > most) return true;
  spent.bytes += bytes;
  return false;
}
