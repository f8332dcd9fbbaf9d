import { isIP } from "node:net";
import type { DialOptions } from "../../shared/dial-options.js";

/** As many as RFC 6265 asks of a client for one host; the oldest goes first. */
export const MAX_COOKIES = 50;
/** Characters of a `Set-Cookie` line, with its attributes. A longer one is ignored. */
export const MAX_COOKIE_LENGTH = 4096;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** For TLS only. */
  readonly secure: boolean;
  /** Milliseconds since 1970; `Infinity` for the end of the session. */
  readonly expiresAt: number;
}

/**
 * The cookies that one server has set in one session, as RFC 6265 has it. They go back to the host that set them and to no
 * other, whatever domain it named, so there is no list of public suffixes.
 */
export class CookieJar {
  /** By name and path; in the order of creation. */
  readonly #cookies = new Map<string, Cookie>();

  /** Takes the `Set-Cookie` lines of an answer from this address. What is malformed, or meant for others, is ignored. */
  store(address: URL, lines: readonly string[], now: number = Date.now()): void {
    for (const line of lines) {
      const cookie = line.length > MAX_COOKIE_LENGTH ? undefined : cookieOf(line, address, now);
      if (cookie === undefined) continue;
      const id = `${cookie.name}=${cookie.path}`;
      if (cookie.expiresAt <= now) this.#cookies.delete(id);
      else this.#cookies.set(id, cookie);
      const [oldest = ""] = this.#cookies.keys();
      if (this.#cookies.size > MAX_COOKIES) this.#cookies.delete(oldest);
    }
  }

  /**
   * The value of the `Cookie` header for a request to this address; `undefined` if there is none.
   *
   * @param own cookies that the app sends. Those that the server has set since take their place.
   */
  header(address: URL, own = "", now: number = Date.now()): string | undefined {
    const isSecure = /^(?:https|wss):$/.test(address.protocol);
    const cookies = [...this.#cookies.values()].filter(
      ({ path, secure, expiresAt }) =>
        expiresAt > now && pathMatches(address.pathname, path) && (isSecure || !secure),
    );
    cookies.sort((a, b) => b.path.length - a.path.length);
    const names = new Set(cookies.map(({ name }) => name));
    const kept = own
      .split(";")
      .map((pair) => pair.trim())
      .filter((pair) => pair !== "" && !names.has(pair.slice(0, pair.indexOf("="))));
    return [...kept, ...cookies.map(({ name, value }) => `${name}=${value}`)].join("; ") || undefined;
  }
}

const jars = new WeakMap<object, CookieJar>();

/** The jar of a session; none if cookies are not wanted. */
export function cookieJarOf({ withCredentials, session }: DialOptions): CookieJar | undefined {
  if (!withCredentials || !session) return undefined;
  let jar = jars.get(session);
  if (!jar) {
    jar = new CookieJar();
    jars.set(session, jar);
  }
  return jar;
}

/** The headers of a request, with the cookies of its session. */
export function headersWithCookies(address: URL, options: DialOptions): Record<string, string> {
  const headers = { ...options.headers };
  const jar = cookieJarOf(options);
  if (!jar) return headers;
  const own = Object.keys(headers).find((name) => name.toLowerCase() === "cookie") ?? "Cookie";
  const cookies = jar.header(address, headers[own]);
  return cookies === undefined ? headers : { ...headers, [own]: cookies };
}

/** RFC 6265, section 5.2 */
function cookieOf(line: string, address: URL, now: number): Cookie | undefined {
  const [pair = "", ...attributes] = line.split(";");
  const [name, value] = halves(pair);
  if (name === "" || value === undefined) return undefined;
  let path = "";
  let secure = false;
  let expires: number | undefined;
  let maxAge: number | undefined;
  for (const attribute of attributes) {
    const [key, text = ""] = halves(attribute);
    switch (key.toLowerCase()) {
      case "domain":
        if (!domainMatches(address.hostname, text.replace(/^\./, "").toLowerCase())) return undefined;
        break;
      case "path":
        path = text;
        break;
      case "secure":
        secure = true;
        break;
      case "expires":
        // 0 is a date, and the commonest one.
        expires = Number.isNaN(Date.parse(text)) ? expires : Date.parse(text);
        break;
      case "max-age":
        if (/^-?\d+$/.test(text)) maxAge = Number(text);
        break;
    }
  }
  if (!path.startsWith("/")) path = defaultPath(address.pathname);
  // Max-Age wins, in whichever order they come.
  const expiresAt = maxAge === undefined ? (expires ?? Number.POSITIVE_INFINITY) : now + maxAge * 1000;
  return { name, value, path, secure, expiresAt };
}

/** What stands before and after the first `=`. */
function halves(text: string): [before: string, after?: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim()] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** RFC 6265, section 5.1.3. No domain named means this host. */
function domainMatches(host: string, domain: string): boolean {
  if (domain === "" || host === domain) return true;
  return host.endsWith(`.${domain}`) && isIP(host) === 0;
}

/** RFC 6265, section 5.1.4 */
function defaultPath(pathname: string): string {
  return pathname.slice(0, pathname.lastIndexOf("/")) || "/";
}

/** RFC 6265, section 5.1.4 */
function pathMatches(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}
