import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packages, ROOT, read } from "./imports.js";

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly typesVersions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

// TypeScript's `node10` reads no `exports`: types of a subpath are found by `typesVersions`, or in a folder with a package.json.
describe("each subpath has types for those who read no exports", () => {
  it.each(packages().map(({ folder }) => folder))("%s", (folder) => {
    const {
      private: own,
      exports = {},
      typesVersions = {},
    } = JSON.parse(read(`packages/${folder}/package.json`)) as Manifest;
    const subpaths = Object.keys(exports).filter((key) => key !== "." && typeof exports[key] === "object");
    const missing = subpaths.filter((key) => {
      const [file] = typesVersions["*"]?.[key.slice(2)] ?? [];
      if (file !== undefined) return !JSON.stringify(exports[key]).includes(`"./${file}"`);
      return !existsSync(join(ROOT, `packages/${folder}`, key, "package.json"));
    });
    expect(own === true ? [] : missing).toEqual([]);
  });
});
