import { Duplex } from "node:stream";

/** Bytes of one message. */
const PIECE_BYTES = 65_536;

export interface BusPipeTerms {
  /** Sends one piece to the other end, under its number. */
  send(number: number, bytes: Uint8Array): void;
  /** Once, whichever end has closed it. */
  closed(): void;
}

/** One end of a connection between two nodes whose bytes are messages of the bus. Of those nothing overtakes; if one is lost, the connection ends. */
export class BusPipe extends Duplex {
  readonly #terms: BusPipeTerms;
  #sent = 0;
  #came = 0;

  constructor(terms: BusPipeTerms) {
    super({ allowHalfOpen: false });
    this.#terms = terms;
  }

  came(number: number, bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.#came += 1;
    if (number === this.#came) this.push(bytes);
    else this.destroy();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      this.#sent += 1;
      this.#terms.send(this.#sent, chunk.subarray(at, at + PIECE_BYTES));
    }
    done();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#terms.closed();
    callback(error);
  }
}
