import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable } from "./thenable.js";

/**
 * A function in the style of Express, run for every request and upgrade request of the engine. It answers itself, or calls
 * `next`: without an argument to go on, with one to refuse. A throw or a rejected promise refuses, too.
 */
export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** One request, on its way through the middlewares. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** A middleware has thrown, or its promise has rejected; or it has called `next(error)` after it had decided. */
  failed(error: unknown): void;
}

/** Runs them in order and calls `done` at most once: with the error of the one that refused, if any. */
export function runMiddlewares(
  middlewares: readonly Middleware[],
  exchange: Exchange,
  done: (error: unknown) => void,
): void {
  const { req, res } = exchange;
  const run = (index: number): void => {
    const middleware = middlewares[index];
    if (middleware === undefined) {
      done(undefined);
      return;
    }
    let called = false;
    const next = (error?: unknown): void => {
      if (called) {
        if (error) exchange.failed(error);
        return;
      }
      called = true;
      // As in Express, anything truthy is an error.
      if (error) done(error);
      else run(index + 1);
    };
    const fail = (error: unknown): void => {
      exchange.failed(error);
      if (!called) next(error || new Error("a middleware failed"));
    };
    try {
      const result = middleware(req, res, next);
      if (isThenable(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
  run(0);
}
