import type { ManagerOptions } from "./options.js";

/** When a manager tries again, and how long one attempt may take. */
export interface Settings {
  reconnection: boolean;
  attempts: number;
  delayMs: number;
  maxMs: number;
  jitter: number;
  timeout: number | boolean;
}

/** By the options, with the defaults. */
export function settingsOf(opts: Partial<ManagerOptions>): Settings {
  return {
    reconnection: opts.reconnection !== false,
    attempts: opts.reconnectionAttempts || Number.POSITIVE_INFINITY,
    delayMs: opts.reconnectionDelay || 1000,
    maxMs: opts.reconnectionDelayMax || 5000,
    jitter: opts.randomizationFactor ?? 0.5,
    timeout: opts.timeout ?? 20_000,
  };
}
