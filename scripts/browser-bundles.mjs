// Bundles the client for pages that have no bundler, with every dependency inside, into dist/browser:
//
//   sockeye.min.js                 a <script>
//   sockeye.js                     the same, for people to read
//   sockeye.esm.min.js             a <script type="module">
//   sockeye.full.min.js            with all that a client can be extended by: calls, rooms, streams
//   sockeye.full.esm.min.js
//   sockeye.websocket.esm.min.js   over WebSocket alone
//   sockeye.msgpack.min.js         speaks MessagePack
//   sockeye.legacy.min.js          ECMAScript 5; only small, since what Babel makes of the code is not for people to read
//   early.js                       a snippet that dials before the client has come
//
// The server's package has them compressed, since it serves them (served-files.mjs). There are no source maps: with all sources inside they
// weigh more than the packages themselves, and sockeye.js is the same code as people wrote it.
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { transformAsync } from "@babel/core";
import { build } from "esbuild";
import { minify } from "terser";
import { bundleLegacy } from "./legacy-bundle.mjs";
import { bundleForBrowsers, CLIENT_FILES } from "./web-bundle.mjs";

export async function buildBrowserBundles(packageDirectory) {
  mkdirSync(`${packageDirectory}/dist/browser`, { recursive: true });
  // It takes as long as all others together: in a thread of its own, beside them.
  const legacy = once(new Worker(new URL(import.meta.url)), "message");
  // Scripts are CommonJS for `require`, modules are not, and neither has an ending that says so: tools shall look at the code.
  writeFileSync(`${packageDirectory}/dist/browser/package.json`, "{}\n");
  // Without the root's tsconfig.json, whose `paths` lead from package names to sources meant for Node.
  const common = { absWorkingDir: packageDirectory, tsconfigRaw: {} };
  await Promise.all(
    Object.entries(CLIENT_FILES).map(async ([name, options]) => {
      const { code } = await bundleForBrowsers({ ...common, ...options });
      writeFile(name, code);
    }),
  );
  writeFile("early.js", await bundleEarly(packageDirectory));
  const [minified] = await legacy;
  writeFile("sockeye.legacy.min.js", minified);

  function writeFile(name, text) {
    writeFileSync(`${packageDirectory}/dist/browser/${name}`, `${text.trimEnd()}\n`);
  }
}

/** Any browser that has a WebSocket can read it. */
export async function bundleEarly(absWorkingDir) {
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

if (!isMainThread) parentPort.postMessage((await bundleLegacy()).minified);
