import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@sockeye/protocol";
import { isThenable } from "./thenable.js";

/**
 * A function in the style of Express, run for every request and upgrade request of the engine. It answers itself, or calls
 * `next`: without an argument to continue, with one to refuse. A throw or a rejected promise refuses, too.
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

/** Who waits for the middlewares, and how long. */
export interface Patience {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly visit: {
    /** Is nobody left to answer? */
    readonly gone: boolean;
    onGone(gone: () => void): () => void;
  };
  /** One has decided later than it was asked: very many may wait for the same. Left out: it goes on at once. */
  goOn?(then: () => void): void;
  /** Called at most once: with the error of the middleware that refused, if any. */
  done(error: unknown): void;
  /** Called in its place if a middleware has neither answered nor called `next` in time. @param who has not, in words */
  late(who: string): void;
}

/** Runs them in order. Those that decide at once cost no timer. */
export function runMiddlewares(
  middlewares: readonly Middleware[],
  exchange: Exchange,
  { clock, timeoutMs, visit, goOn = (then) => then(), done, late }: Patience,
): void {
  const { req, res } = exchange;
  let asked = 0;
  let isOver = false;
  let stop: (() => void) | undefined;
  const end = (): boolean => {
    if (isOver) return false;
    isOver = true;
    stop?.();
    return true;
  };
  const run = (index: number): void => {
    const middleware = middlewares[index];
    if (middleware === undefined) {
      if (end()) done(undefined);
      return;
    }
    asked = index;
    let called = false;
    let isLate = false;
    const next = (error?: unknown): void => {
      if (called) {
        if (error) exchange.failed(error);
        return;
      }
      called = true;
      const then = (): void => {
        if (isOver) return;
        // As in Express, anything truthy is an error.
        if (!error) run(index + 1);
        else if (end()) done(error);
      };
      if (isLate) goOn(then);
      else then();
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
    isLate = true;
  };
  run(0);
  if (isOver || visit.gone) return;
  const timer = clock.setTimer(() => {
    // A middleware that has begun to answer goes on answering.
    if (end() && !visit.gone) late(nameOf(middlewares[asked], asked));
  }, timeoutMs);
  const unwatch = visit.onGone(() => void end());
  stop = () => {
    clock.clearTimer(timer);
    unwatch();
  };
}

function nameOf(middleware: Middleware | undefined, index: number): string {
  return `middleware ${index + 1}${middleware?.name ? ` (${middleware.name})` : ""}`;
}
