// Publishes the tarballs that `npm run pack:all` has made, the packages that others need first. With `--dry-run` nothing leaves this machine.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dryRun = process.argv.includes("--dry-run");
const manifests = readdirSync(join(root, "packages"))
  .map((folder) => JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")))
  .filter((manifest) => manifest.private !== true);

const versions = new Set(manifests.map(({ version }) => version));
if (versions.size !== 1) fail(`The packages must have one version, and have ${[...versions].join(", ")}.`);
const [version] = versions;
const tag = process.env.TAG;
if (!dryRun && tag !== `v${version}`) fail(`The tag must be v${version}, and is ${tag ?? "missing"}.`);

run("node", ["scripts/pack-all.mjs"]);
for (const { name } of inOrder(manifests)) {
  const file = `./tarballs/${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  const args = ["publish", file, "--access", "public", ...(dryRun ? ["--dry-run"] : [])];
  const { status, stderr } = spawnSync("npm", args, { cwd: root, encoding: "utf8" });
  if (status !== 0) fail(stderr);
  console.log(`${dryRun ? "would publish" : "published"} ${name} ${version}`);
}

/** Each after the packages that it needs. */
function inOrder(all) {
  const done = [];
  const add = (manifest) => {
    if (done.includes(manifest)) return;
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const needed = all.find((each) => each.name === name);
      if (needed) add(needed);
    }
    done.push(manifest);
  };
  for (const manifest of all) add(manifest);
  return done;
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
