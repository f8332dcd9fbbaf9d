import { decodePayload } from "@sockeye/codec/payload";
import type { Frame } from "@sockeye/protocol";

/**
 * Payloads in which `%` and the characters that end lines or texts are written as `%25`, `%0D`, `%0A` and `%00`.
 *
 * @see PROTOCOL.md, "Streaming"
 */

const NO_LIMIT = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

/** @throws CodecError, URIError */
export function decodeEscaped(payload: string): Frame[] {
  // All that servers escape is spelled as in addresses.
  return decodePayload(payload.includes("%") ? decodeURIComponent(payload) : payload, NO_LIMIT);
}

/** Pieces of a line that are kept apart. */
const JOINED = 256;

/** Reads frames from lines, wherever the stream was cut. The work is linear, however small the pieces are. */
export class LineDecoder {
  readonly #text: TextDecoder = new TextDecoder("utf-8", { fatal: true });
  /** The line under way: what has been joined, and what has come since. */
  #line = "";
  #pieces: string[] = [];

  /**
   * The frames of the lines that end in this piece, in order.
   *
   * @throws CodecError, URIError; TypeError for what is not UTF-8
   */
  write(bytes: Uint8Array): Frame[] {
    const [first = "", ...others] = this.#text.decode(bytes, { stream: true }).split("\n");
    if (first !== "") this.#pieces.push(first);
    // Small pieces are joined by the hundred, so that what is held is what they weigh.
    if (this.#pieces.length >= JOINED) this.#line = this.#joined("");
    return others.flatMap((piece) => {
      const line = this.#joined(piece);
      // Spaces pad the beginning of a response.
      return line.trim() === "" ? [] : decodeEscaped(line);
    });
  }

  /** The line under way. The next one begins with `piece`. */
  #joined(piece: string): string {
    const line = this.#line + this.#pieces.join("");
    this.#line = "";
    this.#pieces = [piece];
    return line;
  }
}
