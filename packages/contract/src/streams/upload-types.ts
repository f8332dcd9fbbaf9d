import type { EventsMap, Unchecked } from "@sockeye/socket";

/** An upload as one end sees it: what is said of it, and what the server answers. */
export interface UploadShape<Input = Unchecked, Answer = Unchecked> {
  readonly input: Input;
  readonly answer: Answer;
}

/** Where a map of events keeps its uploads, for the compiler alone. */
export declare const UPLOADS: unique symbol;

type AnyUploads = Readonly<Record<string, UploadShape>>;

/** The uploads of a contract; any, where there is none. */
export type UploadsOf<Map extends EventsMap> = Map extends { readonly [UPLOADS]?: infer All }
  ? unknown extends All
    ? AnyUploads
    : NonNullable<All>
  : AnyUploads;

export type UploadNames<Map extends EventsMap> = keyof UploadsOf<Map> & string;

type ShapeOf<Map extends EventsMap, Name> = Name extends keyof UploadsOf<Map>
  ? UploadsOf<Map>[Name] extends UploadShape
    ? UploadsOf<Map>[Name]
    : never
  : never;

export type UploadInput<Map extends EventsMap, Name> = ShapeOf<Map, Name>["input"];
export type UploadAnswer<Map extends EventsMap, Name> = ShapeOf<Map, Name>["answer"];

/** What the sender says of its bytes. Nobody has checked that it is true. */
export interface FileClaim {
  /** As the sender's disk has it. A label to show: never a path to write to. */
  readonly name: string | undefined;
  readonly type: string | undefined;
  /** Bytes. Where it is said, an upload of another size fails. */
  readonly size: number | undefined;
}

/**
 * What a client uploads: its bytes, by `for await`, once. They come no faster than they are read. The loop throws StreamError
 * `ERR_STREAM_CANCELLED` if the client stops, and `ERR_STREAM_DISCONNECTED` if its session ends.
 */
export interface UploadedFile<Input = Unchecked> extends FileClaim, AsyncIterable<Uint8Array> {
  readonly input: Input;
  /** Bytes that have come. */
  readonly received: number;
}

/** Options of an upload at a server. */
export interface UploadOptions<S = never> {
  /** Bytes of one upload: a larger one is refused, or ends, with `ERR_STREAM_LIMIT`. Default `limits.maxUploadBytes`, 1 GiB. */
  readonly maxBytes?: number;
  /**
   * How long the handler waits for a client that is gone and comes back with the same `id`, and how long its answer is kept: ms, or a text like
   * `"10m"`. Uploads without an `id` are not kept. Needs {@link owner}.
   */
  readonly keep?: number | string;
  /** Whose upload it is: only the same owner may continue it. Without an answer the client may not choose an `id`. */
  readonly owner?: (socket: S) => string | number | null | undefined;
}

/** What the handler of an upload gets beside the file. */
export interface UploadContext<S> {
  /** Who began it. It may be gone while the upload continues over another one. */
  readonly socket: S;
  readonly name: string;
  /** Of an upload that is kept, as its client has chosen it. */
  readonly id: string | undefined;
  /** Aborts when the client stops, or is gone and does not come back in time. */
  readonly signal: AbortSignal;
}

/** Takes an upload. What it returns is the answer; it need not have read everything. */
export type UploadHandler<Map extends EventsMap, Name, S> = (
  file: UploadedFile<UploadInput<Map, Name>>,
  context: UploadContext<S>,
) => UploadAnswer<Map, Name> | PromiseLike<UploadAnswer<Map, Name>>;

/** The arguments of `io.upload`, behind the name. */
export type UploadDeclaration<Map extends EventsMap, Name, S> =
  | [handler: UploadHandler<Map, Name, S>]
  | [options: UploadOptions<S>, handler: UploadHandler<Map, Name, S>];

/** A handler, as it is called. */
export type AnyUploadHandler = (file: never, context: UploadContext<never>) => unknown;

/** A piece of what is uploaded. Text is sent as UTF-8. */
export type Piece = Uint8Array | ArrayBuffer | ArrayBufferView | string;

/** What can be uploaded. Streams are read as fast as the server takes them. */
export type Uploadable = Blob | Piece | ReadableStream<Piece> | AsyncIterable<Piece> | Iterable<Piece>;

export interface UploadProgress {
  /** Bytes that the server's handler has read. */
  readonly sent: number;
  /** All of them, where that is known. */
  readonly total: number | undefined;
}

/** Options of `socket.upload`. */
export interface UploadRequestOptions<Input = Unchecked> {
  /** What else the handler is told: `file.input` there. */
  readonly input?: Input;
  /** What the server is told of the bytes. Default: what a `File` says of itself. */
  readonly name?: string;
  readonly type?: string;
  readonly size?: number;
  /**
   * Names the upload, where the server keeps uploads: the same `id` after a reload, with the same bytes, continues where the server is. A Blob,
   * a File or bytes continue by themselves after the loss of a session.
   */
  readonly id?: string | undefined;
  /** Stops it: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the server has taken more, and at the end. */
  readonly onProgress?: (progress: UploadProgress) => void;
}
