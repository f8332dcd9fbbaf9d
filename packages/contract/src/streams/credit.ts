/**
 * How much a producer may send: items and bytes that its consumer has not taken. The last item may exceed the bytes; a window is never
 * too small for one. Marked items are those of which the consumer tells that it has taken them: there is one in each half of a window, and
 * the one that closes it.
 */
export class Credit {
  /** The weights of items that were sent and not taken, the oldest first. */
  readonly #weights: number[] = [];
  readonly #items: number;
  readonly #bytes: number;
  #last: number;
  #held = 0;
  #unmarkedItems = 0;
  #unmarkedBytes = 0;

  /** @param after the number of the item before the first */
  constructor({ items, bytes }: { readonly items: number; readonly bytes: number }, after = 0) {
    this.#items = items;
    this.#bytes = bytes;
    this.#last = after;
  }

  /** May another item leave? */
  get open(): boolean {
    return this.#weights.length < this.#items && this.#held < this.#bytes;
  }

  /** The number of the last item that was sent. */
  get last(): number {
    return this.#last;
  }

  /** The next item leaves. @returns whether it is marked */
  sent(weight: number): boolean {
    this.#last++;
    this.#weights.push(weight);
    this.#held += weight;
    this.#unmarkedItems++;
    this.#unmarkedBytes += weight;
    const marked =
      !this.open || this.#unmarkedItems * 2 >= this.#items || this.#unmarkedBytes * 2 >= this.#bytes;
    if (marked) this.#unmarkedItems = this.#unmarkedBytes = 0;
    return marked;
  }

  /** The consumer has taken all up to this one. Said twice it changes nothing. @returns false if it was never sent */
  taken(seq: number): boolean {
    if (seq > this.#last) return false;
    const count = seq - (this.#last - this.#weights.length);
    if (count > 0) for (const weight of this.#weights.splice(0, count)) this.#held -= weight;
    return true;
  }
}
