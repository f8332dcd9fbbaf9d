import { isBytes } from "@sockeye/codec";

/** What of a value cannot be sent to other servers, and why. */
export type Unshareable = (path: string, why: string) => void;

/** More levels than anybody has use for, and fewer than writers of JSON and MessagePack can take. */
const MAX_LEVELS = 100;

/**
 * A value as other servers can be told of it, in JSON as in MessagePack: without functions and symbols, as JSON has it, and without what
 * makes such writers throw: a cycle, a BigInt, too many levels, a getter or `toJSON` that throws. The same object if there is nothing
 * of that in it.
 *
 * @param path what it is, for people
 * @param left told of each thing that was left out, save functions and symbols
 */
export function shareable(value: unknown, path: string, left: Unshareable): unknown {
  return new Walk(left).of(value, path);
}

class Walk {
  readonly #left: Unshareable;
  readonly #above: object[] = [];

  constructor(left: Unshareable) {
    this.#left = left;
  }

  of(value: unknown, path: string): unknown {
    if (typeof value === "bigint") return this.#without(path, "is a BigInt");
    if (typeof value === "function" || typeof value === "symbol") return undefined;
    if (typeof value !== "object" || value === null || isBytes(value)) return value;
    if (this.#above.includes(value)) return this.#without(path, "is a cycle");
    if (this.#above.length === MAX_LEVELS) return this.#without(path, "is nested too deep");
    this.#above.push(value);
    try {
      return this.#object(value, path);
    } catch (error) {
      return this.#without(path, `throws: ${error instanceof Error ? error.message : typeof error}`);
    } finally {
      this.#above.pop();
    }
  }

  #object(value: object, path: string): unknown {
    if (Array.isArray(value)) return this.#array(value, path);
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON !== "function") return this.#entries(value, path);
    const json: unknown = toJSON.call(value, "");
    // Dates, and what writes itself as it is: formats that know more than JSON may keep it.
    if (typeof json !== "object" || json === null)
      return typeof json === "string" ? value : this.of(json, path);
    return Array.isArray(json) ? this.#array(json, path) : this.#entries(json, path);
  }

  #array(items: readonly unknown[], path: string): unknown {
    let copy: unknown[] | undefined;
    for (const [index, item] of items.entries()) {
      const shared = this.of(item, `${path}[${index}]`);
      if (shared === item) continue;
      copy ??= [...items];
      // In JSON a hole is null.
      copy[index] = shared ?? null;
    }
    return copy ?? items;
  }

  #entries(value: object, path: string): unknown {
    const copy: Record<string, unknown> = {};
    let isSame = true;
    for (const key of Object.keys(value)) {
      const at = `${path}.${key}`;
      let item: unknown;
      try {
        item = (value as Record<string, unknown>)[key];
      } catch {
        this.#left(at, "throws when it is read");
        isSame = false;
        continue;
      }
      const shared = this.of(item, at);
      isSame &&= shared === item;
      // A plain assignment would take `__proto__` for something else.
      if (shared !== undefined) Object.defineProperty(copy, key, { ...PLAIN, value: shared });
    }
    return isSame ? value : copy;
  }

  #without(path: string, why: string): undefined {
    this.#left(path, why);
    return undefined;
  }
}

const PLAIN = { enumerable: true, configurable: true, writable: true };
