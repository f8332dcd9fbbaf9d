// Builds the package in the current directory: src/**/*.ts → dist/**/*.{js,cjs,d.ts,d.cts}.
//
// Every source file becomes one output file of the same name, so that two entries of a package share
// their modules (one class, one `instanceof`) and stack traces name the file that a reader would open.
// tsup writes the JavaScript, tsc the declarations; see declarations.mjs for the CommonJS half of those.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { relative, sep } from "node:path";
import { transformSync } from "esbuild";
import { build } from "tsup";
import { buildBrowserBundles } from "./browser-bundles.mjs";
import { buildDeclarations } from "./declarations.mjs";
import { ownNamesOnly } from "./own-names.mjs";
import { buildSelfContained } from "./self-contained.mjs";
import { compressServedFiles } from "./served-files.mjs";

/** esbuild's helpers, each behind those that it needs. */
const RANK = [
  "__create",
  "__defProp",
  "__getOwnPropDesc",
  "__getOwnPropNames",
  "__getProtoOf",
  "__hasOwnProp",
  "__export",
  "__copyProps",
  "__reExport",
  "__toESM",
  "__toCommonJS",
];

const packageDirectory = process.cwd();
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

if (!existsSync("src")) {
  console.log(`${manifest.name} has no src yet`);
  process.exit();
}
rmSync("dist", { recursive: true, force: true });

for (const format of manifest.private === true ? ["esm"] : ["esm", "cjs"]) {
  await build({
    config: false,
    silent: true,
    entry: ["src/**/*.ts", "!src/browser*.ts"],
    outDir: "dist",
    format,
    target: "es2022",
    platform: "neutral",
    bundle: true,
    splitting: false,
    sourcemap: false,
    clean: false,
    dts: false,
    treeshake: false,
    esbuildPlugins: [everyImportStaysAnImport(format)],
    esbuildOptions(options) {
      options.outbase = "src";
    },
  });
}

if (manifest.private !== true) {
  shareCommonJsHelpers();
  dropWhatSaysNothing();
  fillImportMeta();
  keepToOwnNames();
  indentByTabs();
}

declareAll();
if (existsSync("src/browser.ts")) {
  await buildBrowserBundles(packageDirectory);
  await buildSelfContained(packageDirectory);
}
// turbo.json has the client built before.
if (manifest.name === "@sockeye/server") await compressServedFiles("../client/dist/browser", "dist/client");

function declareAll() {
  // tsc 7 is a native program; npm puts a launcher for it into the root's node_modules/.bin.
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = new URL(JSON.parse(readFileSync(typescript, "utf8")).bin.tsc, `file://${typescript}`).pathname;
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
  if (manifest.private === true) return;
  buildDeclarations(packageDirectory);
  if (existsSync("src/require.ts")) makeRequireCallable();
}

/** Keeps files apart: relative imports stay imports, with the extension of the format being written. */
function everyImportStaysAnImport(format) {
  return {
    name: "every-import-stays-an-import",
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ kind, path, importer }) => {
        if (kind === "entry-point") return undefined;
        if (!path.startsWith(".")) return { path, external: true };
        if (!/\.(js|json)$/.test(path)) {
          throw new Error(`${relative(packageDirectory, importer)}: write "${path}" with its .js extension`);
        }
        return { path: format === "cjs" ? path.replace(/\.js$/, ".cjs") : path, external: true };
      });
    },
  };
}

/** `require(name)` gives the function `callable` of src/require.ts, with all named exports as its properties. */
function makeRequireCallable() {
  const code = readFileSync("dist/index.cjs", "utf8");
  const map = "//# sourceMappingURL=";
  const footer = `{
  const { callable } = require("./require.cjs");
  for (const name of Object.keys(module.exports)) {
    Object.defineProperty(callable, name, { value: module.exports[name], enumerable: true });
  }
  module.exports = callable;
}
`;
  if (code.includes(footer)) return;
  rmSync("dist/index.cjs");
  appendFileSync(
    "dist/index.cjs",
    code.includes(map) ? code.replace(map, () => footer + map) : code + footer,
  );
}

