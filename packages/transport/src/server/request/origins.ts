import type { IncomingMessage } from "node:http";
import { UsageError } from "@sockeye/protocol";
import type { Refusal } from "./refusal.js";

/**
 * Whose pages may connect, beside the server's own and those that `cors` lets in. An entry is one of these:
 *
 * - an exact origin: `https://app.example.com`, `http://localhost:5173`
 * - an origin with `*` in place of one whole label of the host: `https://*.example.com` matches neither `https://example.com` nor
 *   `https://a.b.example.com`
 * - an origin with `*` in place of the port: `http://localhost:*`
 * - `"null"` or `"file://"`, for pages without an origin of their own
 * - `"*"`, for everybody
 */
export type Origins = string | readonly string[];

interface Wildcard {
  readonly scheme: string;
  readonly labels: readonly string[];
  /** `*`: any. */
  readonly port: string;
}

interface ParsedOrigin {
  readonly scheme: string;
  readonly host: string;
  /** Empty: the scheme's own. */
  readonly port: string;
}

/** Longer than any origin with a name that DNS can hold. */
const MAX_ORIGIN_LENGTH = 300;
/** Entries that are taken as they are. */
const NO_URLS: ReadonlySet<string> = new Set(["*", "null", "file://"]);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Keeps out the pages of other sites. A browser sends their origin with every WebSocket, with every POST and with
 * whatever they could read the answer of; a page cannot change it. Clients without an `Origin` are not browsers.
 */
