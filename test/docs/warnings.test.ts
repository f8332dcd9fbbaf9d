import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WARNING_PAGES } from "../../packages/server/src/warnings.js";
import { packages, ROOT, read, sources } from "../architecture/imports.js";

const code = packages().flatMap(({ folder }) => sources(folder).map(read));
const found = (pattern: RegExp): string[] => [
  ...new Set(code.flatMap((text) => [...text.matchAll(pattern)].map(([, group = ""]) => group))),
];

/** As GitHub and the site make them of headings. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );

test("every warning has a row in docs/observability.md", () => {
  const codes = found(/"(SOCKEYE_[A-Z_]+)"/g);
  expect(codes).toContain("SOCKEYE_MEMORY_BUDGET");
  expect(codes.filter((each) => !read("docs/observability.md").includes(`\n| \`${each}\` `))).toEqual([]);
});

test("every page that a message or a comment names is there, with its heading", () => {
  const places = found(/\b(docs\/[\w-]+\.md(?:#[\w-]+)?)/g);
  expect(places).toEqual(expect.arrayContaining(Object.values(WARNING_PAGES)));
  const missing = places.filter((place) => {
    const [page = "", anchor] = place.split("#");
    return !existsSync(join(ROOT, page)) || (anchor !== undefined && !anchorsOf(page).includes(anchor));
  });
  expect(missing).toEqual([]);
});
