/** A call to `node:zlib`. It says `done` once. */
export type ZlibCall = (done: () => void) => void;

/** Lets only so many asynchronous calls to `node:zlib` run at a time: more would fragment the memory. */
export class ZlibQueue {
  readonly #limit: number;
  readonly #waiting: ZlibCall[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls at once if it may, or later. In order of addition. */
  add(call: ZlibCall): void {
    this.#waiting.push(call);
    this.#next();
  }

  #next(): void {
    if (this.#running >= this.#limit) return;
    const call = this.#waiting.shift();
    if (call === undefined) return;
    this.#running++;
    const done = (): void => {
      this.#running--;
      this.#next();
    };
    try {
      call(done);
    } catch (error) {
      // It will not say so itself, and its place is needed by others.
      done();
      throw error;
    }
  }
}
