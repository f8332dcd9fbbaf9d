import type { Clock, Timer } from "@sockeye/protocol";
import { CallError } from "../call-error.js";
import type { StreamLimits } from "./limits.js";
import type { Outcome } from "./run.js";

/** How long something is kept. */
export interface Keeping {
  /** Ms behind the end. */
  readonly ageMs: number;
  /** Ms that a running one continues without a client. */
  readonly unwatchedMs: number;
}

/** What is kept: a stream, or an upload. */
export interface KeptWork {
  readonly bytes: number;
  /** Set once it has ended. */
  readonly outcome: Outcome | undefined;
  /** Is a client there for it? */
  readonly isWatched: boolean;
  /** No client has come back. */
  giveUp(): void;
  /** The server closes. */
  close(): void;
}

/** Where something is kept. */
export interface Keeper {
  /** A client has come or gone, or it has ended. */
  touch(): void;
  /** This is kept of it as well. @returns whether there is room. @throws what cannot be weighed */
  grow(value: unknown): boolean;
}

/** A stream, or an upload, under its id. */
export interface Kept<Work extends KeptWork> {
  readonly key: string;
  readonly id: string;
  /** Whose it is: the owner, or the socket that has begun it where nobody owns it. */
  readonly owner: unknown;
  readonly input: unknown;
  /** The same as it came: other nodes compare that. */
  readonly raw: readonly unknown[];
  readonly keeping: Keeping;
  readonly work: Work;
  timer?: Timer | undefined;
}

/** What one owner has here. */
interface Share {
  streams: number;
  bytes: number;
}

/** Ids that are remembered as gone, for each stream that may be kept. */
const GONE = 10;

/** Streams that continue without their watchers, and stay for a while when they have ended. */
export class KeptStreams<Work extends KeptWork> {
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #forgot: (key: string) => void;
  readonly #streams = new Map<string, Kept<Work>>();
  /** Never run again. */
  readonly #gone = new Set<string>();
  readonly #shares = new Map<unknown, Share>();
  #bytes = 0;

  /** @param forgot told of each that is not kept any more */
  constructor(clock: Clock, limits: StreamLimits, forgot: (key: string) => void = () => {}) {
    this.#clock = clock;
    this.#limits = limits;
    this.#forgot = forgot;
  }

  get size(): number {
    return this.#streams.size;
  }

  get(key: string): Kept<Work> | undefined {
    return this.#streams.get(key);
  }

  isGone(key: string): boolean {
    return this.#gone.has(key);
  }

  /** @throws CallError `ERR_STREAM_LIMIT` */
  add(stream: Kept<Work>): void {
    const { maxKeptStreams, maxKeptStreamsPerOwner } = this.#limits;
    const { owner, key } = stream;
    if (
      ((this.#shares.get(owner)?.streams ?? 0) >= maxKeptStreamsPerOwner && !this.#forgetEldest(owner)) ||
      (this.#streams.size >= maxKeptStreams && !this.#forgetEldest())
    )
      throw new CallError("ERR_STREAM_LIMIT", undefined, { message: "too many streams are kept" });
    this.#streams.set(key, stream);
    const share = this.#shares.get(owner) ?? { streams: 0, bytes: 0 };
    share.streams++;
    this.#shares.set(owner, share);
  }

  /** A stream that is kept has so many bytes more. @returns whether there is room for them */
  grew({ key, owner }: Kept<Work>, bytes: number): boolean {
    const { maxKeptStreamBytes, maxKeptBytesPerOwner } = this.#limits;
    const share = this.#shares.get(owner);
    if (!share || !this.#streams.has(key)) return false;
    while (share.bytes + bytes > maxKeptBytesPerOwner) if (!this.#forgetEldest(owner)) return false;
    while (this.#bytes + bytes > maxKeptStreamBytes) if (!this.#forgetEldest()) return false;
    this.#bytes += bytes;
    share.bytes += bytes;
    return true;
  }

  /** It was never begun. */
  drop(stream: Kept<Work>): void {
    this.#forget(stream);
    this.#gone.delete(stream.key);
  }

  /** A watcher has come or gone, or the stream has ended: the time that it may stay starts again. */
  touch(stream: Kept<Work>): void {
    const { work, keeping, key } = stream;
    this.#clock.clearTimer(stream.timer);
    stream.timer = undefined;
    if (this.#streams.get(key) !== stream) return;
    if (work.outcome) {
      stream.timer = this.#clock.setTimer(() => this.#forget(stream), keeping.ageMs);
    } else if (!work.isWatched) {
      stream.timer = this.#clock.setTimer(() => work.giveUp(), keeping.unwatchedMs);
    }
  }

  /** Stops all. */
  close(): void {
    for (const stream of [...this.#streams.values()]) {
      this.#forget(stream);
      stream.work.close();
    }
  }

  /** @param owner only one of this owner's */
  #forgetEldest(owner?: unknown): boolean {
    for (const stream of this.#streams.values()) {
      if (owner !== undefined && stream.owner !== owner) continue;
      if (stream.work.outcome === undefined || stream.work.isWatched) continue;
      this.#forget(stream);
      return true;
    }
    return false;
  }

  #forget(stream: Kept<Work>): void {
    this.#clock.clearTimer(stream.timer);
    this.#streams.delete(stream.key);
    this.#forgot(stream.key);
    const { owner, work } = stream;
    this.#bytes -= work.bytes;
    const share = this.#shares.get(owner) as Share;
    share.bytes -= work.bytes;
    if (--share.streams === 0) this.#shares.delete(owner);
    this.#gone.add(stream.key);
    if (this.#gone.size > this.#limits.maxKeptStreams * GONE)
      for (const eldest of this.#gone) {
        this.#gone.delete(eldest);
        break;
      }
  }
}
