// Makes sure that there is a redis-server for test/interop/packages: the one REDIS_SERVER_PATH names, the one in PATH,
// or, as root on a machine with apt-get, a freshly installed one. Prints one line. Without it the tests of the Redis
// adapter skip themselves; where that would hide something (CI=true) it is an error.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const found = findRedis();
if (found) {
  console.log(`redis: ${found}`);
} else if (process.getuid?.() === 0 && which("apt-get")) {
  install();
} else {
  missing("no redis-server in PATH and no apt-get to install it as root (or set REDIS_SERVER_PATH)");
}

function install() {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const packages = ["install", "-y", "--no-install-recommends", "redis-server"];
  for (const args of [["update"], packages]) {
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) {
      const reason = (stderr ?? "").trim().split("\n").at(-1);
      return missing(`apt-get ${args[0]} failed (${reason})`);
    }
  }
  const installed = findRedis();
  if (!installed) return missing("apt-get installed no redis-server");
  console.log(`redis: installed ${installed}`);
}

function missing(reason) {
  console.log(`redis: ${reason}; tests of the Redis adapter are skipped`);
  if (process.env.CI === "true") process.exitCode = 1;
}

function findRedis() {
  const named = process.env.REDIS_SERVER_PATH;
  if (named) return isExecutable(named) ? named : undefined;
  return which("redis-server");
}

function which(program) {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return candidates.find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
