import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../architecture/imports.js";

const start = (...args: string[]) =>
  spawnSync(process.execPath, ["scripts/start.mjs", ...args], { cwd: ROOT, encoding: "utf8" });

const folders = readdirSync(join(ROOT, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(ROOT, "examples", entry.name, "package.json")))
  .map(({ name }) => name);

test("npm start -- --list names every example, and says what it is", () => {
  const { stdout, status } = start("--list");
  const listed = [...stdout.matchAll(/^ {2}npm start (\S+)/gm)].map(([, name]) => name);
  expect(stdout).toMatch(/^ {2}npm start chat +\S/m);
  expect(listed).toEqual(folders);
  expect(status).toBe(0);
});

test("an example that does not exist: the same list, and a failure", () => {
  const { stdout, stderr, status } = start("chatt");
  expect(stderr).toContain('There is no example "chatt"');
  expect(stdout).toContain("npm start chat ");
  expect(status).toBe(1);
});
