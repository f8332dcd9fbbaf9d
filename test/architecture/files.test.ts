import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { APART, SHARING } from "../../vitest.config.js";
import { packages, ROOT, read, sources } from "./imports.js";

/** A file that is longer holds more than one job. */
const MAX_LINES = 450;

const all = packages().map(({ folder }) => ({ folder, files: sources(folder) }));

describe("source files", () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const files = all.flatMap(({ files }) => files);
    expect(files.length).toBeGreaterThan(250);
    const long = files.map((file) => `${file}: ${read(file).split("\n").length - 1}`);
    expect(long.filter((line) => Number(line.split(": ")[1]) > MAX_LINES)).toEqual([]);
  });

  it("import from each module once for values and once for types", () => {
    const twice = all.flatMap(({ files }) =>
      files.flatMap((file) => {
        const statements = read(file).matchAll(/^import (type )?[^;]*? from "([^"]+)";/gm);
        const seen = new Set<string>();
        return [...statements].flatMap(([, type = "", from]) => {
          const key = type + from;
          if (seen.has(key)) return [`${file}: ${key}`];
          seen.add(key);
          return [];
        });
      }),
    );
    expect(twice).toEqual([]);
  });
});

describe("files of tests that share modules", () => {
  const files = SHARING.flatMap((folder) => {
    const tests = join("packages", folder, "test");
    const names = readdirSync(join(ROOT, tests), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".test.ts")).map((name) => join(tests, name));
  });

  it("replace none, and import none only for the tests in it: a second file would be without them", () => {
    expect(files.length).toBeGreaterThan(90);
    const refused = files.filter((file) => /vi\.(mock|doMock|resetModules)\(|^import "\./m.test(read(file)));
    expect(refused).toEqual(APART);
  });
});

describe("the code map of ARCHITECTURE.md", () => {
  const text = read("ARCHITECTURE.md");
  const map = text.slice(text.indexOf("## Code map"), text.indexOf("## The way of a message"));
  const sections = new Map(
    map
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")).trim(), section] as const),
  );

  /** What the first column of a section names: files, and folders with a slash at the end. */
  function named(folder: string): string[] {
    const rows = (sections.get(folder) ?? "").split("\n").filter((line) => line.startsWith("| `"));
    return rows.flatMap((row) =>
      [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""),
    );
  }

  it.each(all.map(({ folder }) => folder))("names each file of %s, and no other", (folder) => {
    const src = join("packages", folder, "src");
    const files = readdirSync(join(ROOT, src), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith("index.ts") && !name.endsWith("internal.ts"))
      .map((name) => name.replaceAll("\\", "/"));
    const names = named(folder);
    const covers = (name: string, file: string): boolean =>
      name.endsWith("/") ? file.startsWith(name) : file === name;
    expect(files.filter((file) => !names.some((name) => covers(name, file)))).toEqual([]);
    expect(names.filter((name) => !files.some((file) => covers(name, file)))).toEqual([]);
  });
});
