/** Bounds of rooms, for each namespace. */
export interface RoomLimits {
  /** Rooms of which something is kept: beyond that, those that were used longest ago and have no member are forgotten. */
  readonly maxKeptRooms: number;
  /** Bytes of all kept events together: beyond that, whole rooms are forgotten in the same order, members or not. */
  readonly maxKeptBytes: number;
  /** Bytes of kept events that one socket may be sent in ten seconds. */
  readonly maxCatchUpBytes: number;
  /** Bytes of the JSON of one value of presence. */
  readonly maxPresenceBytes: number;
  /** Ms between two messages that tell a room who came and went. */
  readonly presenceMs: number;
}

export const DEFAULT_ROOM_LIMITS: RoomLimits = {
  maxKeptRooms: 10_000,
  maxKeptBytes: 64 << 20,
  maxCatchUpBytes: 8 << 20,
  maxPresenceBytes: 4096,
  presenceMs: 100,
};
