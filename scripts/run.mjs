// Runs a program of the root's node_modules, with turbo's telemetry off, and ends as that one ended.
// From a script: `run("turbo", ["run", "build"])`. From package.json: `node scripts/run.mjs turbo run build`.
import { spawnSync } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export function run(program, args) {
  const status = statusOf(program, args);
  if (status !== 0) process.exit(status);
}

/** The status with which the program ended. */
export function statusOf(program, args) {
  const { status, error } = spawnSync(program === "node" ? process.execPath : program, args, {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}`,
      TURBO_TELEMETRY_DISABLED: "1",
      TURBO_NO_UPDATE_NOTIFIER: "1",
    },
    stdio: "inherit",
  });
  if (error) throw error;
  return status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [program, ...args] = process.argv.slice(2);
  run(program, args);
}
