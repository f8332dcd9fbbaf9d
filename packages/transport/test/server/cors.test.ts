import type { IncomingMessage, ServerResponse } from "node:http";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type CorsOptions, checkCors, corsMiddleware } from "../../src/server/request/cors.js";

type Origin = Exclude<CorsOptions["origin"], (...args: never[]) => unknown>;

/** Which `Access-Control-Allow-Origin` the answer to a page of this origin has. */
function answer(origin: Origin, page: string): unknown {
  const headers: Record<string, unknown> = {};
  const req = { method: "GET", headers: { origin: page } } as unknown as IncomingMessage;
  const res = {
    setHeader: (name: string, value: unknown) => {
      headers[name.toLowerCase()] = value;
    },
    getHeader: () => undefined,
  } as unknown as ServerResponse;
  corsMiddleware({ origin })(req, res, () => {});
  return headers["access-control-allow-origin"];
}

describe("cors.origin", () => {
  it.each<[origin: Origin, page: string, allowed: boolean]>([
    ["http://localhost:5173", "http://localhost:5173", true],
    ["http://localhost:5173/", "http://localhost:5173", true],
    ["HTTP://LocalHost:5173", "http://localhost:5173", true],
    ["https://example.com:443/", "https://example.com", true],
    ["https://bücher.example", "https://xn--bcher-kva.example", true],
    ["capacitor://localhost", "capacitor://localhost", true],
    ["null", "null", true],
    [["http://localhost:5173/"], "http://localhost:5173", true],
    [["https://a.example", "http://localhost:*"], "http://localhost:5174", true],
    [["https://a.example", /\.b\.example$/], "https://x.b.example", true],
    ["http://localhost:*", "http://localhost", true],
    ["http://localhost:*", "http://localhost:51731", true],
    ["http://localhost:*", "http://localhost.evil:5173", false],
    ["http://localhost:*", "http://localhost:5173.evil", false],
    ["http://localhost:*", "https://localhost:5173", false],
    ["https://*.example.com", "https://a.example.com", true],
    ["https://*.example.com", "https://a.b.example.com", false],
    ["https://*.example.com", "https://aXexample.com", false],
    ["https://*.example.com", "https://evil/.example.com", false],
    ["https://*.example.com:8443", "https://a.example.com:8443", true],
    ["https://*.example.com:8443", "https://a.example.com", false],
    [/^http:\/\/localhost:\d+$/, "http://localhost:1", true],
    [[runInNewContext("/^https:..a$/") as RegExp], "https://evil", false],
    [true, "https://anybody", true],
    [false, "https://anybody", false],
  ])("%s lets %s read: %s", (origin, page, allowed) => {
    expect(answer(origin, page) === page).toBe(allowed);
  });

  it("of a stars means everybody", () => {
    expect(answer("*", "https://anybody")).toBe("*");
  });

  it.each<[origin: unknown, meant: string | undefined]>([
    ["localhost:5173", "http://localhost:5173"],
    ["127.0.0.1:5173", "http://127.0.0.1:5173"],
    ["[::1]:5173", "http://[::1]:5173"],
    ["example.com", "https://example.com"],
    ["https://example.com/app", "https://example.com"],
    ["https://example.com?x", "https://example.com"],
    [["https://a.example", "b.example"], "https://b.example"],
    ["https://a.example,https://b.example", undefined],
    ["https://a*.example", undefined],
    ["http://localhost:1:*", undefined],
    ["", undefined],
    [" ", undefined],
    [new URL("https://a.example"), undefined],
    [[undefined], undefined],
    [8080, undefined],
  ])("%s is refused when the server starts; meant is %s", (origin, meant) => {
    const cors = { origin: origin as string };
    const message = meant === undefined ? /not [^?]*\.$/ : `Did you mean "${meant}"?`;
    for (const make of [checkCors, corsMiddleware]) {
      expect(() => make(cors)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
      expect(() => make(cors)).toThrow(message);
    }
  });

  it.each([undefined, false, true, {}, { origin: undefined }, { origin: () => {} }, () => {}])(
    "%s is left to the package",
    (cors) => {
      expect(() => checkCors(cors)).not.toThrow();
    },
  );
});
