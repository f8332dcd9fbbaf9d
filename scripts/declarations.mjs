// Declarations for CommonJS: beside each dist/x.d.ts a dist/x.d.cts whose relative imports end in .cjs.
//
// A package with src/require.ts is also callable when required. Its dist/index.d.cts then is `export =` of
// that function, merged with a namespace of everything that dist/index.d.ts exports, and the plain copy
// of index.d.ts moves aside to dist/api.d.cts.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function buildDeclarations(packageDirectory) {
  const dist = join(packageDirectory, "dist");
  const files = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".d.ts"));
  for (const file of files) {
    const text = readFileSync(join(dist, file), "utf8");
    writeFileSync(join(dist, file.replace(/\.d\.ts$/, ".d.cts")), forCommonJs(text));
  }
  if (existsSync(join(dist, "require.d.ts"))) writeCallable(dist);
}

/** `from "./x.js"`, `import("./x.js")`, `import "./x.js"` and `declare module "./x.js"`, with .cjs in place of .js. */
function forCommonJs(text) {
  return text
    .replace(/(\bfrom\s*|\bimport\s*\(?\s*|\bdeclare module\s*)(["'])(\.\.?\/[^"']*)\.js\2/g, "$1$2$3.cjs$2")
    .replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
}

function writeCallable(dist) {
  const index = readFileSync(join(dist, "index.d.ts"), "utf8");
  const signatures = readFileSync(join(dist, "require.d.cts"), "utf8");
  if (!/^export declare function callable\b/m.test(signatures)) {
    throw new Error("src/require.ts must have `export function callable(…)`, declared as a function");
  }
  if (existsSync(join(dist, "api.d.cts"))) throw new Error("the name src/api.ts is taken by the build");
  writeFileSync(join(dist, "api.d.cts"), readFileSync(join(dist, "index.d.cts"), "utf8"));

  // Imported under a prefix, for the function's own imports may have the same names. Without `default`:
  // to a default import from CommonJS the function itself is the default.
  const names = exportedNames(index).filter((name) => name !== "default");
  const lines = [
    `import { ${names.map((name) => `${name} as $${name}`).join(", ")} } from "./api.cjs";`,
    signatures.replace(/^export declare function callable\b/gm, "declare function callable").trimEnd(),
    `declare namespace callable {\n  export { ${names.map((name) => `$${name} as ${name}`).join(", ")} };\n}`,
    "export = callable;",
  ];
  writeFileSync(join(dist, "index.d.cts"), `${lines.join("\n")}\n`);
}

/** The names that an index exports. An index lists names only, so a list is all that has to be read. */
export function exportedNames(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  if (/^\s*export\s*\*/m.test(code))
    throw new Error("index.ts must list its exports by name, not with `export *`");
  const names = new Set();
  for (const [, list] of code.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}/g)) {
    for (const item of list.split(",")) {
      const name = item.trim().split(/\s+/).at(-1);
      if (name) names.add(name);
    }
  }
  const declared =
    /export\s+(?:declare\s+)?(?:abstract\s+)?(?:class|function|const|let|var|interface|type|enum|namespace)\s+([\w$]+)/g;
  for (const [, name] of code.matchAll(declared)) names.add(name);
  return [...names].sort();
}
