import type { EncodedPacket, Frame, Limits } from "@sockeye/protocol";
import { CodecError } from "@sockeye/protocol";
import { unwrapFrame, wrapBase64, wrapBytes } from "./eio3-envelope.js";

/**
 * The bodies of HTTP requests and responses in revision 3 of the engine protocol: each frame with its length in front.
 * There are two forms. A text counts UTF-16 units, `6:4hello2:4€`; a body of bytes counts bytes, with a byte that says
 * whether the frame is text (0) or binary (1), the length digit by digit, and the byte 255.
 *
 * @see PROTOCOL.md, "Revision 3"
 */
const COLON = ":";
const TEXT = 0;
const BINARY = 1;
const END_OF_LENGTH = 255;
/** Digits of the largest length that can make sense. */
const MAX_DIGITS = 10;
const ZERO_CODE = 0x30;

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body as text, bytes in base64. An empty list gives an empty body, which no peer accepts. */
export function encodeTextPayload(packets: readonly EncodedPacket[]): string {
  let body = "";
  for (const { head, attachments } of packets) {
    body += textEntry(head);
    for (const bytes of attachments) body += textEntry(bytes);
  }
  return body;
}

/** A body for a client that takes bytes: as text as long as there are none among the frames. */
export function encodePayload(packets: readonly EncodedPacket[]): string | Uint8Array {
  return packets.some(hasBytes) ? encodeBinaryPayload(packets) : encodeTextPayload(packets);
}

function encodeBinaryPayload(packets: readonly EncodedPacket[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { head, attachments } of packets) {
    putEntry(parts, head);
    for (const bytes of attachments) putEntry(parts, bytes);
  }
  const body = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.byteLength;
  }
  return body;
}

/**
 * The frames of a body of either form, as in revision 4: text with its envelope, and bytes without. All or nothing: a body
 * with one bad frame gives none. Bytes are views of the body.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED` for an empty body or frame, a length that is no number or does not fit, bytes
 * that are no message, text that is not UTF-8; `ERR_TOO_MANY_PACKETS` beyond `maxPacketsPerPayload`
 */
export function decodePayload(body: Frame, limits: Pick<Limits, "maxPacketsPerPayload">): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  do {
    if (frames.length >= limits.maxPacketsPerPayload) {
      throw new CodecError(
        "ERR_TOO_MANY_PACKETS",
        `a body holds more than ${limits.maxPacketsPerPayload} packets`,
      );
    }
    const { frame, end } = typeof body === "string" ? readTextEntry(body, at) : readBinaryEntry(body, at);
    frames.push(unwrapFrame(frame));
    at = end;
  } while (at < body.length);
  return frames;
}

/** One frame of a body, and where the next one begins. */
interface Entry {
  readonly frame: Frame;
  readonly end: number;
}

function readTextEntry(body: string, at: number): Entry {
  let colon = at;
  while (colon < at + MAX_DIGITS && isDigit(body.charCodeAt(colon) - ZERO_CODE)) colon++;
  if (colon === at || body[colon] !== COLON) throw badLength();
  const start = colon + 1;
  const end = start + Number(body.slice(at, colon));
  if (end === start || end > body.length) throw badLength();
  return { frame: body.slice(start, end), end };
}

function readBinaryEntry(body: Uint8Array, at: number): Entry {
  const kind = body[at];
  if (kind !== TEXT && kind !== BINARY) throw malformed("an entry that is neither text nor binary");
  let mark = at + 1;
  let length = 0;
  for (; mark <= at + MAX_DIGITS; mark++) {
    const digit = body[mark];
    if (!isDigit(digit)) break;
    length = length * 10 + digit;
  }
  if (mark === at + 1 || body[mark] !== END_OF_LENGTH) throw badLength();
  const start = mark + 1;
  const end = start + length;
  if (end === start || end > body.length) throw badLength();
  const bytes = body.subarray(start, end);
  return { frame: kind === TEXT ? readUtf8(bytes) : bytes, end };
}

function readUtf8(bytes: Uint8Array): string {
  try {
    return fromUtf8.decode(bytes);
  } catch (cause) {
    throw malformed("text that is not UTF-8", cause);
  }
}

function textEntry(frame: Frame): string {
  const text = typeof frame === "string" ? frame : wrapBase64(frame);
  return text.length + COLON + text;
}

function putEntry(parts: Uint8Array[], frame: Frame): void {
  const isText = typeof frame === "string";
  const bytes = isText ? toUtf8.encode(frame) : wrapBytes(frame);
  const digits = Array.from(String(bytes.byteLength), Number);
  parts.push(Uint8Array.of(isText ? TEXT : BINARY, ...digits, END_OF_LENGTH), bytes);
}

function hasBytes({ head, attachments }: EncodedPacket): boolean {
  return typeof head !== "string" || attachments.length > 0;
}

function isDigit(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= 9;
}

function badLength(): CodecError {
  return malformed("a bad length");
}

function malformed(what: string, cause?: unknown): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", `a body has ${what}`, cause);
}
