import { afterEach, describe, expect, it, vi } from "vitest";

// Modules are loaded after the platform is there.

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** React Native's up to 0.79. */
class NotImplemented {
  get size(): number {
    throw new Error("URLSearchParams.size is not implemented");
  }
  append(): never {
    throw new Error("URLSearchParams.append is not implemented");
  }
  delete(): never {
    throw new Error("URLSearchParams.delete is not implemented");
  }
  get(): never {
    throw new Error("URLSearchParams.get is not implemented");
  }
  set(): never {
    throw new Error("URLSearchParams.set is not implemented");
  }
  toString(): never {
    throw new Error("URLSearchParams.toString is not implemented");
  }
}

describe("without URLSearchParams", () => {
  it.each<[what: string, stub: unknown]>([
    ["at all", undefined],
    ["that works", NotImplemented],
  ])("%s the address is what it is otherwise", async (_what, stub) => {
    vi.stubGlobal("URLSearchParams", stub);
    const { targetOf } = await import("../../src/client/target.js");
    const { addressOf } = await import("../../../transport/src/client/target.js");
    const address = { secure: false, host: "h.test", port: "80" };
    const target = targetOf(address, {
      path: "/socket.io",
      query: "?a=1&b=x%20y+z&c&a=2&d=%zz&e=p=q",
      timestampRequests: false,
    });
    expect(target.query).toEqual({ a: "2", b: "x y z", c: "", d: "%zz", e: "p=q" });
    expect(addressOf(target, "polling", true)).toBe(
      "http://h.test:80/socket.io/?a=2&b=x%20y%20z&c=&d=%25zz&e=p%3Dq&EIO=4&transport=polling",
    );
  });

  it.each<[query: unknown, read: object]>([
    [
      { a: 1, b: undefined, c: null, d: ["x", "y"], e: true },
      { a: "1", b: "undefined", c: "null", d: "x,y", e: "true" },
    ],
    ["", {}],
    ["&&", {}],
    [undefined, {}],
  ])("the option query %o", async (query, read) => {
    const { targetOf } = await import("../../src/client/target.js");
    const address = { secure: false, host: "h.test", port: "80" };
    expect(targetOf(address, query === undefined ? {} : { query: query as string }).query).toEqual(read);
  });
});
