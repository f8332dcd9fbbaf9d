// npm test: a browser and a Redis if they can be had, what is not built yet, then every test (or those that the arguments name).
import { run } from "./run.mjs";

run("node", ["scripts/setup-programs.mjs"]);
run("turbo", ["run", "build"]);
run("vitest", ["run", ...process.argv.slice(2)]);
if (process.argv.length === 2) {
  process.env.LOAD = "1";
  run("vitest", ["run", "test/load"]);
}
