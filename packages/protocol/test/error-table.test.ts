import { readFileSync } from "node:fs";
import { ERROR_TABLE } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

/** The rows of the page's table. */
function documented(): Record<string, { meaning: string; retryable: boolean }> {
  const rows = page.matchAll(/^\| `(ERR_\w+)` +\| (.+?) +\| (yes|no) +\|$/gm);
  return Object.fromEntries(
    [...rows].map(([, code, meaning, retry]) => [code, { meaning, retryable: retry === "yes" }]),
  );
}

describe("the table of errors", () => {
  it("is docs/errors.md, row by row and in the same order", () => {
    expect(documented()).toEqual(ERROR_TABLE);
    expect(Object.keys(documented())).toEqual(Object.keys(ERROR_TABLE));
  });

  it("has no code on the page that is not in a row", () => {
    const mentioned = new Set(page.match(/\bERR_\w+/g));
    expect([...mentioned].filter((code) => !(code in ERROR_TABLE))).toEqual([]);
  });

  it.each(Object.entries(ERROR_TABLE))(
    "%s has a code and a sentence as the others do",
    (code, { meaning }) => {
      expect(code).toMatch(/^ERR_[A-Z0-9]+(_[A-Z0-9]+)*$/);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
      expect(meaning).not.toContain("|");
    },
  );

  it("has no two codes of one meaning", () => {
    const meanings = Object.values(ERROR_TABLE).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
  });
});
