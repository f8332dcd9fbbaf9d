import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeArray } from "../src/json.js";

describe("writeArray", () => {
  it("writes what JSON.stringify writes", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary", minLength: 250, maxLength: 260 }),
    );
    const unit = fc.array(fc.nat(0xffff), { maxLength: 5 }).map((codes) => String.fromCharCode(...codes));
    const item = fc.oneof(text, unit, fc.double(), fc.integer(), fc.anything(), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.array(item).filter((items) => isWritable(items)),
        (items) => {
          expect(writeArray(items)).toBe(JSON.stringify(items));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("escapes each single character as JSON.stringify does", () => {
    for (let code = 0; code <= 0xffff; code++) {
      const items = [String.fromCharCode(code)];
      if (writeArray(items) !== JSON.stringify(items)) expect.fail(`U+${code.toString(16)}`);
    }
  });
});

/** `fc.anything` also makes what cannot be JSON. */
function isWritable(items: unknown[]): boolean {
  try {
    JSON.stringify(items);
    return true;
  } catch {
    return false;
  }
}
