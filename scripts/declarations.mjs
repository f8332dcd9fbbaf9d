// Declarations: each dist/x.d.ts that tsc wrote becomes a dist/x.d.cts whose relative imports end in .cjs, and the .d.ts of an entry
// passes on what its .d.cts declares.
//
// A package with src/require.ts is also callable when required. Its dist/index.d.cts then is `export =` of
// that function, merged with a namespace of everything that dist/index.d.ts exports, and the plain copy
// of index.d.ts moves aside to dist/api.d.cts.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Files of the server that stand behind its handles. */
const MACHINES =
  /^(?:peer|namespace-(?:core|machine)|server-core|connection|admission|exchange|monitor)(?:-\w+)*\.d\.ts$/;

export function buildDeclarations(packageDirectory) {
  const dist = join(packageDirectory, "dist");
  closeRings(dist);
  const { name, exports: entries } = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8"));
  dropUnreached(dist, entries);
  // What only our own packages import is read in the sources, and no editor shows it.
  const isNamedByApps = !/\/(transport|engine|session|codec|cluster)$/.test(name);
  const files = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".d.ts"));
  for (const file of files) {
    const text = readFileSync(join(dist, file), "utf8");
    // The prose of the table of errors is no type.
    const plain = text.replace(/^(\s*readonly meaning: )".*";$/gm, "$1string;");
    const shown =
      isNamedByApps && !MACHINES.test(file) ? plain : plain.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm, "");
    if (shown !== text) writeFileSync(join(dist, file), shown);
    writeFileSync(join(dist, file.replace(/\.d\.ts$/, ".d.cts")), forCommonJs(shown));
  }
  if (existsSync(join(dist, "require.d.ts"))) writeCallable(dist);
  declareOnce(dist, files, entries);
}

/**
 * ES modules may import declarations of CommonJS, though not the other way around: an entry's .d.ts passes on what its .d.cts
 * declares. So each type stands in the package once, and is the same one for both.
 */
function declareOnce(dist, files, entries) {
  const entered = new Set(
    [...JSON.stringify(entries).matchAll(/"\.\/dist\/([^"]*\.d\.ts)"/g)].map(([, file]) => file),
  );
  for (const file of files) {
    const path = join(dist, file);
    const text = readFileSync(path, "utf8");
    rmSync(path);
    if (!entered.has(file)) continue;
    const name = basename(file, ".d.ts");
    const target = name === "index" && existsSync(join(dist, "api.d.cts")) ? "api" : name;
    const [, original] = /\b(\w+) as default\b/.exec(text) ?? [];
    const named = `export * from "./${target}.cjs";\n`;
    writeFileSync(
      path,
      original ? `${named}export { ${original} as default } from "./${target}.cjs";\n` : named,
    );
  }
}

/** Declarations that no entry of the package leads to are for nobody. */
function dropUnreached(dist, entries) {
  const all = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".d.ts"));
  const files = new Set(all.map((file) => join(dist, file)));
  const reached = new Set();
  const reach = (file) => {
    if (!files.has(file) || reached.has(file)) return;
    reached.add(file);
    for (const [, path] of readFileSync(file, "utf8").matchAll(/["'](\.\.?\/[^"']*)\.js["']/g))
      reach(join(dirname(file), `${path}.d.ts`));
  };
  for (const [, path] of JSON.stringify(entries).matchAll(/"\.\/dist\/([^"]*)\.d\.ts"/g))
    reach(join(dist, `${path}.d.ts`));
  reach(join(dist, "require.d.ts"));
  for (const file of files) if (!reached.has(file)) rmSync(file);
}

/** `declare module "./x.js" { interface Name<…> extends Target<…> {} }` */
const AUGMENTATION =
  /^declare module "\.\/([\w-]+)\.js" \{\s*interface (\w+)<[^{]*> extends (\w+)<[^{]*> \{\s*\}\s*\}\n?/gm;

/**
 * Classes that know each other's types form no ring of files in the sources: one declares an interface, which the other's file fills.
 * Users get the class itself in its place, so that an editor says `Namespace` and not the name of that interface.
 */
export function closeRings(dist) {
  const files = readdirSync(dist, { recursive: true }).filter((file) => /^[\w-]+\.d\.ts$/.test(file));
  const texts = new Map(files.map((file) => [file, readFileSync(join(dist, file), "utf8")]));
  const rings = [];
  for (const [file, text] of texts) {
    for (const [, owner, name, target] of text.matchAll(AUGMENTATION))
      rings.push({ file, owner, name, target });
    texts.set(file, text.replace(AUGMENTATION, ""));
  }
  for (const { file: home, owner, name, target } of rings) {
    const declared = new RegExp(
      `^(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?export interface ${name}<[^{]*\\{[^}]*\\}\\n?`,
      "m",
    );
    const before = texts.get(`${owner}.d.ts`);
    if (!declared.test(before)) throw new Error(`${owner}.d.ts declares no interface ${name}`);
    texts.set(`${owner}.d.ts`, before.replace(declared, ""));
    for (const [file, text] of texts) {
      if (!new RegExp(`\\b${name}\\b`).test(text)) continue;
      const named = text
        .replace(new RegExp(`^(import type \\{[^}]*?)\\b${name}\\b,? ?`, "gm"), "$1")
        .replace(/^import type \{\s*\} from [^\n]*\n/gm, "")
        .replace(new RegExp(`\\b${name}\\b`, "g"), target);
      const knows = file === home || new RegExp(`^import [^;]*\\b${target}\\b[^;]*from`, "m").test(named);
      const from = `./${home.replace(/\.d\.ts$/, ".js")}`;
      texts.set(file, knows ? named : `import type { ${target} } from "${from}";\n${named}`);
    }
  }
  for (const [file, text] of texts) writeFileSync(join(dist, file), text);
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
