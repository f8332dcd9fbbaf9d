import { UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
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
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
}

const PARTS =
  /^(https?|wss?):\/\/(?:[^/?#]*@)?(\[[^\s/?#\]]+\]|[^\s:/?#[\]]+)(?::(\d*))?(\/[^?#]*)?(?:\?([^#]*))?(?:#|$)/i;

/** Nothing, `/path`, `?query`, `#`: what is before that is the page's. */
const OF_PAGE = /^(?:\/(?!\/)|[?#]|$)/;

/**
 * Reads a URL as `io()` takes it. What is missing comes from the page: no URL at all, `/path`, `//host`, `host`. If there is no page
 * of a server, as where pages are rendered, `host` is empty.
 *
 * @throws UsageError `ERR_BAD_OPTION` if it names no server
 */
export function readUrl(url = ""): Place {
  const { protocol = "https:", host: own } = (globalThis.location ?? {}) as Partial<Location>;
  const isLost = OF_PAGE.test(url) && !(own && protocol.startsWith("http"));
  let whole = url;
  if (OF_PAGE.test(url)) whole = isLost ? `http://-${url}` : `${protocol}//${own}${url}`;
  else if (url.startsWith("//")) whole = protocol + url;
  else if (!/^(https?|wss?):\/\//i.test(url)) whole = `${protocol}//${url}`;
  const [, scheme = "", host = "", port, path = "/", query = ""] = PARTS.exec(whole) ?? [];
  const address = checked(/^(https|wss)$/i.test(scheme), host, port || "", url);
  return { ...address, host: isLost ? "" : host, path, query };
}

/** What `io()` and its like are given first: a URL as a text or an object, or else options. */
export function splitGiven<Given extends object>(
  uri: string | URL | Given | null | undefined,
  options: Given | null | undefined,
): [url: string | undefined, options: Given | undefined] {
  if (typeof uri !== "object" || uri === null) return [uri ?? undefined, options ?? undefined];
  return "href" in uri ? [`${uri.href}`, options ?? undefined] : [undefined, uri as Given];
}

/** Where a manager without a URL goes: what its options say, else where the page came from. */
export function addressOf(options: Partial<EngineOptions>): Address {
  const page = globalThis.location as Location | undefined;
  // IPv6 without brackets gets them.
  const host = (options.host ?? options.hostname)?.replace(/^[^[]*:.*/, "[$&]");
  const secure = options.secure ?? page?.protocol === "https:";
  const port = options.port ?? (host ? "" : page?.port);
  return checked(secure, host ?? (page?.hostname || "localhost"), `${port || ""}`, `${host}:${port}`);
}

function checked(secure: boolean, host: string, given: string, from: string): Address {
  const port = given || (secure ? "443" : "80");
  if (!host || /[\s/?#@]/.test(host) || !/^\d+$/.test(port) || Number(port) > 65_535) {
    throw new UsageError("ERR_BAD_OPTION", prose("noServer", from));
  }
  return { secure, host, port };
}
