// Builds the package in the current directory: src/**/*.ts → dist/**/*.{js,cjs,d.ts,d.cts}.
//
// Every source file becomes one output file of the same name, so that two entries of a package share
// their modules (one class, one `instanceof`) and stack traces name the file that a reader would open.
// tsup writes the JavaScript, tsc the declarations; see declarations.mjs for the CommonJS half of those.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { relative } from "node:path";
import { build } from "tsup";
import { buildBrowserBundles } from "./browser-bundles.mjs";
import { buildDeclarations } from "./declarations.mjs";
import { ownNamesOnly } from "./own-names.mjs";
import { buildSelfContained } from "./self-contained.mjs";

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
  fillImportMeta();
  keepToOwnNames();
}

// tsc 7 is a native program; npm puts a launcher for it into the root's node_modules/.bin.
const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = new URL(JSON.parse(readFileSync(typescript, "utf8")).bin.tsc, `file://${typescript}`).pathname;
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });

if (manifest.private !== true) {
  buildDeclarations(packageDirectory);
  if (existsSync("src/require.ts")) makeRequireCallable();
}
if (existsSync("src/browser.ts")) {
  await buildBrowserBundles(packageDirectory);
  await buildSelfContained(packageDirectory);
}
// The bundles that the server gives to browsers. turbo.json has the client built before.
if (manifest.name === "@sockeye/server") cpSync("../client/dist/browser", "dist/client", { recursive: true });

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
