import type { IncomingMessage } from "node:http";
import type { Refusal } from "./refusal.js";
import { isThenable } from "./thenable.js";

/**
 * The app's say about a handshake. It answers by the callback or by a promise of a boolean, whichever comes first. A
 * string as the callback's error is sent to the client; an exception or a rejection refuses without telling why.
 */
export type AllowRequest = (
  req: IncomingMessage,
  callback: (error: string | null | undefined, success: boolean) => void,
) => unknown;

/** Where the answer goes. */
export interface Asking {
  /** Called at most once, with a refusal if the app says no. */
  decided(refusal: Refusal | undefined): void;
  /** The app has thrown, or its promise has rejected, before or after it had answered. */
  failed(error: unknown): void;
}

/** Asks the app. */
export function askApp(allowRequest: AllowRequest, req: IncomingMessage, asking: Asking): void {
  let over = false;
  const decide = (refusal: Refusal | undefined): void => {
    if (over) return;
    over = true;
    asking.decided(refusal);
  };
  const answer = (message: unknown, success: unknown): void =>
    decide(success ? undefined : { reason: "FORBIDDEN", context: { message } });
  const fail = (error: unknown): void => {
    asking.failed(error);
    decide({ reason: "FORBIDDEN", context: { message: undefined, error } });
  };
  try {
    const result = allowRequest(req, answer);
    if (!isThenable(result)) return;
    // An async function that uses the callback resolves with nothing, which is not an answer.
    result.then((success) => success !== undefined && answer(undefined, success), fail);
  } catch (error) {
    fail(error);
  }
}
