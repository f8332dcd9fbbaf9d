// What an app pays for the client: bundles the smallest apps with esbuild and measures them.
//
//   node scripts/bundle-size.mjs                  all of them
//   node scripts/bundle-size.mjs --modules        and the bytes of each module before gzip
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { bundleLegacy } from "./legacy-bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const LEGACY = "legacy, in ES5";

/** The apps, by name; the one file for old browsers is one of them. */
export const APPS = {
  "websocket-only": `import { io } from "@sockeye/client/websocket"; io();`,
  "modern default": `import { io } from "@sockeye/client"; io();`,
  [LEGACY]: "",
};

/** Sources are bundled, not `dist`, so that no build is needed. The root's tsconfig.json leads to them. */
const asBrowsersDo = {
  name: "as-browsers-do",
  setup({ onResolve }) {
    const web = `${root}packages/transport/src/web/`;
    const enginePackets = `${root}packages/codec/src/web/engine-packets.ts`;
    onResolve({ filter: /^#engine-packets$/ }, () => ({ path: enginePackets }));
    onResolve({ filter: /^#http$/ }, () => ({ path: `${web}http-request.ts` }));
    onResolve({ filter: /^#websocket$/ }, () => ({ path: `${web}native-websocket.ts` }));
  },
};

/** Bytes of a bundle, minified and after gzip, and what each module has in it, the largest first. */
export async function measure(app) {
  if (app === APPS[LEGACY]) {
    const { minified, modules } = await bundleLegacy();
    return { ...weigh(Buffer.from(minified)), modules };
  }
  const { outputFiles, metafile } = await build({
    stdin: { contents: app, resolveDir: root },
    absWorkingDir: root,
    tsconfig: `${root}tsconfig.json`,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    metafile: true,
    write: false,
    plugins: [asBrowsersDo],
  });
  const [output] = Object.values(metafile.outputs);
  const modules = Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes);
  const { contents } = outputFiles[0];
  return { ...weigh(contents), modules };
}

function weigh(contents) {
  return { minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, app] of Object.entries(APPS)) {
    const { minified, gzip, modules } = await measure(app);
    console.log(`${name}: ${minified} bytes minified, ${gzip} after gzip`);
    if (!process.argv.includes("--modules")) continue;
    for (const { path, bytes } of modules)
      console.log(`  ${String(bytes).padStart(6)}  ${relative(".", path)}`);
  }
}
