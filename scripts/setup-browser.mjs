// Makes sure that there is a Chromium for test/browser: the one CHROMIUM_PATH names, the one in PATH, or,
// as root on a machine with apt-get, a freshly installed one. Prints one line. Without a browser the
// browser tests skip themselves; where that would hide something (CI=true) it is an error.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const found = findChromium();
if (found) {
  console.log(`browser: ${found}`);
} else if (process.getuid?.() === 0 && which("apt-get")) {
  install();
} else {
  missing("no chromium in PATH and no apt-get to install it as root (or set CHROMIUM_PATH)");
}

function install() {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const packages = ["install", "-y", "--no-install-recommends", "chromium"];
  for (const args of [["update"], packages]) {
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) {
      const reason = (stderr ?? "").trim().split("\n").at(-1);
      return missing(`apt-get ${args[0]} failed (${reason})`);
    }
  }
  const installed = findChromium();
  if (!installed) return missing("apt-get installed no chromium");
  console.log(`browser: installed ${installed}`);
}

function missing(reason) {
  console.log(`browser: ${reason}; browser tests are skipped`);
  if (process.env.CI === "true") process.exitCode = 1;
}

function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named) return isExecutable(named) ? named : undefined;
  return which("chromium") ?? which("chromium-browser") ?? which("google-chrome");
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