/** esbuild's helpers stand in each file that it writes: a third of all CommonJS. Here they are in one file, `_cjs.cjs`. */
function shareCommonJsHelpers() {
  const helper = /^var (__\w+) = (?:[^\n]*;|[\s\S]*?\n(?:\};|\)\);))\n/;
  const shared = new Map();
  for (const file of readdirSync("dist", { recursive: true })) {
    if (!file.endsWith(".cjs")) continue;
    let code = readFileSync(`dist/${file}`, "utf8").replace('"use strict";\n', "");
    const own = [];
    for (let found = helper.exec(code); found; found = helper.exec(code)) {
      shared.set(found[1], found[0]);
      own.push(found[1]);
      code = code.slice(found[0].length);
    }
    const names = own.filter((name) => new RegExp(`\\b${name}\\(`).test(code));
    const up = "../".repeat(file.split(sep).length - 1) || "./";
    const head = names.length > 0 ? `var { ${names.join(", ")} } = require("${up}_cjs.cjs");\n` : "";
    writeFileSync(`dist/${file}`, `"use strict";\n${head}${code.trimStart()}`);
  }
  if (shared.size === 0) return;
  const order = [...shared.keys()].sort((one, other) => RANK.indexOf(one) - RANK.indexOf(other));
  if (order.some((name) => !RANK.includes(name))) throw new Error(`esbuild has other helpers now: ${order}`);
  writeFileSync(
    "dist/_cjs.cjs",
    `"use strict";\n${order.map((name) => shared.get(name)).join("")}module.exports = { ${order.join(", ")} };\n`,
  );
}

/** Files of sources that are types alone; where a source stands, since each file has just one, of the same name; and comments of CommonJS, which stand in the module beside it. */
function dropWhatSaysNothing() {
  for (const file of readdirSync("dist", { recursive: true })) {
    // A source of types alone.
    if (file.endsWith(".js") && statSync(`dist/${file}`).size === 0) {
      rmSync(`dist/${file}`);
      rmSync(`dist/${file.replace(/\.js$/, ".cjs")}`);
      continue;
    }
    if (!existsSync(`dist/${file}`)) continue;
    if (!/\.c?js$/.test(file)) continue;
    const code = readFileSync(`dist/${file}`, "utf8").replace(/^\/\/ src\/\S+\n/m, "");
    writeFileSync(`dist/${file}`, file.endsWith(".cjs") ? withoutComments(code, file) : code);
  }
}

/** Spaces before lines are a twelfth of all JavaScript, tabs half of that. */
function indentByTabs() {
  for (const file of readdirSync("dist", { recursive: true })) {
    if (!/\.c?js$/.test(file)) continue;
    const code = readFileSync(`dist/${file}`, "utf8");
    const indented = code.replace(/^(?: {2})+/gm, (spaces) => "\t".repeat(spaces.length / 2));
    // A text of several lines stays as it is, and its file with it.
    if (meaning(indented) === meaning(code)) writeFileSync(`dist/${file}`, indented);
  }
}

/** The code without a look at its spaces. */
function meaning(code) {
  return transformSync(code, { minifyWhitespace: true }).code;
}

/** Without comments that have lines of their own. */
function withoutComments(code, file) {
  const bare = code.replace(/^[ \t]*(?:\/\*\*(?:[^*]|\*(?!\/))*\*\/|\/\/[^\n]*)\n/gm, "");
  // A text may look like a comment.
  if (meaning(bare) !== meaning(code)) throw new Error(`${file}: more than comments would go`);
  return bare;
}

/** CommonJS has no `import.meta`: esbuild leaves an empty object in its place. */
function fillImportMeta() {
  for (const file of readdirSync("dist", { recursive: true })) {
    if (!file.endsWith(".cjs")) continue;
    const code = readFileSync(`dist/${file}`, "utf8");
    const filled = code.replace(
      /(var|let|const) import_meta = \{\};/,
      '$1 import_meta = { url: require("node:url").pathToFileURL(__filename).href };',
    );
    if (filled !== code) writeFileSync(`dist/${file}`, filled);
    else if (code.includes("import_meta")) throw new Error(`${file}: import.meta stays empty in CommonJS`);
  }
}

/** So that loading survives what somebody has put on `Object.prototype`. */
function keepToOwnNames() {
  for (const file of readdirSync("dist", { recursive: true })) {
    if (!file.endsWith(".cjs")) continue;
    const code = readFileSync(`dist/${file}`, "utf8");
    const own = ownNamesOnly(code);
    if (own !== code) writeFileSync(`dist/${file}`, own);
  }
}
