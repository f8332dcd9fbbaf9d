// npm run bench                     the short table, ≤ 3 minutes
// npm run bench -- --row echo       one row, all contenders (several: --row echo --row ack)
// npm run bench -- --all            all rows, all contenders
// npm run bench -- --guard          exits with 1 if a guarded ratio is a third worse than recorded.json, ≤ 1 minute
// npm run bench -- --curves         how costs grow with connections, rooms, namespaces and sizes; exits with 1 if they grow too fast
//
// --rounds N     how often each contender is measured (default 3, one row 4, all 5)
// --json FILE    writes the results        --markdown FILE   writes the table of docs/performance.md
// --profile DIR  writes V8 CPU profiles of Sockeye's server process
// --record       makes the ratios of this run the ones that --guard compares with (needs the guarded rows)
// --no-build     uses the packages as they were built last
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { curves } from "./curves.mjs";
import { guard, record } from "./guard.mjs";
import { runRow } from "./rounds.mjs";
import { ROWS } from "./rows.mjs";
import { markdown, printRow } from "./table.mjs";

const MOST_ROUNDS = 50;
const require = createRequire(import.meta.url);

const { values } = parseArgs({
  options: {
    row: { type: "string", multiple: true },
    all: { type: "boolean" },
    guard: { type: "boolean" },
    curves: { type: "boolean" },
    rounds: { type: "string" },
    json: { type: "string" },
    markdown: { type: "string" },
    profile: { type: "string" },
    record: { type: "boolean" },
    "no-build": { type: "boolean" },
  },
});

if (!values["no-build"]) build();
if (values.guard) process.exitCode = (await guard()) ? 0 : 1;
else if (values.curves) process.exitCode = (await curves({ rounds: roundsOr(3) })) ? 0 : 1;
else await bench();

/** When and on what this is measured. */
function machine() {
  const [{ model = "unknown" } = {}] = cpus();
  const versions = ["socket.io", "ws"].map((name) => `${name} ${require(`${name}/package.json`).version}`);
  const date = new Date().toISOString().slice(0, 10);
  return `${date} · Node ${process.version} · ${cpus().length} × ${model.trim()} · ${versions.join(", ")}`;
}

async function bench() {
  const names = chooseRows();
  const rounds = roundsOr(values.all ? 5 : values.row ? 4 : 3);
  const began = Date.now();
  const all = [];
  console.log(`${machine()} · ${rounds} rounds; ratios to socket.io: median (min–max)\n`);
  for (const name of names) {
    const row = ROWS[name];
    try {
      const results = await runRow(row, { rounds, contenders: contendersOf(row), profile: values.profile });
      all.push({ name, row, results });
      printRow(name, row, results);
    } catch (error) {
      console.error(`${name}: not measured: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
  console.log(`took ${Math.round((Date.now() - began) / 1000)} s`);
  const results = {
    date: new Date().toISOString(),
    machine: machine(),
    rounds,
    rows: all,
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (values.markdown)
    writeFileSync(values.markdown, `${machine()} · ${rounds} rounds\n\n${markdown(all)}\n`);
  if (values.record) record(all);
}

function roundsOr(usual) {
  return Math.min(MOST_ROUNDS, Number(values.rounds ?? usual));
}

function chooseRows() {
  if (values.row === undefined) return Object.keys(ROWS).filter((name) => values.all || ROWS[name].short);
  for (const name of values.row) {
    if (!(name in ROWS)) throw new Error(`no row ${name}; there are ${Object.keys(ROWS).join(", ")}`);
  }
  return values.row;
}

/** The short table has bare `ws` only where messages flow: connecting and memory take their time. */
function contendersOf(row) {
  if (values.all || values.row || row.measure === "flow") return row.contenders;
  return row.contenders.filter((contender) => contender !== "ws");
}

function build() {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}
