import { shown } from "@sockeye/protocol";
import type { RefusedRequest } from "@sockeye/transport/server";
import type { Admission } from "./admission.js";
import type { Warnings } from "./warnings.js";

/** Warns of a middleware of a namespace that has not decided about a client in time. */
export function warnOfNoNext({ namespace, asked }: Admission, warnings: Warnings): void {
  if (asked === undefined) return;
  const where = `${asked} of namespace ${shown(namespace)}`;
  warnings.warnOnce(
    "SOCKEYE_NO_NEXT",
    where,
    () => `A client was given up after connectTimeout: ${where} has neither called next() nor refused it`,
  );
}

/** Warns of code of the app's that was asked about a client and has not answered in time. */
export function warnOfNoDecision({ context }: RefusedRequest, warnings: Warnings): void {
  const { name, middleware } = context;
  const who =
    name === "MIDDLEWARE_TIMEOUT"
      ? `${middleware} of the engine, or of the option cors, has neither answered nor called next()`
      : name === "HANDSHAKE_TIMEOUT"
        ? "allowRequest or generateId has not answered"
        : undefined;
  if (who === undefined) return;
  warnings.warnOnce("SOCKEYE_NO_NEXT", who, () => `A client was given up after connectTimeout: ${who}`);
}
