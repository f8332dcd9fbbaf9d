import { type Guarded, LISTENERS, REPORT } from "@sockeye/protocol";
import type { Listener } from "./emitter.js";

/** Where exceptions and rejections of the app's code go. */
export interface ErrorBoundary {
  /** Must not throw. @param event the event whose listener failed */
  reportError(error: unknown, event: string | symbol | number): void;
}

/** Something with listeners, and a place for their errors. */
export interface Dispatchable extends Guarded {
  [LISTENERS](event: string | symbol | number): Listener[];
}

/**
 * Calls the app's listeners of an event. What a listener throws, or what a promise that it returns rejects with, is
 * reported and stops nobody: not the other listeners, not the session, not the process.
 *
 * @returns whether there was a listener
 */
export function dispatch(
  target: Dispatchable,
  event: string | symbol | number,
  args: readonly unknown[],
): boolean {
  const listeners = target[LISTENERS](event);
  if (listeners.length === 0) return false;
  const context = { target, event };
  for (const listener of listeners) callGuarded(listener, args, context);
  return true;
}

/** Does an event have a listener? */
export function isHeard(target: Dispatchable, event: string | symbol | number): boolean {
  return target[LISTENERS](event).length > 0;
}

/** For whom a piece of the app's code runs. */
interface Context {
  /** `this` of the call, and the boundary. */
  readonly target: Guarded;
  readonly event: string | symbol | number;
}

/** Runs one piece of the app's code behind the boundary. */
export function callGuarded(fn: Listener, args: readonly unknown[], { target, event }: Context): void {
  try {
    const result = fn.apply(target, args as never[]);
    if (isThenable(result)) result.then(undefined, (error: unknown) => target[REPORT](error, event));
  } catch (error) {
    target[REPORT](error, event);
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}
