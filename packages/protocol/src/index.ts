export type {
  AdapterCore,
  AdapterNamespace,
  AdapterPeer,
  AdapterSocket,
  BroadcastFlags,
  BroadcastOptions,
  Room,
  SocketId,
} from "./adapter.js";
export type {
  Bus,
  BusLog,
  BusRecord,
  BusRecords,
  BusSink,
  KeptEntry,
  LogBatch,
  LogEntry,
  Position,
} from "./bus.js";
export type { Clock, Timer } from "./clock.js";
export type { ClientDisconnectReason, CloseReason, ServerDisconnectReason } from "./close.js";
export type { Codec, Decoder } from "./codec.js";
export { readDuration } from "./duration.js";
export type { ErrorCode } from "./error-table.js";
export { ERROR_TABLE } from "./error-table.js";
export type { ContractIssue } from "./errors.js";
export {
  AckError,
  ClusterError,
  CodecError,
  ContractError,
  NamespaceError,
  requireFunction,
  SessionError,
  SockeyeError,
  StreamError,
  TransportError,
  UsageError,
} from "./errors.js";
export type { Guarded } from "./handle.js";
export {
  CORE,
  HANDLE,
  LISTENED,
  LISTENERS,
  makeAssignable,
  NEW_STORE,
  PEER,
  REPORT,
  REQUIRE_FREE,
  SHOW_INCOMING,
  SHOW_OUTGOING,
} from "./handle.js";
export type { Limits } from "./limits.js";
export { DEFAULT_LIMITS, LIMIT_BY_CODE } from "./limits.js";
export { DEFAULT_MAX_PACKETS } from "./max-packets.js";
export { afterTurn, deferTask, startTimer, stopTimer } from "./native.js";
export { nearest } from "./nearest.js";
export type { OverflowPolicy } from "./overflow.js";
export { isOwnEvent, OWN_EVENTS } from "./own-events.js";
export type {
  AckPacket,
  Claim,
  ConnectErrorPacket,
  ConnectPacket,
  DisconnectPacket,
  EnginePacket,
  EnginePacketType,
  EventData,
  EventPacket,
  Frame,
  OpenData,
  Packet,
  PacketLimits,
  ResumeTerms,
} from "./packet.js";
export {
  ENGINE_PACKET_TYPES,
  ENGINE_PROTOCOL,
  EncodedPacket,
  PacketType,
  RESERVED_EVENTS,
  SOCKET_PROTOCOL,
} from "./packet.js";
export { isRoomPattern, roomLevels, roomMatcher } from "./room-pattern.js";
export type { RawMessage, SessionObserver, SessionView } from "./session.js";
export type { SharedRoom, SharedRoomKeep, SharedRoomSink } from "./shared-room.js";
export type { SharedStreams, SharedStreamsSink } from "./shared-streams.js";
export { shown, shownError } from "./shown.js";
export type { SessionState } from "./state.js";
export { NEXT_STATES, SESSION_STATES } from "./state.js";
export type { PipeClose, PipeEnd, Transport, TransportSink } from "./transport.js";
