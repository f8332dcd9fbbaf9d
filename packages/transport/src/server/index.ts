export type {
  DialledSession,
  SessionCloseInfo,
  WebTransportSession,
  WebTransportStream,
} from "../shared/webtransport-like.js";
export { type AttachOptions, attach, isAttached, isSharedWith } from "./gate/attach.js";
export type { KnownSession } from "./gate/checks.js";
export { createGate } from "./gate/gate.js";
export { DEFAULT_TRANSPORTS, type Gate, type GateOptions, type UpgradeRequest } from "./gate/gate-options.js";
export type { ForwardedRequest, GateSink, HandshakeRequest, Place } from "./gate/gate-sink.js";
export { closeHttpServer } from "./gate/http-closing.js";
export type { StreamOptions } from "./gate/http-pipes.js";
export { type Located, There } from "./gate/located.js";
export { type PollingHost, PollingPipe } from "./http/polling.js";
export type { AllowRequest } from "./request/allow-request.js";
export type { HttpCompression } from "./request/compression.js";
export type { CookieOptions } from "./request/cookie.js";
export { type CorsOptions, type CorsOptionsDelegate, checkCors, corsMiddleware } from "./request/cors.js";
export { type ForwardedFacts, forwardedFacts, remoteAddress } from "./request/forwarded.js";
export { dropIllegal, type ResponseHeaders } from "./request/headers.js";
export { IncomingRequest } from "./request/incoming.js";
export type { WebTransportRequest } from "./request/incoming-webtransport.js";
export { type Middleware, runMiddlewares } from "./request/middleware.js";
export { OriginPolicy, type Origins } from "./request/origins.js";
export { readWholeQuery, shareQuery } from "./request/query.js";
export { readRawHeaders } from "./request/raw-headers.js";
export { REFUSALS, type RefusedRequest } from "./request/refusal.js";
export { Continuations } from "./turns/continuations.js";
export { loopOf, Turns } from "./turns/turns.js";
export { type ServerWebSocket, WebSocketPipe, type WebSocketPipeOptions } from "./websocket/websocket.js";
export type { WebSocketEngine } from "./websocket/websocket-handshakes.js";
