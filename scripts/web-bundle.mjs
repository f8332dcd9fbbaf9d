// Bundles for browsers as they are served: esbuild bundles and shortens, terser goes over the result once more.
//
// Whoever bundles the package for an app has other tools, so nothing here changes what the code does.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";

/**
 * @param options of esbuild; without `minify` the result is for people
 * @returns `code`, its `map`, and esbuild's `metafile`
 */
export async function bundleForBrowsers({ minify: short = true, ...options }) {
  const { outputFiles, metafile } = await build({
    bundle: true,
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    sourcemap: "external",
    sourcesContent: true,
    metafile: true,
    minify: short,
    outdir: "out",
    write: false,
    ...options,
    define: { "globalThis.Buffer": "undefined", ...options.define },
    plugins: [...(options.plugins ?? []), leanEmitter],
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const bundle = { code: text(".js"), map: text(".js.map"), metafile };
  if (!short) return bundle;
  const { code, map } = await minify(bundle.code, {
    module: options.format === "esm",
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true, keep_fargs: false },
    sourceMap: { content: bundle.map },
  });
  return { code: String(code), map: String(map), metafile };
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
