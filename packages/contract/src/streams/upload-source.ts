import type { Piece, Uploadable } from "./upload-types.js";

/** Bytes that are read of a Blob at a time. */
const BLOB_BYTES = 262_144;

/** What is known of the bytes before they are read. */
export interface Source {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly size: number | undefined;
  readonly pieces: AsyncIterator<Piece> | Iterator<Piece>;
}

/** @throws TypeError for what holds no bytes */
export function sourceOf(data: Uploadable): Source {
  if (typeof data === "string" || data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    const bytes = bytesOf(data);
    return { name: undefined, type: undefined, size: bytes.byteLength, pieces: [bytes].values() };
  }
  const { name, type, size } = data as {
    readonly name?: unknown;
    readonly type?: unknown;
    readonly size?: unknown;
  };
  if (typeof Blob !== "undefined" && data instanceof Blob)
    return { name: textOf(name), type: textOf(type), size: size as number, pieces: piecesOf(data) };
  const unknown = { name: undefined, type: undefined, size: undefined };
  if (typeof (data as ReadableStream).getReader === "function")
    return { ...unknown, pieces: readingOf(data as ReadableStream<Piece>) };
  const iterable = data as Partial<AsyncIterable<Piece> & Iterable<Piece>>;
  const pieces = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  if (!pieces) throw new TypeError("an upload is a Blob, bytes, or a stream or iterable of bytes");
  return { ...unknown, pieces };
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

async function* piecesOf(blob: Blob): AsyncGenerator<ArrayBuffer> {
  for (let at = 0; at < blob.size; at += BLOB_BYTES) yield blob.slice(at, at + BLOB_BYTES).arrayBuffer();
}

/** Not every browser iterates over its streams. */
function readingOf(stream: ReadableStream<Piece>): AsyncIterator<Piece> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Piece>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
