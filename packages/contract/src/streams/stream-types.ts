import type { EventsMap, Unchecked } from "@sockeye/socket";

/** A stream as one end sees it: what is asked, what comes, and the value at the end. */
export interface StreamShape<Input = Unchecked, Item = Unchecked, End = Unchecked> {
  readonly input: Input;
  readonly item: Item;
  readonly end: End;
}

/** Where a map of events keeps its streams, for the compiler alone. */
export declare const STREAMS: unique symbol;

type AnyStreams = Readonly<Record<string, StreamShape>>;

/** The streams of a contract; any, where there is none. */
export type StreamsOf<Map extends EventsMap> = Map extends { readonly [STREAMS]?: infer All }
  ? unknown extends All
    ? AnyStreams
    : NonNullable<All>
  : AnyStreams;

export type StreamNames<Map extends EventsMap> = keyof StreamsOf<Map> & string;

type ShapeOf<Map extends EventsMap, Name> = Name extends keyof StreamsOf<Map>
  ? StreamsOf<Map>[Name] extends StreamShape
    ? StreamsOf<Map>[Name]
    : never
  : never;

export type StreamInput<Map extends EventsMap, Name> = ShapeOf<Map, Name>["input"];
export type StreamItemOf<Map extends EventsMap, Name> = ShapeOf<Map, Name>["item"];
export type StreamEnd<Map extends EventsMap, Name> = ShapeOf<Map, Name>["end"];

/** Options of a stream at a server. `S` is its socket. */
export interface StreamOptions<S> {
  /**
   * Keeps the stream for so long after its end: ms, or a text like `"10m"`. It then continues without its watchers, under an id by which clients
   * attach again. `items` and `bytes` bound what is kept of one (10,000; 4 MiB): a longer one ends with `ERR_STREAM_LIMIT`.
   */
  readonly keep?:
    | number
    | string
    | { readonly age: number | string; readonly items?: number; readonly bytes?: number };
  /** How long a kept stream goes on while nobody watches. Default 10 minutes. */
  readonly unwatched?: number | string;
  /**
   * Whose stream it is. Attaching, watching and cancelling need the same owner, and only who has one may choose ids. Left out, or without an
   * answer: ids are made by the server, and who knows one may use it.
   */
  readonly owner?: (socket: S) => string | number | null | undefined;
}

/** What the handler of a stream gets beside the input. */
export interface StreamContext<S> {
  /** Who began it. Of a kept stream it may be gone. */
  readonly socket: S;
  readonly name: string;
  /** The id of a kept stream. */
  readonly id: string | undefined;
  /** Aborts when nobody wants more: hand it on to whatever you wait for. */
  readonly signal: AbortSignal;
}

/** Makes a stream: an async generator function, or what else returns an iterable. What it returns at the end is the value of the stream. */
export type StreamHandler<Map extends EventsMap, Name, S> = (
  input: StreamInput<Map, Name>,
  context: StreamContext<S>,
) =>
  | AsyncIterable<StreamItemOf<Map, Name>, StreamEnd<Map, Name>>
  | Iterable<StreamItemOf<Map, Name>, StreamEnd<Map, Name>>;

/** The arguments of `io.stream`, behind the name. */
export type StreamDeclaration<Map extends EventsMap, Name, S> =
  | [handler: StreamHandler<Map, Name, S>]
  | [options: StreamOptions<S>, handler: StreamHandler<Map, Name, S>];

/** A handler, as it is called. */
export type AnyStreamHandler = (input: never, context: StreamContext<never>) => unknown;

/** A stream as its consumer has it. Its items are read by `for await`, once. */
export interface Stream<Item = Unchecked, End = Unchecked>
  extends AsyncIterableIterator<Item, undefined, undefined> {
  /** Under which id the server keeps it; `undefined` if it does not, or is not heard of yet. */
  readonly id: string | undefined;
  /** The number of the last item that was read: with the id, where another can continue. */
  readonly position: number;
  /** The value at the end, once all items have been read; rejects with what the loop throws. */
  readonly end: Promise<End>;
  /** Stops the producer. The loop ends, and `end` rejects with `ERR_STREAM_CANCELLED`. */
  cancel(): void;
  /** Goes away. A kept stream runs on; another is cancelled. `break` does the same. */
  detach(): void;
}

/** Options of `socket.stream`. */
export interface StreamRequestOptions {
  /** The id of a kept stream: attaches to it, or begins it under this id if the server knows who you are. */
  readonly id?: string | undefined;
  /** Attaches behind this item. Default 0: from the beginning. */
  readonly after?: number | undefined;
  /** Cancels it: the loop throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