export class OriginPolicy {
  readonly #exact = new Set<string>();
  readonly #wildcards: Wildcard[] = [];
  /** The last pair that was the server's own: nearly always the one that comes next. */
  #own: { readonly origin: string; readonly host: string } | undefined;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(origins: Origins = []) {
    for (const entry of typeof origins === "string" ? [origins] : origins) this.#add(entry);
  }

  /**
   * What is wrong with the origin of a request?
   *
   * @param corsAnswer the `Access-Control-Allow-Origin` that the answer will have: who may read it, may ask
   */
  check(req: IncomingMessage, corsAnswer: unknown): Refusal | undefined {
    const { origin } = req.headers;
    if (origin === undefined || corsAnswer === "*" || corsAnswer === origin) return undefined;
    // Not over HTTP/1, where no header has a colon in its name.
    const host = req.headers.host ?? req.headers[":authority"];
    if (typeof host === "string" && this.#isOwn(origin, host)) return undefined;
    return this.lists(origin) ? undefined : foreign("FOREIGN_ORIGIN", origin);
  }

  #isOwn(origin: string, host: string): boolean {
    if (origin === this.#own?.origin && host === this.#own.host) return true;
    if (!isOwn(origin, host)) return false;
    this.#own = { origin, host };
    return true;
  }

  /**
   * The same for who loads a script: browsers send no `Origin` then, but the page reads the answer. They tell the page's
   * address, unless it forbids that, and where the server is reached by TLS or on the same machine, that it is of another site.
   */
  checkScript({ headers }: IncomingMessage): Refusal | undefined {
    const site = headers["sec-fetch-site"];
    if (site === "same-origin" || site === "none") return undefined;
    const page = headers.origin ?? pageOf(headers.referer) ?? (site === undefined ? undefined : "null");
    if (page === undefined) return undefined;
    const { host } = headers;
    if (host !== undefined && isOwn(page, host)) return undefined;
    return this.lists(page) ? undefined : foreign("FOREIGN_ORIGIN", page);
  }

  /** Does the option name it? */
  lists(origin: string): boolean {
    if (this.#exact.has("*")) return true;
    if (origin.length > MAX_ORIGIN_LENGTH) return false;
    if (this.#exact.has(origin)) return true;
    if (this.#wildcards.length === 0) return false;
    const parsed = parseOrigin(origin);
    return parsed !== undefined && this.#wildcards.some((wildcard) => matches(wildcard, parsed));
  }

  #add(entry: unknown): void {
    const read = readEntry(entry, "origins");
    if (typeof read === "string") this.#exact.add(read);
    else this.#wildcards.push(read);
  }
}

/**
 * An entry of `cors.origin` as the `cors` package understands it: written as browsers write origins, wildcards as an expression.
 *
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function corsEntry(entry: unknown): string | RegExp {
  const read = readEntry(entry, "cors.origin");
  return typeof read === "string" ? read : new RegExp(expressionOf(read));
}

/** @throws UsageError `ERR_BAD_OPTION` */
function readEntry(entry: unknown, option: string): string | Wildcard {
  if (typeof entry !== "string") throw badOrigin(entry, option);
  if (NO_URLS.has(entry)) return entry;
  const withoutPort = entry.replace(/:\*\/?$/, "");
  const anyPort = withoutPort !== entry;
  const origin = normalize(withoutPort);
  const parsed = origin === undefined ? undefined : parseOrigin(origin);
  if (origin === undefined || parsed === undefined || (anyPort && parsed.port !== ""))
    throw badOrigin(entry, option);
  if (!origin.includes("*") && !anyPort) return origin;
  const labels = parsed.host.split(".");
  // A star inside a label would let in look-alikes.
  if (labels.some((label) => label !== "*" && (label === "" || label.includes("*"))))
    throw badOrigin(entry, option);
  return { scheme: parsed.scheme, labels, port: anyPort ? "*" : parsed.port };
}

function expressionOf({ scheme, labels, port }: Wildcard): string {
  const host = labels.map((label) => (label === "*" ? "[^./:]+" : quoted(label))).join("\\.");
  const ports: Readonly<Record<string, string>> = { "": "", "*": "(?::\\d{1,5})?" };
  return `^${quoted(scheme)}//${host}${ports[port] ?? `:${port}`}$`;
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** A later request of a session must not come from another page than its handshake. */
export function checkSameOrigin(req: IncomingMessage, before: string | undefined): Refusal | undefined {
  const { origin } = req.headers;
  if (origin === undefined || before === undefined || origin === before) return undefined;
  return foreign("ORIGIN_MISMATCH", origin);
}

function foreign(name: string, origin: string): Refusal {
  return { reason: "FOREIGN_ORIGIN", status: 403, context: { name, origin } };
}

/**
 * Is it the host that the request was sent to? The scheme may differ, since a proxy may end TLS before us. Headers that
 * proxies add are not believed: anybody can send them.
 */
function isOwn(origin: string, host: string): boolean {
  if (origin.length > MAX_ORIGIN_LENGTH) return false;
  const parsed = parseOrigin(origin.toLowerCase());
  const own = DEFAULT_PORTS[parsed?.scheme ?? ""];
  if (parsed === undefined || own === undefined) return false;
  const asked = splitPort(host.toLowerCase());
  return asked !== undefined && asked.host === parsed.host && (asked.port || own) === (parsed.port || own);
}

/** The origin of an address. */
function pageOf(referer: string | undefined): string | undefined {
  if (referer === undefined || !URL.canParse(referer)) return undefined;
  return new URL(referer).origin;
}

/** `scheme://host[:port]`, and nothing else. */
function parseOrigin(text: string): ParsedOrigin | undefined {
  const at = text.indexOf("://");
  if (at <= 0) return undefined;
  const rest = splitPort(text.slice(at + 3));
  return rest === undefined ? undefined : { scheme: text.slice(0, at + 1), ...rest };
}

function splitPort(text: string): { host: string; port: string } | undefined {
  // The colons of an IPv6 address stand in brackets.
  const at = text.indexOf(":", text.lastIndexOf("]") + 1);
  const host = at === -1 ? text : text.slice(0, at);
  const port = at === -1 ? "" : text.slice(at + 1);
  if (host === "" || /[/?#@\\\s,]/.test(host) || /[^0-9]/.test(port) || port.length > 5) return undefined;
  return { host, port };
}

function matches({ scheme, labels, port }: Wildcard, origin: ParsedOrigin): boolean {
  if (origin.scheme !== scheme || (port !== "*" && origin.port !== port)) return false;
  const given = origin.host.split(".");
  if (given.length !== labels.length) return false;
  return labels.every((label, index) => (label === "*" ? given[index] !== "" : label === given[index]));
}

/** As browsers write it: lower case, names in ASCII, no default port. `undefined` if it is not an origin. */
function normalize(entry: string): string | undefined {
  let url: URL;
  try {
    url = new URL(entry);
  } catch {
    return undefined;
  }
  const { protocol, host, pathname, search, hash, username, password } = url;
  const bare = (pathname === "/" || pathname === "") && `${search}${hash}${username}${password}` === "";
  return bare && host !== "" ? `${protocol}//${host}` : undefined;
}

function badOrigin(entry: unknown, option: string): UsageError {
  const meant = typeof entry === "string" ? meantBy(entry) : undefined;
  return new UsageError(
    "ERR_BAD_OPTION",
    `The option ${option} takes origins such as "https://app.example.com", "https://*.example.com" or "http://localhost:*", "null" or "*", not ${described(entry)}.${
      meant === undefined ? "" : ` Did you mean "${meant}"?`
    }`,
  );
}

function described(entry: unknown): string {
  return typeof entry === "string" ? `"${entry}"` : String(entry);
}

/** The origin that an address without its scheme, or with a path, stands for. */
function meantBy(entry: string): string | undefined {
  const isLocal = /^(?:localhost|127\.|\[)/i.test(entry);
  const whole = entry.includes("://") ? entry : `${isLocal ? "http" : "https"}://${entry}`;
  if (!/^https?:/i.test(whole) || !URL.canParse(whole)) return undefined;
  const { protocol, host } = new URL(whole);
  const meant = `${protocol}//${host}`;
  return normalize(meant) === undefined || /[*,]/.test(host) ? undefined : meant;
}
