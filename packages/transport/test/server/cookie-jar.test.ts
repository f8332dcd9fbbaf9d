import { describe, expect, it } from "vitest";
import {
  CookieJar,
  cookieJarOf,
  headersWithCookies,
  MAX_COOKIE_LENGTH,
  MAX_COOKIES,
} from "../../src/client/node/cookie-jar.js";

const NOW = Date.UTC(2026, 0, 1);
const HOME = new URL("http://a.example.com/socket.io/?EIO=4");

interface Row {
  readonly what: string;
  readonly set: readonly string[];
  readonly cookie: string | undefined;
  /** Where the cookies are set, and where they are sent to. */
  readonly at?: string;
  readonly to?: string;
  readonly laterMs?: number;
}

const ROWS: readonly Row[] = [
  { what: "one", set: ["a=1"], cookie: "a=1" },
  { what: "several", set: ["a=1; Path=/", "b=2; HttpOnly; SameSite=Lax"], cookie: "b=2; a=1" },
  { what: "spaces around", set: ["  a = 1 ;Path=/"], cookie: "a=1" },
  { what: "a value with =", set: ["a=b=c=="], cookie: "a=b=c==" },
  { what: "a value in quotes, as it is", set: ['a="x y"'], cookie: 'a="x y"' },
  { what: "an empty value", set: ["a="], cookie: "a=" },
  { what: "no =", set: ["a"], cookie: undefined },
  { what: "no name", set: ["=1"], cookie: undefined },
  {
    what: "names of Object.prototype",
    set: ["__proto__=1", "constructor=2"],
    cookie: "__proto__=1; constructor=2",
  },
  { what: "the same name again", set: ["a=1", "b=1", "a=2"], cookie: "a=2; b=1" },
  { what: "names in another case are others", set: ["a=1", "A=2"], cookie: "a=1; A=2" },

  { what: "Max-Age that has not passed", set: ["a=1; max-age=10"], cookie: "a=1", laterMs: 9_999 },
  { what: "Max-Age that has passed", set: ["a=1; MAX-AGE=10"], cookie: undefined, laterMs: 10_000 },
  { what: "Max-Age of 0 deletes", set: ["a=1", "a=1; Max-Age=0"], cookie: undefined },
  { what: "a negative Max-Age deletes", set: ["a=1", "a=; max-age=-1"], cookie: undefined },
  { what: "Max-Age that is no number", set: ["a=1; Max-Age=x1"], cookie: "a=1", laterMs: 1e9 },
  { what: "an endless Max-Age", set: [`a=1; Max-Age=${"9".repeat(400)}`], cookie: "a=1", laterMs: 1e12 },
  {
    what: "Expires in the past deletes",
    set: ["a=1", "a=; EXPIRES=Thu, 01 Jan 1970 00:00:00 GMT"],
    cookie: undefined,
  },
  {
    what: "Expires in the old form",
    set: ["a=1; expires=Wednesday, 09-Nov-99 23:12:40 GMT"],
    cookie: undefined,
  },
  {
    what: "Expires in the future, until then",
    set: ["a=1; Expires=Thu, 01 Jan 2026 00:00:10 GMT"],
    cookie: undefined,
    laterMs: 10_000,
  },
  { what: "Expires in the future", set: ["a=1; Expires=Thu, 01 Jan 2026 00:00:10 GMT"], cookie: "a=1" },
  { what: "Expires that is no date", set: ["a=1; Expires=soon"], cookie: "a=1", laterMs: 1e9 },
  {
    what: "Max-Age wins over Expires",
    set: ["a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    cookie: "a=1",
  },

  { what: "its own domain", set: ["a=1; Domain=a.example.com"], cookie: "a=1" },
  { what: "a domain above", set: ["a=1; domain=.EXAMPLE.com"], cookie: "a=1" },
  { what: "an empty domain", set: ["a=1; Domain="], cookie: "a=1" },
  { what: "a domain beside", set: ["a=1; Domain=b.example.com"], cookie: undefined },
  { what: "a domain below", set: ["a=1; Domain=x.a.example.com"], cookie: undefined },
  { what: "a domain that only ends alike", set: ["a=1; Domain=ple.com"], cookie: undefined },
  {
    what: "the end of an IP address",
    set: ["a=1; Domain=0.0.1"],
    cookie: undefined,
    at: "http://127.0.0.1/",
    to: "http://127.0.0.1/",
  },
  {
    what: "an IP address",
    set: ["a=1; Domain=127.0.0.1"],
    cookie: "a=1",
    at: "http://127.0.0.1/",
    to: "http://127.0.0.1/",
  },

  { what: "Path above", set: ["a=1; path=/"], cookie: "a=1" },
  { what: "Path without the slash", set: ["a=1; Path=/socket.io"], cookie: "a=1" },
  { what: "another Path", set: ["a=1; Path=/socket"], cookie: undefined },
  { what: "a Path that is none", set: ["a=1; Path=x"], cookie: "a=1" },
  {
    what: "no Path: that of the request",
    set: ["a=1"],
    cookie: undefined,
    to: "http://a.example.com/other/",
  },
  {
    what: "no Path, at the top",
    set: ["a=1"],
    cookie: "a=1",
    at: "http://a.example.com/x",
    to: "http://a.example.com/other/",
  },
  {
    what: "the same name for two paths, the longer first",
    set: ["a=1; Path=/", "a=2; Path=/socket.io/"],
    cookie: "a=2; a=1",
  },

  { what: "Secure without TLS", set: ["a=1; secure"], cookie: undefined },
  { what: "Secure over HTTPS", set: ["a=1; Secure"], cookie: "a=1", to: "https://a.example.com/socket.io/" },
  { what: "Secure over WSS", set: ["a=1; Secure"], cookie: "a=1", to: "wss://a.example.com/socket.io/" },
  { what: "Secure over WS", set: ["a=1; Secure"], cookie: undefined, to: "ws://a.example.com/socket.io/" },
];

describe("CookieJar", () => {
  it.each(ROWS)("$what: $set → $cookie", ({ set, cookie, at, to, laterMs = 0 }) => {
    const jar = new CookieJar();
    for (const line of set) jar.store(at === undefined ? HOME : new URL(at), [line], NOW);
    expect(jar.header(to === undefined ? HOME : new URL(to), undefined, NOW + laterMs)).toBe(cookie);
  });

  it.each([
    ["x=1; y=2", "x=1; y=2; a=1"],
    ["a=old; x=1", "x=1; a=1"],
    ["", "a=1"],
    ["bare", "bare; a=1"],
  ])("adds to the app's own %j, and replaces what was set since: %j", (own, expected) => {
    const jar = new CookieJar();
    jar.store(HOME, ["a=1"], NOW);
    expect(jar.header(HOME, own, NOW)).toBe(expected);
  });

  it("leaves the app's own as they are if there is no other", () => {
    expect(new CookieJar().header(HOME, "x=1;  y=2")).toBe("x=1; y=2");
  });

  it("keeps a bounded number, the newest", () => {
    const jar = new CookieJar();
    const lines = Array.from({ length: MAX_COOKIES + 2 }, (_, n) => `c${n}=1`);
    jar.store(HOME, lines, NOW);
    const kept = jar.header(HOME, undefined, NOW)?.split("; ");
    expect(kept).toEqual(lines.slice(2));
  });

  it("takes no line beyond its limit", () => {
    const jar = new CookieJar();
    jar.store(HOME, [`a=${"x".repeat(MAX_COOKIE_LENGTH - 2)}`], NOW);
    expect(jar.header(HOME, undefined, NOW)).toHaveLength(MAX_COOKIE_LENGTH);
    jar.store(HOME, [`b=${"x".repeat(MAX_COOKIE_LENGTH - 1)}`], NOW);
    expect(jar.header(HOME, undefined, NOW)).toHaveLength(MAX_COOKIE_LENGTH);
  });
});

describe("the jar of a session", () => {
  it("is one for each session that wants cookies", () => {
    const session = {};
    const jar = cookieJarOf({ withCredentials: true, session });
    expect(jar).toBeInstanceOf(CookieJar);
    expect(cookieJarOf({ withCredentials: true, session })).toBe(jar);
    expect(cookieJarOf({ withCredentials: true, session: {} })).not.toBe(jar);
    expect(cookieJarOf({ withCredentials: false, session })).toBeUndefined();
    expect(cookieJarOf({ withCredentials: true })).toBeUndefined();
  });

  it.each(["cookie", "Cookie", "COOKIE"])("goes into the app's own header %s", (name) => {
    const options = { withCredentials: true, session: {}, headers: { [name]: "x=1", other: "o" } };
    cookieJarOf(options)?.store(HOME, ["a=1"]);
    expect(headersWithCookies(HOME, options)).toEqual({ [name]: "x=1; a=1", other: "o" });
    expect(options.headers[name]).toBe("x=1");
  });

  it("adds no header without need", () => {
    expect(headersWithCookies(HOME, { withCredentials: true, session: {} })).toEqual({});
    expect(headersWithCookies(HOME, { headers: { a: "b" } })).toEqual({ a: "b" });
  });
});
