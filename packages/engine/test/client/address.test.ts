import { afterEach, describe, expect, it, vi } from "vitest";
import { addressOf, readUrl } from "../../src/client/address.js";

const PAGE = {
  protocol: "https:",
  host: "page.example:8443",
  hostname: "page.example",
  port: "8443",
};

afterEach(() => vi.unstubAllGlobals());

describe("readUrl", () => {
  const rows: [url: string, server: string, path: string, query?: string][] = [
    ["http://localhost", "http localhost 80", "/"],
    ["https://localhost", "https localhost 443", "/"],
    ["ws://localhost:3000", "http localhost 3000", "/"],
    ["wss://localhost:3000/", "https localhost 3000", "/"],
    ["HTTP://Example.COM:1/x", "http Example.COM 1", "/x"],
    ["http://localhost:3000/admin", "http localhost 3000", "/admin"],
    ["http://localhost:3000/a/b/", "http localhost 3000", "/a/b/"],
    ["http://localhost:3000/ünï/%20", "http localhost 3000", "/ünï/%20"],
    ["http://localhost/a/../b", "http localhost 80", "/a/../b"],
    ["http://localhost:3000?a=1&b=/x", "http localhost 3000", "/", "a=1&b=/x"],
    ["http://localhost/nsp?a=1#part", "http localhost 80", "/nsp", "a=1"],
    ["http://localhost#part", "http localhost 80", "/"],
    ["http://user:pass@localhost:3000/x", "http localhost 3000", "/x"],
    ["http://a@b@localhost/x", "http localhost 80", "/x"],
    ["http://[::1]:3000/x", "http [::1] 3000", "/x"],
    ["https://[2001:db8::1]", "https [2001:db8::1] 443", "/"],
    ["localhost:3000", "https localhost 3000", "/"],
    ["server.example/admin", "https server.example 443", "/admin"],
    ["//server.example/admin", "https server.example 443", "/admin"],
  ];

  it.each(rows)("%s, without a page", (url, server, path, query = "") => {
    const place = readUrl(url);
    expect(`${place.secure ? "https" : "http"} ${place.host} ${place.port}`).toBe(server);
    expect([place.path, place.query]).toEqual([path, query]);
  });

  it.each([
    [undefined, "page.example 8443", "/"],
    ["/admin", "page.example 8443", "/admin"],
    ["/admin?x=1", "page.example 8443", "/admin"],
    ["//other.example/x", "other.example 443", "/x"],
    ["other.example", "other.example 443", "/"],
    ["", "page.example 8443", "/"],
    ["?token=t", "page.example 8443", "/"],
    ["#part", "page.example 8443", "/"],
  ])("%s, on a page", (url, server, path) => {
    vi.stubGlobal("location", PAGE);
    const place = readUrl(url);
    expect([place.secure, `${place.host} ${place.port}`, place.path]).toEqual([true, server, path]);
  });

  it("keeps the query of what is the page's", () => {
    vi.stubGlobal("location", PAGE);
    expect(readUrl("?token=t#part")).toMatchObject({ host: "page.example", query: "token=t" });
  });

  it.each([
    "http://",
    "http://:80",
    "https:///x",
    " ",
    " http://h.test",
    "\thttp://h.test",
    "http:// h.test",
    "http://h.test /x",
    "http://h.test\n",
    "http://h.test:abc",
    "http://h.test:-1",
    "http://h.test:80a/x",
    "http://h.test:65536",
    "http://h.test:80:90",
    "http://::1:3000",
    "http://[]:80",
  ])("%j names no server", (url) => {
    expect(() => readUrl(url)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION", message: expect.stringContaining(url) }),
    );
  });

  it.each([
    [undefined, undefined],
    ["/admin", undefined],
    ["", {}],
    ["?a", { protocol: "file:", host: "" }],
    ["", { protocol: "capacitor:", host: "localhost" }],
  ])("%j waits where there is no page of a server: %j", (url, page) => {
    vi.stubGlobal("location", page);
    expect(readUrl(url).host).toBe("");
  });
});

describe("addressOf", () => {
  it.each([{ port: "abc" }, { port: 65_536 }, { port: -1 }, { host: " h.test" }, { host: "h/x" }])(
    "refuses %o",
    (options) => {
      expect(() => addressOf({ host: "h.test", ...options })).toThrow(
        expect.objectContaining({ code: "ERR_BAD_OPTION" }),
      );
    },
  );

  it.each([
    [{}, { secure: false, host: "localhost", port: "80" }],
    [{ secure: true }, { secure: true, host: "localhost", port: "443" }],
    [
      { host: "a.example", port: 3000 },
      { secure: false, host: "a.example", port: "3000" },
    ],
    [
      { host: "a.example", hostname: "b.example", secure: true },
      { secure: true, host: "a.example", port: "443" },
    ],
    [{ hostname: "::1" }, { secure: false, host: "[::1]", port: "80" }],
    [{ host: "[::1]" }, { secure: false, host: "[::1]", port: "80" }],
  ])("%o, without a page", (options, address) => {
    expect(addressOf(options)).toEqual(address);
  });

  it.each([
    [{}, { secure: true, host: "page.example", port: "8443" }],
    [{ hostname: "b.example" }, { secure: true, host: "b.example", port: "443" }],
    [{ port: 1 }, { secure: true, host: "page.example", port: "1" }],
  ])("%o, on a page", (options, address) => {
    vi.stubGlobal("location", PAGE);
    expect(addressOf(options)).toEqual(address);
  });
});
