/** Prints what the app's code has thrown. */
export function printError(error: unknown): void {
  console.error(error);
}
