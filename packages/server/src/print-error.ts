import { inspect } from "node:util";
import { shown, shownError } from "@sockeye/protocol";

/** Prints what the app's code has thrown, which may be anything, also something that throws when it is looked at. */
export function printError(text: string, error: unknown): void {
  try {
    const plain = inspect(error);
    const safe = shownError(plain);
    // As it is, a terminal shows it in colours.
    console.error(text, safe === plain ? error : safe);
  } catch {
    console.error(text, `a value of the type ${typeof error} that cannot be shown`);
  }
}

/** What is printed in front of it. */
export function failureOf(event: unknown, namespace?: string): string {
  const where = namespace === undefined ? "" : ` in namespace ${shown(namespace)}`;
  return `Sockeye: a handler of "${shown(event)}"${where} failed:`;
}
