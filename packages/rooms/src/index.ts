export { DEFAULT_ROOM_LIMITS, type RoomLimits } from "./limits.js";
export type { Presence, PresenceChange } from "./presence-list.js";
export { isRoomEvent } from "./requests.js";
export type { HistoryOptions, RoomEvent } from "./room-event.js";
export { type FeedItem, RoomFeed } from "./room-feed.js";
export { Rooms } from "./rooms.js";
export type { RoomSocket, RoomsHost } from "./rooms-host.js";
export type {
  Expose,
  KeepOptions,
  PlainRequest,
  PublishVerdict,
  RoomAction,
  RoomPublication,
  RoomRequest,
  RoomRule,
} from "./rule.js";
export { parseSince, type Since } from "./since.js";
