import { CodecError } from "@sockeye/protocol";
import { TOO_DEEP } from "./attachments.js";
import { asUint8Array, isBytes, utf8Length } from "./bytes.js";

/**
 * Values as MessagePack, in the dialect of the `notepack.io` package: extension 0 of one byte is `undefined`, of eight
 * bytes a date.
 *
 * @see PROTOCOL.md, "MessagePack"
 */
const toUtf8 = new TextEncoder();
const INITIAL_BYTES = 256;
const TWO_TO_32 = 2 ** 32;

/**
 * @param levels how many levels of arrays and objects are allowed
 * @throws CodecError `ERR_UNENCODABLE`; also whatever a `toJSON` or getter of the app throws
 */
export function writeMsgpack(value: unknown, levels: number): Uint8Array {
  const writer = new Writer();
  writer.write(value, levels);
  return writer.finish();
}

class Writer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** @param key under which it stands, as `toJSON` is told */
  write(value: unknown, levels: number, key: string | number = ""): void {
    switch (typeof value) {
      case "string":
        this.#string(value);
        return;
      case "number":
        this.#number(value);
        return;
      case "boolean":
        this.#byte(value ? 0xc3 : 0xc2);
        return;
      case "object":
        if (value === null) this.#byte(0xc0);
        else this.#object(value, levels, key);
        return;
      case "bigint":
        throw unencodable("a BigInt cannot be written (send a BigInt as a string)");
      default:
        // Functions and symbols are nothing, as in JSON.
        this.#byte(0xd4);
        this.#byte(0);
        this.#byte(0);
    }
  }

  /** As JSON has it, `toJSON` is asked once, and objects around a text, a number or a boolean are what they hold. */
  #object(value: object, levels: number, key: string | number): void {
    if (this.#isWrittenWhole(value)) return;
    const toJson = (value as { toJSON?: unknown }).toJSON;
    const json: unknown = typeof toJson === "function" ? toJson.call(value, `${key}`) : value;
    if (typeof json !== "object" || json === null) this.write(json, levels);
    else if (json === value || !this.#isWrittenWhole(json)) this.#container(json, levels);
  }

  /** Writes what is an object, but one value on the wire. @returns whether it is one */
  #isWrittenWhole(value: object): boolean {
    // Most are literals.
    if (Object.getPrototypeOf(value) === Object.prototype) return false;
    if (isBytes(value)) {
      this.#binary(asUint8Array(value));
      return true;
    }
    switch (Object.prototype.toString.call(value)) {
      case "[object Date]":
        this.#date((value as Date).getTime());
        return true;
      case "[object Blob]":
      case "[object File]":
        throw unencodable("a Blob cannot be read at once: send `await blob.arrayBuffer()`");
      case "[object Number]":
      case "[object String]":
      case "[object Boolean]":
      case "[object BigInt]":
        return this.#isUnboxed(value);
      default:
        return false;
    }
  }

  /** A class may only be called so. */
  #isUnboxed(value: object): boolean {
    const held: unknown = value.valueOf();
    if (typeof held === "object") return false;
    this.write(held, 1);
    return true;
  }

  #container(value: object, levels: number): void {
    if (levels === 0) throw unencodable(TOO_DEEP);
    if (!Array.isArray(value)) {
      this.#map(value as Record<string, unknown>, levels);
      return;
    }
    this.#length(value.length, { fix: 0x90, fixMax: 0x0f, of16: 0xdc });
    for (let index = 0; index < value.length; index++) this.write(value[index], levels - 1, index);
  }

  #map(object: Record<string, unknown>, levels: number): void {
    const entries = Object.entries(object).filter(([, item]) => typeof item !== "function");
    this.#length(entries.length, { fix: 0x80, fixMax: 0x0f, of16: 0xde });
    for (const [key, item] of entries) {
      this.#string(key);
      this.write(item, levels - 1, key);
    }
  }

  #string(text: string): void {
    const length = utf8Length(text);
    if (length > 0x1f && length <= 0xff) {
      this.#byte(0xd9);
      this.#byte(length);
    } else {
      this.#length(length, { fix: 0xa0, fixMax: 0x1f, of16: 0xda });
    }
    this.#reserve(length);
    toUtf8.encodeInto(text, this.#bytes.subarray(this.#at));
    this.#at += length;
  }

  #binary(bytes: Uint8Array): void {
    const { byteLength } = bytes;
    if (byteLength <= 0xff) {
      this.#byte(0xc4);
      this.#byte(byteLength);
    } else {
      this.#length(byteLength, { fix: 0, fixMax: -1, of16: 0xc5 });
    }
    this.#reserve(byteLength);
    this.#bytes.set(bytes, this.#at);
    this.#at += byteLength;
  }

  /** A length within the type's byte, or behind it in two or four. */
  #length(length: number, { fix, fixMax, of16 }: { fix: number; fixMax: number; of16: number }): void {
    if (length <= fixMax) {
      this.#byte(fix | length);
    } else if (length <= 0xffff) {
      this.#byte(of16);
      this.#uint16(length);
    } else {
      this.#byte(of16 + 1);
      this.#uint32(length);
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.#byte(0xcb);
      this.#float64(value);
    } else if (value >= 0) {
      this.#unsigned(value);
    } else {
      this.#negative(value);
    }
  }

  #unsigned(value: number): void {
    if (value < 0x80) {
      this.#byte(value);
    } else if (value <= 0xff) {
      this.#byte(0xcc);
      this.#byte(value);
    } else if (value <= 0xffff) {
      this.#byte(0xcd);
      this.#uint16(value);
    } else if (value < TWO_TO_32) {
      this.#byte(0xce);
      this.#uint32(value);
    } else {
      this.#byte(0xcf);
      this.#int64(value);
    }
  }

  #negative(value: number): void {
    if (value >= -0x20) {
      this.#byte(value & 0xff);
    } else if (value >= -0x80) {
      this.#byte(0xd0);
      this.#byte(value & 0xff);
    } else if (value >= -0x8000) {
      this.#byte(0xd1);
      this.#int16(value);
    } else if (value >= -0x80000000) {
      this.#byte(0xd2);
      this.#int32(value);
    } else {
      this.#byte(0xd3);
      this.#int64(value);
    }
  }

  /** An invalid date has no time, and is null as in JSON. */
  #date(time: number): void {
    if (Number.isNaN(time)) {
      this.#byte(0xc0);
      return;
    }
    this.#byte(0xd7);
    this.#byte(0);
    this.#int64(time);
  }

  #int64(value: number): void {
    const at = this.#take(8);
    this.#view.setInt32(at, Math.floor(value / TWO_TO_32));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  // The room first: it may take another buffer, and another view.

  #byte(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  #uint16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value);
  }

  #uint32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value);
  }

  #int16(value: number): void {
    const at = this.#take(2);
    this.#view.setInt16(at, value);
  }

  #int32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
  }

  #float64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
  }

  /** Room for so many bytes: where it begins. */
  #take(count: number): number {
    this.#reserve(count);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function unencodable(message: string): CodecError {
  return new CodecError("ERR_UNENCODABLE", message);
}
