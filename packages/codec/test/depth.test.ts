import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDeeperThan } from "../src/depth.js";

/** By the parser instead of by the brackets. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("isDeeperThan", () => {
  it.each<[string, number, boolean]>([
    ["[[]]", 2, false],
    ["[[]]", 1, true],
    ['[{"a":[]}]', 3, false],
    ['[{"a":[]}]', 2, true],
    ["1", 0, false],
    ["[]", 0, true],
    ["[[],[],[],[],[]]", 2, false],
    ['["[[[[[[[["]', 1, false],
    ['["\\"[[[[[[[["]', 1, false],
    ['["\\\\",[[[]]]]', 3, true],
    ['["\\\\\\"[[[[[[["]', 1, false],
    ['["[[[[[[[', 1, false],
    ["[[[[[[[[", 2, true],
    ["]]]][[[[", 2, false],
  ])("%s, %d: %s", (json, limit, deeper) => {
    expect(isDeeperThan(json, limit)).toBe(deeper);
  });

  it("agrees with the parsed value", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 8 }),
        fc.nat(9),
        fc.constantFrom(0, 1, 3),
        (value, limit, indent) => {
          expect(isDeeperThan(JSON.stringify(value, null, indent), limit)).toBe(depthOf(value) > limit);
        },
      ),
    );
  });

  it.each(["\\", '"', '\\"', "[", "{]", '["'])("takes linear time for a million of %j", (unit) => {
    const started = performance.now();
    isDeeperThan(unit.repeat(1e6 / unit.length), 1e6);
    isDeeperThan(`${"[]".repeat(101)}"${unit.repeat(1e6 / unit.length)}`, 100);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
