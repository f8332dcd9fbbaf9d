// Bundles src/browser.ts for a <script> and src/index.ts for a <script type="module">, with every
// dependency inside: dist/browser/sockeye.js, sockeye.min.js and sockeye.esm.min.js; and for old browsers
// src/browser-legacy.ts: sockeye.legacy.js and sockeye.legacy.min.js. The server's package gets a copy of them (see
// build.mjs), since it serves them.
import { writeFileSync } from "node:fs";
import { build } from "esbuild";
import { bundleLegacy } from "./legacy-bundle.mjs";

export async function buildBrowserBundles(packageDirectory) {
  const common = {
    absWorkingDir: packageDirectory,
    bundle: true,
    platform: "browser",
    target: "es2022",
    sourcemap: true,
    sourcesContent: true,
    treeShaking: true,
    // Without the root's tsconfig.json, whose `paths` lead from package names to sources meant for Node.
    tsconfigRaw: {},
    legalComments: "none",
    logLevel: "warning",
  };
  // The bundle's value is an object of exports; the global is its default export, carrying the others.
  const script = {
    ...common,
    entryPoints: ["src/browser.ts"],
    format: "iife",
    globalName: "io",
    footer: { js: "io=Object.assign(io.default,io);" },
  };
  await Promise.all([
    build({ ...script, outfile: "dist/browser/sockeye.js" }),
    build({ ...script, minify: true, outfile: "dist/browser/sockeye.min.js" }),
    build({
      ...common,
      entryPoints: ["src/index.ts"],
      format: "esm",
      minify: true,
      outfile: "dist/browser/sockeye.esm.min.js",
    }),
  ]);
  const { code, map, minified, minifiedMap } = await bundleLegacy();
  writeLegacy("sockeye.legacy.js", code, map);
  writeLegacy("sockeye.legacy.min.js", minified, minifiedMap);

  function writeLegacy(name, text, sourceMap) {
    const file = `${packageDirectory}/dist/browser/${name}`;
    writeFileSync(file, `${text.trimEnd()}\n//# sourceMappingURL=${name}.map\n`);
    writeFileSync(`${file}.map`, sourceMap);
  }
}
