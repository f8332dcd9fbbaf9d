import { UsageError } from "@sockeye/protocol";
import type { EngineOptions } from "./options.js";

/** Where a server is. */
export interface Address {
  readonly secure: boolean;
  /** IPv6 in brackets. */
  readonly host: string;
  /** Never empty. */
  readonly port: string;
}

/** What the URL of `io()` says. */
export interface Place extends Address {
  /** The path of the URL, as it was written; `/` without one. */
  readonly namespace: string;
  /** Without its question mark. */
  readonly query: string;
}

const PARTS = /^(https?|wss?):\/\/(?:[^/?#]*@)?([^/?#]*?)(?::(\d*))?(?:([/][^?#]*))?(?:\?([^#]*))?(?:#|$)/i;

/**
 * Reads a URL as `io()` takes it. What is missing comes from the page: no URL at all, `/namespace`, `//host`, `host`.
 *
 * @throws UsageError `ERR_BAD_OPTION` if it names no server
 */
export function readUrl(url: string | undefined): Place {
  const page = globalThis.location as Location | undefined;
  const protocol = page?.protocol ?? "https:";
  let whole = url ?? "/";
  if (whole.startsWith("//")) whole = protocol + whole;
  else if (whole.startsWith("/")) whole = `${protocol}//${page?.host ?? ""}${whole}`;
  else if (!/^(https?|wss?):\/\//i.test(whole)) whole = `${protocol}//${whole}`;
  const [, scheme, host, port, path, query] = PARTS.exec(whole) ?? [];
  if (!scheme || !host) throw new UsageError("ERR_BAD_OPTION", `no server in "${url ?? ""}"`);
  const secure = /^(?:https|wss)$/i.test(scheme);
  return { secure, host, port: port || portOf(secure), namespace: path || "/", query: query ?? "" };
}

/** Where a manager without a URL goes: what its options say, else where the page came from. */
export function addressOf(options: Partial<EngineOptions>): Address {
  const page = globalThis.location as Location | undefined;
  // IPv6 without brackets gets them.
  const host = (options.host ?? options.hostname)?.replace(/^[^[]*:.*/, "[$&]");
  const secure = options.secure ?? page?.protocol === "https:";
  const port = options.port ?? (host ? "" : page?.port);
  return { secure, host: host ?? (page?.hostname || "localhost"), port: `${port || portOf(secure)}` };
}

function portOf(secure: boolean): string {
  return secure ? "443" : "80";
}
