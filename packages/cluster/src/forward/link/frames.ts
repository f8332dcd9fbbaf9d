import { badInput } from "../../wire.js";

// What travels between two nodes over a link: `type` (1 byte) · `stream` (4 bytes) · `length` (4 bytes) · body. Numbers are big-endian.

/** The versions of the link that this node speaks. */
export const LINK_VERSIONS = [1, 1] as const;

/** What a frame is about; its first byte. Unknown ones are ignored: a newer node may send them. */
export const LinkFrame = {
  /** A request begins: its head. */
  REQUEST: 1,
  /** Its answer begins. */
  RESPONSE: 2,
  DATA: 3,
  /** The sender gives the stream up. */
  RESET: 4,
  /** The other end may send so many bytes more. */
  CREDIT: 5,
  /** A connection to the internal listener begins. Over the bus alone: elsewhere there are real ones. */
  CONNECT: 6,
} as const;

/** Added to a type: nothing more comes of this direction. */
export const LAST = 0x80;

const HEAD_BYTES = 9;
/** Of the body of a frame. */
export const MAX_FRAME_BYTES = 262_144;

export interface ReadFrame {
  readonly type: number;
  readonly isLast: boolean;
  readonly stream: number;
  readonly body: Buffer;
}

export function writeFrame(type: number, stream: number, body: Uint8Array): Uint8Array[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head[0] = type;
  head.writeUInt32BE(stream, 1);
  head.writeUInt32BE(body.length, 5);
  return body.length === 0 ? [head] : [head, body];
}

/** Makes another frame of one that has not left: of another length, or the last one. */
export function changeHead(head: Uint8Array, type: number, bytes: number): void {
  head[0] = type;
  new DataView(head.buffer, head.byteOffset).setUint32(5, bytes);
}

export function writeCredit(bytes: number): Buffer {
  const body = Buffer.allocUnsafe(4);
  body.writeUInt32BE(bytes);
  return body;
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readCredit(body: Buffer): number {
  if (body.length !== 4) throw badInput("no credit");
  return body.readUInt32BE();
}

/** Cuts what comes into frames. What is not whole is kept as it came, and put together once. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = HEAD_BYTES;

  /** @throws ClusterError `ERR_CLUSTER_INPUT` if a frame is too large */
  read(chunk: Buffer): ReadFrame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: ReadFrame[] = [];
    let at = 0;
    for (;;) {
      this.#needed = HEAD_BYTES;
      if (bytes.length - at < HEAD_BYTES) break;
      const length = bytes.readUInt32BE(at + 5);
      if (length > MAX_FRAME_BYTES) throw badInput(`a frame of ${length} bytes`);
      this.#needed = HEAD_BYTES + length;
      if (bytes.length - at < this.#needed) break;
      const type = bytes[at] ?? 0;
      frames.push({
        type: type & ~LAST,
        isLast: type >= LAST,
        stream: bytes.readUInt32BE(at + 1),
        body: bytes.subarray(at + HEAD_BYTES, at + this.#needed),
      });
      at += this.#needed;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#bytes = bytes.length - at;
    return frames;
  }
}
