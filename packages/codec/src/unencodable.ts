import type { Packet } from "@sockeye/protocol";
import { CodecError, PacketType, shown } from "@sockeye/protocol";
import { isBlob, TOO_DEEP } from "./attachments.js";
import { isBytes } from "./bytes.js";

/** Neither deeper levels nor later values are searched for the place of the mistake: it is a help, not a check. */
const MOST_LEVELS = 1000;
const MOST_VALUES = 100_000;
const MOST_OF_A_PLACE = 80;

/** Why a packet cannot be encoded, with the event's name and the place in its arguments, as far as it can be found. */
export function unencodable(error: unknown, packet: Packet, levels: number): CodecError {
  // An error about a limit of the peer says all there is to say.
  if (error instanceof CodecError && error.code !== "ERR_UNENCODABLE") return error;
  const text = `${subjectOf(packet)}${reasonOf(error)}${placeOf(packet.data, levels)}`;
  return new CodecError("ERR_UNENCODABLE", text, error instanceof CodecError ? undefined : error);
}

function subjectOf({ type, data }: Packet): string {
  if (type === PacketType.EVENT) return `event "${shown(data[0])}": `;
  return type === PacketType.ACK ? "acknowledgement: " : "";
}

function reasonOf(error: unknown): string {
  if (error instanceof CodecError) return error.message;
  // Without a limit of levels a cycle has no other end.
  if (error instanceof RangeError) return TOO_DEEP;
  // Anything can be thrown, and not everything can be made a string.
  const text = error instanceof Error ? `${error.message}` : "the app's code threw";
  return `the arguments cannot be written: ${text}${text.includes("BigInt") ? " (send a BigInt as a string)" : ""}`;
}

function placeOf(data: unknown, levels: number): string {
  const search = new Search(Math.min(levels, MOST_LEVELS));
  return search.isFound(data, "arguments") ? `, at ${search.place}` : "";
}

/** Looks for the first value that cannot be encoded. */
class Search {
  place = "";
  readonly #levels: number;
  readonly #above: object[] = [];
  readonly #paths: string[] = [];
  #values = 0;

  constructor(levels: number) {
    this.#levels = levels;
  }

  isFound(value: unknown, path: string): boolean {
    if (typeof value === "bigint") return this.#found(path);
    if (typeof value !== "object" || value === null || isBytes(value)) return false;
    if (++this.#values > MOST_VALUES) return false;
    const again = this.#above.indexOf(value);
    if (again >= 0) return this.#found(path, `, which is ${shortened(this.#paths[again] as string)}`);
    if (isBlob(value) || this.#above.length === this.#levels) return this.#found(path);
    this.#above.push(value);
    this.#paths.push(path);
    const found = this.#isBelow(value, path);
    this.#above.pop();
    this.#paths.pop();
    return found;
  }

  /** Getters are the app's own code. What a `toJSON` returns is not looked at: it would be called once more. */
  #isBelow(value: object, path: string): boolean {
    let at = path;
    try {
      if (typeof (value as { toJSON?: unknown }).toJSON === "function") return false;
      return Object.keys(value).some((key) => {
        at = `${path}${stepTo(key, value)}`;
        return this.isFound((value as Record<string, unknown>)[key], at);
      });
    } catch {
      return this.#found(at);
    }
  }

  #found(path: string, more = ""): true {
    this.place = `${shortened(path)}${more}`;
    return true;
  }
}

function shortened(path: string): string {
  return path.length > MOST_OF_A_PLACE ? `${path.slice(0, MOST_OF_A_PLACE)}…` : path;
}

function stepTo(key: string, value: object): string {
  if (Array.isArray(value)) return `[${key}]`;
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `["${shown(key)}"]`;
}
