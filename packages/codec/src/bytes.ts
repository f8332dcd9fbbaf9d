/**
 * What Node has and browsers lack, looked up once. Not named directly, since some bundlers answer the bare name with a
 * polyfill of 20 KB.
 */
export const NodeBuffer: typeof Buffer | undefined = (globalThis as { Buffer?: typeof Buffer }).Buffer;

/** Turns the bytes of an attachment into what the app gets. */
export type ReceivedBytes = (bytes: Uint8Array) => unknown;

/**
 * What an app gets for received bytes, as with Socket.IO: a `Buffer` on Node, an `ArrayBuffer` in a browser. The app may keep
 * them, so a small part of a larger memory is copied: on Node beyond what its own pool does, in a browser always.
 */
export const platformBytes: ReceivedBytes = NodeBuffer === undefined ? asArrayBuffer : asBuffer(NodeBuffer);

function asBuffer(Node: typeof Buffer): ReceivedBytes {
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

/** Is it something that travels as an attachment? */
export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/** A view of the same memory. */
export function asUint8Array(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
