import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../architecture/imports.js";

/** The repository as `git clone` and `npm install` leave it: nothing is built. What is installed is linked. */
function freshClone(): string {
  const clone = mkdtempSync(join(tmpdir(), "sockeye-clone-"));
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
  const filter = (from: string): boolean => !/^(?:dist|test|node_modules|\.turbo)$/.test(lastOf(from));
  for (const part of [
    "packages",
    "examples",
    "scripts",
    "package.json",
    "tsconfig.json",
    "tsconfig.base.json",
  ])
    cpSync(join(ROOT, part), join(clone, part), { recursive: true, filter });
  const ours = join(clone, "node_modules/@sockeye");
  mkdirSync(ours, { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "@sockeye") symlinkSync(join(ROOT, "node_modules", name), join(clone, "node_modules", name));
  for (const folder of readdirSync(join(clone, "packages"))) {
    const { name } = JSON.parse(readFileSync(join(clone, "packages", folder, "package.json"), "utf8")) as {
      name: string;
    };
    if (name.startsWith("@sockeye/"))
      symlinkSync(relative(ours, join(clone, "packages", folder)), join(clone, "node_modules", name));
  }
  return clone;
}

const lastOf = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

test("npm start in a fresh clone: the chat runs, with every file that its page may ask for", {
  timeout: 240_000,
}, async () => {
  const cwd = freshClone();
  const child = spawn(process.execPath, ["scripts/start.mjs"], {
    cwd,
    env: { ...process.env, PORT: "0" },
  });
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const began = performance.now();
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += String(chunk);
        const [, address] = /^Chat on (\S+)$/m.exec(said) ?? [];
        if (address !== undefined) resolve(address);
      });
    ended.then(() => reject(new Error(`it has ended:\n${said}`)), reject);
  });
  console.log(`the chat's address ${((performance.now() - began) / 1000).toFixed(1)} s after npm start`);
  expect(said).not.toContain("turbo");
  const statusOf = async (path: string): Promise<number> => (await fetch(url + path)).status;
  for (const path of ["/", "/socket.io/sockeye.full.min.js", "/socket.io/socket.io.js"])
    expect(await statusOf(path), path).toBe(200);
  // The client for old browsers is made while the chat runs.
  await expect.poll(() => statusOf("/socket.io/sockeye.legacy.min.js"), { timeout: 200_000 }).toBe(200);
});
