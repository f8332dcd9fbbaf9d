import type { EngineOptions } from "@sockeye/engine/client";
import type { Codec } from "@sockeye/protocol";
import type { Parser } from "@sockeye/session";
import type { ContractEnd, Extension } from "@sockeye/socket";

/** Options of a {@link Manager}: one connection, shared by namespaces. */
export interface ManagerOptions extends EngineOptions {
  /** A new connection even if there is one to that server. Default false. */
  forceNew: boolean;
  /** False is the same as {@link forceNew}. Default true. */
  multiplex: boolean;
  /** Dials at once. Default true. */
  autoConnect: boolean;
  /**
   * How packets are written: a parser in Socket.IO's shape (`{ Encoder, Decoder }`), or a codec, as `createMsgpackCodec` of
   * `@sockeye/client/msgpack` makes. The server must use the same. Default: JSON text with binary attachments.
   */
  parser: Parser | Codec;
  /** Connects again after a failure. Default true. */
  reconnection: boolean;
  /** Default: no end. */
  reconnectionAttempts: number;
  /** Milliseconds before the first new attempt; doubles with each. Default 1000. */
  reconnectionDelay: number;
  /** Milliseconds that a delay never exceeds. Default 5000. */
  reconnectionDelayMax: number;
  /** How far a delay may stray, as a fraction of itself. Default 0.5. */
  randomizationFactor: number;
  /** Milliseconds for one attempt to connect; false for no limit. Default 20000. */
  timeout: number | false;
}

/** What `auth` may say. What is no object is not sent. */
export type AuthData = object | null | false | undefined;

/**
 * What a socket tells the server about itself: an object, or a function that is asked at every connection. The function returns the object
 * or a promise of it, or gives it to `tell`. If it throws, or its promise rejects, there is a `connect_error`, and it is asked again
 * after a while, as long as `reconnection` and `reconnectionAttempts` allow.
 */
export type Auth =
  | Readonly<Record<string, unknown>>
  | null
  | false
  | ((tell: (data?: AuthData) => void) => unknown);

/** Options of one socket. */
export interface SocketOptions {
  /** Shown to the server as `socket.handshake.auth`. */
  auth?: Auth;
  /**
   * Sends each event until it is acknowledged, up to this number of times after the first; one event at a time. All
   * acknowledgement callbacks then take an error first. The server may get an event more than once.
   */
  retries?: number;
  /** Milliseconds to wait for acknowledgements; callbacks then take an error first. Default: no limit, 10000 with `retries`. */
  ackTimeout?: number;
  /**
   * Bytes that may wait for the server, while offline too. Once more wait, what is emitted is dropped: its acknowledgement gets
   * `ERR_OUTBOUND_FULL` if it takes an error, else the error is reported to the platform. Default 64 MiB.
   */
  maxOutboundBytes?: number;
}

/** Options of one socket that decide about its type. */
export interface TypedSocketOptions {
  /** What travels, as `contract()` of `@sockeye/contract` describes it: types of events, and checks of what comes in. */
  contract?: { readonly client: ContractEnd } | undefined;
  /** Methods that the socket gets, such as `calls` of `@sockeye/contract/client`. */
  extend?: readonly Extension[];
}

/** All options of one socket. */
export type AnySocketOptions = Partial<SocketOptions> & TypedSocketOptions;

/** All that `io()` takes. */
export type Options = Partial<ManagerOptions & SocketOptions>;
