import type { CallEvent, ROOMS, Unchecked } from "@sockeye/socket";
import type { CallError } from "./call-error.js";
import type { CallItem, EventItem, Items, Refusals, StreamItem, UploadItem } from "./describe.js";
import type { InputOf, OutputOf, Schema } from "./schema.js";
import type { STREAMS, StreamShape } from "./streams/stream-types.js";
import type { UPLOADS, UploadShape } from "./streams/upload-types.js";

type Inputs<Args extends readonly Schema[]> = MayEndEarly<
  Labelled<{ -readonly [K in keyof Args]: InputOf<Args[K]> }>
>;
type Outputs<Args extends readonly Schema[]> = MayEndEarly<
  Labelled<{ -readonly [K in keyof Args]: OutputOf<Args[K]> }>
>;

/** An editor shows the labels as names of parameters: schemas have none. */
type Labelled<T extends unknown[]> = T extends [infer Only]
  ? [payload: Only]
  : T extends [infer First, infer Second]
    ? [first: First, second: Second]
    : T extends [infer First, infer Second, infer Third]
      ? [first: First, second: Second, third: Third]
      : T;

/** Arguments at the end that may be `undefined` may be left out. */
type MayEndEarly<T extends unknown[]> = T extends [...infer Head, infer Last]
  ? unknown extends Last
    ? T
    : undefined extends Last
      ? Head extends []
        ? [payload?: Last]
        : [...MayEndEarly<Head>, Last?]
      : T
  : T;

/** What a call without a schema of the answer resolves with: its handler need not return anything. */
type Nothing = ReturnType<() => void>;
type AnswerIn<Answer> = Answer extends Schema ? InputOf<Answer> : Nothing;
type AnswerOut<Answer> = Answer extends Schema ? OutputOf<Answer> : Nothing;

/** Streams and uploads are not events. */
type EventNamesOf<All extends Items> = {
  [Name in keyof All]: All[Name] extends { readonly kind: "stream" | "upload" } ? never : Name;
}[keyof All];

type StreamsIn<All extends Items> = {
  [Name in keyof All as All[Name] extends StreamItem ? Name : never]: All[Name];
};

type UploadsIn<All extends Items> = {
  [Name in keyof All as All[Name] extends UploadItem ? Name : never]: All[Name];
};

/** The streams that a server makes, and the uploads that it takes, beside the events. */
type Made<All extends Items> = {
  readonly [UPLOADS]?: {
    readonly [Name in keyof UploadsIn<All>]: UploadsIn<All>[Name] extends UploadItem<infer I, infer A>
      ? UploadShape<OutputOf<I>, AnswerIn<A>>
      : never;
  };
  readonly [STREAMS]?: {
    readonly [Name in keyof StreamsIn<All>]: StreamsIn<All>[Name] extends StreamItem<
      infer I,
      infer T,
      infer E
    >
      ? StreamShape<OutputOf<I>, InputOf<T>, AnswerIn<E>>
      : never;
  };
};

/** The same as clients have them. */
type Asked<All extends Items> = {
  readonly [UPLOADS]?: {
    readonly [Name in keyof UploadsIn<All>]: UploadsIn<All>[Name] extends UploadItem<infer I, infer A>
      ? UploadShape<InputOf<I>, AnswerOut<A>>
      : never;
  };
  readonly [STREAMS]?: {
    readonly [Name in keyof StreamsIn<All>]: StreamsIn<All>[Name] extends StreamItem<
      infer I,
      infer T,
      infer E
    >
      ? StreamShape<InputOf<I>, OutputOf<T>, AnswerOut<E>>
      : never;
  };
};

/** The events of one direction as who receives them declares them: a map for the type parameters of a socket. */
export type Received<All extends Items> = {
  [Name in EventNamesOf<All>]: All[Name] extends EventItem<infer Args>
    ? (...args: Outputs<Args>) => void
    : All[Name] extends CallItem<infer Input, infer Answer, Refusals>
      ? CallEvent<OutputOf<Input>, AnswerIn<Answer>>
      : never;
};

/** The same as who sends them declares them. */
export type Sent<All extends Items> = {
  [Name in EventNamesOf<All>]: All[Name] extends EventItem<infer Args>
    ? (...args: Inputs<Args>) => void
    : All[Name] extends CallItem<infer Input, infer Answer, Refusals>
      ? CallEvent<InputOf<Input>, AnswerOut<Answer>>
      : never;
};

/** The same type, written out: an editor shows the events in place of the schemas that they come from. */
export type Shown<T> = T extends infer Same ? { [Name in keyof Same]: Same[Name] } : never;

/** The parts of a contract. */
export interface ContractParts {
  readonly toServer?: Items;
  readonly toClient?: Items;
  /** The type of `socket.data` on the server. */
  readonly data?: Schema;
  /**
   * The rooms of the namespace, as names and patterns: `+` stands for one level, `#` at the end for the rest. Clients may ask for no others. Left
   * out: the contract says nothing of rooms.
   */
  readonly rooms?: readonly string[];
  /** What becomes of events that the contract does not declare. Default `refuse`; `pass` while an app moves to a contract. */
  readonly unknown?: "refuse" | "pass";
}

type ToServer<Parts extends ContractParts> = Parts["toServer"] extends Items ? Parts["toServer"] : NoItems;
type ToClient<Parts extends ContractParts> = Parts["toClient"] extends Items ? Parts["toClient"] : NoItems;
type NoItems = Record<never, never>;

/** What the server hears, by its contract. */
export type ServerListens<Parts extends ContractParts> = Received<ToServer<Parts>> & Made<ToServer<Parts>>;
/** What the server emits. */
export type ServerEmits<Parts extends ContractParts> = Sent<ToClient<Parts>>;
/** What a client hears. */
export type ClientListens<Parts extends ContractParts> = Received<ToClient<Parts>> & Named<Parts>;
/** What a client emits. */
export type ClientEmits<Parts extends ContractParts> = Sent<ToServer<Parts>> & Asked<ToServer<Parts>>;
/** The type of `socket.data`. */
export type DataOf<Parts extends ContractParts> = Parts["data"] extends Schema
  ? OutputOf<Parts["data"]>
  : Unchecked;

/** The names that a pattern means, level by level. */
type NamesOf<Pattern extends string> = Pattern extends `${infer Head}/${infer Tail}`
  ? `${NamesOf<Head>}/${NamesOf<Tail>}`
  : Pattern extends `${infer Head}:${infer Tail}`
    ? `${NamesOf<Head>}:${NamesOf<Tail>}`
    : Pattern extends "+" | "#"
      ? string
      : Pattern;

/** The names of a contract's rooms. */
export type RoomOf<C extends { readonly rooms: readonly string[] }> = NamesOf<C["rooms"][number]>;

/** They stand beside what a client hears. */
type Named<Parts extends ContractParts> = Parts["rooms"] extends readonly string[]
  ? { readonly [ROOMS]?: NamesOf<Parts["rooms"][number]> }
  : unknown;

/** How a call of a contract may be refused: a union by code. */
export type RefusalOf<
  C extends { readonly toServer: Items; readonly toClient: Items },
  Name extends keyof C["toServer"] | keyof C["toClient"],
> =
  (C["toServer"] & C["toClient"])[Name] extends CallItem<infer _I, infer _A, infer Errors>
    ? { [Code in keyof Errors & string]: CallError<Code, OutputOf<Errors[Code]>> }[keyof Errors & string]
    : never;
