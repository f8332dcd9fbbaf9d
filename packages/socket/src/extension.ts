import type { Clock } from "@sockeye/protocol";
import type { ContractEnd } from "./contract-end.js";
import type { Emit, EmitTarget } from "./emission.js";
import type { Listener, ListenOptions } from "./emitter.js";
import type { EventsMap } from "./events.js";

/** A socket of a client, as its extensions see it. Names in this file are public: other packages use them. */
export interface ExtensionHost extends EmitTarget {
  readonly socket: object;
  readonly contract: ContractEnd | undefined;
  readonly clock: Clock;
  readonly connected: boolean;
  /** Does the other end know Sockeye's own events? `undefined`: nobody knows. */
  readonly knowsOwnEvents: boolean | undefined;
  /** Takes an error of the app's code. Must not throw. */
  reportError(error: unknown): void;
  /** @throws UsageError `ERR_HANDLED` */
  onlyHandler(event: string, listener: Listener, options?: ListenOptions): void;
  /**
   * Sends an event past queues and bounds of what the app emits. Only while there is a connection.
   *
   * @throws CodecError for what cannot be encoded, or the server would not accept
   */
  sendNow(emit: Emit): void;
  /** Takes an event that apps do not see: one of Sockeye's, or `connect` and `disconnect`, before the app hears of it. Several extensions may want the same one. */
  onOwn(event: string, listener: (...args: readonly unknown[]) => void): void;
}

/** The acknowledgement of an event that came in. */
export type IncomingAck = ((...args: readonly unknown[]) => void) & { readonly ackId?: number };

/**
 * Gives sockets of a client more methods: `io(url, { extend: […] })`. What no app names is in no bundle.
 *
 * The members but `install` are for the compiler: `methods` may speak of `this["listen"]` and `this["emit"]`, the events of the socket.
 */
export interface Extension {
  readonly listen?: unknown;
  readonly emit?: unknown;
  readonly methods?: object;
  /** @returns the methods */
  install(host: ExtensionHost): object;
}

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

type MethodsOf<X, Listen extends EventsMap, Emit extends EventsMap> = X extends Extension
  ? NonNullable<(X & { readonly listen: Listen; readonly emit: Emit })["methods"]>
  : never;

/** The methods that extensions give to a socket with these events. */
export type Extended<
  Xs extends readonly Extension[],
  Listen extends EventsMap,
  Emit extends EventsMap,
> = Intersection<MethodsOf<Xs[number], Listen, Emit>>;
