import type { ContractError } from "@sockeye/protocol";
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
}

/** A contract as one end sees it. */
export interface ContractEnd {
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
