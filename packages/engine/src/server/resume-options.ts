import type { ResumeTerms } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";

/** How long, and with how much, a session waits for its client to come back. */
export interface ResumeOptions {
  /** Milliseconds for which a session without a transport is kept. Default 30000. */
  windowMs?: number;
  /**
   * Bytes of messages that are kept until the client has acknowledged them, and that may wait for it while it is away. Default
   * 1048576.
   */
  maxBytes?: number;
}

const DEFAULT_WINDOW_MS = 30_000;
const DEFAULT_MAX_BYTES = 1_048_576;

/**
 * What clients that count are told.
 *
 * @returns undefined: sessions end with their transports
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function resumeTerms(
  resume: boolean | ResumeOptions = true,
): Pick<ResumeTerms, "window" | "bytes"> | undefined {
  if (resume === false) return undefined;
  if (resume !== true && (typeof resume !== "object" || resume === null)) {
    throw new UsageError(
      "ERR_BAD_OPTION",
      `The option resume must be a boolean or an object, not ${resume}.`,
    );
  }
  const { windowMs = DEFAULT_WINDOW_MS, maxBytes = DEFAULT_MAX_BYTES } = resume === true ? {} : resume;
  return { window: positive("windowMs", windowMs), bytes: positive("maxBytes", maxBytes) };
}

/** The client is told, in JSON, which knows no infinity. */
function positive(name: keyof ResumeOptions, value: unknown): number {
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option resume.${name} must be a finite number above 0, not ${String(value)}.`,
  );
}
