// npm start: builds the chat example and what it stands on, then runs the example's own start script.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const example = `${root}examples/chat`;
const needed = ["@sockeye/server", "@sockeye/client", "@sockeye/example-chat"];
run("turbo", ["run", "build", ...needed.map((name) => `--filter=${name}...`)]);

// Without npm and its shell in between: they do not pass a SIGTERM on.
const { scripts } = JSON.parse(readFileSync(`${example}/package.json`, "utf8"));
const [program, ...args] = scripts.start.split(" ");
const chat = spawn(program, [...args, ...process.argv.slice(2)], {
  cwd: example,
  env: { ...process.env, PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}` },
  stdio: "inherit",
});

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => chat.kill(signal));
const parent = process.ppid;
setInterval(() => process.ppid !== parent && chat.kill("SIGTERM"), 500).unref();
chat.on("exit", (code) => process.exit(code ?? 0));
