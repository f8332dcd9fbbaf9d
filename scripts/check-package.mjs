// Checks the package in the current directory as npm would ship it: tsc for its declarations, with nothing
// skipped; publint for the manifest; attw for the types as node16 (CommonJS and ESM) and bundlers resolve them.
// TypeScript's old `node10` resolution is out of scope.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
const declarations = readdirSync("dist", { recursive: true })
  .filter((file) => /\.d\.c?ts$/.test(file))
  .map((file) => `dist/${file}`);

const strict = ["--noEmit", "--ignoreConfig", "--strict", "--skipLibCheck", "false"];
const asUsersDo = ["--module", "nodenext", "--target", "es2022", "--types", "node"];

for (const [program, ...args] of [
  ["tsc", ...strict, ...asUsersDo, ...declarations],
  ["publint", "run", "--strict"],
  ["attw", "--pack", ".", "--profile", "node16"],
]) {
  const { status, error } = spawnSync(program, args, { env, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exitCode = 1;
}
