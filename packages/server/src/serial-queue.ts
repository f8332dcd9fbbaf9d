import { isThenable } from "@sockeye/socket";

/** How many may wait for slow answers, and how many bytes they may hold. */
const MAX_WAITING = 1000;
const MAX_BYTES = 1_048_576;

/** A question, and who asked it. */
interface Waiting {
  readonly ask: () => unknown;
  readonly pass: (answer: never) => void;
  readonly fail: (error: unknown) => void;
  /** What waits with it. Counted once it has to wait. */
  readonly size: () => number;
  bytes: number;
}

/**
 * Lets one after another pass, in order, each once its question is answered. While all answers come at once nobody waits. What
 * waits is held here and nowhere else, so that {@link clear} frees it even if an answer never comes.
 */
export class SerialQueue {
  /** Whose answer is awaited. */
  #first: Waiting | undefined = undefined;
  #others: Waiting[] = [];
  #bytes = 0;
  /** Told how many bytes more wait, or fewer. */
  readonly #counted: (bytes: number) => void;
  /** Answers to earlier questions, or to those that were dropped, mean nothing. */
  #turn = 0;

  constructor(counted: (bytes: number) => void = () => {}) {
    this.#counted = counted;
  }

  /**
   * @param ask gives the answer, or a promise of it; called when those before have passed
   * @param pass called with the answer
   * @param fail called with what `ask` threw or its promise rejected with; must not throw
   * @param size gives the bytes that wait with it; called only if it waits
   * @returns false if too many wait already: nothing is called then
   */
  enter<T>(
    ask: () => T | PromiseLike<T>,
    pass: (answer: T) => void,
    fail: (error: unknown) => void,
    size: () => number = () => 0,
  ): boolean {
    const waiting: Waiting = { ask, pass, fail, size, bytes: 0 };
    if (this.#first === undefined) {
      this.#run(waiting);
      return true;
    }
    const bytes = size();
    if (this.#others.length + 1 >= MAX_WAITING || this.#bytes + bytes > MAX_BYTES) return false;
    this.#others.push(waiting);
    this.#count(waiting, bytes);
    return true;
  }

  /** Everybody who waits for the first fails with it, unasked. */
  failAll(error: unknown): void {
    const others = this.#others;
    this.#others = [];
    for (const waiting of others) this.#count(waiting, 0);
    for (const { fail } of others) fail(error);
  }

  /** Lets go of all who wait. Nothing is called for them any more. */
  clear(): void {
    this.#turn++;
    this.#first = undefined;
    this.#others = [];
    const bytes = this.#bytes;
    this.#bytes = 0;
    if (bytes > 0) this.#counted(-bytes);
  }

  #count(waiting: Waiting, bytes: number): void {
    const more = bytes - waiting.bytes;
    waiting.bytes = bytes;
    if (more === 0) return;
    this.#bytes += more;
    this.#counted(more);
  }

  #run(first: Waiting): void {
    for (let waiting: Waiting | undefined = first; waiting !== undefined; waiting = this.#others.shift()) {
      this.#first = waiting;
      let answer: unknown;
      try {
        answer = waiting.ask();
      } catch (error) {
        this.#count(waiting, 0);
        waiting.fail(error);
        continue;
      }
      if (isThenable(answer)) {
        if (waiting.bytes === 0) this.#count(waiting, waiting.size());
        this.#await(answer);
        return;
      }
      this.#count(waiting, 0);
      waiting.pass(answer as never);
    }
    this.#first = undefined;
  }

  /** What the promise holds on to is this turnstile, not who waits. */
  #await(answer: PromiseLike<unknown>): void {
    const turn = ++this.#turn;
    Promise.resolve(answer).then(
      (value) => this.#settle(turn, ({ pass }) => pass(value as never)),
      (error: unknown) => this.#settle(turn, ({ fail }) => fail(error)),
    );
  }

  #settle(turn: number, tell: (waiting: Waiting) => void): void {
    const first = this.#first;
    if (turn !== this.#turn || first === undefined) return;
    this.#count(first, 0);
    try {
      tell(first);
    } catch (error) {
      first.fail(error);
    }
    // The callee may have dropped everything.
    if (turn !== this.#turn) return;
    const next = this.#others.shift();
    this.#first = undefined;
    if (next) this.#run(next);
  }
}
