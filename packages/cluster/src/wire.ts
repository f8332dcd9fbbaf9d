import { ClusterError } from "@sockeye/protocol";

// What travels between nodes, byte by byte. PROTOCOL.md, "Between nodes", has the tables.

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A number of 53 bits takes eight groups of seven. */
const MAX_VARINT_BYTES = 8;

/** Writes numbers, texts and bytes one behind the other. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #small: number[] = [];

  byte(value: number): this {
    this.#small.push(value & 0xff);
    return this;
  }

  /** A whole number from 0 to 2^53 - 1, in groups of seven bits, the lowest first. */
  varint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#small.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#small.push(rest);
    return this;
  }

  /** With its length before it. */
  bytes(value: Uint8Array): this {
    return this.varint(value.length).raw(value);
  }

  /** With the length of its UTF-8 before it. */
  text(value: string): this {
    return this.bytes(toUtf8.encode(value));
  }

  raw(value: Uint8Array): this {
    if (this.#small.length > 0) this.#parts.push(Uint8Array.from(this.#small));
    this.#small = [];
    this.#parts.push(value);
    return this;
  }

  finish(): Uint8Array {
    return concat(this.#small.length > 0 ? [...this.#parts, Uint8Array.from(this.#small)] : this.#parts);
  }
}

/** Reads what a {@link ByteWriter} wrote. What is cut off or too long throws. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw badInput("cut off");
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      const group = this.byte();
      value += (group & 0x7f) * factor;
      if (group <= 0x7f) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      factor *= 0x80;
    }
    throw badInput("a number is too large");
  }

  /** A view of what came in, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  raw(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw badInput("cut off");
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  text(): string {
    return fromUtf8.decode(this.bytes());
  }

  /** How many items follow, each of which takes a byte or more: never more than there can be. */
  count(): number {
    const count = this.varint();
    if (count > this.#bytes.length - this.#at) throw badInput("cut off");
    return count;
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function badInput(why: string, cause?: unknown): ClusterError {
  return new ClusterError(
    "ERR_CLUSTER_INPUT",
    `what came over the bus is no message of this cluster: ${why}`,
    cause,
  );
}
