export type { AckCallback, AckOptions } from "./acks.js";
export { Acks, ackTimeout, disconnected, reasonOf, whenAborted } from "./acks.js";
export { Additions } from "./additions.js";
export type {
  CallAnswer,
  CallArgs,
  CallContext,
  CallEvent,
  CallHandler,
  CallInput,
  CallOptions,
  RefusalOnWire,
} from "./call-types.js";
export type { AnyListener } from "./catch-all.js";
export { CatchAll } from "./catch-all.js";
export type {
  AdditionsClass,
  ContractEnd,
  ContractFor,
  ExtensionHost,
  IntakeOwner,
  RefusedEvent,
  SocketAdditions,
} from "./contract-end.js";
export type { Dispatchable, ErrorBoundary } from "./dispatch.js";
export { callGuarded, dispatch, isHeard, isThenable } from "./dispatch.js";
export type { Emit, EmitFlags, EmitTarget, WaitOptions } from "./emission.js";
export { Emission, emitAndWait, Flagged, readEmit, requireEventName } from "./emission.js";
export type { Listener, ListenOptions } from "./emitter.js";
export { Emitter } from "./emitter.js";
export type { EngineSocketEvents, SendOptions, Sent } from "./engine-socket.js";
export { EngineSocket } from "./engine-socket.js";
export type {
  AckAnswer,
  AllButLast,
  DefaultEventsMap,
  EventHandler,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Last,
  ROOMS,
  RoomNames,
  Unchecked,
  WithAnswers,
  WithTimeout,
} from "./events.js";
export type { Extended, Extension, IncomingAck } from "./extension.js";
export type { Listeners } from "./listener-store.js";
export { SocketEmitter } from "./socket-emitter.js";
