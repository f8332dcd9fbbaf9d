import { unmask } from "./mask.js";

/** The longest header with its mask, and the longest control frame. */
const MAX_HEAD = 14;
const MAX_BYTES = MAX_HEAD + 125;

const CLOSE = 8;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;

/**
 * Looks for the peer's close frame in what still comes once ours is out. Of all other frames only the headers are read, and at
 * most 139 bytes are kept, however long a frame says it is.
 */
export class ClosingFrames {
  readonly #found: (body: Buffer) => void;
  readonly #bytes = Buffer.alloc(MAX_BYTES);
  #length = 0;
  /** Bytes of a payload that are still to come and are dropped. */
  #skipped = 0;
  #over = false;

  /** @param found called once, with what stands in the close frame, or with nothing for what is no frame of a client */
  constructor(found: (body: Buffer) => void) {
    this.#found = found;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#over) {
      const dropped = Math.min(this.#skipped, chunk.length - at);
      this.#skipped -= dropped;
      at += dropped;
      if (this.#skipped > 0) return;
      const missing = this.#needed() - this.#length;
      const taken = chunk.copy(this.#bytes, this.#length, at, at + missing);
      this.#length += taken;
      at += taken;
      if (this.#length === this.#needed()) this.#take();
    }
  }

  /** How much of the frame must be here before it can be dropped, or read. */
  #needed(): number {
    if (this.#length < 2) return 2;
    const head = this.#head();
    const isClose = ((this.#bytes[0] as number) & OPCODE) === CLOSE;
    return isClose && this.#short() <= 125 ? head + this.#short() : head;
  }

  #head(): number {
    const short = this.#short();
    return 6 + (short === 127 ? 8 : short === 126 ? 2 : 0);
  }

  #short(): number {
    return (this.#bytes[1] as number) & LENGTH;
  }

  #take(): void {
    const bytes = this.#bytes;
    const short = this.#short();
    const head = this.#head();
    this.#length = 0;
    if ((bytes[1] as number) < MASKED) {
      this.#end(bytes.subarray(0, 0));
    } else if (((bytes[0] as number) & OPCODE) === CLOSE && short <= 125) {
      unmask(bytes, head - 4, head + short);
      // One byte is no status code.
      this.#end(bytes.subarray(head, short === 1 ? head : head + short));
    } else if (short === 127) {
      this.#skipped = bytes.readUInt32BE(2) * 2 ** 32 + bytes.readUInt32BE(6);
    } else {
      this.#skipped = short === 126 ? bytes.readUInt16BE(2) : short;
    }
  }

  #end(body: Buffer): void {
    this.#over = true;
    this.#found(body);
  }
}
