import { readFileSync } from "node:fs";
import { DEFAULT_LIMITS, ERROR_TABLE, LIMIT_BY_CODE } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../../docs/limits.md", import.meta.url), "utf8");

/** The rows of the page's table. */
const rows = [...page.matchAll(/^\| `(max\w+)` +\| (.+?) +\| .+? +\| `(ERR_\w+)` +\|$/gm)].map(
  ([, name = "", value = "", code = ""]) => ({ name, value, code }),
);

function shown(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "unlimited" : value.toLocaleString("en-US");
}

describe("the table of limits", () => {
  it("is docs/limits.md, row by row and in the same order", () => {
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(DEFAULT_LIMITS));
  });

  it.each(Object.entries(DEFAULT_LIMITS))("%s has the default that the page says", (name, value) => {
    const row = rows.find((each) => each.name === name);
    // That of a server follows another limit, and comes to the same.
    const expected = name === "maxBinaryEventBytes" ? "10 × maxMessageBytes" : shown(value);
    expect(row?.value).toBe(expected);
  });

  it("names codes that there are, and the limit of each", () => {
    for (const { name, code } of rows) {
      expect(ERROR_TABLE).toHaveProperty(code);
      // A name may be bad in more than one way.
      if (code !== "ERR_BAD_EVENT_NAME") expect(LIMIT_BY_CODE).toHaveProperty(code, name);
    }
    expect(Object.keys(LIMIT_BY_CODE)).toHaveLength(rows.length - 1);
  });
});
