// npm run pack:all: builds the public packages and packs each as npm would publish it, into `tarballs`.
// `--try` installs them in an empty folder outside of this repository, and lets a server and a client of there talk, with `import` and `require`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

/** Bytes of the server with all packages of this repository that it needs, unpacked. */
const MAX_SERVER_BYTES = 3_000_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "tarballs");
const packages = readdirSync(join(root, "packages"))
  .map((folder) => ({ folder, manifest: read(join(root, "packages", folder, "package.json")) }))
  .filter(({ manifest }) => manifest.private !== true);

run("turbo", ["run", "build"]);
rmSync(target, { recursive: true, force: true });
mkdirSync(target);

const packed = new Map();
for (const { folder, manifest } of packages) {
  const output = npm(["pack", "--json", "--pack-destination", target], join(root, "packages", folder));
  const [{ filename, unpackedSize, files }] = JSON.parse(output);
  if (!files.some(({ path }) => path === "LICENSE")) throw new Error(`${manifest.name} has no LICENSE`);
  packed.set(manifest.name, { file: join(target, filename), bytes: unpackedSize });
  console.log(
    `${manifest.name.padEnd(22)} ${String(Math.round(unpackedSize / 1000)).padStart(6)} kB unpacked`,
  );
}

const bytes = [...needed("@sockeye/server")].reduce((sum, name) => sum + packed.get(name).bytes, 0);
console.log(`@sockeye/server with what it needs of these: ${(bytes / 1e6).toFixed(3)} MB`);
if (bytes > MAX_SERVER_BYTES) {
  console.error(`That is more than ${MAX_SERVER_BYTES / 1e6} MB.`);
  process.exitCode = 1;
}
if (process.argv.includes("--try")) tryThem();
else console.log(`\nTo try them in another project:\n\n  npm install ${join(target, "*.tgz")}`);

function needed(name, found = new Set()) {
  found.add(name);
  const { manifest } = packages.find((each) => each.manifest.name === name);
  for (const each of Object.keys(manifest.dependencies ?? {})) {
    if (packed.has(each) && !found.has(each)) needed(each, found);
  }
  return found;
}

function tryThem() {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  try {
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const output = npm(
      ["install", "--no-audit", "--no-fund", ...[...packed.values()].map(({ file }) => file)],
      folder,
    );
    if (/warn/i.test(output)) throw new Error(`npm install warns:\n${output}`);
    const talk = `
      const http = createServer();
      const server = new Server(http);
      server.on("connection", (socket) => socket.on("say", (text, reply) => reply(text.toUpperCase())));
      http.listen(0, "127.0.0.1", async () => {
        const url = "http://127.0.0.1:" + http.address().port;
        const page = await fetch(url + "/socket.io/socket.io.min.js");
        const socket = io(url);
        const answer = await socket.timeout(5000).emitWithAck("say", "hello");
        socket.disconnect();
        await server.close();
        if (answer !== "HELLO" || page.status !== 200) throw new Error(answer + " " + page.status);
      });`;
    writeFileSync(
      join(folder, "import.mjs"),
      `import { createServer } from "node:http"; import { Server } from "@sockeye/server"; import { io } from "@sockeye/client";${talk}`,
    );
    writeFileSync(
      join(folder, "require.cjs"),
      `const { createServer } = require("node:http"); const { Server } = require("@sockeye/server"); const { io } = require("@sockeye/client");${talk}`,
    );
    for (const file of ["import.mjs", "require.cjs"]) {
      execFileSync(process.execPath, [file], { cwd: folder, stdio: "inherit", timeout: 30_000 });
      console.log(`${file}: works outside of this repository`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function npm(args, cwd) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", shell: process.platform === "win32" });
}

function read(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
