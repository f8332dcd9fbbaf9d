import { CodecError } from "@sockeye/protocol";

/** What is used of Node's `Buffer`. Written out, since the declarations must do without Node's types. */
interface BufferClass {
  readonly poolSize: number;
  byteLength(text: string): number;
  from(bytes: Uint8Array): NodeBytes;
  from(memory: ArrayBufferLike, offset: number, length: number): NodeBytes;
  from(text: string, encoding: "base64"): NodeBytes;
  [Symbol.hasInstance](value: unknown): boolean;
}

interface NodeBytes extends Uint8Array {
  toString(encoding?: "base64"): string;
}

/**
 * What Node has and browsers lack, looked up once. Not named directly, since some bundlers answer the bare name with a
 * polyfill of 20 KB.
 */
export const NodeBuffer: BufferClass | undefined = (globalThis as { Buffer?: BufferClass }).Buffer;

/** Turns the bytes of an attachment into what the app gets. */
export type ReceivedBytes = (bytes: Uint8Array) => unknown;

/**
 * What an app gets for received bytes, as with Socket.IO: a `Buffer` on Node, an `ArrayBuffer` in a browser. The app may keep
 * them, so a small part of a larger memory is copied: on Node beyond what its own pool does, in a browser always.
 */
export const platformBytes: ReceivedBytes = NodeBuffer === undefined ? asArrayBuffer : asBuffer(NodeBuffer);

function asBuffer(Node: BufferClass): ReceivedBytes {
  return (bytes) => {
    const { buffer, byteOffset, byteLength } = bytes;
    if (buffer.byteLength > 2 * byteLength + Node.poolSize) return Node.from(bytes);
    return bytes instanceof Node ? bytes : Node.from(buffer, byteOffset, byteLength);
  };
}

/** The browser's half of {@link platformBytes}. */
export function asArrayBuffer(bytes: Uint8Array): ArrayBufferLike {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Bytes of a text in UTF-8. Lone surrogates count as three, as U+FFFD does. */
export function utf8Length(text: string): number {
  return NodeBuffer === undefined ? countUtf8(text) : NodeBuffer.byteLength(text);
}

/** The browser's half of {@link utf8Length}. */
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
  if (isGone(view)) throw new TypeError("bytes that were transferred, or whose memory has grown");
  return view;
}

/** The bytes of a message that an app sends as it is. @throws CodecError `ERR_UNENCODABLE` */
export function rawBytes(data: unknown): Uint8Array {
  try {
    if (isBytes(data)) return asUint8Array(data);
  } catch (cause) {
    throw new CodecError("ERR_UNENCODABLE", "the bytes of a message are gone", cause);
  }
  throw new CodecError("ERR_UNENCODABLE", "a message is a string, an ArrayBuffer or a view of one");
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
