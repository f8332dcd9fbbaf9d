// Bundles src/browser.ts for a <script> and src/browser-module.ts for a <script type="module">, with every
// dependency inside: dist/browser/sockeye.js, sockeye.min.js and sockeye.esm.min.js;
// over WebSocket alone, src/websocket.ts: sockeye.websocket.esm.min.js; for a <script> that speaks MessagePack,
// src/browser-msgpack.ts: sockeye.msgpack.min.js; and for old browsers
// src/browser-early.ts: early.js, a snippet in ECMAScript 5; src/browser-legacy.ts: sockeye.legacy.min.js, only small, since what Babel makes of the code is not for people to read. The server's
// package gets a copy of them (see build.mjs), since it serves them. There are no source maps: with all sources inside they weigh more than the packages themselves, and
// sockeye.js is the same code as people wrote it.
import { mkdirSync, writeFileSync } from "node:fs";
import { transformAsync } from "@babel/core";
import { build } from "esbuild";
import { minify } from "terser";
import { bundleLegacy } from "./legacy-bundle.mjs";
import { bundleForBrowsers, SCRIPT } from "./web-bundle.mjs";

export async function buildBrowserBundles(packageDirectory) {
  const common = {
    absWorkingDir: packageDirectory,
    // Without the root's tsconfig.json, whose `paths` lead from package names to sources meant for Node.
    tsconfigRaw: {},
  };
  const script = { ...common, ...SCRIPT, entryPoints: ["src/browser.ts"] };
  const module = { ...common, format: "esm" };
  mkdirSync(`${packageDirectory}/dist/browser`, { recursive: true });
  // Scripts are CommonJS for `require`, modules are not, and neither has an ending that says so: tools shall look at the code.
  writeFileSync(`${packageDirectory}/dist/browser/package.json`, "{}\n");
  await Promise.all([
    write("sockeye.js", { ...script, minify: false, conditions: ["development"] }),
    write("sockeye.min.js", script),
    write("sockeye.esm.min.js", { ...module, entryPoints: ["src/browser-module.ts"] }),
    write("sockeye.websocket.esm.min.js", { ...module, entryPoints: ["src/websocket.ts"] }),
    write("sockeye.msgpack.min.js", { ...script, entryPoints: ["src/browser-msgpack.ts"] }),
  ]);
  writeFile("early.js", await bundleEarly(packageDirectory));
  const { minified } = await bundleLegacy();
  writeFile("sockeye.legacy.min.js", minified);

  async function write(name, options) {
    const { code } = await bundleForBrowsers(options);
    writeFile(name, code);
  }

  function writeFile(name, text) {
    writeFileSync(`${packageDirectory}/dist/browser/${name}`, `${text.trimEnd()}\n`);
  }
}

/** Any browser that has a WebSocket can read it. */
async function bundleEarly(absWorkingDir) {
  const { outputFiles } = await build({
    absWorkingDir,
    entryPoints: ["src/browser-early.ts"],
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
    outdir: "out",
    tsconfigRaw: {},
  });
  const lowered = await transformAsync(outputFiles[0].text, {
    babelrc: false,
    configFile: false,
    sourceType: "script",
    presets: [["@babel/preset-env", { targets: "ie 11" }]],
  });
  const { code } = await minify(lowered.code, {
    ecma: 5,
    compress: { passes: 3, negate_iife: true },
    format: { quote_style: 0 },
  });
  return code;
}
