// npm start: builds an example and what it stands on, then runs the example's own start script. `npm start` is the chat, `npm start NAME`
// another one, `npm start NAME SCRIPT` another script of it, and `npm start -- --list` says which there are.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const names = readdirSync(`${root}examples`).filter((name) =>
  existsSync(`${root}examples/${name}/package.json`),
);

const [name = "chat", ...rest] = process.argv.slice(2);
if (name === "--list") {
  list();
} else if (!names.includes(name)) {
  console.error(`There is no example "${name}". There are:\n`);
  list();
  process.exitCode = 1;
} else {
  await start();
}

async function start() {
  const example = `${root}examples/${name}`;
  const manifest = JSON.parse(readFileSync(`${example}/package.json`, "utf8"));
  const { scripts } = manifest;
  const script = rest[0] in scripts ? rest.shift() : "start";
  if (process.argv.length < 3)
    console.log(`The chat. Others: npm start NAME, with one of ${names.join(", ")}.`);
  // The first minute counts: without a build, the chat gets what it runs on. What was built whole stays whole.
  const isQuick = name === "chat" && !existsSync(`${root}packages/server/dist/index.d.ts`);
  if (isQuick) {
    const { buildQuickly } = await import("./quick-build.mjs");
    await buildQuickly(manifest);
  } else run("turbo", ["run", "build", `--filter=${manifest.name}...`]);

  // Without npm and its shell in between: they do not pass a SIGTERM on.
  const [program, ...args] = scripts[script].split(" ");
  const child = spawn(program, [...args, ...rest], {
    cwd: example,
    env: { ...process.env, PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}` },
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && child.kill("SIGTERM"), 500).unref();
  const slow = isQuick ? buildForOldBrowsers() : undefined;
  child.on("exit", (code) => {
    slow?.kill();
    process.exit(code ?? 0);
  });
}

/** While the example runs, and behind it. */
function buildForOldBrowsers() {
  const slow = spawn(process.execPath, [`${root}scripts/quick-build.mjs`], { stdio: "inherit" });
  setPriority(slow.pid, constants.priority.PRIORITY_LOW);
  return slow;
}

/** As examples/README.md has them. */
function list() {
  const rows = readFileSync(`${root}examples/README.md`, "utf8").matchAll(
    /^\| \[`([^`]+)`\]\(\S+\) +\| (.+?) +\|$/gm,
  );
  const about = new Map([...rows].map(([, example, text]) => [example, text]));
  const width = Math.max(...names.map((each) => each.length));
  for (const each of names) console.log(`  npm start ${each.padEnd(width)}  ${about.get(each) ?? ""}`);
}
