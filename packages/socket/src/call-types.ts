import type { AckAnswer, EventNames, EventParamsWithoutAck, EventsMap, Unchecked } from "./events.js";

/** A refusal as it travels, beside `null` as the answer. */
export interface RefusalOnWire {
  readonly $error: { readonly code: string; readonly message: string; readonly data?: unknown };
}

/** What a call is, for the compiler alone. */
export interface CallShape<Input = Unchecked, Answer = Unchecked> {
  readonly input: Input;
  readonly answer: Answer;
}

type Reply<Answer> = (answer: Answer | null, refusal?: RefusalOnWire) => void;

/** A call among events: to `emit` and `on` it is an event with an acknowledgement. */
export type CallEvent<Input, Answer> = ([Input] extends [undefined]
  ? (reply: Reply<Answer>) => void
  : undefined extends Input
    ? (input: Input | undefined, reply: Reply<Answer>) => void
    : (input: Input, reply: Reply<Answer>) => void) & {
  readonly "~call"?: CallShape<Input, Answer>;
};

/** Of an event that was declared by hand, the first parameter is the input, and the acknowledgement takes the answer. */
type ShapeByHand<Map extends EventsMap, Ev extends EventNames<Map>> = CallShape<
  FirstOf<EventParamsWithoutAck<Map, Ev>>,
  AckAnswer<Map, Ev>
>;

type FirstOf<T extends readonly unknown[]> = T extends readonly [] ? undefined : T[0];

type ShapeOf<Map extends EventsMap, Ev extends EventNames<Map>> = "~call" extends keyof Map[Ev]
  ? NonNullable<Map[Ev]["~call"]>
  : ShapeByHand<Map, Ev>;

/** What a call takes. */
export type CallInput<Map extends EventsMap, Ev extends EventNames<Map>> = ShapeOf<Map, Ev>["input"];

/** What a call resolves with, or its handler returns. */
export type CallAnswer<Map extends EventsMap, Ev extends EventNames<Map>> = ShapeOf<Map, Ev>["answer"];

/** Options of a call. */
export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and its handler is told where that is Sockeye's. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it rejects with `ERR_ACK_TIMEOUT`. Default: as long as the connection lives. */
  readonly timeoutMs?: number | undefined;
}

/** The arguments of a call, behind its name. */
export type CallArgs<Input> = undefined extends Input
  ? [input?: Input, options?: CallOptions]
  : [input: Input, options?: CallOptions];

/** What the handler of a call gets beside the input. */
export interface CallContext<S> {
  /** Whose call it is. */
  readonly socket: S;
  readonly name: string;
  /** Aborts once nobody waits for the answer any more: the caller has given up or is gone. */
  readonly signal: AbortSignal;
}

/** Answers a call: with what it returns, or by throwing a `CallError`. */
export type CallHandler<Map extends EventsMap, Ev extends EventNames<Map>, S> = (
  input: CallInput<Map, Ev>,
  context: CallContext<S>,
) => CallAnswer<Map, Ev> | PromiseLike<CallAnswer<Map, Ev>>;
