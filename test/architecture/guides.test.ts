import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./imports.js";

// The guides show code that runs: what stands below `<!-- path -->` is in that file, line by line.

const GUIDES = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
/** Pages of the site that show no code of the examples. */
const OTHERS = [
  ...["ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "PROTOCOL", "SECURITY"].map((name) => `${name}.md`),
  ...readdirSync(join(ROOT, "docs/adr")).map((name) => `docs/adr/${name}`),
  ...readdirSync(join(ROOT, "examples"))
    .map((name) => `examples/${name}/README.md`)
    .filter((page) => existsSync(join(ROOT, page))),
];
const PAGES = [...GUIDES.map((name) => `docs/${name}`), "README.md", "examples/README.md", ...OTHERS];

interface Excerpt {
  readonly file: string;
  readonly code: string;
}

function excerptsOf(text: string): Excerpt[] {
  const pattern = /<!-- (\S+) -->\n```\w+\n([\s\S]*?)```/g;
  return [...text.matchAll(pattern)].map(([, file = "", code = ""]) => ({ file, code }));
}

/** Without indentation, which may differ. */
function lines(text: string): string {
  return `\n${text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n")}\n`;
}

describe.each(PAGES)("%s", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");

  test("shows code as it stands in the examples", () => {
    for (const { file, code } of excerptsOf(text)) {
      expect(lines(readFileSync(join(ROOT, file), "utf8"))).toContain(lines(code));
    }
  });

  test("leads to files that are there", () => {
    const prose = text.replace(/```[\s\S]*?```|`[^`\n]+`/g, "");
    const targets = [...prose.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });
});

test("the guides do show some", () => {
  const all = GUIDES.flatMap((name) => excerptsOf(readFileSync(join(ROOT, "docs", name), "utf8")));
  expect(all.length).toBeGreaterThan(10);
});
