import { types } from "node:util";
import { requirePositive } from "@sockeye/engine/server";
import type { Clock } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";

/** Keeps what keys have spent. One in memory is built in; one that several nodes share can stand behind the same method. */
export interface RateStore {
  /**
   * Takes points from what a key has, if it has enough; takes nothing if not.
   *
   * @returns 0 if they were taken, else the milliseconds until it is worth trying again (`Infinity`: never), or a promise of that
   */
  take(key: string, points: number): number | Promise<number>;
  /**
   * In how many milliseconds the key has all its points again, if none are taken meanwhile. So long the bucket of a client that has left is
   * kept for the next from its address. Without this it is a minute.
   */
  fullInMs?(key: string): number;
  /** Nobody asks for this key any more, or it is full. */
  forget?(key: string): void;
}

/** How fast a bucket fills, and how much fits in. */
export interface Rate {
  /** What a full bucket holds: so much may come at once. */
  readonly points: number;
  /** Milliseconds in which an empty bucket fills. */
  readonly perMs: number;
}

/** The fewest buckets at which it is worth looking for full ones. */
const SWEEP_FROM = 1024;

/**
 * Token buckets in memory. Of each there is but one number: when it will be full again (the generic cell rate algorithm). A key
 * that has not been seen has a full bucket, so full ones are forgotten.
 */
export class TokenBuckets implements RateStore {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, "now">;
  readonly #fullAt = new Map<string, number>();
  #sweepAt = SWEEP_FROM;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(rate: Rate, clock: Pick<Clock, "now">) {
    requirePositive("points", rate.points);
    requirePositive("perMs", rate.perMs);
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Buckets that are not known to be full. */
  get size(): number {
    return this.#fullAt.size;
  }

  take(key: string, points: number): number {
    const { points: most, perMs } = this.#rate;
    if (points > most) return Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? now) + (points * perMs) / most;
    const waitMs = Math.ceil(fullAt - now - perMs);
    if (waitMs > 0) return waitMs;
    if (this.#fullAt.size >= this.#sweepAt) this.#sweep(now);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  fullInMs(key: string): number {
    const now = this.#clock.now();
    return Math.max(0, (this.#fullAt.get(key) ?? now) - now);
  }

  forget(key: string): void {
    this.#fullAt.delete(key);
  }

  /** What is left afterwards has been used within `perMs`. The next sweep comes at twice that, so each bucket costs one look. */
  #sweep(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#fullAt.size);
  }
}

/** A limiter of the package `rate-limiter-flexible`, as far as it is used here. */
export interface FlexibleLimiter {
  consume(key: string, points?: number): Promise<unknown>;
  /** Seconds until what was taken is there again. */
  readonly duration?: number;
}

/**
 * A store that asks a limiter of the package `rate-limiter-flexible`, as `RateLimiterRedis`, so that all nodes count together. How
 * much is allowed is the limiter's own matter. If the limiter itself fails, what was asked for is allowed, and the error reported.
 */
export function flexibleStore(limiter: FlexibleLimiter): RateStore {
  if (typeof limiter?.consume !== "function") {
    throw new UsageError("ERR_BAD_OPTION", "A limiter has a method consume(key, points).");
  }
  return {
    fullInMs: () => (limiter.duration ?? 60) * 1000,
    take: (key, points) =>
      limiter.consume(key, points).then(
        () => 0,
        (refused: unknown) => waitOf(refused),
      ),
  };
}

/** It rejects both ways: with an answer if the key has spent its points, with an error if it could not find out. */
function waitOf(refused: unknown): number {
  const { msBeforeNext } = (refused ?? {}) as { readonly msBeforeNext?: unknown };
  if (refused instanceof Error || types.isNativeError(refused) || typeof msBeforeNext !== "number")
    throw refused;
  return Math.max(1, msBeforeNext);
}
