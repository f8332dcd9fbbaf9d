import type { Socket } from "node:net";
import type { Ending } from "./plan.js";

/** Bytes, or the end of one side of the connection. */
type Item = Buffer | Ending;

/** One direction of a connection: passes on what comes, in order, now or later. */
export class Flow {
  delayMs = 0;
  /** Gets the next chunk before it passes; returns how much of it may, if no more shall pass after it. */
  scissors: ((chunk: Buffer) => number | undefined) | undefined;
  readonly #queue: { readonly due: number; readonly item: Item }[] = [];
  #frozen = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param passed is called whenever bytes were passed on */
  constructor(
    public to: Socket,
    readonly passed: () => void,
  ) {}

  push(item: Item): void {
    if (this.#stopped) return;
    this.#queue.push({ due: performance.now() + this.delayMs, item });
    this.#pump();
  }

  /** Keeps what comes until `thaw()`. */
  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    this.#pump();
  }

  /** Passes nothing any more, not even what waits. */
  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#frozen && !this.#stopped) {
      const [head] = this.#queue;
      if (head === undefined) return;
      const left = head.due - performance.now();
      if (left > 0) {
        this.#timer = setTimeout(() => this.#pump(), left);
        return;
      }
      this.#queue.shift();
      this.#pass(head.item);
    }
  }

  #pass(item: Item): void {
    if (item === "fin") this.to.end();
    else if (item === "rst") this.to.resetAndDestroy();
    else {
      const cut = this.scissors?.(item);
      // Nothing passes behind a gap: TCP has none.
      if (cut !== undefined) this.stop();
      if (this.to.writable) this.to.write(cut === undefined ? item : item.subarray(0, cut));
      this.passed();
    }
  }
}
