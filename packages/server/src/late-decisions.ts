/** Told when nobody can call a function any more. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/**
 * Something waits for a function to be called, which may never happen: an app drops an event by saying nothing. It counts until the function is
 * called, or is garbage.
 *
 * @param count of bytes: below zero once they are not held any more. Must not hold the function
 * @returns to be called when the function is
 */
export function countUntilCalled(
  decide: () => void,
  bytes: number,
  count: (bytes: number) => void,
): () => void {
  const token = {};
  count(bytes);
  forgotten.register(decide, () => count(-bytes), token);
  return () => {
    if (forgotten.unregister(token)) count(-bytes);
  };
}
