import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEngineQuery, readWholeQuery, shareQuery } from "../../src/server/request/query.js";

const NONE = { transport: undefined, sid: undefined, protocol: 3, base64: false };

describe("readEngineQuery", () => {
  it.each([
    ["", NONE],
    ["/path", NONE],
    ["/path?", NONE],
    ["/path?&&=&=x&", NONE],
    ["/path?EIO=4&transport=polling", { ...NONE, protocol: 4, transport: "polling" }],
    [
      "/path?transport=polling&t=x1&EIO=4&sid=a_b-c",
      { ...NONE, protocol: 4, transport: "polling", sid: "a_b-c" },
    ],
    ["/path?sid=", NONE],
    ["/path?sid", NONE],
    ["/path?sid=a=b", { ...NONE, sid: "a=b" }],
    ["/path?sid=a&sid=b", { ...NONE, sid: ["a", "b"] }],
    ["/path?sid=a&sid=b&sid=", { ...NONE, sid: ["a", "b", ""] }],
    ["/path?sid[]=a&sids=b&Sid=c", NONE],
    ["/path?EIO=4&EIO=4", NONE],
    ["/path?EIO=04", NONE],
    ["/path?EIO=%34&transport=p%6flling", { ...NONE, protocol: 4, transport: "polling" }],
    ["/path?%73id=x+y", { ...NONE, sid: "x y" }],
    ["/path?sid=%zz", { ...NONE, sid: "%zz" }],
    ["/path?sid=a#&sid=b", { ...NONE, sid: "a" }],
    ["/path?a=b?sid=c&sid=d?e", { ...NONE, sid: "d?e" }],
    ["/path??sid=a", NONE],
    ["/path??sid=%61", NONE],
    ["/path?__proto__=x&constructor=y", NONE],
    ["/path?b64=1", { ...NONE, base64: true }],
    ["/path?b64=", NONE],
    ["/path?resume=offer", { ...NONE, resume: "offer" }],
    ["/path?resume=without", { ...NONE, resume: "without" }],
    ["/path?resume=claim&n=7", { ...NONE, resume: "claim", number: 7 }],
    ["/path?resume=Offer&resume=claim", NONE],
    ["/path?resume=", NONE],
    ["/path?n=9007199254740991", { ...NONE, number: Number.MAX_SAFE_INTEGER }],
    ["/path?n=9007199254740992", NONE],
    ["/path?n=1&n=1", NONE],
    ["/path?n=-1", NONE],
    ["/path?n=1.5", NONE],
    ["/path?n=0x1", NONE],
    ["/path?n=", NONE],
  ])("%s", (url, expected) => {
    expect(readEngineQuery(url)).toEqual(expected);
  });

  it("reads the same with and without escapes", () => {
    const key = fc.constantFrom("transport", "sid", "EIO", "b64", "x", "");
    const value = fc.string({ unit: fc.constantFrom("a", "4", "=", "-"), maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value)), (pairs) => {
        const text = pairs.map(([name, content]) => `${name}=${content}`).join("&");
        expect(readEngineQuery(`/?${text}`)).toEqual(readEngineQuery(`/?${text}&escaped=%20`));
      }),
    );
  });
});

describe("readWholeQuery", () => {
  it("keeps the last of repeated parameters, as strings, without a prototype", () => {
    const query = readWholeQuery("/?a=1&a=2&__proto__=x&toString=%41");
    expect(Object.getPrototypeOf(query)).toBeNull();
    expect(Object.entries(query)).toEqual([
      ["a", "2"],
      ["__proto__", "x"],
      ["toString", "A"],
    ]);
  });
});

describe("shareQuery", () => {
  it("lets apps read _query, and keeps what is there", () => {
    const req = { url: "/?token=x" } as IncomingMessage & { _query?: unknown };
    shareQuery(req);
    expect(req._query).toEqual({ token: "x" });
    expect(req._query).toBe(req._query);
    const own = { url: "/?token=x", _query: { mine: "1" } } as unknown as IncomingMessage;
    shareQuery(own);
    expect(own).toHaveProperty("_query", { mine: "1" });
  });
});
