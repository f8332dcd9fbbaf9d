import type { Frame } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";
import type { GateOptions } from "@sockeye/transport/server";
import type { ClientAddress } from "./addresses.js";
import type { ResumeOptions } from "./resume-options.js";
import type { TransportName } from "./transport-names.js";

/** Where the engine sits on an HTTP server. */
export interface AttachOptions {
  /** The path of the engine; everything below it is its own. Default `/socket.io`. */
  path?: string;
  /** Default true. Both forms of the path are answered in any case. */
  addTrailingSlash?: boolean;
  /** Ends upgrade requests on other paths that nobody answers. Default true. */
  destroyUpgrade?: boolean;
  /** Milliseconds that others have to answer them. Default 1000. */
  destroyUpgradeTimeout?: number;
}

/** Options of the engine: transports, heartbeats, limits of what comes in. Socket.IO's names and defaults. */
export interface EngineOptions extends AttachOptions {
  /** Idle time until the next PING, in ms. Default 25000. */
  pingInterval?: number;
  /** Time for the PONG, in ms. Default 20000. */
  pingTimeout?: number;
  /** Time for an upgrade to complete, in ms. Default 10000. */
  upgradeTimeout?: number;
  /**
   * Lets sessions of Sockeye's clients outlive their transports: a client whose connection broke continues over another one,
   * nothing is lost and nothing comes twice. `false`: they end with their transports, as those of all other clients do.
   * Default true: for `{ windowMs: 30000, maxBytes: 1048576 }`.
   */
  resume?: boolean | ResumeOptions;
  /** Bytes of one message and of one HTTP body. Default 1e6. */
  maxHttpBufferSize?: number;
  /**
   * Milliseconds for which a turn of the event loop handles what comes in, of all clients together, before the rest waits for
   * the next turn, so that nobody's batch keeps others waiting. A message is never interrupted. Default 5; `Infinity`: no bound.
   */
  maxTurnMs?: number;
  /** May refuse a handshake. */
  allowRequest?: GateOptions["allowRequest"];
  /**
   * Where a client is, for the limits per address. Default: the address of the TCP connection, which behind a proxy is the
   * proxy's. Called only if one of those limits is set.
   */
  clientAddress?: ClientAddress;
  /**
   * Bits of an IPv6 address that make one client, for the limits per address: networks are given to customers whole. From 1 to 128;
   * default 64.
   */
  ipv6Prefix?: number;
  /**
   * Default `["polling", "websocket", "sse", "stream", "iframe"]`, the last three for clients that ask for them by name.
   * Add `webtransport` for `io.engine.onWebTransportSession`, and `jsonp` beside `polling` for old browsers that read answers as
   * scripts. Any site may load a script, so the server answers only pages of this host and of `origins`.
   */
  transports?: readonly TransportName[];
  /** How the transports `sse`, `stream` and `iframe` write: `recycleBytes`, default 131072, and `writeTimeout`, default 30000 ms. */
  streams?: GateOptions["streams"];
  /** Are clients told that they may upgrade? Default true. */
  allowUpgrades?: boolean;
  /** A raw engine message that every client gets right after the handshake. Not a Socket.IO packet, unless it looks like one. */
  initialPacket?: Frame;
  /** Compression of WebSocket messages. Default false. */
  perMessageDeflate?: GateOptions["perMessageDeflate"];
  /** Compression of polling bodies. Default `{ threshold: 1024 }`. */
  httpCompression?: GateOptions["httpCompression"];
  /** A WebSocket server class with the interface of `ws`. */
  wsEngine?: GateOptions["wsEngine"];
  /** A cookie with the session id, for load balancers. Default false. */
  cookie?: GateOptions["cookie"];
  /** Lets in clients of Socket.IO 2 as well, which speak revision 3 of the engine protocol. Default false. */
  allowEIO3?: boolean;
  /**
   * Whose pages may connect, on any transport, beside the server's own and those that `cors` lets in: origins, with `*` for
   * one whole label of the host (`https://*.example.com`), `"null"`, `"file://"`, or `"*"` for everybody. The others get status
   * 403. Requests without an `Origin`, such as those of clients outside of browsers, are let in. Default: none.
   */
  origins?: NonNullable<GateOptions["origins"]>;
  /**
   * Options of the `cors` package: which other origins may read answers over HTTP in a browser. The same may open WebSockets.
   * Default: none.
   */
  cors?: GateOptions["cors"];
}

/** An option that is `null` was not given: `{ cors: isProduction ? { … } : null }`. */
export function withoutNulls<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== null);
  return given.length === Object.keys(options).length ? options : (Object.fromEntries(given) as Options);
}

/** @throws UsageError `ERR_BAD_OPTION` */
export function requirePositive(name: string, value: unknown): void {
  if (typeof value === "number" && value > 0) return;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option ${name} must be a number above 0, not ${String(value)}.`,
  );
}
