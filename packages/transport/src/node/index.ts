export type {
  DialledSession,
  SessionCloseInfo,
  WebTransportSession,
  WebTransportStream,
} from "../webtransport-like.js";
export type { Acceptor, HandshakeRequest, Place } from "./acceptor.js";
export type { AllowRequest } from "./allow-request.js";
export { type AttachOptions, attach } from "./attach.js";
export type { KnownSession } from "./checks.js";
export type { HttpCompression } from "./compression.js";
export type { CookieOptions } from "./cookie.js";
export { type CorsOptions, type CorsOptionsDelegate, corsMiddleware } from "./cors.js";
export { createGate, DEFAULT_TRANSPORTS, type Gate, type GateOptions } from "./gate.js";
export type { ResponseHeaders } from "./headers.js";
export type { StreamOptions } from "./http-pipes.js";
export type { Middleware } from "./middleware.js";
export { type PollingHost, PollingPipe } from "./polling.js";
export { readWholeQuery } from "./query.js";
export { readRawHeaders } from "./raw-headers.js";
export { REFUSALS, type RefusedRequest } from "./refusal.js";
export { type ServerWebSocket, WebSocketPipe, type WebSocketPipeOptions } from "./websocket.js";
export type { WebSocketEngine } from "./websocket-handshakes.js";
export type { WebTransportRequest } from "./webtransport-visit.js";
