import { isUtf8 } from "node:buffer";
import { CodecError, type EncodedPacket, type Frame, type Limits } from "@sockeye/protocol";

/*
 * Frames as bytes, one behind the other, as in Engine.IO's binding to WebTransport: one byte of which the top bit says
 * that the frame is binary and the rest its length, 126 and 127 standing for a length in the next two or eight bytes.
 */
const BINARY = 0x80;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

/** All frames of all packets, in order. */
export function encodePrefixed(packets: readonly EncodedPacket[]): Buffer {
  let total = 0;
  for (const { head, attachments } of packets) {
    total += sizeOf(Buffer.byteLength(head));
    for (const bytes of attachments) total += sizeOf(bytes.byteLength);
  }
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { head, attachments } of packets) {
    at = writeFrame(out, at, head);
    for (const bytes of attachments) at = writeFrame(out, at, bytes);
  }
  return out;
}

/**
 * The frames of a body. Empty text frames mean nothing. All or nothing: a body with one bad frame gives none.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED` for an empty body, one that ends within a frame, a length above 2^53-1 and
 * text that is not UTF-8; `ERR_TOO_MANY_PACKETS` beyond `maxPacketsPerPayload`
 */
export function decodePrefixed(body: Buffer, limits: Pick<Limits, "maxPacketsPerPayload">): Frame[] {
  if (body.length === 0) throw malformed("a body is empty");
  const frames: Frame[] = [];
  for (let at = 0; at < body.length; ) {
    const first = body.readUInt8(at);
    const short = first & ~BINARY;
    const start = at + (short < TWO_BYTES ? 1 : short === TWO_BYTES ? 3 : 9);
    if (start > body.length) throw malformed("a body ends within a length");
    const length = short < TWO_BYTES ? short : readLength(body, at + 1, short);
    const end = start + length;
    // Also of a length that is no safe integer any more.
    if (end > body.length) throw malformed("a body ends within a frame");
    const bytes = body.subarray(start, end);
    at = end;
    if (first === 0) continue;
    if (frames.length >= limits.maxPacketsPerPayload) {
      throw new CodecError("ERR_TOO_MANY_PACKETS", "a body has too many packets");
    }
    frames.push(first >= BINARY ? bytes : textOf(bytes));
  }
  return frames;
}

function readLength(body: Buffer, at: number, short: number): number {
  return short === TWO_BYTES
    ? body.readUInt16BE(at)
    : body.readUInt32BE(at) * 2 ** 32 + body.readUInt32BE(at + 4);
}

function sizeOf(length: number): number {
  return (length < TWO_BYTES ? 1 : length < 2 ** 16 ? 3 : 9) + length;
}

/** Writes one frame and returns where it ends. */
function writeFrame(out: Buffer, at: number, frame: Frame): number {
  const isText = typeof frame === "string";
  const length = Buffer.byteLength(frame);
  const kind = isText ? 0 : BINARY;
  let start = at + 1;
  if (length < TWO_BYTES) {
    out.writeUInt8(kind | length, at);
  } else if (length < 2 ** 16) {
    out.writeUInt8(kind | TWO_BYTES, at);
    start = out.writeUInt16BE(length, start);
  } else {
    out.writeUInt8(kind | EIGHT_BYTES, at);
    start = out.writeUInt32BE(Math.floor(length / 2 ** 32), start);
    start = out.writeUInt32BE(length % 2 ** 32, start);
  }
  if (isText) out.write(frame, start);
  else out.set(frame, start);
  return start + length;
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed("a text frame is not UTF-8");
  return bytes.toString("utf8");
}

function malformed(message: string): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", message);
}
