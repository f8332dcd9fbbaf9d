/** Bounds of streams, for each namespace of a server. */
export interface StreamLimits {
  /** Streams and uploads that one socket has open at a time. */
  readonly maxStreamsPerSocket: number;
  /** Items and bytes of one stream that were sent and not taken; a client may ask for fewer. */
  readonly maxUntakenItems: number;
  readonly maxUntakenBytes: number;
  /** Streams that are kept, running or ended. */
  readonly maxKeptStreams: number;
  /** Bytes of the items of all of them. */
  readonly maxKeptStreamBytes: number;
  /** Of one kept stream, unless its options say otherwise: items, bytes, ms without a watcher. */
  readonly maxItemsKept: number;
  readonly maxBytesKept: number;
  readonly maxUnwatchedMs: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxStreamsPerSocket: 100,
  maxUntakenItems: 256,
  maxUntakenBytes: 131_072,
  maxKeptStreams: 1000,
  maxKeptStreamBytes: 64 << 20,
  maxItemsKept: 10_000,
  maxBytesKept: 4 << 20,
  maxUnwatchedMs: 600_000,
};
