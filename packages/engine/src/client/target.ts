import type { Target } from "@sockeye/transport/client";
import type { Address } from "./address.js";
import type { EngineOptions } from "./options.js";

/** The default of the option `openTimeout`. */
export const OPEN_TIMEOUT_MS = 5000;

/** What a transport needs to know of the options. */
export function targetOf({ secure, host, port }: Address, options: Partial<EngineOptions>): Target {
  const path = (options.path ?? "").replace(/\/$/, "");
  const slash = options.addTrailingSlash === false ? "" : "/";
  const { query, protocols } = options;
  return {
    url: `http${secure ? "s" : ""}://${host}:${port}${path}${slash}`,
    query: readQuery(query ?? ""),
    sid: undefined,
    maxPayload: undefined,
    headers: options.extraHeaders,
    withCredentials: options.withCredentials ?? false,
    timestampParam: options.timestampParam ?? "t",
    timestampRequests: options.timestampRequests,
    requestTimeoutMs: options.requestTimeout ?? 0,
    protocols: typeof protocols === "string" ? [protocols] : (protocols ?? []),
    forceBase64: options.forceBase64 ?? false,
    openTimeoutMs: options.openTimeout,
    client: { ...options },
  };
}

/** Without `URLSearchParams`, of which React Native has had nothing but the name. */
function readQuery(query: NonNullable<EngineOptions["query"]>): Record<string, string> {
  const pairs =
    typeof query === "string"
      ? query.replace(/^\?/, "").split("&").filter(Boolean).map(readPair)
      : Object.entries(query);
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value)]));
}

function readPair(pair: string): [string, string] {
  const [name = "", ...value] = pair.split("=").map(decoded);
  return [name, value.join("=")];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    return text;
  }
}
