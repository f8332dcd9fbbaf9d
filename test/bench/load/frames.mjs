// WebSocket frames as clients write them, made before the measuring begins: masked, with one fixed key, since the
// server does the same work whatever the key is.
const KEY = [0x37, 0xfa, 0x21, 0x3d];

export function clientFrame(payload) {
  const isText = typeof payload === "string";
  const bytes = isText ? Buffer.from(payload) : payload;
  const header = [isText ? 0x81 : 0x82];
  if (bytes.length < 126) header.push(0x80 | bytes.length);
  else if (bytes.length < 65_536) header.push(0x80 | 126, bytes.length >> 8, bytes.length & 255);
  else header.push(0x80 | 127, 0, 0, 0, 0, ...uint32(bytes.length));
  const masked = bytes.map((byte, index) => byte ^ KEY[index & 3]);
  return Buffer.concat([Buffer.from(header), Buffer.from(KEY), masked]);
}

function uint32(value) {
  return [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** The same message 1, 2, … `most` times, each as one buffer, to be written at once. */
export function bursts(message, most) {
  return Array.from({ length: most + 1 }, (_, count) => Buffer.concat(Array(count).fill(message)));
}

/** The messages of the rows. The text of every event is 64 characters long. */
export const TEXT = "the quick brown fox jumps over the lazy dog, and then once more.";
export const event = (...args) => clientFrame(`42${JSON.stringify(args)}`);

export const PING_TEXT = 0x32;
export const PONG_FRAME = clientFrame("3");
