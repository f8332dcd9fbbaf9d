import { describe, expect, it } from "vitest";
import { type Package, packages, read, sourceOf, tokenize } from "./imports.js";

// What each package shows is pinned in exports.txt: a name that comes or goes is a decision, made by changing that file
// (`npx vitest run test/architecture/exports.test.ts -u`).

interface Names {
  readonly values: string[];
  readonly types: string[];
}

const TYPE_DECLARATIONS = new Set(["interface", "type"]);
const VALUE_DECLARATIONS = new Set(["function", "const", "class", "abstract", "async"]);

/** The names that a file exports, in lists or where they are declared. */
function exportedNames(file: string): Names {
  const tokens = tokenize(read(file)).map(({ text }) => text);
  const names: Names = { values: [], types: [] };
  tokens.forEach((token, at) => {
    if (token !== "export") return;
    const next = tokens[at + 1] ?? "";
    const list = next === "{" ? at + 1 : next === "type" && tokens[at + 2] === "{" ? at + 2 : undefined;
    if (list !== undefined)
      readList(tokens.slice(list + 1, tokens.indexOf("}", list)), next === "type", names);
    else if (TYPE_DECLARATIONS.has(next)) names.types.push(tokens[at + 2] ?? "");
    else if (VALUE_DECLARATIONS.has(next))
      names.values.push(tokens.slice(at + 2).find((each) => !/^(class|function)$/.test(each)) ?? "");
    else throw new Error(`${file}: export ${next}?`);
  });
  names.values.sort();
  names.types.sort();
  return names;
}

/** `a, type B, c as d` */
function readList(tokens: readonly string[], allTypes: boolean, names: Names): void {
  let item: string[] = [];
  for (const token of [...tokens, ","]) {
    if (token !== ",") item.push(token);
    else if (item.length > 0) {
      const isType = allTypes || (item[0] === "type" && item.length > 1 && item[1] !== "as");
      (isType ? names.types : names.values).push(item.at(-1) as string);
      item = [];
    }
  }
}

interface Entry {
  readonly name: string;
  readonly file: string;
}

function entries({ folder, manifest }: Package): Entry[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    const file = sourceOf({ folder, manifest }, target);
    return file?.endsWith(".ts") ? [{ name: manifest.name + subpath.slice(1), file }] : [];
  });
}

const published = packages().filter(({ manifest }) => manifest.private !== true);
const all = published.flatMap(entries);

describe("what the packages show", () => {
  it("is what exports.txt says", async () => {
    const lines = all.flatMap(({ name, file }) => {
      const { values, types } = exportedNames(file);
      return [name, ...values.map((each) => `  ${each}`), ...types.map((each) => `  type ${each}`), ""];
    });
    await expect(lines.join("\n")).toMatchFileSnapshot("./exports.txt");
  });

  it.each(all)("$name gives the values that its file names", async ({ name, file }) => {
    const module = (await import(/* @vite-ignore */ name)) as object;
    expect(Object.keys(module).sort()).toEqual(exportedNames(file).values);
  });

  it("an index lists names only, never logic", () => {
    const indexes = all.map(({ file }) => file).filter((file) => file.endsWith("index.ts"));
    expect(indexes.length).toBeGreaterThan(8);
    const lists = /^(?:\s*export (?:type )?\{[^}]*\}(?: from "[^"]+")?;)*\s*$/;
    for (const file of indexes) expect(withoutComments(read(file)), file).toMatch(lists);
  });
});

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
}
