import type { Duplex } from "node:stream";
import { afterTurn, startTimer, stopTimer } from "@sockeye/protocol";

/** A client on the same machine has read by then what was sent before, also if the processors are busy. */
const MOMENT_MS = 2;

/** As many as such clients, which are tests and tools for the most part, wait for one by one. */
const FIRST_BATCHES = 8;

/**
 * A client that listens only to what it waits for at the moment, first for the WebSocket to open and then for a message, misses what it reads
 * together with the thing that it has waited for. So what comes first leaves in pieces, a moment apart. Browsers need none of this, nor does
 * Sockeye's client.
 */
export class LateListener {
  readonly #socket: Duplex;
  #batches = 0;
  /** Moments that are not over. */
  #moments: Set<NodeJS.Timeout> | undefined = undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Are all batches sent that it waits for one by one, and no moment is left? */
  get listens(): boolean {
    return this.#batches >= FIRST_BATCHES && this.#moments === undefined;
  }

  /** Counts a batch that is sent. */
  sent(): void {
    this.#batches++;
  }

  /** What is written from now on leaves later than what was written before. */
  separate(): void {
    this.#socket.cork();
    // The moment counts from when this process rests, and ends after a turn in which a client of the same process has read.
    const moment = startTimer(() => {
      this.#moments?.delete(moment);
      if (this.#moments?.size === 0) this.#moments = undefined;
      afterTurn(() => this.#socket.uncork());
    }, MOMENT_MS);
    this.#moments ??= new Set();
    this.#moments.add(moment);
  }

  /** The socket has closed. */
  stop(): void {
    this.#moments?.forEach(stopTimer);
    this.#moments = undefined;
  }
}
