/** What an upload's body needs of its socket. */
export interface BodyHost {
  /** How many bytes may be under way and unread, now. */
  window(): number;
  /** Tells the client how far the app has read, and up to where it may send. */
  grant(read: number, upto: number): void;
  /** Holds so many bytes more. @returns false: that is too many, and the socket is gone */
  hold(bytes: number): boolean;
  release(bytes: number): void;
}

/** What has come and was not read: of `bytes` the first ones. */
interface Held {
  bytes: Uint8Array;
  length: number;
}

/** Smaller pieces are put together, in at most twice their bytes: each by itself would cost some hundred more. */
const SMALL_BYTES = 4096;

type Result = IteratorResult<Uint8Array, undefined>;

/** The bytes of an upload on their way to its handler. A client may send up to where it was granted, and no byte more. */
export class UploadBody implements AsyncIterableIterator<Uint8Array, undefined> {
  received = 0;
  readonly #host: BodyHost;
  readonly #size: number | undefined;
  readonly #most: number;
  #held: Held[] = [];
  #readers: { resolve(result: Result): void; reject(error: unknown): void }[] = [];
  #read = 0;
  #upto = 0;
  #window = 0;
  /** The handler reads no more. */
  #isLeft = false;
  /** May the client still say that it has sent all? */
  #mayFinish = false;
  /** No more comes. */
  #ended: { readonly error?: unknown } | undefined;

  /** @param size as the client says it. @param most bytes that may come */
  constructor(host: BodyHost, size: number | undefined, most: number) {
    this.#host = host;
    this.#size = size;
    this.#most = most;
  }

  /** The client may send: from what was read on. */
  start(): void {
    this.#mayFinish = true;
    this.#grant();
  }

  /** The client is gone. What has come and was not read is forgotten, for it will be sent again. */
  rewind(): void {
    // All has come, and was read.
    if (this.#ended && this.#held.length === 0) return;
    this.#releaseAll();
    this.received = this.#upto = this.#read;
    this.#ended = undefined;
  }

  /** @returns the code and the message of what is wrong */
  chunk(at: unknown, bytes: unknown): readonly [code: string, message: string] | undefined {
    if (this.#ended || at !== this.received || !(bytes instanceof Uint8Array) || bytes.byteLength === 0)
      return ["ERR_STREAM_FRAME", "this is not the next piece"];
    const upto = this.received + bytes.byteLength;
    if (upto > this.#most) return ["ERR_STREAM_LIMIT", `more than ${this.#most} bytes`];
    if (upto > this.#upto || upto > (this.#size ?? upto))
      return ["ERR_STREAM_FRAME", "more bytes than were granted, or announced"];
    const isHeld = !this.#isLeft && this.#host.hold(bytes.byteLength);
    this.received = upto;
    if (!isHeld) return undefined;
    this.#keep(bytes);
    this.#hand();
    return undefined;
  }

  /** The client has sent all. */
  finish(): readonly [code: string, message: string] | undefined {
    if (!this.#mayFinish || this.received !== (this.#size ?? this.received))
      return ["ERR_STREAM_FRAME", "fewer bytes than were announced"];
    this.#mayFinish = false;
    this.#ended ??= {};
    this.#hand();
    return undefined;
  }

  /** Nothing more of it is read. */
  fail(error: unknown): void {
    this.#releaseAll();
    this.#ended = { error };
    this.#hand();
  }

  next(): Promise<Result> {
    if (this.#isLeft) return this.return();
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#hand();
    });
  }

  /** A handler that leaves the loop reads no more, and the client sends no more. */
  return(): Promise<Result> {
    this.#isLeft = true;
    this.#releaseAll();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #keep(bytes: Uint8Array): void {
    const last = this.#held.at(-1);
    const length = (last?.length ?? 0) + bytes.byteLength;
    if (!last || last.length >= SMALL_BYTES || bytes.byteLength >= SMALL_BYTES) {
      this.#held.push({ bytes, length: bytes.byteLength });
      return;
    }
    if (length > last.bytes.byteLength) {
      const grown = new Uint8Array(2 * length);
      grown.set(last.bytes.subarray(0, last.length));
      // A handler on Node.js gets a Buffer, however the bytes were cut.
      last.bytes = Object.setPrototypeOf(grown, Object.getPrototypeOf(bytes) as object) as Uint8Array;
    }
    last.bytes.set(bytes, last.length);
    last.length = length;
  }

  #releaseAll(): void {
    for (const { length } of this.#held.splice(0)) this.#host.release(length);
  }

  #hand(): void {
    while (this.#readers.length > 0) {
      const held = this.#held.shift();
      if (!held && !this.#ended) return;
      const reader = this.#readers.shift();
      if (held) {
        const { bytes, length } = held;
        this.#host.release(length);
        this.#read += length;
        reader?.resolve({ done: false, value: bytes.subarray(0, length) });
        const isHalf = this.#upto - this.#read <= this.#window / 2;
        if (!this.#ended && (isHalf || this.#held.length === 0)) this.#grant();
      } else if (this.#ended && "error" in this.#ended) reader?.reject(this.#ended.error);
      else reader?.resolve({ done: true, value: undefined });
    }
  }

  #grant(): void {
    this.#window = this.#host.window();
    this.#upto = Math.max(this.#upto, this.#read + this.#window);
    this.#host.grant(this.#read, this.#upto);
  }
}
