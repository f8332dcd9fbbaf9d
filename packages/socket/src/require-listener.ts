import { UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";

/** As `requireFunction`, without its sentence in bundles for browsers. @throws UsageError `ERR_BAD_OPTION` */
export function requireListener(value: unknown): void {
  if (typeof value !== "function")
    throw new UsageError("ERR_BAD_OPTION", prose("notAListener", typeof value));
}
