// What an app pays for the client: bundles the smallest apps with esbuild and measures them.
//
//   node scripts/bundle-size.mjs                  all of them
//   node scripts/bundle-size.mjs --modules        and the bytes of each module before gzip
//   node scripts/bundle-size.mjs --features       what an app's bundle would have without one feature, and what more it has with others
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { IN_BROWSERS } from "./in-browsers.mjs";
import { bundleLegacy } from "./legacy-bundle.mjs";
import { bundleForBrowsers, SCRIPT } from "./web-bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const STANDARD = `export * from "@sockeye/client";`;
/** As packages/client/src/browser-full-module.ts. */
const FULL = `${STANDARD} export { CallError, calls, isCallError, streams } from "@sockeye/contract/client";
  export { RoomError, rooms } from "@sockeye/rooms/client";`;

/**
 * What is measured, by name: the smallest apps as their own bundler makes them, and files as they are served, with all that they
 * export.
 */
export const APPS = {
  "websocket-only": { contents: `import { io } from "@sockeye/client/websocket"; io();` },
  "modern default": { contents: `import { io } from "@sockeye/client"; io();` },
  "served: websocket-only": { contents: `export * from "@sockeye/client/websocket";`, bundle: served },
  "served: modern default": { contents: STANDARD, bundle: served },
  "served: script": {
    contents: `${STANDARD} export { io as default } from "@sockeye/client";`,
    bundle: script,
  },
  "served: full": { contents: FULL, bundle: served },
  "legacy, in ES5": { bundle: legacy },
};

/** What `@sockeye/client` has and its lean entry has not: where each part is made, and what stands in its place without it. */
const PARTS = {
  "coming back (`resume`)": ["resume", "resumeFeature", "@sockeye/engine/client"],
  "what a server never saw": ["unseen", "unseenOf", "client/src/unseen.ts"],
  "the race of transports (`race`)": ["race", "raceFeature", "@sockeye/engine/client"],
  "upgrades from polling": ["probe", "clientProbe", "@sockeye/session"],
  "Blobs among arguments": ["blobs", "blobFeature", "client/src/blobs.ts"],
  "a parser of the app's (`parser`)": ["codecOf", "codecFromParser", "@sockeye/session"],
  "`retries`": ["retriesOf", "RetryQueue", "client/src/retry-queue.ts"],
  "`manager.engine`": ["engineOf", "VisibleSession", "client/src/visible-session.ts"],
  polling: ["PollingTransport", "PollingTransport", "@sockeye/transport/client"],
};

/** What an app imports besides. */
const BESIDES = {
  calls: `calls } from "@sockeye/contract/client"`,
  streams: `streams } from "@sockeye/contract/client"`,
  uploads: `uploads } from "@sockeye/contract/client"`,
  rooms: `rooms } from "@sockeye/rooms/client"`,
  "`StreamTransport`": `StreamTransport } from "@sockeye/client"`,
  "`SseTransport`": `SseTransport } from "@sockeye/client"`,
};

/** Bytes after gzip that each part of the client weighs, in an app that has all the others; and what others add. */
export async function features() {
  const whole = (await measure({ contents: composed([]) })).gzip;
  const app = (await measure(APPS["modern default"])).gzip;
  const without = {};
  for (const name of Object.keys(PARTS))
    without[name] = (await measure({ contents: composed([name]) })).gzip - whole;
  const none = (await measure({ contents: composed(Object.keys(PARTS)) })).gzip - whole;
  const besides = {};
  for (const [name, what] of Object.entries(BESIDES)) {
    const contents = `${APPS["modern default"].contents} import { ${what}; console.log(${what.split(" ")[0]});`;
    besides[name] = (await measure({ contents })).gzip - app;
  }
  return { whole, without, none, besides };
}

