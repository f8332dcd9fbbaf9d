/** Takes what the app's code throws, so that it ends neither the session nor the process. */
export interface ErrorBoundary {
  /** @param event in whose handler, or in which option */
  reportError(error: unknown, event: string): void;
}
