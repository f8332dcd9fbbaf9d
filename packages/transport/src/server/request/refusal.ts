import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Why a request or handshake is refused. Numbers and texts are Socket.IO's, and part of the wire. */
export const REFUSALS = {
  UNKNOWN_TRANSPORT: { code: 0, message: "Transport unknown" },
  UNKNOWN_SID: { code: 1, message: "Session ID unknown" },
  BAD_HANDSHAKE_METHOD: { code: 2, message: "Bad handshake method" },
  BAD_REQUEST: { code: 3, message: "Bad request" },
  FORBIDDEN: { code: 4, message: "Forbidden" },
  UNSUPPORTED_PROTOCOL_VERSION: { code: 5, message: "Unsupported protocol version" },
  /** Not one of Socket.IO's codes, so far from its numbers. */
  FOREIGN_ORIGIN: { code: 40, message: "Origin not allowed" },
} as const;

export interface Refusal {
  readonly reason: keyof typeof REFUSALS;
  /** Default: 403 for FORBIDDEN, 400 for the others and for all upgrades. */
  readonly status?: 403 | 414 | 429 | undefined;
  /** What `connection_error` tells beside code and message; never sent, but for `message`, which replaces the text. */
  readonly context: Record<string, unknown>;
}

/** A refusal as `connection_error` hands it out. */
export interface RefusedRequest {
  readonly req: IncomingMessage;
  readonly code: number;
  readonly message: string;
  readonly context: Record<string, unknown>;
}

export function describeRefusal(req: IncomingMessage, refusal: Refusal): RefusedRequest {
  return { req, ...REFUSALS[refusal.reason], context: refusal.context };
}

/** Answers an HTTP request with JSON. Does nothing if a middleware has answered. */
export function refuseRequest(res: ServerResponse, refusal: Refusal): void {
  if (res.headersSent || res.writableEnded) return;
  const body = JSON.stringify({ code: REFUSALS[refusal.reason].code, message: sentMessage(refusal) });
  const status = refusal.status ?? (refusal.reason === "FORBIDDEN" ? 403 : 400);
  res.writeHead(status, { "Content-Type": "application/json" });
  res.end(body);
}

/** Answers an upgrade request with the bare message, and ends the connection. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const message = sentMessage(refusal);
  const head = `Connection: close\r\nContent-type: text/html\r\nContent-Length: ${Buffer.byteLength(message)}`;
  const status = UPGRADE_STATUS[refusal.status ?? 400];
  endConnection(socket, `HTTP/1.1 ${status}\r\n${head}\r\n\r\n${message}`);
}

const UPGRADE_STATUS = {
  400: "400 Bad Request",
  403: "403 Forbidden",
  414: "414 URI Too Long",
  429: "429 Too Many Requests",
} as const;

/** Seconds. Another server, or the next process of this one, may answer then. */
const RETRY_AFTER = "1";

/** Says that the server is closing, or has closed. The client's next request is to find another server. */
export function turnRequestAway(res: ServerResponse): void {
  const headers = { "Content-Length": "0", "Retry-After": RETRY_AFTER };
  // A connection that is kept would lead it here again. HTTP/2 has no such header.
  res.writeHead(503, res.req.httpVersionMajor > 1 ? headers : { ...headers, Connection: "close" });
  res.end();
}

export function turnUpgradeAway(socket: Duplex): void {
  const head = `Connection: close\r\nContent-Length: 0\r\nRetry-After: ${RETRY_AFTER}`;
  endConnection(socket, `HTTP/1.1 503 Service Unavailable\r\n${head}\r\n\r\n`);
}

/** Writes a last text, then destroys the socket, so that a peer who does not close cannot keep it. */
export function endConnection(socket: Duplex, text: string): void {
  ignoreErrors(socket);
  if (socket.writable) socket.end(text, () => socket.destroy());
  else socket.destroy();
}

/** An `error` event of a raw socket that nobody listens to would end the process. */
export function ignoreErrors(socket: Duplex): void {
  if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
}

/** Undoes {@link ignoreErrors}, once another listener is there. */
export function stopIgnoringErrors(socket: Duplex): void {
  socket.removeListener("error", ignore);
}

function ignore(): void {}

function sentMessage(refusal: Refusal): string {
  const own = refusal.context["message"];
  return typeof own === "string" && own !== "" ? own : REFUSALS[refusal.reason].message;
}

/** A middleware has failed, or has said that the request is to be refused. */
export function middlewareFailure(error: unknown): Refusal {
  return { reason: "BAD_REQUEST", context: { name: "MIDDLEWARE_FAILURE", error } };
}

/** A middleware has neither answered the request nor passed it on in time. @param middleware in words */
export function middlewareLate(middleware: string): Refusal {
  return { reason: "FORBIDDEN", context: { name: "MIDDLEWARE_TIMEOUT", middleware } };
}
