// npm run docs serves the site of the documents; npm run docs:build builds it into site/.vitepress/dist. Both install first what only the site
// needs: it has a lock file of its own.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const site = fileURLToPath(new URL("../site", import.meta.url));
const [command = "dev", ...rest] = process.argv.slice(2);

const installed = join(site, "node_modules/.package-lock.json");
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(join(site, "package-lock.json")).mtimeMs)
  run("npm", ["ci", "--no-audit", "--no-fund"]);
if (command === "build") run("node", ["node_modules/typescript/bin/tsc"]);
run("node", ["api.mjs"]);
run("node", ["node_modules/vitepress/bin/vitepress.js", command, ...rest]);

function run(program, args) {
  const { status, error } = spawnSync(program, args, {
    cwd: site,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
