// The client with all that it can be extended by, for pages that have no bundler to choose with.
export { CallError, calls, isCallError, streams, uploads } from "@sockeye/contract/client";
export { RoomError, rooms } from "@sockeye/rooms/client";
export * from "./index.js";
