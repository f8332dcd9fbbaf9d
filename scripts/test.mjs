// The tests, in three tiers:
//
//   npm run test:unit    what needs no network of its own and no browser: the inner loop
//   npm test             all but the long ones; with arguments, the test files that they name
//   npm run test:long    fuzzing, faults, leaks, old browsers, bundles, the site, a crowd of clients, and what waits for browsers, processes and
//                        deadlines of other people's suites
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run, statusOf } from "./run.mjs";

const UNIT = [
  ...["protocol", "codec", "session", "socket", "adapter", "engine", "client"].map(
    (name) => `packages/${name}/`,
  ),
  "test/architecture/",
];
/** These open ports, and wait for real time. */
const NOT_UNIT = [
  "packages/client/test/e2e.test.ts",
  "packages/client/test/cut-lines.test.ts",
  "packages/client/test/shims.test.ts",
];
const LONG = [
  "examples/plain-rooms/",
  ...["fuzz", "faults", "leaks", "legacy", "bundle", "interop/official", "cluster/workers"].map(
    (name) => `test/${name}/`,
  ),
  "examples/started.test.ts",
  "packages/bus-redis/test/redis-groups.test.ts",
  "test/browser/examples.browser.test.ts",
  "test/browser/pages.browser.test.ts",
  "test/browser/transports-page.browser.test.ts",
  "test/browser/transports.browser.test.ts",
  "test/docs/first-start.test.ts",
  "test/interop/process.test.ts",
  "test/interop/rolling-restart.test.ts",
  "test/resume/slow-way.test.ts",
  "test/security/memory.test.ts",
];
/** Long, and hungry: they install, build and start whole projects. By themselves, so that no deadline of another test is missed. */
const PROJECTS = ["test/site/", "test/starters/"];
/** Remembers with which matrix and which packages the controls last passed. */
const CACHE = "node_modules/.cache/sockeye/controls";

const [first, ...rest] = process.argv.slice(2);
const leaveOut = (paths) => {
  process.env.LEFT_OUT = paths.map((path) => (path.endsWith("/") ? `${path}**` : path)).join(",");
};

if (first === "--unit") {
  leaveOut(NOT_UNIT);
  run("vitest", ["run", ...UNIT, ...rest]);
} else {
  run("node", ["scripts/setup-programs.mjs"]);
  run("turbo", ["run", "build"]);
  if (first === "--long") {
    vitest([...LONG, ...rest]);
    process.env.LOAD = "1";
    vitest(["test/load"]);
    if (rest.length === 0) vitest([...PROJECTS]);
  } else if (first === undefined) {
    const digest = controlsDigest();
    const known = existsSync(CACHE) && readFileSync(CACHE, "utf8") === digest;
    if (known && process.env.CI !== "true") {
      process.env.SKIP_CONTROLS = "1";
      console.log(
        "Socket.IO against itself is left out: neither package-lock.json nor the matrix has changed since it last passed.",
      );
    }
    leaveOut([...LONG, ...PROJECTS]);
    vitest([]);
    mkdirSync(dirname(CACHE), { recursive: true });
    writeFileSync(CACHE, digest);
  } else {
    run("vitest", ["run", first, ...rest]);
  }
}

/**
 * Runs the tests, and those files once more and by themselves in which something failed: a test beside others on a machine of two cores may miss a
 * deadline, and so may a hook, which Vitest does not try again. What fails alone, fails.
 */
function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  const list = join(folder, "failed");
  writeFileSync(list, "");
  process.env.FAILED_FILES = list;
  const status = statusOf("vitest", ["run", ...args]);
  delete process.env.FAILED_FILES;
  const failed = [...new Set(readFileSync(list, "utf8").split("\n").filter(Boolean))];
  rmSync(folder, { recursive: true });
  if (status === 0) return;
  if (failed.length === 0 || failed.length > 8 || failed.includes("unknown")) process.exit(status);
  console.log(`\nOnce more, by themselves:\n${failed.join("\n")}\n`);
  run("vitest", ["run", "--maxWorkers=1", ...failed]);
  console.log(`\nfailed beside others, and passed alone: ${failed.join(", ")}`);
}

/** Of all that the controls depend on: the packages that are installed, and the matrix. */
function controlsDigest() {
  const matrix = readdirSync("test/interop/matrix").map((name) => `test/interop/matrix/${name}`);
  const support = readdirSync("test/support").map((name) => `test/support/${name}`);
  const files = [
    "package-lock.json",
    "test/interop/differences.ts",
    "test/interop/version-2.ts",
    ...matrix,
    ...support,
  ];
  const hash = createHash("sha256");
  for (const file of files.sort()) hash.update(file).update(readFileSync(file));
  return hash.digest("hex");
}
