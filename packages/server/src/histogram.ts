/** Upper bounds of the buckets, in seconds. */
export const BOUNDS: readonly number[] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** How long something took, as a snapshot. */
export interface Durations {
  readonly count: number;
  /** Seconds of all together. */
  readonly sum: number;
  /** How many took no longer than each of {@link BOUNDS}. */
  readonly buckets: readonly number[];
}

/** Counts how long something takes. A note costs a few comparisons. */
export class Histogram {
  #count = 0;
  #sum = 0;
  readonly #buckets: number[] = BOUNDS.map(() => 0);

  /** @param since what `performance.now()` said before */
  note(since: number): void {
    const seconds = Math.max(0, (performance.now() - since) / 1000);
    this.#count++;
    this.#sum += seconds;
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++;
    if (bucket < BOUNDS.length) this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
  }

  get durations(): Durations {
    let below = 0;
    const buckets = this.#buckets.map((count) => {
      below += count;
      return below;
    });
    return { count: this.#count, sum: this.#sum, buckets };
  }
}
