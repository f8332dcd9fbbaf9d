import type { Clock, Timer } from "@sockeye/protocol";
import type { Incoming } from "../request/incoming.js";
import type { EngineQuery } from "../request/query.js";
import type { Place } from "./gate-sink.js";

/**
 * A handshake about which the app is asked, from the first check to the last. It holds the place among the sessions of its address
 * for so long: the place goes over to the session, or it is given back, with whatever ends the waiting.
 */
export class AskedHandshake {
  readonly visit: Incoming;
  readonly query: EngineQuery;
  readonly #clock: Clock;
  #place: Place | undefined;
  #timer: Timer | undefined;
  #stopWatching: (() => void) | undefined;
  #over = false;

  constructor(
    visit: Incoming,
    query: EngineQuery,
    { clock, place }: { clock: Clock; place: Place | undefined },
  ) {
    this.visit = visit;
    this.query = query;
    this.#clock = clock;
    this.#place = place;
  }

  /** Is nothing to be decided any more? */
  get over(): boolean {
    return this.#over || this.visit.gone;
  }

  /** The answer was not there at once. @param late called if it is not there in time either */
  await(timeoutMs: number, late: () => void): void {
    if (this.over) {
      this.end();
      return;
    }
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      if (!this.over) late();
      this.end();
    }, timeoutMs);
    this.#stopWatching = this.visit.onGone(() => this.end());
  }

  /** The session begins, and has the place from now on. */
  takePlace(): Place | undefined {
    const place = this.#place;
    this.#place = undefined;
    this.end();
    return place;
  }

  /** There will be no session. Harmless the second time. */
  end(): void {
    this.#over = true;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    const place = this.#place;
    this.#place = undefined;
    place?.free();
  }
}
