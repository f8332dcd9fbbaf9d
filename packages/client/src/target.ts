import type { Target } from "@sockeye/transport/web";
import type { Address } from "./address.js";
import type { EngineOptions } from "./options.js";

/** The default of the option `openTimeout`. */
export const OPEN_TIMEOUT_MS = 5000;

/** What a transport needs to know of the options. */
export function targetOf({ secure, host, port }: Address, options: Partial<EngineOptions>): Target {
  const path = (options.path ?? "/socket.io").replace(/\/$/, "");
  const slash = options.addTrailingSlash === false ? "" : "/";
  const { query, protocols = [] } = options;
  return {
    url: `http${secure ? "s" : ""}://${host}:${port}${path}${slash}`,
    query: Object.fromEntries(new URLSearchParams(query as Record<string, string>)),
    sid: undefined,
    maxPayload: undefined,
    headers: options.extraHeaders,
    withCredentials: options.withCredentials ?? false,
    timestampParam: options.timestampParam ?? "t",
    timestampRequests: options.timestampRequests,
    requestTimeoutMs: options.requestTimeout ?? 0,
    protocols: typeof protocols === "string" ? [protocols] : protocols,
    forceBase64: options.forceBase64 ?? false,
    openTimeoutMs: options.openTimeout,
    client: { ...options },
  };
}
