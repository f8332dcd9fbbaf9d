// npm test: a browser if one can be had, what is not built yet, then every test (or those that the arguments name).
import { run } from "./run.mjs";

run("node", ["scripts/setup-browser.mjs"]);
run("turbo", ["run", "build"]);
run("vitest", ["run", ...process.argv.slice(2)]);
