import { root } from "./root.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Bytes where there are no typed arrays: a plain array of numbers, which is also what the app gets. */
export interface PlainBytes extends Array<number> {
  buffer: PlainBytes;
  byteOffset: number;
  byteLength: number;
  subarray(from: number, to: number): number[];
}

/** In the place of `Uint8Array`. With `new` it still gives a plain array. */
export function LegacyBytes(length: number): PlainBytes {
  const bytes = [] as unknown as PlainBytes;
  for (let i = 0; i < length; i++) bytes[i] = 0;
  const hidden = { buffer: bytes, byteOffset: 0, byteLength: length, subarray: bytes.slice };
  Object.keys(hidden).forEach((key) => {
    Object.defineProperty(bytes, key, { value: hidden[key as keyof typeof hidden] });
  });
  return bytes;
}

/** In the place of `ArrayBuffer`, of which there are none then. */
export function NoBuffer(): void {}

/** `ArrayBuffer.isView`, which came later than `ArrayBuffer`. */
export function isView(value: unknown): boolean {
  const Buffers = root.ArrayBuffer;
  if (!Buffers) return false;
  if (Buffers.isView) return Buffers.isView(value);
  return (
    typeof value === "object" && value !== null && (value as { buffer?: unknown }).buffer instanceof Buffers
  );
}

export function legacyBtoa(binary: string): string {
  let text = "";
  for (let at = 0; at < binary.length; at += 3) {
    const left = binary.length - at;
    // NaN counts as 0 here.
    const bits = (binary.charCodeAt(at) << 16) | (binary.charCodeAt(at + 1) << 8) | binary.charCodeAt(at + 2);
    text += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    text += left > 1 ? ALPHABET.charAt((bits >> 6) & 63) : "=";
    text += left > 2 ? ALPHABET.charAt(bits & 63) : "=";
  }
  return text;
}

/** Skips what it does not know: the caller compares. */
export function legacyAtob(text: string): string {
  let binary = "";
  let bits = 0;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const value = ALPHABET.indexOf(text.charAt(at));
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xfff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      binary += String.fromCharCode((bits >> count) & 0xff);
    }
  }
  return binary;
}
