import { CodecError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";

/** Turns the bytes of an attachment into what the app gets. */
export type ReceivedBytes = (bytes: Uint8Array) => unknown;

/** What an app in a browser gets for received bytes: memory that holds nothing else. */
export function asArrayBuffer(bytes: Uint8Array): ArrayBufferLike {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Bytes of a text in UTF-8, without Node's help. */
export function countUtf8(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Is it something that travels as an attachment? Also if it is of another realm: a `vm` context, a frame, a page of jsdom. */
export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    Object.prototype.toString.call(value) === "[object ArrayBuffer]"
  );
}

/**
 * A view of the same memory.
 *
 * @throws TypeError if that memory is gone: see {@link isGone}
 */
export function asUint8Array(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  const view =
    bytes instanceof Uint8Array
      ? bytes
      : ArrayBuffer.isView(bytes)
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        : new Uint8Array(bytes);
  if (isGone(view)) throw new TypeError(prose("bytesAreGone") ?? "detached");
  return view;
}

/** The bytes of a message that an app sends as it is. @throws CodecError `ERR_UNENCODABLE` */
export function rawBytes(data: unknown): Uint8Array {
  try {
    if (isBytes(data)) return asUint8Array(data);
  } catch (cause) {
    throw new CodecError("ERR_UNENCODABLE", prose("bytesAreGone"), cause);
  }
  throw new CodecError("ERR_UNENCODABLE", prose("notAMessage"));
}

/**
 * Can these bytes not be read any more? They were transferred to a worker, are memory of WebAssembly that has grown, or a buffer
 * that has shrunk. Such views have no length, and throw where others that are empty don't.
 */
export function isGone(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    new Uint8Array(0).set(bytes);
    return false;
  } catch {
    return true;
  }
}
