import type { ReceivedBytes } from "./views.js";
import { asArrayBuffer, countUtf8 } from "./views.js";

export type { ReceivedBytes } from "./views.js";
export { asArrayBuffer, asUint8Array, countUtf8, isBytes, isGone, rawBytes } from "./views.js";

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

/** How much more than twice its size a part may keep in memory. */
const SLACK = 8192;

/**
 * What an app gets for received bytes, as with Socket.IO: a `Buffer` on Node, an `ArrayBuffer` in a browser. The app may keep
 * them, so a small part of a larger memory is copied: in a browser always, on Node unless the memory is that of its pool, which
 * is 8 KB large up to version 22, and 64 KB in 24.
 */
export const platformBytes: ReceivedBytes = NodeBuffer === undefined ? asArrayBuffer : asBuffer(NodeBuffer);

function asBuffer(Node: BufferClass): ReceivedBytes {
  return (bytes) => {
    const { buffer, byteOffset, byteLength } = bytes;
    const { byteLength: kept } = buffer;
    if (kept > 2 * byteLength + SLACK && kept !== Node.poolSize) return Node.from(bytes);
    return bytes instanceof Node ? bytes : Node.from(buffer, byteOffset, byteLength);
  };
}

/** Bytes of a text in UTF-8. Lone surrogates count as three, as U+FFFD does. */
export function utf8Length(text: string): number {
  return NodeBuffer === undefined ? countUtf8(text) : NodeBuffer.byteLength(text);
}