/** An app whose client lacks these parts. */
function composed(absent) {
  const file = (name) => JSON.stringify(name.startsWith("@") ? name : `${root}packages/${name}`);
  const lines = [`import { ioWith } from ${file("client/src/io.ts")}`];
  lines.push(`import { Manager } from ${file("client/src/manager.ts")}`);
  lines.push(`import { WebSocketTransport } from "@sockeye/transport/client"`);
  const parts = [];
  const transports = ["WebSocketTransport"];
  for (const [name, [part, value, from]] of Object.entries(PARTS)) {
    if (!absent.includes(name)) lines.push(`import { ${value} } from ${file(from)}`);
    const isClass = ["retriesOf", "engineOf"].includes(part);
    if (part === value) transports.unshift(...(absent.includes(name) ? [] : [value]));
    else if (absent.includes(name)) parts.push(`${part}: undefined`);
    else parts.push(`${part}: ${isClass ? `(...all) => new ${value}(...all)` : value}`);
  }
  lines.push(`class M extends Manager { static parts = { transports: [${transports}], ${parts} } }`);
  return `${lines.join(";\n")};\nioWith(M)();`;
}

/** Sources are bundled, not `dist`, so that no build is needed. The root's tsconfig.json leads to them. */
const asBrowsersDo = {
  name: "as-browsers-do",
  setup({ onResolve }) {
    for (const [name, file] of Object.entries(IN_BROWSERS)) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `${root}packages/${file}` }));
    }
  },
};

/** Bytes of a bundle, minified and after gzip, and what each module has in it, the largest first. */
export async function measure(app) {
  const { code, modules } = await bundled(app);
  return { ...weigh(Buffer.from(code)), modules };
}

/**
 * One of {@link APPS} as the browser gets it.
 *
 * @param {{ contents?: string, bundle?: (contents: string) => Promise<Bundled> }} app
 * @typedef {{ code: string, modules: { path: string, bytes: number }[] }} Bundled
 * @returns {Promise<Bundled>}
 */
export function bundled({ contents, bundle = byUser }) {
  return bundle(contents);
}

/** @returns {Promise<Bundled>} */
async function byUser(contents) {
  const { outputFiles, metafile } = await build({
    ...optionsFor(contents),
    bundle: true,
    minify: true,
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    external: ["react"],
    metafile: true,
    write: false,
  });
  return { code: outputFiles[0].text, modules: modulesOf(metafile) };
}

/** @returns {Promise<Bundled>} */
async function served(contents) {
  const { code, metafile } = await bundleForBrowsers(optionsFor(contents));
  return { code, modules: modulesOf(metafile) };
}

/** @returns {Promise<Bundled>} */
async function script(contents) {
  const { code, metafile } = await bundleForBrowsers({ ...optionsFor(contents), ...SCRIPT });
  return { code, modules: modulesOf(metafile) };
}

/** @returns {Promise<Bundled>} */
async function legacy() {
  const { minified, modules } = await bundleLegacy();
  return { code: minified, modules };
}

function optionsFor(contents) {
  return {
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    tsconfig: `${root}tsconfig.json`,
    format: "esm",
    plugins: [asBrowsersDo],
  };
}

function modulesOf(metafile) {
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  return Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes);
}

function weigh(contents) {
  return { minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes("--features")) {
  const { whole, without, none, besides } = await features();
  console.log(`an app's bundle: ${whole} bytes after gzip`);
  for (const [name, bytes] of Object.entries(without)) console.log(`  without ${name}: ${bytes}`);
  console.log(`  without all of these: ${none}`);
  for (const [name, bytes] of Object.entries(besides)) console.log(`  with ${name}: +${bytes}`);
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, app] of Object.entries(APPS)) {
    const { minified, gzip, modules } = await measure(app);
    console.log(`${name}: ${minified} bytes minified, ${gzip} after gzip`);
    if (!process.argv.includes("--modules")) continue;
    for (const { path, bytes } of modules)
      console.log(`  ${String(bytes).padStart(6)}  ${relative(".", path)}`);
  }
}
