export type { RoomLimits } from "./limits.js";
export type { Presence } from "./presence-list.js";
export { isRoomEvent } from "./requests.js";
export type { HistoryOptions, RoomEvent } from "./room-event.js";
export { Rooms } from "./rooms.js";
export type { RoomSocket, RoomsHost } from "./rooms-host.js";
export type { KeepOptions, RoomAction, RoomRequest, RoomRule } from "./rule.js";
