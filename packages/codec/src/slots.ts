import { CodecError } from "@sockeye/protocol";
import type { Placeholder } from "./attachments.js";
import type { Container } from "./container.js";
import { keysOf } from "./container.js";

/** Where attachments of a packet go, found once when its head comes in; filled as they come. */
export class Slots {
  /** By number: the array or object that holds the placeholder, and where in it. */
  readonly #holders: Container[] = [];
  readonly #keys: (string | number)[] = [];
  readonly #count: number;
  #filled = 0;

  /**
   * Finds all placeholders. Each attachment must have one, and no more than one.
   *
   * @throws CodecError `ERR_BAD_ATTACHMENT`
   */
  constructor(data: Container, count: number) {
    this.#count = count;
    let found = 0;
    // No recursion, so depth does not matter. Neither does order: placeholders have numbers.
    const open: Container[] = [data];
    for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
      for (const key of keysOf(holder)) {
        const item = (holder as Record<string | number, unknown>)[key];
        if (typeof item !== "object" || item === null) continue;
        if ((item as Partial<Placeholder>)._placeholder === true) {
          this.#claim((item as { num?: unknown }).num, holder, key);
          found++;
        } else {
          open.push(item as Container);
        }
      }
    }
    if (found !== count) throw badAttachment("a placeholder is missing");
  }

  #claim(num: unknown, holder: Container, key: string | number): void {
    if (typeof num !== "number" || !Number.isInteger(num) || num < 0 || num >= this.#count) {
      throw badAttachment("a placeholder is out of range");
    }
    if (this.#holders[num] !== undefined) throw badAttachment("a placeholder is repeated");
    this.#holders[num] = holder;
    this.#keys[num] = key;
  }

  /** Puts the next attachment into its place. */
  fill(bytes: unknown): void {
    const num = this.#filled++;
    const holder = this.#holders[num] as Record<string | number, unknown>;
    holder[this.#keys[num] as string | number] = bytes;
  }
}

/** For attachments and placeholders that don't belong to each other. */
export function badAttachment(message: string): CodecError {
  return new CodecError("ERR_BAD_ATTACHMENT", message);
}
