// Bundles for browsers as they are served: esbuild bundles and shortens, names of properties that
// nobody outside can see too, and terser goes over the result once more.
//
// Whoever bundles the package for an app has other tools, so nothing here changes what the code does.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";
import { internalNames, namesPattern } from "./internal-names.mjs";
import { ownNamesOnly } from "./own-names.mjs";
import { universal } from "./umd.mjs";

const { head, tail } = universal("globalThis");

/**
 * Options for a script: the bundle's value is an object of exports; the script's is its default export, carrying the others.
 */
export const SCRIPT = {
  format: "iife",
  globalName: "io",
  banner: { js: head },
  footer: { js: `return Object.assign(io.default,io)${tail}` },
};

/** The client's files for pages that are one bundle each, and how esbuild is to make them of its package. */
export const CLIENT_FILES = {
  "sockeye.js": { ...SCRIPT, entryPoints: ["src/browser.ts"], minify: false, conditions: ["development"] },
  "sockeye.min.js": { ...SCRIPT, entryPoints: ["src/browser.ts"] },
  "sockeye.esm.min.js": { format: "esm", entryPoints: ["src/index.ts"] },
  "sockeye.full.min.js": { ...SCRIPT, entryPoints: ["src/browser-full.ts"] },
  "sockeye.full.esm.min.js": { format: "esm", entryPoints: ["src/browser-full-module.ts"] },
  "sockeye.websocket.esm.min.js": { format: "esm", entryPoints: ["src/websocket.ts"] },
  "sockeye.msgpack.min.js": { ...SCRIPT, entryPoints: ["src/browser-msgpack.ts"] },
};

/**
 * @param options of esbuild; without `minify` the result is for people
 * @returns `code`, and esbuild's `metafile`
 */
export async function bundleForBrowsers({ minify: short = true, ...options }) {
  const full = await bundle(options);
  if (!short) return full;
  const { code, metafile } = await bundle({
    ...options,
    minify: true,
    mangleProps: namesPattern(internalNames(full.code)),
  });
  const shortest = await minify(code, {
    module: options.format === "esm",
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true, keep_fargs: false },
  });
  return { code: String(shortest.code), metafile };
}

async function bundle(options) {
  const { outputFiles, metafile } = await build({
    bundle: true,
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    outdir: "out",
    write: false,
    ...options,
    define: { "globalThis.Buffer": "undefined", ...options.define },
    plugins: [everyTransport, ...(options.plugins ?? [])],
  });
  return { code: ownNamesOnly(outputFiles[0].text), metafile };
}

/** Whoever gets a file as it is served cannot import what it lacks. */
const everyTransport = {
  name: "every-transport",
  setup({ onResolve }) {
    const path = fileURLToPath(new URL("../packages/client/src/standard/streams.ts", import.meta.url));
    onResolve({ filter: /^#streams$/ }, () => ({ path }));
  },
};
