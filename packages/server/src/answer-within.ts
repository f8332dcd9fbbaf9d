import type { Clock } from "@sockeye/protocol";
import { SockeyeError } from "@sockeye/protocol";

/** A question was not answered in time. */
export class Silence extends SockeyeError {
  override readonly name = "Silence";

  constructor(timeoutMs: number) {
    super("ERR_RATE_STORE_TIMEOUT", `The store of a rate limit has not answered within ${timeoutMs} ms.`);
  }
}

/**
 * The answer, or a {@link Silence}. Once it is settled, a promise that never is holds nothing of it.
 */
export function answerWithin<T>(answer: PromiseLike<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(new Silence(timeoutMs)), timeoutMs);
    answer.then(
      (value) => {
        clock.clearTimer(timer);
        resolve(value);
      },
      (error: unknown) => {
        clock.clearTimer(timer);
        reject(error as Error);
      },
    );
  });
}
