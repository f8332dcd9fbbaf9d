export type { EngineOptions } from "@sockeye/engine/client";
export type { ClientDisconnectReason as DisconnectReason, ErrorCode } from "@sockeye/protocol";
export {
  AckError,
  CodecError,
  NamespaceError,
  SessionError,
  SOCKET_PROTOCOL as protocol,
  SockeyeError,
  TransportError,
  UsageError,
} from "@sockeye/protocol";
export type { DefaultEventsMap, EventsMap, Extension } from "@sockeye/socket";
export type { Target, TransportClass } from "@sockeye/transport/client";
// Socket.IO has one class for each way to send a request; here one class knows them all.
export {
  PollingTransport,
  PollingTransport as Fetch,
  PollingTransport as NodeXHR,
  PollingTransport as XHR,
  SseTransport,
  StreamTransport,
  WebSocketTransport,
  WebSocketTransport as NodeWebSocket,
  WebSocketTransport as WebSocket,
  WebTransportTransport,
  WebTransportTransport as WebTransport,
} from "@sockeye/transport/client";
export type { ExtendedSocket, Io, TypedOptions } from "./io.js";
export type { DisconnectDescription, ManagerReservedEvents, Status } from "./manager-view.js";
export type { Auth, ManagerOptions, Options, SocketOptions } from "./options.js";
export type { BufferedPacket, ExtendedError, SocketReservedEvents } from "./socket.js";
export { Socket } from "./socket.js";
export { io, io as connect, io as default } from "./standard/io.js";
export { Manager } from "./standard/manager.js";
