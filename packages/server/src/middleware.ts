import { types } from "node:util";
import type { Unchecked } from "@sockeye/socket";
import { isThenable } from "@sockeye/socket";

/** An error whose `data` goes to the client with its message. */
export interface ExtendedError extends Error {
  data?: Unchecked;
}

/** Passes on to the next middleware, or refuses. */
export type Next = (error?: ExtendedError) => void;

/** Decides whether a socket may join. `error.message` and `error.data` go to the client as `connect_error`. */
export type NamespaceMiddleware<S> = (socket: S, next: Next) => unknown;

/** An event as it came in: its name, then its arguments. */
export type Event = [event: Unchecked, ...args: Unchecked[]];

/** Sees each event that a client sends, as `[name, ...args]`, before the handlers do. */
export type SocketMiddleware = (event: Event, next: Next) => unknown;

/** What else is told of middlewares. */
export interface MiddlewareWatch {
  /** A middleware is asked, by its place. */
  asked?(index: number): void;
  /** A middleware has returned a promise. */
  waits?(promise: PromiseLike<unknown>): void;
  /** A middleware has returned without a word: it may call `next` later, or never. @returns called if it does */
  mayDecideLater?(next: Next): () => void;
  /** A middleware has passed on: must what follows wait? Then `goOn` is called in its turn. @param isLate has it decided later than it was asked? */
  delays(goOn: () => void, isLate: boolean): boolean;
  /** A middleware that had decided already has called `next(error)`, has thrown, or its promise has rejected. */
  failedLate(error: unknown): void;
}

/**
 * Runs middlewares one after another and calls `done` once, with the error of the first that refuses. A middleware
 * refuses by `next(error)`, by throwing, or by a promise that rejects; one whose only parameter is the subject passes
 * on by returning, or by a promise that resolves. (A function without named parameters may well take `next` by `...args`:
 * to pass it on would let in whom it has not judged.)
 */
export function runMiddlewares<T>(
  middlewares: ReadonlyArray<(subject: T, next: Next) => unknown>,
  subject: T,
  done: (error: Error | undefined) => void,
  watch: MiddlewareWatch,
): void {
  const run = (index: number): void => {
    const middleware = middlewares[index];
    if (!middleware) {
      done(undefined);
      return;
    }
    watch.asked?.(index);
    let called = false;
    let isLate = false;
    let decidedLate: (() => void) | undefined;
    const next: Next = (error) => {
      if (called) {
        if (error) watch.failedLate(error);
        return;
      }
      called = true;
      decidedLate?.();
      const goOn = (): void => {
        if (error) done(error);
        else run(index + 1);
      };
      if (!watch.delays(goOn, isLate)) goOn();
    };
    const refuse = (error: unknown): void => {
      if (called) watch.failedLate(error);
      else next(errorOf(error));
    };
    const passes = middleware.length === 1;
    let isAsync: boolean;
    try {
      const result = middleware(subject, next);
      isAsync = isThenable(result);
      // Apps may return promises of their own make: their `then` is the app's code, too.
      if (isThenable(result)) {
        result.then(passes ? () => next() : undefined, refuse);
        watch.waits?.(result);
      }
    } catch (error) {
      refuse(error);
      return;
    }
    if (!isAsync && passes) next();
    isLate = true;
    if (!isAsync && !passes && !called) decidedLate = watch.mayDecideLater?.(next);
  };
  run(0);
}

/** What a middleware throws may be anything, and say so in no way that can be relied on. */
function errorOf(thrown: unknown): Error {
  try {
    return thrown instanceof Error || types.isNativeError(thrown) ? thrown : new Error(String(thrown));
  } catch {
    return new Error("Refused");
  }
}
