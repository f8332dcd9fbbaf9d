import { CodecError } from "@sockeye/protocol";
import type { ReceivedBytes } from "./bytes.js";

/** What a reader is told. */
export interface MsgpackRules {
  /** How many levels of arrays and maps are allowed. */
  readonly levels: number;
  /** What bytes become. */
  readonly received: ReceivedBytes;
}

const TWO_TO_32 = 2 ** 32;
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The value that the bytes are, all of them. A length that the rest of the bytes cannot hold is refused before anything is
 * made for it, so what is made is bounded by what came in.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_DEEP`
 * @see PROTOCOL.md, "MessagePack"
 */
export function readMsgpack(bytes: Uint8Array, rules: MsgpackRules): unknown {
  const reader = new Reader(bytes, rules);
  const value = reader.value(rules.levels);
  reader.end();
  return value;
}

/**
 * The members of the map that the bytes are, but in place of each array or map the number of its bytes: nothing is made for those.
 * `undefined` if the bytes are no map, or anything is wrong with them, which {@link readMsgpack} says better.
 */
export function outlineOf(bytes: Uint8Array, rules: MsgpackRules): Record<string, unknown> | undefined {
  try {
    return new Reader(bytes, rules).outline();
  } catch {
    return undefined;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rules: MsgpackRules;
  #at = 0;

  constructor(bytes: Uint8Array, rules: MsgpackRules) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rules = rules;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes behind the packet");
  }

  outline(): Record<string, unknown> | undefined {
    const type = this.#uint8();
    const count =
      type === 0xde
        ? this.#uint16()
        : type === 0xdf
          ? this.#uint32()
          : (type & 0xf0) === 0x80
            ? type & 0x0f
            : 0;
    const members: Record<string, unknown> = Object.create(null);
    for (let i = 0; i < count; i++) {
      const key = this.value(0);
      const at = this.#at;
      members[String(key)] = this.#isNested() ? this.#pass() - at : this.value(0);
    }
    return members;
  }

  /** Is the next value an array or a map? */
  #isNested(): boolean {
    const type = this.#bytes[this.#at] ?? 0;
    return (type >= 0x80 && type < 0xa0) || (type >= 0xdc && type <= 0xdf);
  }

  /** Continues behind the next value, however deep it is. Returns where that is. */
  #pass(): number {
    for (let values = 1; values > 0; values--) {
      const type = this.#bytes[this.#at] ?? 0;
      if (!this.#isNested()) {
        this.value(0);
        continue;
      }
      this.#at++;
      const short = type & 0x0f;
      const length = type < 0xa0 ? short : type === 0xdc || type === 0xde ? this.#uint16() : this.#uint32();
      const isMap = type < 0x90 || type >= 0xde;
      values += isMap ? 2 * length : length;
    }
    return this.#at;
  }

  value(levels: number): unknown {
    const type = this.#uint8();
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, levels);
    if (type < 0xa0) return this.#array(type & 0x0f, levels);
    if (type < 0xc0) return this.#string(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#scalar(type) ?? this.#long(type, levels);
  }

  /** What has a size of its own, or `undefined` for all else. */
  #scalar(type: number): unknown {
    switch (type) {
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#view.getFloat32(this.#skip(4));
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8));
      case 0xcc:
        return this.#uint8();
      case 0xcd:
        return this.#uint16();
      case 0xce:
        return this.#uint32();
      case 0xcf:
        return this.#uint32() * TWO_TO_32 + this.#uint32();
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return this.#int64();
    }
    return undefined;
  }

  /** What has a length in front. */
  #long(type: number, levels: number): unknown {
    switch (type) {
      case 0xc0:
        return null;
      case 0xc4:
        return this.#binary(this.#uint8());
      case 0xc5:
        return this.#binary(this.#uint16());
      case 0xc6:
        return this.#binary(this.#uint32());
      case 0xc7:
        return this.#extension(this.#uint8());
      case 0xc8:
        return this.#extension(this.#uint16());
      case 0xc9:
        return this.#extension(this.#uint32());
      case 0xd4:
        return this.#nothing();
      case 0xd7:
        return this.#date();
      case 0xd9:
        return this.#string(this.#uint8());
      case 0xda:
        return this.#string(this.#uint16());
      case 0xdb:
        return this.#string(this.#uint32());
      case 0xdc:
        return this.#array(this.#uint16(), levels);
      case 0xdd:
        return this.#array(this.#uint32(), levels);
      case 0xde:
        return this.#map(this.#uint16(), levels);
      case 0xdf:
        return this.#map(this.#uint32(), levels);
    }
    throw malformed("a type that is not known");
  }

  #array(length: number, levels: number): unknown[] {
    this.#enter(length, levels);
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items.push(this.value(levels - 1));
    return items;
  }

  #map(length: number, levels: number): Record<string, unknown> {
    this.#enter(2 * length, levels);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) {
      const key = this.value(0);
      if (typeof key !== "string" && typeof key !== "number")
        throw malformed("a key that is neither a text nor a number");
      const value = this.value(levels - 1);
      // An assignment to `__proto__` would be none.
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      } else {
        object[key] = value;
      }
    }
    return object;
  }

  #enter(values: number, levels: number): void {
    if (levels === 0) {
      throw new CodecError(
        "ERR_PACKET_TOO_DEEP",
        `a packet is nested deeper than ${this.#rules.levels} levels`,
      );
    }
    // Each takes a byte at least.
    if (values > this.#bytes.length - this.#at) throw cutShort();
  }

  #string(length: number): string {
    const start = this.#skip(length);
    return fromUtf8.decode(this.#bytes.subarray(start, this.#at));
  }

  #binary(length: number): unknown {
    const start = this.#skip(length);
    return this.#rules.received(this.#bytes.subarray(start, this.#at));
  }

  /** Extension 0 with a length in front is bytes, too: an `ArrayBuffer` at its sender. */
  #extension(length: number): unknown {
    this.#zero();
    return this.#binary(length);
  }

  #nothing(): undefined {
    this.#zero();
    this.#skip(1);
  }

  #date(): Date {
    this.#zero();
    return new Date(this.#int64());
  }

  #zero(): void {
    if (this.#uint8() !== 0) throw malformed("an extension that is not known");
  }

  #int64(): number {
    return this.#view.getInt32(this.#skip(4)) * TWO_TO_32 + this.#uint32();
  }

  #uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  #uint16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  /** Continues by so many bytes, which must be there. Returns where it was. */
  #skip(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw cutShort();
    this.#at = at + count;
    return at;
  }
}

function cutShort(): CodecError {
  return malformed("an end before its time");
}

function malformed(what: string): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", `a packet has ${what}`);
}
