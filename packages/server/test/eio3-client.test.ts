import { type ConnectPacket, DEFAULT_LIMITS, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { eio3Limits, eio3SocketId, splitQuery } from "../src/eio3-client.js";

function connect(nsp: string): ConnectPacket {
  return { type: PacketType.CONNECT, nsp, id: undefined, data: undefined };
}

describe("splitQuery", () => {
  it.each<[string, string, Record<string, string> | undefined]>([
    ["/", "/", undefined],
    ["/admin", "/admin", undefined],
    ["/admin?", "/admin", {}],
    ["/admin?token=a%20b%26c&x=1", "/admin", { token: "a b&c", x: "1" }],
    ["/a/b?q=%C3%BC+1", "/a/b", { q: "ü 1" }],
    ["/a?b=1&b=2", "/a", { b: "2" }],
    ["/a?b=c?d=e", "/a", { b: "c?d=e" }],
    ["/a?%", "/a", { "%": "" }],
    ["/?a=1", "/", { a: "1" }],
  ])("of %s", (given, nsp, data) => {
    const split = splitQuery(connect(given), DEFAULT_LIMITS);
    expect(split?.nsp).toBe(nsp);
    expect(split?.data && { ...split.data }).toEqual(data);
  });

  it("knows no prototype", () => {
    const data = splitQuery(connect("/a?__proto__=1&constructor=2"), DEFAULT_LIMITS)?.data;
    expect(Object.getPrototypeOf(data)).toBe(null);
    expect(Object.entries(data ?? {})).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  it("bounds the name and the query", () => {
    const { maxNamespaceLength } = DEFAULT_LIMITS;
    const name = `/${"n".repeat(maxNamespaceLength - 1)}`;
    const query = "q".repeat(10_000);
    expect(splitQuery(connect(`${name}?${query}`), DEFAULT_LIMITS)?.nsp).toBe(name);
    expect(splitQuery(connect(`${name}n?${query}`), DEFAULT_LIMITS)).toBeUndefined();
    expect(splitQuery(connect(`${name}n`), DEFAULT_LIMITS)).toBeUndefined();
    expect(eio3Limits(DEFAULT_LIMITS).maxNamespaceLength).toBeGreaterThan(name.length + query.length);
    const most = DEFAULT_LIMITS.maxAuthBytes - 1;
    expect(splitQuery(connect(`${name}?${"q".repeat(most)}`), DEFAULT_LIMITS)?.oversized).toBeUndefined();
    for (const large of ["q".repeat(most + 1), "a&".repeat(500_000), "ä".repeat(most / 2 + 1)]) {
      expect(splitQuery(connect(`${name}?${large}`), DEFAULT_LIMITS)).toEqual({
        ...connect(name),
        oversized: true,
      });
    }
  });
});

describe("olderSocketId", () => {
  it.each([
    ["/", "abc"],
    ["/admin", "/admin#abc"],
  ])("in %s", (namespace, id) => {
    expect(eio3SocketId(namespace, "abc")).toBe(id);
  });
});
