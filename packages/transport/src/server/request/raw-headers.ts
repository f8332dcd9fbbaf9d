import type { IncomingHttpHeaders } from "node:http";

/** Headers of which only the first counts, as the documentation of Node's `message.headers` lists them. */
const ONLY_FIRST: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

/** The headers of a request as Node.js presents them. @param raw names and values in turn, as they came */
export function readRawHeaders(raw: readonly string[]): IncomingHttpHeaders {
  // Names come from the wire: an own `__proto__` must stay a header.
  const headers = new Map<string, string | string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = raw[at + 1] ?? "";
    const known = headers.get(name);
    if (typeof known === "object") known.push(value);
    else if (known === undefined) headers.set(name, name === "set-cookie" ? [value] : value);
    else if (!ONLY_FIRST.has(name))
      headers.set(name, `${String(known)}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return Object.fromEntries(headers);
}
