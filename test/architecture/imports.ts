import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Reads which file imports what, types included, from the sources themselves.

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** One import of one file. */
export interface Import {
  /** Path from the root, with slashes. */
  readonly file: string;
  readonly specifier: string;
  /** The file of this repository that it means, if it is one. */
  readonly target: string | undefined;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly imports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  /** Its folder under packages/. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function packages(): Package[] {
  return readdirSync(join(ROOT, "packages")).flatMap((folder) => {
    const path = join(ROOT, "packages", folder, "package.json");
    if (!existsSync(path)) return [];
    return [{ folder, manifest: JSON.parse(readFileSync(path, "utf8")) as Manifest }];
  });
}

/** Paths of all TypeScript sources of a package, from the root. */
export function sources(folder: string): string[] {
  const src = join(ROOT, "packages", folder, "src");
  if (!existsSync(src)) return [];
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => relative(ROOT, join(src, name)))
    .sort();
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/**
 * The specifiers that a source text imports: `import`, `import type`, `export … from`, `import x = require()`, dynamic
 * `import()`, `import("…")` in types, and `require()`. What stands in comments and texts is no import.
 */
export function specifiersOf(source: string): string[] {
  const found = new Set<string>();
  const tokens = tokenize(source);
  tokens.forEach((token, index) => {
    if (token.kind !== "string") return;
    const before = tokens[index - 1];
    const opener = before?.text === "(" ? tokens[index - 2] : undefined;
    const beforeOpener = tokens[index - 3]?.text;
    if (before?.text === "from" || before?.text === "import") found.add(token.text);
    else if ((opener?.text === "import" || opener?.text === "require") && beforeOpener !== ".")
      found.add(token.text);
  });
  return [...found];
}

export interface Token {
  readonly kind: "word" | "string" | "sign";
  readonly text: string;
}

/** Comments, template texts and regular expressions are left out; strings come without their quotes. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^`\\])*`|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|([A-Za-z_$][\w$]*)|(\S)/g;

/** After these a slash begins a regular expression; after a value it divides. */
const BEFORE_REGEX = new Set([
  "(",
  ",",
  "=",
  ":",
  "[",
  "!",
  "&",
  "|",
  "?",
  "{",
  "}",
  ";",
  ">",
  "return",
  "typeof",
  "case",
  "",
]);
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    const [whole, double, single, word, sign] = match;
    if (sign === "/" && BEFORE_REGEX.has(tokens.at(-1)?.text ?? "")) {
      REGEX.lastIndex = match.index;
      const regex = REGEX.exec(source);
      if (regex !== null) {
        TOKEN.lastIndex = REGEX.lastIndex;
        tokens.push({ kind: "sign", text: "regex" });
        continue;
      }
    }
    if (double !== undefined || single !== undefined)
      tokens.push({ kind: "string", text: double ?? single ?? "" });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else if (whole.startsWith("`")) tokens.push({ kind: "sign", text: "template" });
  }
  return tokens;
}

/** All imports of a package's sources. */
export function importsOf(pkg: Package, all: readonly Package[]): Import[] {
  return sources(pkg.folder).flatMap((file) =>
    specifiersOf(read(file)).map((specifier) => ({
      file,
      specifier,
      target: targetOf(file, specifier, { pkg, all }),
    })),
  );
}

function targetOf(
  file: string,
  specifier: string,
  { pkg, all }: { pkg: Package; all: readonly Package[] },
): string | undefined {
  if (specifier.startsWith(".")) {
    return relative(ROOT, resolve(ROOT, dirname(file), specifier)).replace(/\.js$/, ".ts");
  }
  if (specifier.startsWith("#")) return sourceOf(pkg, pkg.manifest.imports?.[specifier]);
  const owner = all.find(({ manifest: { name } }) => specifier === name || specifier.startsWith(`${name}/`));
  return (
    owner && sourceOf(owner, owner.manifest.exports?.[`.${specifier.slice(owner.manifest.name.length)}`])
  );
}

/** The source behind an entry of `exports` or `imports`. */
export function sourceOf(pkg: Package, entry: unknown): string | undefined {
  if (typeof entry === "object" && entry !== null) {
    const conditions = entry as Record<string, unknown>;
    return sourceOf(pkg, conditions["node"] ?? conditions["import"] ?? conditions["default"]);
  }
  if (typeof entry !== "string") return undefined;
  return `packages/${pkg.folder}/${entry.replace(/^\.\/dist\/(.*)\.js$/, "src/$1.ts").replace(/^\.\//, "")}`;
}

/** Groups of files that import each other in a ring. */
export function cycles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, "open" | "done">();
  const path: string[] = [];
  const visit = (node: string): void => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      found.push([...path.slice(path.indexOf(node)), node]);
      return;
    }
    state.set(node, "open");
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    state.set(node, "done");
  };
  for (const node of graph.keys()) visit(node);
  return found;
}
