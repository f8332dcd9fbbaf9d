export { ackTimeout, Acks } from "./acks.js";
export type { AckCallback, AckOptions } from "./acks.js";
export { CatchAll } from "./catch-all.js";
export type { AnyListener } from "./catch-all.js";
export { callGuarded, dispatch, isThenable } from "./dispatch.js";
export type { Dispatchable, ErrorBoundary } from "./dispatch.js";
export { emitAndWait, Emission, Flagged, readEmit } from "./emission.js";
export type { Emit, EmitTarget } from "./emission.js";
export { Emitter } from "./emitter.js";
export type { Listener } from "./emitter.js";
export { EngineSocket } from "./engine-socket.js";
export type { EngineSocketEvents } from "./engine-socket.js";
export type {
  AckAnswer,
  AllButLast,
  DefaultEventsMap,
  EventHandler,
  EventNames,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Last,
  Unchecked,
  WithAnswers,
  WithTimeout,
} from "./events.js";
