import type { Clock, ContractError } from "@sockeye/protocol";
import type { Emit, EmitTarget } from "./emission.js";
import type { Listener, ListenOptions } from "./emitter.js";
import type { EventsMap, Unchecked } from "./events.js";

/** An event: its name, its arguments, and the acknowledgement if one is wanted. */
type Event = readonly unknown[];

/** An event that was refused. */
export interface RefusedEvent {
  readonly name: string;
  /** Has its sender been told? */
  readonly answered: boolean;
}

/** Who gets what a contract has checked. */
export interface IntakeOwner {
  /** @returns whether anybody has heard it */
  deliver(event: Event): boolean;
  /** It was refused. Must not throw. */
  refused(error: ContractError, event: RefusedEvent): void;
  /** It waits for an asynchronous schema. @returns what ends that; nothing if no more may wait, and then it is dropped */
  hold(event: Event): (() => void) | undefined;
  /** An asynchronous schema has decided: is there no time to continue now? Then `goOn` is called once there is. Left out: never. */
  delays?(goOn: () => void): boolean;
}

/** A contract as one end sees it. */
export interface ContractEnd {
  /** What a client's socket needs for it. */
  readonly additions: AdditionsClass;
  /** Makes what takes the events of one socket, in order. */
  intake(owner: IntakeOwner): (event: Event) => void;
  /**
   * Checks an event that a client publishes to others: as what this end hears, or else as what it sends.
   *
   * @returns what the schemas of the first make of it; of the second it stays as it is, since its receivers read it
   * @throws ContractError, also as a rejection
   */
  published(event: Event): Event | PromiseLike<Event>;
  /**
   * Checks an event that leaves, in development.
   *
   * @param late gets the refusal of an asynchronous schema
   * @throws ContractError
   */
  outgoing(event: Event, late: (error: unknown) => void): void;
  /** Says `ERR_UNDECLARED` of a room that is not declared. Nothing, where the contract says nothing of rooms. */
  undeclaredRoom(room: string): ContractError | undefined;
  /** The same of a room that the app at this end names: in development. */
  misnamedRoom(room: string): ContractError | undefined;
  /** Checks the answer to a call of this end, and gives what its schema makes of it. @throws ContractError */
  answer(name: string, value: unknown): unknown;
  /** The same for the data of a refusal. */
  refusal(name: string, code: string, data: unknown): unknown;
  /** Checks the answer of a handler of this end, in development. @throws ContractError, also as a rejection */
  outgoingAnswer(name: string, value: unknown): unknown;
  /**
   * Checks what has come in of a stream, and gives what its schema makes of it: at a server the input, at a client an item or the end.
   *
   * @throws ContractError, also as a rejection
   */
  streamPart(name: string, part: "input" | "item" | "end", value: unknown): unknown;
}

/** With the types of the events, for the compiler alone. */
export interface ContractFor<Listen extends EventsMap, Emit extends EventsMap, Data = Unchecked>
  extends ContractEnd {
  readonly types?: { readonly listen: Listen; readonly emit: Emit; readonly data: Data };
}

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

/** A socket of a client, as what is added to it sees it: by public names alone, for the two may come from different bundles. */
export interface AddedTo extends EmitTarget {
  /** The app's handle. */
  readonly handle: object;
  readonly connected: boolean;
  sendNow(emit: Emit): void;
  /** Shows an event to the app. @returns whether anybody has heard it */
  deliver(event: Event): boolean;
  /** @throws UsageError `ERR_HANDLED` */
  onlyHandler(event: string, listener: Listener, options?: ListenOptions): void;
}

/** What it needs of the connection. */
export interface AddedHost {
  readonly clock: Clock;
  /** Is the other end of Sockeye? `undefined`: it was not asked. */
  readonly peerIsOurs?: boolean | undefined;
}

/** What a contract and extensions have added to a socket. */
export interface SocketAdditions {
  /** @throws ContractError for what does not keep to the contract, in development */
  outgoing(emit: Emit): void;
  /** Whatever an extension wants to know, before the app hears of it. */
  tell(event: "connect" | "disconnect"): void;
  /** An event has come in. */
  take(event: Event): void;
  /** @returns the methods for the socket */
  install(extension: { install(host: ExtensionHost): object }): object;
}

/** Makes them. All that is added to a socket names the same class. @param report takes errors of the app's code */
export type AdditionsClass = new (
  peer: AddedTo,
  host: AddedHost,
  contract: ContractEnd | undefined,
  report: (error: unknown) => void,
) => SocketAdditions;
