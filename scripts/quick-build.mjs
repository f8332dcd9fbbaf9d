// What an example runs on, and no more, in seconds: one process for all packages in place of one for each, ESM alone, and the client's files as
// esbuild bundles them. `npm run build` makes the rest: CommonJS, declarations, files that are as small as they get, files for bundlers.
//
// As a program it makes what is slow and few need, the client for old browsers.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";
import { bundleForBrowsers, CLIENT_FILES } from "./web-bundle.mjs";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const program = fileURLToPath(import.meta.url);

/** @param manifest of the example */
export async function buildQuickly(manifest) {
  const names = [...ownPackagesOf(manifest, new Set())];
  await Promise.all(names.map(buildPackage));
  if (names.includes("server")) {
    const common = { absWorkingDir: `${packages}client`, tsconfigRaw: {}, minify: false };
    await Promise.all(
      Object.entries(CLIENT_FILES).map(async ([name, options]) => {
        const { code } = await bundleForBrowsers({ ...options, ...common });
        keepForServer(name, code);
      }),
    );
  }
}

/** The folders of our packages that it needs, directly or not. The server has files of the client's. */
function ownPackagesOf({ name, dependencies, devDependencies }, found) {
  const needed = Object.keys({ ...dependencies, ...devDependencies });
  if (name === "@sockeye/server") needed.push("@sockeye/client");
  for (const dependency of needed) {
    const [, folder] = /^@sockeye\/(.+)$/.exec(dependency) ?? [];
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    ownPackagesOf(JSON.parse(readFileSync(`${packages}${folder}/package.json`, "utf8")), found);
  }
  return found;
}

async function buildPackage(folder) {
  const absWorkingDir = packages + folder;
  rmSync(`${absWorkingDir}/dist`, { recursive: true, force: true });
  const files = readdirSync(`${absWorkingDir}/src`, { recursive: true });
  await build({
    absWorkingDir,
    entryPoints: files.filter((file) => /^(?!browser).*\.ts$/.test(file)).map((file) => `src/${file}`),
    outbase: "src",
    outdir: "dist",
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
}

function keepForServer(name, code) {
  const folder = `${packages}server/dist/client`;
  mkdirSync(folder, { recursive: true });
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
  writeFileSync(`${folder}/${name}.br`, brotliCompressSync(code, quality));
}

if (process.argv[1] === program) {
  const [{ bundleEarly }, { bundleLegacy }] = await Promise.all([
    import("./browser-bundles.mjs"),
    import("./legacy-bundle.mjs"),
  ]);
  keepForServer("early.js", await bundleEarly(`${packages}client`));
  keepForServer("sockeye.legacy.min.js", (await bundleLegacy()).minified);
}
