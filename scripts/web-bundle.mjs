// Bundles for browsers as they are served: esbuild bundles and shortens, names of properties that
// nobody outside can see too, and terser goes over the result once more.
//
// Whoever bundles the package for an app has other tools, so nothing here changes what the code does.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";
import { internalNames } from "./internal-names.mjs";
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

/**
 * @param options of esbuild; without `minify` the result is for people
 * @returns `code`, and esbuild's `metafile`
 */
export async function bundleForBrowsers({ minify: short = true, ...options }) {
  const full = await bundle(options);
  if (!short) return full;
  const names = internalNames(full.code);
  const { code, metafile } = await bundle({
    ...options,
    minify: true,
    mangleProps: new RegExp(`^(?:${names.join("|").replaceAll("$", "\\$&")})$`),
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
    plugins: [...(options.plugins ?? []), leanEmitter],
  });
  return { code: ownNamesOnly(outputFiles[0].text), metafile };
}

/** The methods of eventemitter3 that packages/socket/src/emitter.ts does without. */
const UNUSED = ["emit", "once", "addListener"];

/** As a CommonJS module it would drag in wrappers; and methods of a prototype are not shaken off by any tool. */
const leanEmitter = {
  name: "lean-emitter",
  setup({ onLoad }) {
    onLoad({ filter: /eventemitter3[\\/]index\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const name of UNUSED) {
        const method = new RegExp(`^EventEmitter\\.prototype\\.${name} = (?:function [^]*?^\\}|.*);$`, "m");
        if (!method.test(contents)) throw new Error(`eventemitter3 has no method ${name} any more`);
        contents = contents.replace(method, "");
      }
      const exported = /^if \('undefined' !== typeof module\) \{\n.*\n\}$/m;
      if (!exported.test(contents)) throw new Error("eventemitter3 is exported in another way now");
      return { contents: contents.replace(exported, "export default EventEmitter;"), loader: "js" };
    });
  },
};
