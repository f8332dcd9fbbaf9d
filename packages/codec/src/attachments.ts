import { CodecError } from "@sockeye/protocol";
import { asUint8Array, isBytes } from "./bytes.js";
import type { Container } from "./container.js";
import { keysOf } from "./container.js";
import { writeItem } from "./json.js";

/** Stands in the JSON for the attachment with that number. */
export interface Placeholder {
  readonly _placeholder: true;
  readonly num: number;
}

/** Most objects with a `toJSON` are dates, which hold no bytes: no need to ask them. */
const DATE_TO_JSON: unknown = Date.prototype.toJSON;

/**
 * Must {@link takeBytes} see this data? True if it holds bytes, or an object whose `toJSON` may return some. Most data
 * holds neither, and for it this is all that happens: nothing is made, no `toJSON` is called.
 *
 * @param levels how many levels of arrays and objects are allowed
 * @throws CodecError `ERR_UNENCODABLE` if there are more, which a cycle always has
 */
export function needsTaking(value: object, levels: number): boolean {
  if (Array.isArray(value)) return itemsNeedTaking(value, levels);
  // A literal is neither bytes nor a Blob, and most objects are literals.
  const prototype: unknown = Object.getPrototypeOf(value);
  const isLiteral = prototype === Object.prototype;
  const toJson = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJson === "function") return toJson !== DATE_TO_JSON;
  if (!isLiteral && (isBytes(value) || isBlob(value))) return true;
  if (levels === 0) throw tooDeep();
  for (const key in value) {
    if (!isLiteral && !Object.hasOwn(value, key)) continue;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object" && item !== null && needsTaking(item, levels - 1)) return true;
  }
  return false;
}

function itemsNeedTaking(items: readonly unknown[], levels: number): boolean {
  if (levels === 0) throw tooDeep();
  // By index: an iterator would be the only thing made here.
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "object" && item !== null && needsTaking(item, levels - 1)) return true;
  }
  return false;
}

/** Arguments as JSON with placeholders, and what they stand for. */
export interface Taken {
  readonly json: string;
  readonly attachments: readonly Uint8Array[];
}

/**
 * Takes the bytes out of the arguments of a packet. What is given stays as it is: arrays and objects on the way to bytes
 * are copied, all others are shared. The bytes are views of the app's own memory, so they must not change before they
 * are sent.
 *
 * @throws CodecError `ERR_UNENCODABLE`; also whatever a `toJSON` or getter of the app throws
 */
export function takeBytes(args: readonly unknown[], levels: number): Taken {
  const taker = new Taker();
  let json = "[";
  for (let i = 0; i < args.length; i++) {
    if (i > 0) json += ",";
    json += taker.write(args[i], i, levels);
  }
  // Its receiver could not tell it from ours. Without bytes beside it the packet is text, and it is data like any other.
  if (taker.foundPlaceholder && taker.attachments.length > 0) {
    throw unencodable("`_placeholder: true` cannot be sent together with bytes");
  }
  return { json: `${json}]`, attachments: taker.attachments };
}

class Taker {
  readonly attachments: Uint8Array[] = [];
  foundPlaceholder = false;

  /** One argument as JSON. Nearly always the bytes are an argument themselves: then there is nothing to walk. */
  write(item: unknown, index: number, levels: number): string {
    if (typeof item === "object" && item !== null && isBytes(item)) {
      return `{"_placeholder":true,"num":${this.#placeholder(item, levels).num}}`;
    }
    return writeItem(this.#take(item, index, levels));
  }

  /** A container with all below it taken out: the same one if nothing was there. */
  #walk(container: Container, levels: number): Container {
    if (levels === 0) throw tooDeep();
    if ((container as Partial<Placeholder>)._placeholder === true) this.foundPlaceholder = true;
    const from = container as Record<string | number, unknown>;
    let copy: typeof from | undefined;
    for (const key of keysOf(container)) {
      const item = from[key];
      const taken = this.#take(item, key, levels);
      if (taken === item) continue;
      // A spread makes an own property of `__proto__` too, which the assignment then finds.
      copy ??= (Array.isArray(container) ? [...container] : { ...container }) as typeof from;
      copy[key] = taken;
    }
    return copy ?? container;
  }

  #take(item: unknown, key: string | number, levels: number): unknown {
    if (typeof item !== "object" || item === null) return item;
    if (isBytes(item)) return this.#placeholder(item, levels);
    if (isBlob(item)) throw blobFound();
    const toJson = (item as { toJSON?: unknown }).toJSON;
    if (typeof toJson !== "function") return this.#walk(item as Container, levels - 1);
    if (toJson === DATE_TO_JSON) return item;
    const json: unknown = toJson.call(item, String(key));
    if (typeof json !== "object" || json === null) return json;
    if (isBytes(json)) return this.#placeholder(json, levels);
    if (isBlob(json)) throw blobFound();
    return withoutToJson(this.#walk(json as Container, levels - 1));
  }

  #placeholder(bytes: ArrayBuffer | ArrayBufferView, levels: number): Placeholder {
    if (levels === 1) throw tooDeep();
    return { _placeholder: true, num: this.attachments.push(asUint8Array(bytes)) - 1 };
  }
}

/** JSON asks `toJSON` once and takes the answer as it is, even if the answer has a `toJSON` too. */
function withoutToJson(json: object): object {
  if (typeof (json as { toJSON?: unknown }).toJSON !== "function") return json;
  if (Array.isArray(json)) return [...json];
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== "toJSON"));
}

/** By name, since asking Node for its `Blob` class would load it. A `File` is a `Blob`. */
export function isBlob(value: object): boolean {
  const name = Object.prototype.toString.call(value);
  return name === "[object Blob]" || name === "[object File]";
}

export const TOO_DEEP = "the arguments are nested too deep, or a cycle";

function tooDeep(): CodecError {
  return unencodable(TOO_DEEP);
}

function blobFound(): CodecError {
  return unencodable("a Blob cannot be read at once: send `await blob.arrayBuffer()`");
}

function unencodable(message: string): CodecError {
  return new CodecError("ERR_UNENCODABLE", message);
}
