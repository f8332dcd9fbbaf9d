import { printError } from "#print-error";

/** Where errors of the app's listeners and callbacks go: to the platform, as if nobody had caught them, yet nothing ends. */
export function reportAppError(error: unknown): void {
  // Node.js has no such function.
  const report = (globalThis as { reportError?: (error: unknown) => void }).reportError;
  if (report) report(error);
  else printError(error);
}
