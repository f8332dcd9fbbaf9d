/** Is there no time left in this turn of the event loop? Then `goOn` is called when there is. */
export type Delays = (goOn: () => void) => boolean;

/** Goes on with what a promise gives, within the turns of the event loop: very much may wait for one promise. */
export function afterwards<T, R>(
  promise: PromiseLike<T>,
  delays: Delays,
  then: (value: T) => R | PromiseLike<R>,
): Promise<R> {
  return new Promise((resolve, reject) => {
    promise.then((value) => {
      const goOn = (): void => {
        try {
          resolve(then(value));
        } catch (error) {
          reject(error as Error);
        }
      };
      if (!delays(goOn)) goOn();
    }, reject);
  });
}
