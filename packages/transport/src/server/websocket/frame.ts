import type { EncodedPacket, Frame } from "@sockeye/protocol";
import { type Framed, keepBatch, keptBatch } from "./kept-frames.js";

export type { Framed } from "./kept-frames.js";

/**
 * WebSocket frames as a server writes them: one frame a message, no mask.
 *
 * @see RFC 6455, section 5.2
 */

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
/** The first reserved bit: the payload is compressed. @see RFC 7692, section 6 */
const COMPRESSED = 0x40;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** From here on, one chunk more in a `writev` costs less than copying the bytes. */
const COPY_LIMIT = 16_384;

/**
 * Frames a batch, once for all receivers of the same batch: from the second time on the frames are kept in
 * {@link EncodedPacket.wire}, so that a broadcast is the same buffer for all, while a packet for one receiver keeps nothing.
 */
export function frameBatch(batch: readonly EncodedPacket[]): Framed {
  const kept = keptBatch(batch);
  if (kept !== undefined) return kept;
  const framed = frameAll(batch);
  keepBatch(batch, framed);
  return framed;
}

/** The same, for one receiver. */
export function frameAll(batch: readonly EncodedPacket[]): Framed {
  return frameAscii(batch) ?? frameMeasured(batch);
}

/** More bytes than the last character of a text takes, so that one that does not fit cannot hide. */
const SLACK = 4;

/**
 * Takes all texts for ASCII, as nearly all are, so that none has to be measured before it is written. Undefined if one
 * is not, which shows in it taking more bytes than it has characters; or if something is too large to be copied.
 */
function frameAscii(batch: readonly EncodedPacket[]): Buffer | undefined {
  let total = 0;
  for (const { head, attachments } of batch) {
    if (isLarge(head)) return undefined;
    total += headerLength(head.length) + head.length;
    for (const bytes of attachments) {
      if (isLarge(bytes)) return undefined;
      total += headerLength(bytes.byteLength) + bytes.byteLength;
    }
  }
  const target = Buffer.allocUnsafe(total + SLACK);
  let offset = 0;
  for (const { head, attachments } of batch) {
    if (typeof head === "string") {
      const start = writeHeader(target, offset, FIN_TEXT, head.length);
      if (target.write(head, start, head.length + SLACK) !== head.length) return undefined;
      offset = start + head.length;
    } else offset = writeFrame(target, offset, head);
    for (const bytes of attachments) offset = writeFrame(target, offset, bytes);
  }
  return target.subarray(0, total);
}

/** Any batch. */
function frameMeasured(batch: readonly EncodedPacket[]): Framed {
  let total = 0;
  let whole = true;
  for (const packet of batch) {
    total += framedLength(packet.head);
    if (isLarge(packet.head)) whole = false;
    for (const bytes of packet.attachments) {
      total += framedLength(bytes);
      if (isLarge(bytes)) whole = false;
    }
  }
  return whole ? frameWhole(batch, total) : frameInChunks(batch);
}

function frameWhole(batch: readonly EncodedPacket[], total: number): Buffer {
  const target = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const packet of batch) {
    offset = writeFrame(target, offset, packet.head);
    for (const bytes of packet.attachments) offset = writeFrame(target, offset, bytes);
  }
  return target;
}

function frameInChunks(batch: readonly EncodedPacket[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (const packet of batch) {
    frameInto(chunks, packet.head);
    for (const bytes of packet.attachments) frameInto(chunks, bytes);
  }
  return chunks;
}

/** Adds the frame of one message. */
export function frameInto(chunks: Uint8Array[], frame: Frame): void {
  if (typeof frame === "string" || !isLarge(frame)) {
    const target = Buffer.allocUnsafe(framedLength(frame));
    writeFrame(target, 0, frame);
    chunks.push(target);
    return;
  }
  const header = Buffer.allocUnsafe(headerLength(frame.byteLength));
  writeHeader(header, 0, FIN_BINARY, frame.byteLength);
  chunks.push(header, frame);
}

function isLarge(frame: Frame): boolean {
  return typeof frame !== "string" && frame.byteLength >= COPY_LIMIT;
}

function framedLength(frame: Frame): number {
  const length = typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
  return headerLength(length) + length;
}

function headerLength(length: number): number {
  return length < LENGTH_16 ? 2 : length < 65_536 ? 4 : 10;
}

/** The frame of a message whose payload was compressed already. */
export function compressedFrame(isText: boolean, payload: Uint8Array): Buffer {
  const target = Buffer.allocUnsafe(headerLength(payload.byteLength) + payload.byteLength);
  const first = COMPRESSED | (isText ? FIN_TEXT : FIN_BINARY);
  target.set(payload, writeHeader(target, 0, first, payload.byteLength));
  return target;
}

/** A control frame, of at most 125 bytes. `first`: its opcode, and the bit that ends a message. */
export function controlFrame(first: number, payload: Uint8Array): Buffer {
  const target = Buffer.allocUnsafe(2 + payload.byteLength);
  target.set(payload, writeHeader(target, 0, first, payload.byteLength));
  return target;
}

/** Returns the offset after the frame. */
function writeFrame(target: Buffer, offset: number, frame: Frame): number {
  if (typeof frame !== "string") {
    const start = writeHeader(target, offset, FIN_BINARY, frame.byteLength);
    target.set(frame, start);
    return start + frame.byteLength;
  }
  const length = Buffer.byteLength(frame);
  const start = writeHeader(target, offset, FIN_TEXT, length);
  // As many bytes as characters: the text is ASCII, which is quicker to copy than to encode.
  target.write(frame, start, length, length === frame.length ? "latin1" : "utf8");
  return start + length;
}

/** Returns the offset after the header. `first`: the opcode and the bits before it. */
function writeHeader(target: Buffer, offset: number, first: number, length: number): number {
  target[offset] = first;
  if (length < LENGTH_16) {
    target[offset + 1] = length;
    return offset + 2;
  }
  if (length < 65_536) {
    target[offset + 1] = LENGTH_16;
    return target.writeUInt16BE(length, offset + 2);
  }
  target[offset + 1] = LENGTH_64;
  target.writeUInt32BE(Math.floor(length / 2 ** 32), offset + 2);
  return target.writeUInt32BE(length >>> 0, offset + 6);
}
