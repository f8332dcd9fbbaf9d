import { isThenable } from "@sockeye/socket";

/** How many may wait for slow answers, and how many bytes they may hold. */
const MAX_WAITING = 1000;
const MAX_WEIGHT = 1_048_576;

/** Somebody with a question. */
interface Waiting {
  readonly ask: () => unknown;
  readonly pass: (answer: never) => void;
  readonly fail: (error: unknown) => void;
  readonly weight: number;
}

/**
 * Lets one after another pass, in order, each once its question is answered. While all answers come at once nobody waits. What
 * waits is held here and nowhere else, so that {@link clear} frees it even if an answer never comes.
 */
export class Turnstile {
  /** Whose answer is awaited. */
  #first: Waiting | undefined = undefined;
  #others: Waiting[] = [];
  #weight = 0;
  /** Told how many bytes more wait, or fewer. */
  readonly #weighed: (bytes: number) => void;
  /** Answers to earlier questions, or to those that were let go of, mean nothing. */
  #turn = 0;

  constructor(weighed: (bytes: number) => void = () => {}) {
    this.#weighed = weighed;
  }

  /** Does nobody wait? */
  get free(): boolean {
    return this.#first === undefined;
  }

  /**
   * @param ask gives the answer, or a promise of it; called when those before have passed
   * @param pass called with the answer
   * @param fail called with what `ask` threw or its promise rejected with; must not throw
   * @param weight the bytes that wait with it
   * @returns false if too many wait already: nothing is called then
   */
  enter<T>(
    ask: () => T | PromiseLike<T>,
    pass: (answer: T) => void,
    fail: (error: unknown) => void,
    weight = 0,
  ): boolean {
    const waiting: Waiting = { ask, pass, fail, weight };
    if (this.#first === undefined) {
      this.#run(waiting);
      return true;
    }
    if (this.#others.length + 1 >= MAX_WAITING || this.#weight + weight > MAX_WEIGHT) return false;
    this.#others.push(waiting);
    this.#weigh(weight);
    return true;
  }

  /** Everybody who waits for the first fails with it, unasked. */
  failAll(error: unknown): void {
    const others = this.#others;
    this.#others = [];
    this.#weigh(-this.#weight);
    for (const { fail } of others) fail(error);
  }

  /** Lets go of all who wait. Nothing is called for them any more. */
  clear(): void {
    this.#turn++;
    this.#first = undefined;
    this.#others = [];
    this.#weigh(-this.#weight);
  }

  #weigh(bytes: number): void {
    if (bytes === 0) return;
    this.#weight += bytes;
    this.#weighed(bytes);
  }

  #run(first: Waiting): void {
    for (let waiting: Waiting | undefined = first; waiting !== undefined; waiting = this.#shift()) {
      this.#first = waiting;
      let answer: unknown;
      try {
        answer = waiting.ask();
      } catch (error) {
        waiting.fail(error);
        continue;
      }
      if (isThenable(answer)) {
        this.#await(answer);
        return;
      }
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
    try {
      tell(first);
    } catch (error) {
      first.fail(error);
    }
    // Whoever was told may have let go of all.
    if (turn !== this.#turn) return;
    const next = this.#shift();
    this.#first = undefined;
    if (next) this.#run(next);
  }

  #shift(): Waiting | undefined {
    const waiting = this.#others.shift();
    if (waiting) this.#weigh(-waiting.weight);
    return waiting;
  }
}
