/** What the first piece gets at least, so that a short frame in two pieces is one allocation. */
const FIRST_CAPACITY = 512;

const NOTHING = Buffer.alloc(0);

/**
 * Bytes that come in pieces. The memory at least doubles each time it grows, so that bytes that drip in one by one cost no
 * more than those that come at once, and it is never more than twice (and half a KiB) what has come: a peer that only
 * announces much takes nothing.
 */
export class GrowingBytes {
  length = 0;
  #memory: Buffer = NOTHING;

  /** What has come. The same memory grows on: to be kept only once nothing is appended any more. */
  get bytes(): Buffer {
    return this.#memory.length === this.length ? this.#memory : this.#memory.subarray(0, this.length);
  }

  /** Memory that it takes. */
  get capacity(): number {
    return this.#memory.length;
  }

  /** @param most how long it may become at most; never exceeded by the pieces */
  append(piece: Uint8Array, most: number): void {
    const length = this.length + piece.length;
    if (length > this.#memory.length) {
      const capacity = Math.min(most, Math.max(length, 2 * this.#memory.length, FIRST_CAPACITY));
      const memory = Buffer.allocUnsafe(capacity);
      memory.set(this.bytes, 0);
      this.#memory = memory;
    }
    this.#memory.set(piece, this.length);
    this.length = length;
  }
}
