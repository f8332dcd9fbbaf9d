import { afterEach, beforeEach } from "vitest";

export interface Warned {
  readonly code: string;
  readonly message: string;
}

/** What the library warns of during a test. */
export function watchWarnings(): () => Promise<readonly Warned[]> {
  let warned: Warned[] = [];
  const hear = (warning: Error & { code?: string }): void => {
    const { code = "", message } = warning;
    if (code.startsWith("SOCKEYE_")) warned.push({ code, message });
  };
  beforeEach(() => {
    warned = [];
    process.on("warning", hear);
  });
  afterEach(() => {
    process.off("warning", hear);
  });
  // Node.js emits them on the next tick.
  return async () => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    return warned;
  };
}
