import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("README.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| ([SCNKP]\d+) +\| ([^|]+?) +\| ([^|]+?) +\|$/gm)].map(
  ([, row = "", cause = "", tests = ""]) => ({ row, cause, tests }),
);

/** How many rows each letter has, and which numbers none of them is. */
const LETTERS: readonly (readonly [letter: string, last: number, gaps: readonly number[]])[] = [
  ["S", 17, [16]],
  ["C", 18, [16]],
  ["N", 10, []],
  ["K", 5, []],
  ["P", 9, []],
];

it("all rows are here, once", () => {
  const expected = LETTERS.flatMap(([letter, last, gaps]) =>
    Array.from({ length: last }, (_, n) => n + 1)
      .filter((number) => !gaps.includes(number))
      .map((number) => `${letter}${number}`),
  );
  expect(rows.map(({ row }) => row)).toEqual(expected);
});

describe.each(rows)("$row: $cause", ({ tests }) => {
  const named = [...tests.matchAll(/`([^`]+)`: (.+?)(?=; `|$)/g)];

  it("has tests", () => expect(named.length).toBeGreaterThan(0));

  it.each(named.map(([, file = "", title = ""]) => [file, title]))("%s: %s", (file, title) => {
    const url = new URL(file, root);
    expect(existsSync(url)).toBe(true);
    expect(readFileSync(url, "utf8")).toContain(title);
  });
});
