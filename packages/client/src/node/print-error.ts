import { inspect } from "node:util";
import { shownError } from "@sockeye/protocol";

/** Prints what the app's code has thrown, which may quote what a server has sent: a terminal must not act on it. */
export function printError(error: unknown): void {
  try {
    const plain = typeof error === "string" ? error : inspect(error);
    const safe = shownError(plain);
    // As it is, a terminal shows it in colours.
    console.error(safe === plain ? error : safe);
  } catch {
    console.error(`a value of the type ${typeof error} that cannot be shown`);
  }
}
