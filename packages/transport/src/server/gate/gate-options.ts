import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Limits } from "@sockeye/protocol";
import type { WebTransportSession } from "../../shared/webtransport-like.js";
import type { AllowRequest } from "../request/allow-request.js";
import type { HttpCompression } from "../request/compression.js";
import type { CookieOptions } from "../request/cookie.js";
import type { CorsOptions, CorsOptionsDelegate } from "../request/cors.js";
import type { ForwardedFacts } from "../request/forwarded.js";
import type { WebTransportRequest } from "../request/incoming-webtransport.js";
import type { Middleware } from "../request/middleware.js";
import type { Origins } from "../request/origins.js";
import type { PendingLimits } from "../request/pending.js";
import type { UrlLimits } from "../request/url-limits.js";
import type { Turns } from "../turns/turns.js";
import type { WebSocketEngine } from "../websocket/websocket-handshakes.js";
import type { StreamOptions } from "./http-pipes.js";

export interface GateOptions {
  readonly clock: Clock;
  /** `maxMessageBytes` bounds a WebSocket message and a POST body, `maxPacketsPerPayload` the packets of a body. */
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload"> &
    Partial<PendingLimits & UrlLimits>;
  /** Names of the transports on offer; `jsonp` stands for polling in scripts. Default {@link DEFAULT_TRANSPORTS}. */
  readonly transports?: readonly string[] | undefined;
  /** Asked about each handshake, after all other checks but that of the protocol revision. */
  readonly allowRequest?: AllowRequest | undefined;
  /**
   * Which other origins may read answers over HTTP in a browser; the same may open WebSockets, which know no CORS. Off by
   * default: none.
   */
  readonly cors?: CorsOptions | CorsOptionsDelegate | boolean | undefined;
  /** Whose pages may connect, on any transport, beside the server's own and those that `cors` lets in. Default: none. */
  readonly origins?: Origins | undefined;
  /** Sets a cookie with the session id in the answer to a handshake over HTTP. Default false. */
  readonly cookie?: CookieOptions | boolean | undefined;
  /** Compresses polling bodies from `threshold` bytes on. Default `{ threshold: 1024 }`; `false`: never. */
  readonly httpCompression?: HttpCompression | boolean | undefined;
  readonly streams?: StreamOptions | undefined;
  /** Compresses WebSocket messages: `true`, or options of the `ws` package. Default false. */
  readonly perMessageDeflate?: boolean | Record<string, unknown> | undefined;
  /** Milliseconds that a WebTransport session has until the first packet of its client. Default 10000. */
  readonly upgradeTimeout?: number | undefined;
  /** Milliseconds that `allowRequest` and an id may take together until a handshake is refused. Default 45000. */
  readonly connectTimeout?: number | undefined;
  readonly wsEngine?: WebSocketEngine | undefined;
  /** For comparing: `ws` reads WebSockets with the `ws` package also where nothing needs it. Default `own`. */
  readonly webSockets?: "own" | "ws" | undefined;
  /**
   * Milliseconds for which a turn of the event loop handles what comes in, of all clients together, before the rest waits for the
   * next one. A message is never interrupted. Default 5; `Infinity`: as long as there is something.
   */
  readonly maxTurnMs?: number | undefined;
  /** Those that the sessions have as well. Default: its own, of {@link maxTurnMs}. */
  readonly turns?: Turns | undefined;
  /** Lets in clients of protocol revision 3 as well: those of Socket.IO 2. Default false. */
  readonly allowEIO3?: boolean | undefined;
}

/** The door for HTTP: checks each request, then leads it to its session or begins one. Each request gets an answer. */
/** A request to upgrade, with its socket and what the client sent right behind it. */
export interface UpgradeRequest {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Gate {
  handleRequest(req: IncomingMessage, res: ServerResponse): void;
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** A request that another node has passed on, and has checked: middlewares do not see it again, and it is not passed on again. */
  handleForwarded(req: IncomingMessage, res: ServerResponse, facts: ForwardedFacts): void;
  /** The same for a request to upgrade. */
  handleForwardedUpgrade(upgrade: UpgradeRequest, facts: ForwardedFacts): void;
  /** @param request what is known of the request that asked for the session; middlewares and `allowRequest` get it */
  handleWebTransport(session: WebTransportSession, request?: WebTransportRequest): void;
  /** Adds a middleware for every request, upgrade request and WebTransport session. In order of addition. */
  use(middleware: Middleware): void;
  /** Refuses handshakes from now on, with status 503. Live sessions keep their requests, and may upgrade. */
  drain(): void;
  /** The client of this session, which is over, is not told so any more: its next request is one for an unknown session. */
  forget(sid: string): void;
  /** Resolves once the clients of sessions that have just ended are told so, as far as they ask again within half a second. */
  told(): Promise<void>;
  /** Refuses handshakes and upgrades from now on, with status 503. Live sessions keep their requests. */
  close(): void;
}

/** Those that stock clients do not know are there for who asks, and never advertised. */
export const DEFAULT_TRANSPORTS: readonly ("polling" | "websocket" | "sse" | "stream" | "iframe")[] = [
  "polling",
  "websocket",
  "sse",
  "stream",
  "iframe",
];
