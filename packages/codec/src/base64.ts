import { CodecError } from "@sockeye/protocol";
import { NodeBuffer } from "./bytes.js";

/** Bytes turned into characters in one call; more may not fit on the stack of some engines. */
const CHUNK = 0x8000;

/** Standard alphabet, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  if (NodeBuffer === undefined) return btoa(latin1(bytes));
  return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Characters that {@link encodeBase64} makes of so many bytes. */
export function base64Length(byteLength: number): number {
  return Math.ceil(byteLength / 3) * 4;
}

/**
 * Standard alphabet, padding required, nothing else between, no stray bits at the end.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`
 */
export function decodeBase64(text: string): Uint8Array {
  const bytes = NodeBuffer === undefined ? fromAtob(text) : NodeBuffer.from(text, "base64");
  // The platforms' decoders skip what they don't know, but bytes have one spelling only.
  if (encodeBase64(bytes) !== text) throw notBase64();
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return text;
}

function fromAtob(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw notBase64(cause);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function notBase64(cause?: unknown): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", "a packet has bad base64", cause);
}
