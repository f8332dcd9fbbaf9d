import type { Piece, Uploadable } from "./upload-types.js";

/** Bytes that are read of a Blob at a time. */
const BLOB_BYTES = 262_144;

/** Gives pieces, one at a time. */
export interface Pieces {
  next(): IteratorResult<Piece> | PromiseLike<IteratorResult<Piece>>;
  return?(value?: undefined): unknown;
}

/** What is known of the bytes before they are read. */
export interface Source {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly size: number | undefined;
  /** Can it be read more than once? */
  readonly isLasting: boolean;
  /** Reads it from this byte on. */
  from(at: number): Pieces;
}

/** @throws TypeError for what holds no bytes */
export function sourceOf(data: Uploadable): Source {
  if (typeof data === "string" || data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    const bytes = bytesOf(data);
    return {
      name: undefined,
      type: undefined,
      size: bytes.byteLength,
      isLasting: true,
      from: (at) => [bytes.subarray(at)].values(),
    };
  }
  const { name, type, size } = data as {
    readonly name?: unknown;
    readonly type?: unknown;
    readonly size?: unknown;
  };
  if (typeof Blob !== "undefined" && data instanceof Blob)
    return {
      name: textOf(name),
      type: textOf(type),
      size: size as number,
      isLasting: true,
      from: (at) => piecesOf(data, at),
    };
  const pieces = readOnce(data);
  if (!pieces) throw new TypeError("an upload is a Blob, bytes, or a stream or iterable of bytes");
  return {
    name: undefined,
    type: undefined,
    size: undefined,
    isLasting: false,
    from: (at) => (at > 0 ? behind(at, pieces) : pieces),
  };
}

/** @throws TypeError for what is no piece of an upload */
export function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === "string") return new TextEncoder().encode(piece);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  throw new TypeError("a piece of an upload is bytes or a text");
}

function textOf(text: unknown): string | undefined {
  return typeof text === "string" && text !== "" ? text : undefined;
}

async function* piecesOf(blob: Blob, first: number): AsyncGenerator<ArrayBuffer> {
  for (let at = first; at < blob.size; at += BLOB_BYTES) yield blob.slice(at, at + BLOB_BYTES).arrayBuffer();
}

function readOnce(data: unknown): Pieces | undefined {
  // Not every browser iterates over its streams.
  if (typeof (data as ReadableStream).getReader === "function") {
    const reader = (data as ReadableStream<Piece>).getReader();
    return { next: () => reader.read() as Promise<IteratorResult<Piece>>, return: () => reader.cancel() };
  }
  const iterable = data as Partial<AsyncIterable<Piece> & Iterable<Piece>>;
  return iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
}

/** The same without its first bytes: they are read, for there is no other way past them. */
function behind(at: number, pieces: Pieces): Pieces {
  let rest = at;
  const next = async (): Promise<IteratorResult<Piece>> => {
    for (;;) {
      const result = await pieces.next();
      if (result.done) return result;
      const bytes = bytesOf(result.value);
      const skipped = Math.min(rest, bytes.byteLength);
      rest -= skipped;
      if (skipped < bytes.byteLength) return { done: false, value: bytes.subarray(skipped) };
    }
  };
  return { next, return: () => pieces.return?.() };
}
