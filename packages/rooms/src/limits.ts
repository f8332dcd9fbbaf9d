/** Bounds of rooms, for each namespace. */
export interface RoomLimits {
  /**
   * Rooms of which something is kept: beyond that, those that were used longest ago and have no member are forgotten. As many may be known
   * besides that have kept nothing yet.
   */
  readonly maxKeptRooms: number;
  /** Bytes of all kept events together, each with 400 more for the objects around it: beyond that, whole rooms are forgotten in the same order, members or not. */
  readonly maxKeptBytes: number;
  /** Readers of rooms over plain HTTP, those of all namespaces together. Beyond that the answer is 503. */
  readonly maxRoomFeeds: number;
  /** The same of one client address, which is answered with 429. On a server `maxSessionsPerAddress` by default. */
  readonly maxRoomFeedsPerAddress: number;
  /** Bytes of kept events, and of who is there, that one connection may be sent in ten seconds. */
  readonly maxCatchUpBytes: number;
  /** Bytes of one value of presence, as it is told. All values of one socket together may have four times that. */
  readonly maxPresenceBytes: number;
  /** Ms between two messages that tell a room who came and went, each of 200 at most. */
  readonly presenceMs: number;
}

export const DEFAULT_ROOM_LIMITS: RoomLimits = {
  maxKeptRooms: 10_000,
  maxKeptBytes: 64 << 20,
  maxRoomFeeds: 10_000,
  maxRoomFeedsPerAddress: Number.POSITIVE_INFINITY,
  maxCatchUpBytes: 8 << 20,
  maxPresenceBytes: 4096,
  presenceMs: 100,
};
