import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Tests import a package by its public name and get its sources, yet only through the subpaths that its
// `exports` map names: what the map does not show, a test cannot import by name either.

type Target = string | { readonly [condition: string]: Target };
interface Alias {
  readonly find: RegExp;
  readonly replacement: string;
}
interface Manifest {
  readonly name: string;
  readonly exports?: { readonly [subpath: string]: Target };
  readonly imports?: { readonly [specifier: string]: Target };
}

const packages = fileURLToPath(new URL("./packages/", import.meta.url));

// Every file gets modules of its own, which takes longer than most files of tests run. Those of the packages below share them with the other
// files of their worker: they leave nothing behind in a module or a global.
export const SHARING: readonly string[] = [
  "adapter",
  "cluster",
  "codec",
  "contract",
  "engine",
  "protocol",
  "rooms",
  "session",
  "socket",
];
const SHARED = SHARING.map((name) => `packages/${name}/test/**/*.test.ts`);
/** Among those, files that replace modules, or import their tests, which a worker would do once for two files. */
export const APART: readonly string[] = [
  "packages/codec/test/base64.test.ts",
  "packages/engine/test/client/query.test.ts",
  "packages/socket/test/emitter.test.ts",
  "packages/socket/test/web-emitter.test.ts",
];
const ALL = ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"];
// The crowd of test/load wants the machine for itself: scripts/test.mjs runs it after all others.
// What scripts/test.mjs leaves out: Vitest does not pass its option --exclude on to projects.
const LEFT_OUT = (process.env["LEFT_OUT"] ?? "").split(",").filter(Boolean);
const NEVER = [
  "**/node_modules/**",
  "**/dist/**",
  ...(process.env["LOAD"] ? [] : ["test/load/**"]),
  ...LEFT_OUT,
];

export default defineConfig({
  resolve: { alias: readdirSync(packages).flatMap(aliasesOf) },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "shared", isolate: false, include: SHARED, exclude: [...NEVER, ...APART] },
      },
      { extends: true, test: { name: "apart", include: [...APART], exclude: NEVER } },
      { extends: true, test: { name: "alone", include: ALL, exclude: [...NEVER, ...SHARED] } },
    ],
    environment: "node",
    pool: "forks",
    // Most tests wait more than they compute.
    maxWorkers: Math.max(3, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Real sockets, browsers and heartbeats on a machine that others use too: there, a test may fail once.
    retry: process.env["CI"] === "true" ? 1 : 0,
    passWithNoTests: false,
    reporters: ["default", "./test/parity/reporter.ts", "./scripts/count-reporter.mjs"],
  },
});

function aliasesOf(folder: string): Alias[] {
  const manifestPath = `${packages}${folder}/package.json`;
  if (!existsSync(manifestPath)) return [];
  const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as Manifest;
  const shown = Object.entries(manifest.exports ?? {}).map(([subpath, target]) =>
    alias(manifest.name + subpath.slice(1), fileOf(target), folder),
  );
  const own = Object.entries(manifest.imports ?? {}).map(([specifier, target]) =>
    alias(specifier, fileOf(target), folder),
  );
  return [...shown, ...own];
}

/** `./dist/x.js` stands for `src/x.ts`; any other file stands for itself. */
function alias(specifier: string, target: string, folder: string): Alias {
  const source = target.replace(/^\.\/dist\/(.*)\.js$/, "./src/$1.ts");
  const pattern = specifier.replace(/[.+?^${}()|[\]\\/]/g, "\\$&").replace("*", "(.*)");
  return {
    find: new RegExp(`^${pattern}$`),
    replacement: `${packages}${folder}/${source.slice(2).replace("*", "$1")}`,
  };
}

/** The file that Node gets from an `import`. */
function fileOf(target: Target): string {
  if (typeof target === "string") return target;
  const next = target["node"] ?? target["import"] ?? target["default"];
  if (next === undefined) throw new Error(`no file for import in ${JSON.stringify(target)}`);
  return fileOf(next);
}
