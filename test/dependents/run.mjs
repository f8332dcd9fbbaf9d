// npm run test:dependents: other people's packages, unchanged, with npm's socket.io and with Sockeye's packages in its place, as an npm
// alias would put them there. One table: what a package does with the one, it must do with the other.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const ours = join(here, ".ours");
const { rows, KNOWN_NOT_TO_WORK, NOT_INSTALLED } = createRequire(import.meta.url)("./rows.cjs");
const wanted = process.argv.slice(2).filter((each) => !each.startsWith("-"));

if (!process.argv.includes("--no-install")) install();
const redis = await startRedis();

const failed = [];
console.log(`\n| package | socket.io | Sockeye |\n| --- | --- | --- |`);
for (const name of Object.keys(rows)) {
  if (wanted.length > 0 && !wanted.some((each) => name.includes(each))) continue;
  const [stock, own] = [await play(here, name), await play(ours, name)];
  const expected = KNOWN_NOT_TO_WORK.includes(name) ? "no" : "yes";
  console.log(`| ${name} | ${stock.word} | ${own.word}${expected === "no" ? ", as is known" : ""} |`);
  if (stock.word !== "yes" || own.word !== expected) failed.push([name, stock.said, own.said]);
}
for (const [name, why] of Object.entries(NOT_INSTALLED)) console.log(`| ${name} | – | not tried: ${why} |`);
for (const [name, ...said] of failed) console.error(`\n${name} is not as it should be:\n${said.join("\n")}`);
redis?.kill();
process.exit(failed.length > 0 ? 1 : 0);

/** Installs what the lock file says, then a second tree in which the names stand for our packed packages. */
function install() {
  npm(["ci", "--no-audit", "--no-fund"], here);
  spawnSync(process.execPath, [join(root, "scripts/pack-all.mjs")], { cwd: root, stdio: "inherit" });
  rmSync(ours, { recursive: true, force: true });
  mkdirSync(ours);
  cpSync(join(here, "node_modules"), join(ours, "node_modules"), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(ours, "package.json"), '{ "private": true }\n');
  const modules = join(ours, "node_modules");
  for (const file of readdirSync(join(root, "tarballs"))) {
    const name = file.replace(/^sockeye-(.*)-\d+\.\d+\.\d+.*$/, "$1");
    unpack(file, join(modules, "@sockeye", name));
    // What `"socket.io": "npm:@sockeye/server"` puts there.
    if (name === "server") unpack(file, join(modules, "socket.io"));
    if (name === "client") unpack(file, join(modules, "socket.io-client"));
  }
}

function unpack(file, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync("tar", [
    "-xzf",
    join(root, "tarballs", file),
    "-C",
    folder,
    "--strip-components=1",
  ]);
  if (status !== 0) throw new Error(`${file} cannot be unpacked`);
}

function npm(args, cwd) {
  const { status, stderr } = spawnSync("npm", args, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0 || /EBADENGINE|ERESOLVE/.test(stderr))
    throw new Error(`npm ${args.join(" ")}:\n${stderr}`);
}

async function play(folder, name) {
  if (name.includes("redis") && redis === undefined) return { word: "no Redis here", said: "" };
  const child = spawn(process.execPath, [join(here, "row.cjs"), folder, name], {
    env: { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis?.port}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { word: code === 0 ? "yes" : "no", said };
}

async function startRedis() {
  const program = process.env.REDIS_SERVER_PATH ?? "redis-server";
  if (spawnSync(program, ["--version"]).status !== 0) {
    if (process.env.CI === "true") throw new Error("there is no redis-server");
    return undefined;
  }
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const dir = mkdtempSync(join(tmpdir(), "sockeye-redis-"));
  const child = spawn(program, ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => String(text).includes("Ready to accept") && resolve());
    child.once("exit", () => reject(new Error("Redis has ended")));
  });
  return { port, kill: () => child.kill() };
}
