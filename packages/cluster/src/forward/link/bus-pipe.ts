import { Duplex } from "node:stream";
import type { Clock, Timer } from "@sockeye/protocol";

/** Bytes of one message. */
const PIECE_BYTES = 65_536;
/** Bytes that the other end has not had yet. What else a bus carries is not held up by more, and a node that stands still does not fill its engine. */
const WINDOW_BYTES = 1_048_576;
/** How long the other end may take none of them. */
const STALL_MS = 10_000;
const NOTHING: Uint8Array = new Uint8Array();

export interface BusPipeTerms {
  readonly clock: Clock;
  /** Sends one piece to the other end, under its number. */
  send(number: number, bytes: Uint8Array): void;
  /** Tells the other end how many bytes have come. */
  had(bytes: number): void;
  /** Once, whichever end has closed it. */
  closed(): void;
}

/** One end of a connection between two nodes whose bytes are messages of the bus. Of those nothing overtakes; if one is lost, the connection ends. */
export class BusPipe extends Duplex {
  readonly #terms: BusPipeTerms;
  #sent = 0;
  #came = 0;
  /** Bytes that may be sent now. */
  #left = WINDOW_BYTES;
  /** Bytes that have come, of which the other end was not told. */
  #had = 0;
  /** What is written, and waits for that. */
  #rest: Uint8Array = NOTHING;
  #done: (() => void) | undefined = undefined;
  #stalled: Timer | undefined = undefined;

  constructor(terms: BusPipeTerms) {
    super({ allowHalfOpen: false });
    this.#terms = terms;
  }

  came(number: number, bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.#came += 1;
    if (number !== this.#came) {
      this.destroy();
      return;
    }
    this.#had += bytes.length;
    if (this.#had >= WINDOW_BYTES / 4) {
      this.#terms.had(this.#had);
      this.#had = 0;
    }
    this.push(bytes);
  }

  /** The other end has had so many bytes more. */
  credited(bytes: number): void {
    if (this.destroyed) return;
    this.#left += bytes;
    this.#move();
    if (this.#left > WINDOW_BYTES) this.destroy();
    else this.#pump();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#rest = chunk;
    this.#done = done;
    this.#pump();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#move();
    this.#terms.closed();
    callback(error);
  }

  #pump(): void {
    while (this.#rest.length > 0 && this.#left > 0) {
      const piece = this.#rest.subarray(0, Math.min(PIECE_BYTES, this.#left));
      this.#rest = this.#rest.subarray(piece.length);
      this.#left -= piece.length;
      this.#sent += 1;
      this.#terms.send(this.#sent, piece);
    }
    if (this.#rest.length > 0) {
      this.#stalled ??= this.#terms.clock.setTimer(() => this.destroy(), STALL_MS);
      return;
    }
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /** It moves on, or is over. */
  #move(): void {
    if (this.#stalled !== undefined) this.#terms.clock.clearTimer(this.#stalled);
    this.#stalled = undefined;
  }
}
