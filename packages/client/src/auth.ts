import { isThenable } from "@sockeye/socket";
import type { Auth } from "./options.js";

/**
 * Asks what a socket tells the server about itself. A function may return it, return a promise of it, or give it to its parameter; what
 * it throws, or its promise rejects with, is a failure. The first answer or failure counts, and the caller sees to that.
 */
export function askAuth(
  owner: { readonly auth: Auth | undefined },
  tell: (data: unknown) => void,
  fail: (error: unknown) => void,
): void {
  if (typeof owner.auth !== "function") {
    tell(owner.auth);
    return;
  }
  try {
    // Without the parameter there is nothing else to wait for.
    const isAlone = owner.auth.length === 0;
    const result: unknown = owner.auth(tell);
    if (isThenable(result)) {
      result.then((value) => {
        if (isNothing(value) || typeof value === "object" || isAlone) tell(value);
      }, fail);
    } else if (isNothing(result) || (typeof result === "object" && (isAlone || isPlain(result)))) {
      // An arrow function that calls `setTimeout` returns an object as well, of a class.
      tell(result);
    }
  } catch (error) {
    fail(error);
  }
}

/** What can be sent. Anything that is no object, such as `null` for nobody, is not sent. */
export function objectOf(auth: unknown): object | undefined {
  const { toJSON } = Object(auth ?? 0) as { toJSON?: unknown };
  const data: unknown = typeof toJSON === "function" ? toJSON.call(auth) : auth;
  // `new String("token")` is a text as JSON.
  const isValue = data instanceof String || data instanceof Number || data instanceof Boolean;
  return typeof data === "object" && data !== null && !Array.isArray(data) && !isValue ? data : undefined;
}

/** `null`, `false` and the like, but not `undefined`, which every function returns that says nothing. */
function isNothing(value: unknown): boolean {
  return value !== undefined && !value;
}

function isPlain(value: unknown): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
