import { describe, expect, it } from "vitest";
import type { EngineOptions } from "../../src/client/index.js";
import { targetOf } from "../../src/client/target.js";

const ADDRESS = { secure: false, host: "a.example", port: "80" };

describe("targetOf", () => {
  it("has its defaults", () => {
    expect(targetOf(ADDRESS, { path: "/engine.io" })).toMatchObject({
      url: "http://a.example:80/engine.io/",
      query: {},
      sid: undefined,
      maxPayload: undefined,
      headers: undefined,
      withCredentials: false,
      timestampParam: "t",
      timestampRequests: undefined,
      requestTimeoutMs: 0,
      protocols: [],
      forceBase64: false,
    });
  });

  const urls: [Partial<EngineOptions>, string][] = [
    [{ path: "/x" }, "http://a.example:80/x/"],
    [{ path: "/x/" }, "http://a.example:80/x/"],
    [{ path: "/x/y" }, "http://a.example:80/x/y/"],
    [{ path: "/x/", addTrailingSlash: false }, "http://a.example:80/x"],
  ];
  it.each(urls)("%o", (options, url) => {
    expect(targetOf(ADDRESS, options).url).toBe(url);
  });

  it("knows TLS and IPv6", () => {
    expect(targetOf({ secure: true, host: "[::1]", port: "443" }, { path: "/x" }).url).toBe(
      "https://[::1]:443/x/",
    );
  });

  it.each([
    ["a=1&b=x%20y", { a: "1", b: "x y" }],
    ["?a=1", { a: "1" }],
    [
      { a: 1, b: "x=y&z" },
      { a: "1", b: "x=y&z" },
    ],
  ])("reads the query %o", (query, record) => {
    expect(targetOf(ADDRESS, { query }).query).toEqual(record);
  });

  it("takes one subprotocol or several", () => {
    expect(targetOf(ADDRESS, { protocols: "a" }).protocols).toEqual(["a"]);
    expect(targetOf(ADDRESS, { protocols: ["a", "b"] }).protocols).toEqual(["a", "b"]);
  });

  it("shows all options to Node.js, which takes those of sockets and TLS", () => {
    expect(targetOf(ADDRESS, { ca: "pem" }).client).toEqual({ ca: "pem" });
  });
});
