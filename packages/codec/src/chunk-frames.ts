import { CodecError, DEFAULT_MAX_PACKETS, type EncodedPacket, type Frame } from "@sockeye/protocol";

/**
 * Frames in a stream of bytes: a header of one, three or nine bytes with kind and length, then the frame. A text frame of
 * length 0 means nothing; it pads.
 *
 * @see PROTOCOL.md, "Frames in a stream of bytes"
 */

/** Top bit of the first byte: is the frame binary? */
const BINARY = 0x80;
/** Lengths up to 125 stand in the first byte; these two say that 2 or 8 bytes of length follow. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** Memory that the first piece of a frame gets at least. */
const FIRST_CAPACITY = 512;
const NOTHING = new Uint8Array(0);

/** One frame with its header. Lone surrogates become U+FFFD. */
export function encodeChunkFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const body = typeof frame === "string" ? new TextEncoder().encode(frame) : frame;
  const { length } = body;
  const extended = length < LENGTH_16 ? 0 : length < 0x10000 ? 2 : 8;
  const bytes = new Uint8Array(1 + extended + length);
  bytes[0] = extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64;
  if (body === frame) bytes[0] |= BINARY;
  for (let at = extended, rest = length; at > 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest;
  bytes.set(body, 1 + extended);
  return bytes;
}

/** All frames of all packets, in order, for one write. */
export function encodeChunkFrames(packets: readonly EncodedPacket[]): Uint8Array<ArrayBuffer> {
  return join(framesOf(packets));
}

/**
 * The bodies that carry the packets, in order, each of at most so many bytes and frames that a peer takes by default. A
 * frame that is too large goes alone and leaves it to the peer to refuse it. Every body must have arrived before the
 * next one is sent.
 */
export function splitChunkFrames(
  packets: readonly EncodedPacket[],
  maxBytes: number,
): Uint8Array<ArrayBuffer>[] {
  const bodies: Uint8Array<ArrayBuffer>[] = [];
  let body: Uint8Array[] = [];
  let room = maxBytes;
  for (const bytes of framesOf(packets)) {
    room -= bytes.length;
    if (body.length > 0 && (room < 0 || body.length >= DEFAULT_MAX_PACKETS)) {
      bodies.push(join(body));
      body = [];
      room = maxBytes - bytes.length;
    }
    body.push(bytes);
  }
  bodies.push(join(body));
  return bodies;
}

function framesOf(packets: readonly EncodedPacket[]): Uint8Array[] {
  return packets.flatMap(({ head, attachments }) => [head, ...attachments].map(encodeChunkFrame));
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Reads frames from pieces of a stream, wherever it was cut. The work is linear in the bytes, however small the pieces
 * are, and the memory grows with what has come, not with what is announced.
 */
export class ChunkFrameDecoder {
  /** The most bytes of one frame, without its header. May change between two frames. */
  maxBytes: number;
  readonly #padding: "allowed" | "illegal";
  readonly #text: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #isBinary = false;
  /** Bytes of the part under way, which is the rest of a header or a body; 0 between frames. */
  #needed = 0;
  #isHeader = false;
  /** What has come of that part, if it came in pieces. */
  #memory: Uint8Array<ArrayBuffer> = NOTHING;
  #length = 0;

  /**
   * @param maxBytes of one frame, its header not counted
   * @param padding may there be text frames of length 0?
   */
  constructor(maxBytes: number, padding: "allowed" | "illegal" = "allowed") {
    this.maxBytes = maxBytes;
    this.#padding = padding;
  }

  /** Is there a frame of which a part has come? A stream that ends then was cut off. */
  get pending(): boolean {
    return this.#needed > 0;
  }

  /** Memory that a frame of which a part has come takes. */
  get heldBytes(): number {
    return this.#memory.length;
  }

  /**
   * The frames that end in this piece, in order. They share no memory with it. All or nothing: with a bad frame, those
   * before it in the same piece are lost, and the decoder must not be used again.
   *
   * @throws CodecError `ERR_PACKET_TOO_LARGE` for a length above the limit, before any of its bytes is kept;
   * `ERR_PACKET_MALFORMED` for a length above 2^53 - 1, for text that is not UTF-8, and for padding that is illegal
   */
  write(piece: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < piece.length; ) {
      if (this.#needed === 0) {
        // The condition of the loop vouches for the index.
        this.#begin(piece[at++] as number, frames);
        continue;
      }
      const added = piece.subarray(at, at + this.#needed - this.#length);
      at += added.length;
      const part = this.#append(added);
      if (part === undefined) break;
      this.#needed = 0;
      if (this.#isHeader) this.#announce(lengthOf(part), frames);
      else frames.push(this.#frame(part));
    }
    return frames;
  }

  #begin(first: number, frames: Frame[]): void {
    this.#isBinary = first >= BINARY;
    const length = first & ~BINARY;
    this.#isHeader = length >= LENGTH_16;
    if (this.#isHeader) this.#needed = length === LENGTH_16 ? 2 : 8;
    else this.#announce(length, frames);
  }

  #announce(length: number, frames: Frame[]): void {
    if (length > Number.MAX_SAFE_INTEGER) {
      throw new CodecError("ERR_PACKET_MALFORMED", "a frame has an illegal length");
    }
    if (length > this.maxBytes) throw new CodecError("ERR_PACKET_TOO_LARGE", "a frame is too large");
    this.#isHeader = false;
    this.#needed = length;
    if (length > 0) return;
    if (this.#isBinary) frames.push(new Uint8Array(0));
    else if (this.#padding === "illegal") throw new CodecError("ERR_PACKET_MALFORMED", "a frame is empty");
  }

  /** The part under way, if this completes it. */
  #append(added: Uint8Array): Uint8Array | undefined {
    // The usual case keeps nothing here.
    if (added.length === this.#needed) return added;
    const length = this.#length + added.length;
    if (length > this.#memory.length) {
      const capacity = Math.min(this.#needed, Math.max(length, 2 * this.#memory.length, FIRST_CAPACITY));
      const memory = new Uint8Array(capacity);
      memory.set(this.#memory);
      this.#memory = memory;
    }
    this.#memory.set(added, this.#length);
    this.#length = length;
    if (length < this.#needed) return undefined;
    // No longer than what was needed, so exactly as long.
    const part = this.#memory;
    this.#memory = NOTHING;
    this.#length = 0;
    return part;
  }

  #frame(body: Uint8Array): Frame {
    // A copy: the piece may be a view of memory that is used again, or much larger than the frame.
    if (this.#isBinary) return new Uint8Array(body);
    try {
      return this.#text.decode(body);
    } catch (cause) {
      throw new CodecError("ERR_PACKET_MALFORMED", "a text frame is not UTF-8", cause);
    }
  }
}

/** Big endian. Exact up to 2^53 - 1; what is above stays above. */
function lengthOf(bytes: Uint8Array): number {
  let length = 0;
  for (const byte of bytes) length = length * 256 + byte;
  return length;
}
