// Just enough of HTTP/1.1 to know one request of a connection from the next.

const HEAD_END = Buffer.from("\r\n\r\n");
const MOST_BYTES = 4_000_000;

/** Reads what a client sends and tells of every request that is complete. */
export class RequestReader {
  #buffered: Buffer = Buffer.alloc(0);
  #count = 0;
  #reads = true;

  /** @param complete gets the number of a request and its bytes, head and body */
  constructor(readonly complete: (index: number, raw: Buffer) => void) {}

  write(chunk: Buffer): void {
    if (!this.#reads) return;
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    while (this.#next());
  }

  /** @returns whether there may be another request in what is buffered */
  #next(): boolean {
    const headEnd = this.#buffered.indexOf(HEAD_END);
    if (headEnd === -1) return this.#wait(this.#buffered.length <= MOST_BYTES);
    const length = this.#lengthOf(this.#buffered.subarray(0, headEnd).toString("latin1"));
    const end = headEnd + HEAD_END.length + (length ?? 0);
    if (length === undefined || this.#buffered.length < end) return this.#wait(length !== undefined);
    const raw = this.#buffered.subarray(0, end);
    this.#buffered = this.#buffered.subarray(end);
    this.complete(this.#count++, raw);
    return true;
  }

  /** Bytes of the body; undefined for what is followed by something else than the next request. */
  #lengthOf(head: string): number | undefined {
    if (!/^(GET|POST|OPTIONS) /.test(head) || /^(upgrade|transfer-encoding):/im.test(head)) return undefined;
    return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  }

  #wait(hopes: boolean): false {
    this.#reads = hopes;
    if (!hopes) this.#buffered = Buffer.alloc(0);
    return false;
  }
}
