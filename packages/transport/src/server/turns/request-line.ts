import type { Duplex } from "node:stream";
import { REQUEST_UNITS, type Turns, type Waiter } from "./turns.js";

/** A request, as far as it matters here. */
interface Arrived {
  /** Is nobody left to answer? */
  readonly gone: boolean;
}

/** Requests of one connection, which may send many at once: pipelined, or as streams of HTTP/2. In order of arrival. */
class Line implements Waiter {
  readonly #requests: { readonly visit: Arrived; readonly handle: () => void }[] = [];
  #at = 0;
  readonly #empty: () => void;

  constructor(empty: () => void) {
    this.#empty = empty;
  }

  add(visit: Arrived, handle: () => void): void {
    this.#requests.push({ visit, handle });
  }

  take(units: number): boolean {
    for (let left = units; this.#at < this.#requests.length; left -= REQUEST_UNITS) {
      if (left < REQUEST_UNITS && left < units) return true;
      const request = this.#requests[this.#at++];
      // It may have broken off meanwhile.
      if (request?.visit.gone === false) request.handle();
    }
    this.#empty();
    return false;
  }
}

/** The requests of all connections: each is handled at once if there is time, and none before it on its connection waits. */
export class RequestLines {
  readonly #turns: Turns;
  readonly #lines = new Map<Duplex, Line>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** @param connection that it came over; `undefined` if that has gone, and then it does not wait */
  add(connection: Duplex | undefined, visit: Arrived, handle: () => void): void {
    let line = connection && this.#lines.get(connection);
    if (line === undefined) {
      if (this.#turns.allows(REQUEST_UNITS) || !connection) {
        handle();
        return;
      }
      line = new Line(() => this.#lines.delete(connection));
      this.#lines.set(connection, line);
      this.#turns.wait(line, REQUEST_UNITS);
    }
    line.add(visit, handle);
  }
}
