/** From here on, words through a view are quicker than bytes; below, the view costs more than it saves. */
const WORDS_FROM = 192;

/**
 * Takes the mask off the payload of a frame, in place. The payload stands behind the four bytes of its mask.
 *
 * @returns are all bytes of the payload ASCII?
 * @see RFC 6455, section 5.3
 */
export function unmask(bytes: Buffer, maskAt: number, end: number): boolean {
  return end - maskAt < WORDS_FROM ? unmaskBytes(bytes, maskAt, end) : unmaskWords(bytes, maskAt, end);
}

function unmaskBytes(bytes: Buffer, maskAt: number, end: number): boolean {
  const mask0 = bytes[maskAt] as number;
  const mask1 = bytes[maskAt + 1] as number;
  const mask2 = bytes[maskAt + 2] as number;
  const mask3 = bytes[maskAt + 3] as number;
  let seen = 0;
  let at = maskAt + 4;
  for (const last = end - 3; at < last; at += 4) {
    const byte0 = (bytes[at] as number) ^ mask0;
    const byte1 = (bytes[at + 1] as number) ^ mask1;
    const byte2 = (bytes[at + 2] as number) ^ mask2;
    const byte3 = (bytes[at + 3] as number) ^ mask3;
    bytes[at] = byte0;
    bytes[at + 1] = byte1;
    bytes[at + 2] = byte2;
    bytes[at + 3] = byte3;
    seen |= byte0 | byte1 | byte2 | byte3;
  }
  for (; at < end; at++) {
    const byte = (bytes[at] as number) ^ (bytes[maskAt + ((at - maskAt) & 3)] as number);
    bytes[at] = byte;
    seen |= byte;
  }
  return seen < 0x80;
}

function unmaskWords(bytes: Buffer, maskAt: number, end: number): boolean {
  // Words of a view need not be aligned, as those of an Int32Array would. The order of bytes is the same on both sides.
  const view = new DataView(bytes.buffer, bytes.byteOffset + maskAt, end - maskAt);
  const mask = view.getInt32(0, true);
  let seen = 0;
  let at = 4;
  for (const last = view.byteLength - 3; at < last; at += 4) {
    const word = view.getInt32(at, true) ^ mask;
    view.setInt32(at, word, true);
    seen |= word;
  }
  for (; at < view.byteLength; at++) {
    const byte = view.getUint8(at) ^ view.getUint8(at & 3);
    view.setUint8(at, byte);
    seen |= byte;
  }
  return (seen & 0x80808080) === 0;
}
