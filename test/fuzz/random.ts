/** The step of a counter whose mixed values look random (Weyl sequence with a golden ratio). */
const STEP = 0x9e3779b9;

/** Numbers that look random and come again with the same seed. */
export class Random {
  #state: number;

  /** @param seed 32 bits of it count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Any whole number of 32 bits. */
  next(): number {
    this.#state = (this.#state + STEP) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A whole number from 0 to `end`, which is not among them. */
  below(end: number): number {
    return this.next() % end;
  }

  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    // No list that is given is empty.
    return list[this.below(list.length)] as T;
  }

  /** A small number nearly always, now and then one of hundreds. */
  size(): number {
    return this.chance(0.9) ? this.below(6) : this.below(400);
  }

  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make);
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.list(length, () => this.next() & 255));
  }
}
