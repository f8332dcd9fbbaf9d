export { createHooks } from "./create-hooks.js";
export type {
  CallHooks,
  CallState,
  Connection,
  CoreHooks,
  Hooks,
  ProviderProps,
  RoomHandlers,
  RoomHookOptions,
  RoomHooks,
  RoomState,
  StreamHookOptions,
  StreamHooks,
  StreamState,
} from "./hook-types.js";
