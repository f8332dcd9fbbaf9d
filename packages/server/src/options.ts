import type { Adapter } from "@sockeye/adapter";
import type { Parser } from "@sockeye/codec";
import { authGuard, codecFromParser, createTextCodec } from "@sockeye/codec";
import type { AdapterNamespace, Codec, Frame, Limits, OverflowPolicy } from "@sockeye/protocol";
import { DEFAULT_LIMITS, UsageError } from "@sockeye/protocol";
import type { GateOptions } from "@sockeye/transport/server";
import type { ClientAddress } from "./addresses.js";
import type { ForeignAdapter } from "./foreign-adapter.js";
import { defaultBudgetBytes } from "./memory-budget.js";
import type { ResumeOptions } from "./resume-options.js";

/** Makes the adapter of a namespace: a class, or a function that returns one. Those made for Socket.IO are taken too. */
export type AdapterConstructor =
  | (new (
      nsp: AdapterNamespace,
    ) => Adapter | ForeignAdapter)
  | ((nsp: AdapterNamespace) => Adapter | ForeignAdapter);

const TRANSPORTS = ["polling", "websocket", "webtransport", "sse", "stream", "iframe", "jsonp"] as const;

/** A transport that the server can be told to offer. */
export type TransportName = (typeof TRANSPORTS)[number];

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
   * Lets sessions of Sockeye's clients outlive their transports: a client whose connection broke goes on over another one,
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
   * `webtransport` besides, for `io.engine.onWebTransportSession`; `jsonp` beside `polling`, for old browsers that read answers
   * as scripts. Any site may load a script: it is answered for pages of this host and of `origins`.
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
   * 403. Whoever sends no `Origin`, as clients outside of browsers do, is let in. Default: none.
   */
  origins?: NonNullable<GateOptions["origins"]>;
  /**
   * Options of the `cors` package: which other origins may read answers over HTTP in a browser. The same may open WebSockets.
   * Default: none.
   */
  cors?: GateOptions["cors"];
}

/** Options of {@link Server}. */
export interface ServerOptions extends EngineOptions {
  /** Serves the browser bundles under the path. Default true. */
  serveClient?: boolean;
  /** Default: in memory. */
  adapter?: AdapterConstructor;
  /** Milliseconds after which a connection that has joined no namespace is closed. Default 45000. */
  connectTimeout?: number;
  /** Deletes a dynamic namespace when its last socket leaves. Default false. */
  cleanupEmptyChildNamespaces?: boolean;
  /**
   * Lets clients whose connection broke come back to their id, rooms and data, with what they missed. Default off.
   */
  connectionStateRecovery?: {
    /** How long they may be away, in ms. Default 120000. */
    maxDisconnectionDuration?: number;
    /** Are the middlewares of namespaces skipped for them? Default true. */
    skipMiddlewares?: boolean;
    /** How many events of a namespace are kept. Default 10000. */
    maxPackets?: number;
  };
  /**
   * How packets are written: a parser in Socket.IO's shape (`{ Encoder, Decoder }`), or a codec, as `createMsgpackCodec` of
   * `@sockeye/server/msgpack` makes. Both ends must agree. Default: the text form of Socket.IO 5.
   */
  parser?: Parser | Codec;
  /** The same as {@link parser}, which wins over it. */
  codec?: Codec;
  /** What becomes of events for a client that reads too slowly, once `maxOutboundBytes` wait for it. Default `close`. */
  overflow?: OverflowPolicy;
  /** Bounds of what one client may ask of this server, beside `maxHttpBufferSize`. */
  limits?: Partial<Omit<Limits, "maxMessageBytes">>;
}

/** How packets are written, by these options and limits. @throws UsageError `ERR_BAD_OPTION` */
export function codecOf({ parser, codec }: ServerOptions, limits: Limits): Codec {
  const given = parser ?? codec;
  return given === undefined
    ? createTextCodec(limits, undefined, { guard: authGuard })
    : codecFromParser(given, limits);
}

/** How often a connection may join each namespace that it may have, within a minute. */
const JOINS_PER_NAMESPACE = 4;

/** The limits of a server. @throws UsageError `ERR_BAD_OPTION` */
export function limitsOf(options: ServerOptions): Limits {
  const maxMessageBytes = options.maxHttpBufferSize ?? DEFAULT_LIMITS.maxMessageBytes;
  const maxBinaryEventBytes = maxMessageBytes * 10;
  const namespaces = options.limits?.maxNamespacesPerConnection ?? DEFAULT_LIMITS.maxNamespacesPerConnection;
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    maxBinaryEventBytes,
    maxJoinsPerMinute: namespaces * JOINS_PER_NAMESPACE,
    maxProcessBytes: defaultBudgetBytes(),
    // Each session may have one claim under way, and leaves one WebSocket that closes.
    maxPendingPerAddress: options.limits?.maxSessionsPerAddress ?? DEFAULT_LIMITS.maxPendingPerAddress,
    ...options.limits,
    maxMessageBytes,
  };
  for (const [name, value] of Object.entries(limits)) {
    requirePositive(name === "maxMessageBytes" ? "maxHttpBufferSize" : name, value);
  }
  return limits;
}

/** @throws UsageError `ERR_BAD_OPTION` */
export function requirePositive(name: string, value: unknown): void {
  if (typeof value === "number" && value > 0) return;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option ${name} must be a number above 0, not ${String(value)}.`,
  );
}

const TIMES = ["pingInterval", "pingTimeout", "upgradeTimeout", "connectTimeout"] as const;

/** @throws UsageError `ERR_BAD_OPTION` */
export function checkTimes(options: ServerOptions): void {
  for (const name of TIMES) if (options[name] !== undefined) requirePositive(name, options[name]);
}

/** @throws UsageError `ERR_BAD_OPTION` for what names no transport, or one that is not there */
export function checkTransports({ transports }: { readonly transports?: unknown }): void {
  if (transports === undefined) return;
  const names: readonly unknown[] = Array.isArray(transports) ? transports : [];
  const wrong = names.findIndex((name) => !TRANSPORTS.some((each) => each === name));
  if (names.length > 0 && wrong === -1) return;
  const given = Array.isArray(transports) ? names[wrong] : transports;
  const meant = transportLike(given);
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option transports is a list of ${TRANSPORTS.join(", ")}, not ${shownOption(transports)}.${
      meant === undefined ? "" : ` Did you mean ["${meant}"]?`
    }`,
  );
}

const SHORT_NAMES: Readonly<Record<string, TransportName>> = {
  ws: "websocket",
  wss: "websocket",
  http: "polling",
  xhr: "polling",
};

/** The transport that a name stands for, apart from case, hyphens and a plural. */
function transportLike(given: unknown): TransportName | undefined {
  if (typeof given !== "string") return undefined;
  const plain = given.toLowerCase().replace(/[^a-z]/g, "");
  const found = TRANSPORTS.find((name) => plain === name || plain === `${name}s` || plain.endsWith(name));
  return found ?? (Object.hasOwn(SHORT_NAMES, plain) ? SHORT_NAMES[plain] : undefined);
}

function shownOption(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "this value";
  }
}
