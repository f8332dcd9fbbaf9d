export { Adapter } from "@sockeye/adapter";
export { CallError, isCallError } from "@sockeye/contract";
export type {
  ClientAddress,
  CloseOptions,
  DrainOptions,
  ForeignEngine,
  ForeignSocket,
  ResumeOptions,
} from "@sockeye/engine/server";
export type {
  CloseReason,
  ErrorCode,
  Limits,
  OverflowPolicy,
  Room,
  ServerDisconnectReason as DisconnectReason,
  SocketId,
} from "@sockeye/protocol";
export {
  AckError,
  ClusterError,
  CodecError,
  ContractError,
  ERROR_TABLE,
  NamespaceError,
  SockeyeError,
  TransportError,
  UsageError,
} from "@sockeye/protocol";
export type { CallContext, CallHandler, CallOptions, DefaultEventsMap, EventsMap } from "@sockeye/socket";
export type { ErrorContext, NamespaceEvents } from "./audience.js";
export { BroadcastOperator, RemoteSocket } from "./broadcast.js";
export type { Diagnostics } from "./channels.js";
export type { ClusterOptions } from "./cluster-options.js";
export { type ClusterEvents, type ClusterNode, ClusterView } from "./cluster-view.js";
export type { Conn } from "./conn.js";
export type { Engine, EngineEvents } from "./engine.js";
export type { Handshake } from "./handshake.js";
export type { Durations } from "./histogram.js";
export type { NamespaceMatcher } from "./matchers.js";
export { Metrics } from "./metrics.js";
export type { MetricsAnswer, MetricsHandler, MetricsOptions } from "./metrics-handler.js";
export type { Event, ExtendedError, NamespaceMiddleware, Next, SocketMiddleware } from "./middleware.js";
export { Namespace } from "./namespace.js";
export type {
  AdapterConstructor,
  AttachOptions,
  ContractOption,
  EngineOptions,
  ServerOptions,
  TransportName,
} from "./options.js";
export { ParentNamespace } from "./parent-namespace.js";
export type { RateLimitOptions } from "./rate-limit.js";
export { rateLimit } from "./rate-limit.js";
export type { FlexibleLimiter, Rate, RateStore } from "./rate-store.js";
export { flexibleStore, TokenBuckets } from "./rate-store.js";
export type { AnyHttpServer, Health } from "./server.js";
export { Server } from "./server.js";
export type { SocketEvents } from "./socket.js";
export { Socket } from "./socket.js";
export type { SocketEmission } from "./socket-emission.js";
