import { describe, expect, it } from "vitest";
import { shareable } from "../src/shareable.js";

const cycle: Record<string, unknown> = { n: 1 };
cycle["self"] = cycle;
const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

describe("shareable", () => {
  it.each<[string, unknown]>([
    ["plain values", { a: 1, b: "x", c: null, d: undefined, e: [1, [2]], f: true }],
    ["bytes", { a: Buffer.from("x"), b: new Float64Array(2), c: new ArrayBuffer(3) }],
    ["dates", { at: new Date(0) }],
    ["maps and sets", { m: new Map([[1, 2]]), s: new Set([1]) }],
    ["the same object twice", [cycle["n"], { a: 1 }, { a: 1 }]],
    ["100 levels", deep(100)],
    ["nothing", undefined],
  ])("leaves %s as they are", (_title, value) => {
    const left: unknown[] = [];
    expect(shareable(value, "data", (path, why) => left.push([path, why]))).toBe(value);
    expect(left).toEqual([]);
  });

  it.each<{ title: string; value: unknown; becomes: unknown; left: string[] }>([
    { title: "a cycle", value: cycle, becomes: { n: 1 }, left: ["data.self is a cycle"] },
    {
      title: "a cycle of arrays",
      value: { a: [cycle] },
      becomes: { a: [{ n: 1 }] },
      left: ["data.a[0].self is a cycle"],
    },
    { title: "a BigInt", value: { n: 10n, m: 1 }, becomes: { m: 1 }, left: ["data.n is a BigInt"] },
    { title: "one in an array", value: [1, 2n], becomes: [1, null], left: ["data[1] is a BigInt"] },
    { title: "a BigInt alone", value: 1n, becomes: undefined, left: ["data is a BigInt"] },
    {
      title: "functions, as JSON does",
      value: { f: () => 1, s: Symbol("s"), a: 1 },
      becomes: { a: 1 },
      left: [],
    },
    {
      title: "a getter that throws",
      value: Object.defineProperty({ a: 1 }, "bad", {
        enumerable: true,
        get: () => {
          throw new Error("no");
        },
      }),
      becomes: { a: 1 },
      left: ["data.bad throws when it is read"],
    },
    {
      title: "a toJSON that throws",
      value: {
        a: {
          toJSON: () => {
            throw new Error("no");
          },
        },
        b: 1,
      },
      becomes: { b: 1 },
      left: ["data.a throws: no"],
    },
    {
      title: "a toJSON that returns a BigInt",
      value: { a: { toJSON: () => 1n } },
      becomes: {},
      left: ["data.a is a BigInt"],
    },
    {
      title: "101 levels",
      value: { d: deep(100) },
      becomes: { d: expect.anything() },
      left: [expect.stringMatching(/deep$/)],
    },
    {
      title: "a proxy that throws",
      value: {
        a: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error("no");
            },
          },
        ),
      },
      becomes: {},
      left: ["data.a throws: no"],
    },
  ])("takes out $title, and says so", ({ value, becomes, left }) => {
    const told: string[] = [];
    const result = shareable(value, "data", (path, why) => told.push(`${path} ${why}`));
    expect(result).toEqual(becomes);
    expect(told).toEqual(left);
    expect(() => JSON.stringify(result)).not.toThrow();
  });

  it("keeps __proto__ a key like any other", () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1}}');
    const shared = shareable({ value, f: () => {} }, "data", () => {}) as { value: object };
    expect(JSON.stringify(shared)).toBe('{"value":{"__proto__":{"a":1}}}');
  });
});
