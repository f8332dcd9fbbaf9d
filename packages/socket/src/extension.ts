import type { AdditionsClass, ExtensionHost } from "./contract-end.js";
import type { EventsMap } from "./events.js";

/** The acknowledgement of an event that came in. */
export type IncomingAck = ((...args: readonly unknown[]) => void) & { readonly ackId?: number };

/**
 * Gives sockets of a client more methods: `io(url, { extend: […] })`. What no app names is in no bundle.
 *
 * The members but `additions` and `install` are for the compiler: `methods` may speak of `this["listen"]` and `this["emit"]`, the events of the socket.
 */
export interface Extension {
  readonly listen?: unknown;
  readonly emit?: unknown;
  readonly methods?: object;
  /** What the socket needs for it. */
  readonly additions: AdditionsClass;
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
