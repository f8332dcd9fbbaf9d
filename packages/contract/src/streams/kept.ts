import type { Clock, Timer } from "@sockeye/protocol";
import { CallError } from "../call-error.js";
import type { StreamLimits } from "./limits.js";
import type { Production } from "./production.js";
import { failure } from "./run.js";

/** How long, and how much of it, a stream is kept. */
export interface Keeping {
  /** Ms behind the end. */
  readonly ageMs: number;
  /** Ms that a running one goes on without a watcher. */
  readonly unwatchedMs: number;
  readonly items: number;
  readonly bytes: number;
}

/** A stream under its id. */
export interface KeptStream {
  readonly key: string;
  readonly id: string;
  readonly input: unknown;
  readonly keeping: Keeping;
  readonly production: Production;
  timer?: Timer | undefined;
}

/** Ids that are remembered as gone, for each stream that may be kept. */
const GONE = 10;

/** Streams that go on without their watchers, and stay for a while when they have ended. */
export class KeptStreams {
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #streams = new Map<string, KeptStream>();
  /** Never run again. */
  readonly #gone = new Set<string>();
  #bytes = 0;

  constructor(clock: Clock, limits: StreamLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#streams.size;
  }

  get(key: string): KeptStream | undefined {
    return this.#streams.get(key);
  }

  isGone(key: string): boolean {
    return this.#gone.has(key);
  }

  /** @throws CallError `ERR_STREAM_LIMIT` */
  add(stream: KeptStream): void {
    if (this.#streams.size >= this.#limits.maxKeptStreams && !this.#forgetEldest())
      throw new CallError("ERR_STREAM_LIMIT", undefined, { message: "too many streams are kept" });
    this.#streams.set(stream.key, stream);
  }

  /** @returns whether there is room for so many bytes more */
  grew(bytes: number): boolean {
    while (this.#bytes + bytes > this.#limits.maxKeptStreamBytes) if (!this.#forgetEldest()) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Somebody has come or gone, or it has ended: how long it may stay begins anew. */
  touch(stream: KeptStream): void {
    const { production, keeping, key } = stream;
    this.#clock.clearTimer(stream.timer);
    stream.timer = undefined;
    if (this.#streams.get(key) !== stream) return;
    if (production.outcome) {
      stream.timer = this.#clock.setTimer(() => this.#forget(stream), keeping.ageMs);
    } else if (production.watchers.size === 0) {
      const stop = (): void => production.run.stop(failure("ERR_STREAM_CANCELLED", "nobody watched"));
      stream.timer = this.#clock.setTimer(stop, keeping.unwatchedMs);
    }
  }

  /** Stops all. */
  close(): void {
    for (const stream of [...this.#streams.values()]) {
      this.#forget(stream);
      stream.production.run.stop(failure("ERR_STREAM_CANCELLED", "the server closes"));
    }
  }

  #forgetEldest(): boolean {
    for (const stream of this.#streams.values()) {
      if (stream.production.outcome === undefined || stream.production.watchers.size > 0) continue;
      this.#forget(stream);
      return true;
    }
    return false;
  }

  #forget(stream: KeptStream): void {
    this.#clock.clearTimer(stream.timer);
    this.#streams.delete(stream.key);
    this.#bytes -= stream.production.bytes;
    this.#gone.add(stream.key);
    if (this.#gone.size > this.#limits.maxKeptStreams * GONE)
      for (const eldest of this.#gone) {
        this.#gone.delete(eldest);
        break;
      }
  }
}
