import { describe, expect, it } from "vitest";
import { memoryOf } from "../src/memory-of.js";

describe("the memory of a value", () => {
  it.each([
    ["many objects", "{},", "{}"],
    ["many lists", "[],", "[]"],
    ["many numbers", "1,", "1"],
    ["many texts", '"a",', '"a"'],
    ["many members", '{"a":1},', "{}"],
  ])("is about what it takes, not what it took on the wire: %s", (_what, part, last) => {
    const text = `[${part.repeat(20_000)}${last}]`;
    const parsed = (): unknown => JSON.parse(text);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 10 }, parsed);
    globalThis.gc?.();
    const each = (process.memoryUsage().heapUsed - before) / kept.length;
    // Without the collector the figure holds garbage as well.
    if (globalThis.gc) expect(memoryOf(kept[0])).toBeGreaterThan(each / 2);
    expect(memoryOf(kept[0])).toBeGreaterThan(text.length / 2);
    expect(memoryOf(kept[0])).toBeLessThan(40 * text.length);
  });
});
