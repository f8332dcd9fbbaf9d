// Waiting in tests: always for something, never for some time. Every wait has a name and gives up with it.

/** What both Node's emitters and the clients' emitters can do. */
export interface Listenable {
  once(event: string, listener: (...args: unknown[]) => void): unknown;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

const PATIENCE_MS = 8_000;

/** The promise, or a failure that says what was waited for. */
export function within<T>(promise: Promise<T>, what: string, ms: number = PATIENCE_MS): Promise<T> {
  const waited = new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for: ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
  // A test that has failed awaits it no longer. Its own failure is the one to tell: this one would fail the run, even if the test passes when it
  // is tried again.
  waited.catch(() => {});
  return waited;
}

/** The arguments of the next event of that name. Call it before the act that causes the event. */
export function once(source: Listenable, event: string, ms?: number): Promise<unknown[]> {
  const next = new Promise<unknown[]>((resolve) => source.once(event, (...args) => resolve(args)));
  return within(next, `event "${event}"`, ms);
}

/** The arguments of the next `count` events of that name, in order. */
export function collect(source: Listenable, event: string, count: number): Promise<unknown[][]> {
  const all: unknown[][] = [];
  const full = new Promise<unknown[][]>((resolve) => {
    source.on(event, (...args) => {
      all.push(args);
      if (all.length === count) resolve(all);
    });
  });
  return within(full, `${count} events "${event}"`);
}

/**
 * Becomes true on a later turn of the event loop. Only for state that no event announces.
 */
export async function until(condition: () => boolean, what: string, ms: number = PATIENCE_MS): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await turn();
  }
}

/** One turn of the event loop that lets I/O happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** A promise together with its resolver, for callbacks. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T>(what: string, ms?: number): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise: within(promise, what, ms), resolve, reject };
}

/** Resolves once a condition holds that takes asking. Rejects if asking fails. */
export async function eventually(condition: () => Promise<boolean>, ms: number = PATIENCE_MS): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("the nodes do not find each other");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
