/** Bounds of streams and uploads, for each namespace of a server. */
export interface StreamLimits {
  /** Streams and uploads that one socket has open at a time. */
  readonly maxStreamsPerSocket: number;
  /** Producers that one socket has begun and whose code has not ended: with those that were stopped and are stuck, and those that it has left. */
  readonly maxProducersPerSocket: number;
  /** Items and bytes of one stream that were sent and not taken; a client may ask for fewer. */
  readonly maxUntakenItems: number;
  readonly maxUntakenBytes: number;
  /** Streams that are kept, running or ended. */
  readonly maxKeptStreams: number;
  /** Bytes of the inputs and items of all of them. */
  readonly maxKeptStreamBytes: number;
  /** The same of one owner; where there is none, of the socket that has begun them. */
  readonly maxKeptStreamsPerOwner: number;
  readonly maxKeptBytesPerOwner: number;
  /** For one kept stream, unless its options say otherwise: items, bytes, ms without a watcher. */
  readonly maxItemsKept: number;
  readonly maxBytesKept: number;
  readonly maxUnwatchedMs: number;
  /** Bytes of all uploads of one socket that may have come and were not read. */
  readonly maxUnreadUploadBytes: number;
  /** For one upload, unless its options say otherwise. */
  readonly maxUploadBytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxStreamsPerSocket: 100,
  maxProducersPerSocket: 200,
  maxUntakenItems: 256,
  maxUntakenBytes: 131_072,
  maxKeptStreams: 1000,
  maxKeptStreamBytes: 64 << 20,
  maxKeptStreamsPerOwner: 100,
  maxKeptBytesPerOwner: 16 << 20,
  maxItemsKept: 10_000,
  maxBytesKept: 4 << 20,
  maxUnwatchedMs: 600_000,
  maxUnreadUploadBytes: 262_144,
  maxUploadBytes: 2 ** 30,
};
