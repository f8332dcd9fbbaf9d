import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { same } from "../src/same.js";

describe("same", () => {
  const shared = new Map();
  it.each<[string, unknown, unknown, boolean]>([
    ["values", 1, 1, true],
    ["NaN", Number.NaN, Number.NaN, true],
    ["other values", 1, "1", false],
    ["nothing and null", undefined, null, false],
    ["equal objects", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    ["another order", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ["one member more", { a: 1 }, { a: 1, b: 2 }, false],
    ["one member less", { a: 1, b: undefined }, { a: 1 }, false],
    ["another member that is undefined", { a: undefined }, { b: undefined }, false],
    ["a list and an object", ["x"], { 0: "x" }, false],
    ["functions", () => 1, () => 2, true],
    ["a function and nothing", () => 1, undefined, false],
    ["objects of a class: only the same", new Map(), new Map(), false],
    ["the same of a class", { shared }, { shared }, true],
    ["what only looks like one", { constructor: 1 }, { constructor: 1 }, false],
  ])("%s", (_, one, other, expected) => {
    expect(same(one, other)).toBe(expected);
    expect(same(other, one)).toBe(expected);
  });

  it("agrees with the JSON of any two values", () => {
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("constructor"));
    fc.assert(fc.property(plain, (value) => same(value, structuredClone(value))));
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        // -0 is not in JSON, and the order of members is.
        const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
        return a === b || !same(one, other) || [...a].sort().join() === [...b].sort().join();
      }),
    );
  });
});
