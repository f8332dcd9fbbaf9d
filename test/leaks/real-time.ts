// Time as it is, while that of the server stands still and is moved by hand.
import { real } from "../support/follow-fakes.js";

/** Far more than any network of one host needs, and less than a test may take. */
const PATIENCE_MS = 15_000;

/** One turn of the event loop that lets I/O happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void real.setTimeout(resolve, 1));
}

/** Waits until something holds. @returns whether it came to that */
export async function comesTrue(condition: () => boolean): Promise<boolean> {
  const end = real.now() + PATIENCE_MS;
  while (!condition()) {
    if (real.now() > end) return false;
    await turn();
  }
  return true;
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  if (!(await comesTrue(condition))) throw new Error(`waited in vain for: ${what}`);
}
