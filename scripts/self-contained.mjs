// The client for tools that do not read the `exports` of a package.json, or no syntax newer than ES2017: webpack 4, Parcel with its
// defaults, Metro of React Native up to 0.78, browserify. Each entry of the package is a file of CommonJS in dist/self-contained, and
// one of ESM in dist/self-contained/esm. They import nothing but each other's chunks, by relative paths, so all of them share their
// classes. The fields `browser`, `react-native` and `module` lead there; tools that read `exports` never come here.
//
// Private names become properties: as WeakMaps, which is what ES2017 has for them, they would be slow.
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { transformAsync } from "@babel/core";
import { build, transform } from "esbuild";
import { ownNamesOnly } from "./own-names.mjs";
import { publicNames } from "./public-names.mjs";

const ENTRIES = ["index", "websocket", "engine", "legacy", "msgpack"];
const TARGET = "es2017";

export async function buildSelfContained(packageDirectory) {
  const dist = join(packageDirectory, "dist/self-contained");
  const { outputFiles } = await build({
    absWorkingDir: packageDirectory,
    entryPoints: ENTRIES.map((name) => `src/${name}.ts`),
    // Without the root's tsconfig.json, whose `paths` lead from package names to sources meant for Node.
    tsconfigRaw: {},
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    outdir: dist,
    chunkNames: "chunk-[hash]",
    write: false,
  });
  mkdirSync(join(dist, "esm"), { recursive: true });
  writeFileSync(join(dist, "package.json"), '{ "type": "commonjs" }\n');
  writeFileSync(join(dist, "esm/package.json"), '{ "type": "module", "sideEffects": false }\n');
  for (const { path, text } of outputFiles) {
    const name = basename(path);
    const plugin = [publicNames, { mark: name.replace(/\W|js$/g, "_") }];
    const { code } = await transformAsync(text, {
      babelrc: false,
      configFile: false,
      browserslistConfigFile: false,
      compact: false,
      plugins: [plugin],
    });
    // Shortened: who steps through such a file finds the same code, file by file, beside it in `dist`.
    const options = { target: TARGET, minifySyntax: true, minifyWhitespace: true, legalComments: "none" };
    const esm = await transform(code, { ...options, format: "esm" });
    const cjs = await transform(code, { ...options, format: "cjs" });
    writeFileSync(join(dist, "esm", name), esm.code);
    const callable = name === "index.js" ? CALLABLE : "";
    writeFileSync(join(dist, name), ownNamesOnly(cjs.code) + callable);
  }
}

/** As build.mjs does it for Node: `require("@sockeye/client")` is the function `io`, which carries everything. */
const CALLABLE = `{
  const all = module.exports;
  const callable = (uri, opts) => all.io(uri, opts);
  for (const name of Object.keys(all)) Object.defineProperty(callable, name, { value: all[name], enumerable: true });
  Object.defineProperty(callable, "__esModule", { value: true });
  module.exports = callable;
}
`;
