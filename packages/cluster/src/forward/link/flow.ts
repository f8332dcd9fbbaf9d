import { badInput } from "../../wire.js";
import type { Carrier } from "./carrier.js";
import { LAST, LinkFrame, writeCredit } from "./frames.js";

/** Bytes of one direction of a stream that may be under way and not taken: one that is not read holds up no other, and costs no more. */
const WINDOW_BYTES = 131_072;
const PIECE_BYTES = 65_536;
const NOTHING = new Uint8Array();

/** What leaves on one stream, as the other end takes it. */
export class Outflow {
  readonly #carrier: Carrier;
  readonly #stream: number;
  #left = WINDOW_BYTES;
  readonly #waiting: Uint8Array[] = [];
  #drained: (() => void) | undefined = undefined;
  #isEnding = false;

  constructor(carrier: Carrier, stream: number) {
    this.#carrier = carrier;
    this.#stream = stream;
  }

  /** @param drained called once all was sent, if it is not at once @returns whether it was */
  write(bytes: Uint8Array, drained: () => void): boolean {
    this.#waiting.push(bytes);
    this.#pump();
    if (this.#waiting.length > 0) this.#drained = drained;
    return this.#waiting.length === 0;
  }

  /** May so much go at once? */
  takes(bytes: number): boolean {
    return this.#waiting.length === 0 && bytes <= Math.min(this.#left, PIECE_BYTES);
  }

  /** Nothing comes after this, which is sent behind what waits. */
  end(last: Uint8Array = NOTHING): void {
    this.#isEnding = true;
    this.#waiting.push(last);
    this.#pump();
  }

  /** The other end has taken so much. @throws ClusterError `ERR_CLUSTER_INPUT` */
  credited(bytes: number): void {
    this.#left += bytes;
    if (this.#left > WINDOW_BYTES) throw badInput("more credit than was used");
    this.#pump();
    if (this.#waiting.length > 0) return;
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  #pump(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const piece = first.subarray(0, Math.min(this.#left, PIECE_BYTES));
      if (piece.length === 0 && first.length > 0) return;
      if (piece.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(piece.length);
      this.#left -= piece.length;
      const isLast = this.#isEnding && this.#waiting.length === 0;
      this.#carrier.send(isLast ? LinkFrame.DATA | LAST : LinkFrame.DATA, this.#stream, piece);
    }
  }
}

/** What comes on one stream: no more than it was allowed. */
export class Inflow {
  readonly #carrier: Carrier;
  readonly #stream: number;
  #left = WINDOW_BYTES;
  #taken = 0;
  isOver = false;

  constructor(carrier: Carrier, stream: number) {
    this.#carrier = carrier;
    this.#stream = stream;
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  came(bytes: number, isLast: boolean): void {
    if (this.isOver || bytes > this.#left) throw badInput("more than was allowed");
    this.#left -= bytes;
    this.isOver = isLast;
  }

  /** The reader has taken so many bytes: their room is free again. */
  taken(bytes: number): void {
    this.#taken += bytes;
    if (this.isOver || this.#taken < WINDOW_BYTES / 2) return;
    this.#left += this.#taken;
    this.#carrier.send(LinkFrame.CREDIT, this.#stream, writeCredit(this.#taken));
    this.#taken = 0;
  }
}
