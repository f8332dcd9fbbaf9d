import type { Adapter } from "@sockeye/adapter";
import type { Parser } from "@sockeye/codec";
import { authGuard, codecFromParser, createTextCodec } from "@sockeye/codec";
import type { StreamLimits } from "@sockeye/contract/internal";
import { DEFAULT_STREAM_LIMITS } from "@sockeye/contract/internal";
import type { EngineOptions } from "@sockeye/engine/server";
import { defaultBudgetBytes, requirePositive } from "@sockeye/engine/server";
import type { AdapterNamespace, Codec, Limits, OverflowPolicy } from "@sockeye/protocol";
import { DEFAULT_LIMITS } from "@sockeye/protocol";
import { DEFAULT_ROOM_LIMITS, type RoomLimits } from "@sockeye/rooms";
import type { ContractEnd, ContractFor, EventsMap } from "@sockeye/socket";
import type { ClusterOptions } from "./cluster-options.js";
import type { ForeignAdapter } from "./foreign-adapter.js";

export type { AttachOptions, EngineOptions, TransportName } from "@sockeye/engine/server";

/** Makes the adapter of a namespace: a class, or a function that returns one. Those made for Socket.IO are taken too. */
export type AdapterConstructor =
  | (new (
      nsp: AdapterNamespace,
    ) => Adapter | ForeignAdapter)
  | ((nsp: AdapterNamespace) => Adapter | ForeignAdapter);

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
  /**
   * Makes this server one node of many, over a bus: rooms, broadcasts and queries span all nodes. With it, neither `adapter` nor
   * `connectionStateRecovery`. Default: one node alone.
   */
  cluster?: ClusterOptions;
  parser?: Parser | Codec;
  /** The same as {@link parser}, which wins over it. */
  codec?: Codec;
  /** What becomes of events for a client that reads too slowly, once `maxOutboundBytes` wait for it. Default `close`. */
  overflow?: OverflowPolicy;
  /** What travels in the main namespace, as `contract()` of `@sockeye/contract` describes it. For others: `io.of(name, contract)`. */
  contract?: { readonly server: ContractEnd } | undefined;
  /** Bounds of what one client may ask of this server, beside `maxHttpBufferSize`. */
  limits?: Partial<Omit<ServerLimits, "maxMessageBytes">>;
}

/** What clients may ask of a server, of its streams and rooms too. */
export interface ServerLimits extends Limits, StreamLimits, RoomLimits {}

/** A contract among the options decides about the types of the events. */
export interface ContractOption<ListenEvents extends EventsMap, EmitEvents extends EventsMap, SocketData> {
  contract?: { readonly server: ContractFor<ListenEvents, EmitEvents, SocketData> } | undefined;
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
export function limitsOf(options: ServerOptions): ServerLimits {
  const maxMessageBytes = options.maxHttpBufferSize ?? DEFAULT_LIMITS.maxMessageBytes;
  const maxBinaryEventBytes = maxMessageBytes * 10;
  const sessionsPerAddress = options.limits?.maxSessionsPerAddress ?? Number.POSITIVE_INFINITY;
  const namespaces = options.limits?.maxNamespacesPerConnection ?? DEFAULT_LIMITS.maxNamespacesPerConnection;
  const limits: ServerLimits = {
    ...DEFAULT_LIMITS,
    ...DEFAULT_STREAM_LIMITS,
    ...DEFAULT_ROOM_LIMITS,
    maxBinaryEventBytes,
    maxJoinsPerMinute: namespaces * JOINS_PER_NAMESPACE,
    maxProcessBytes: defaultBudgetBytes(),
    // Each session may have one claim under way, and leaves one WebSocket that closes.
    maxPendingPerAddress: sessionsPerAddress,
    maxRoomFeedsPerAddress: sessionsPerAddress,
    ...options.limits,
    maxMessageBytes,
  };
  for (const [name, value] of Object.entries(limits)) {
    requirePositive(name === "maxMessageBytes" ? "maxHttpBufferSize" : name, value);
  }
  return limits;
}

const TIMES = ["pingInterval", "pingTimeout", "upgradeTimeout", "connectTimeout"] as const;

/** @throws UsageError `ERR_BAD_OPTION` */
export function checkTimes(options: ServerOptions): void {
  for (const name of TIMES) if (options[name] !== undefined) requirePositive(name, options[name]);
}
