import { isThenable } from "@sockeye/socket";

/** How many may wait for slow answers. */
const MAX_WAITING = 1000;

/**
 * Lets one after another pass, in order, each once its question is answered. While all answers come at once nobody waits, and
 * nothing is allocated.
 */
export class Turnstile {
  #last: Promise<void> | undefined;
  #waiting = 0;

  /**
   * @param ask gives the answer, or a promise of it; called when those before have passed
   * @param pass called with the answer
   * @param fail called with what `ask` threw or its promise rejected with; must not throw
   * @returns false if too many wait already: nothing is called then
   */
  enter<T>(
    ask: () => T | PromiseLike<T>,
    pass: (answer: T) => void,
    fail: (error: unknown) => void,
  ): boolean {
    if (this.#last !== undefined) {
      if (this.#waiting >= MAX_WAITING) return false;
      this.#wait(this.#last.then(ask).then(pass).catch(fail));
      return true;
    }
    let answer: T | PromiseLike<T>;
    try {
      answer = ask();
    } catch (error) {
      fail(error);
      return true;
    }
    if (isThenable(answer)) this.#wait(Promise.resolve(answer).then(pass).catch(fail));
    else pass(answer);
    return true;
  }

  #wait(passed: Promise<void>): void {
    this.#waiting++;
    const last = passed.then(() => {
      this.#waiting--;
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
  }
}
