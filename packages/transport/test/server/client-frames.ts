/** A frame as a client writes it, right or wrong. */
export interface ClientFrame {
  /** The first byte: FIN, reserved bits, opcode. */
  readonly first: number;
  readonly payload?: Uint8Array | string | undefined;
  readonly mask?: readonly number[] | undefined;
  /** Default true. */
  readonly masked?: boolean | undefined;
  /** Writes the length in more bytes than it needs. */
  readonly longForm?: 16 | 64 | undefined;
  /** Claims another length than that of the payload. */
  readonly declared?: bigint | undefined;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];

export function encodeFrame({ first, payload = "", mask = MASK, ...form }: ClientFrame): Buffer {
  const bytes = Buffer.from(payload as string);
  const length = form.declared ?? BigInt(bytes.length);
  const bit = form.masked === false ? 0 : 0x80;
  const bits = length > 0xffffn ? 64 : length > 125n ? 16 : 7;
  const lengthBits = Math.max(bits, form.longForm ?? 7);
  const header = Buffer.alloc(lengthBits === 64 ? 10 : lengthBits === 16 ? 4 : 2);
  header[0] = first;
  header[1] = bit | (lengthBits === 64 ? 127 : lengthBits === 16 ? 126 : Number(length));
  if (lengthBits === 16) header.writeUInt16BE(Number(length), 2);
  if (lengthBits === 64) header.writeBigUInt64BE(length, 2);
  if (form.masked === false) return Buffer.concat([header, bytes]);
  const key = Buffer.from(mask);
  return Buffer.concat([header, key, bytes.map((byte, at) => byte ^ (key[at & 3] as number))]);
}

export function encodeFrames(...frames: readonly ClientFrame[]): Buffer {
  return Buffer.concat(frames.map(encodeFrame));
}

/** First bytes. */
export const CONTINUES = 0x00;
export const TEXT = 0x01;
export const BINARY = 0x02;
export const LAST = 0x80;
export const FIN_TEXT: number = LAST | TEXT;
export const FIN_BINARY: number = LAST | BINARY;
export const FIN_CLOSE = 0x88;
export const FIN_PING = 0x89;
export const FIN_PONG = 0x8a;

/** The body of a close frame. */
export function closeBody(code: number, reason: string | Uint8Array = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]);
}
