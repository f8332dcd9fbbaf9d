// node test/security/compare.mjs [--write]: the attacks of this folder on Socket.IO, as the column "Socket.IO 4.8" of the tables of
// docs/security.md, which are printed, or written there. It takes minutes, since what never ends is waited for. It runs with little memory, and talks to this host only.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCUMENT = `${ROOT}docs/security.md`;
const COLUMN = "Socket.IO 4.8";
/** `test/security/FAMILY.test.ts`, as the last cell of a row names it. */
const REFERENCE = /^(\w+): `([^`]+)`$/;
/** The worst first: what a failed test says, and what that means. */
const VERDICTS = [
  [/errors that nobody caught/, "uncaught error"],
  [/the good client's round trip/, "a session breaks"],
  [/requests without an answer|an HTTP response/, "no answer"],
  [/waited \d+ ms in vain for: .*(to close|to end|to be dropped)/, "continues"],
  [/./, "otherwise"],
];
/** What it does not have: transports, sessions that resume; and readers of ours by themselves. And its client is not dialled with. */
const OWN = new Set(["client", "streams", "resume", "parsers", "pieces"]);

const results = attack("socket.io 4");
const rows = readFileSync(DOCUMENT, "utf8").split("\n").map(withVerdict);
if (process.argv.includes("--write")) writeFileSync(DOCUMENT, rows.join("\n"));
else console.info(rows.filter((row) => row.startsWith("|")).join("\n"));

/** All tests against that server: by file, their titles and what failed. */
function attack(subject) {
  const folder = mkdtempSync(join(tmpdir(), "compare-"));
  const file = join(folder, "results.json");
  spawnSync("npx", ["vitest", "run", "test/security", "--reporter=json", `--outputFile=${file}`], {
    cwd: ROOT,
    env: { ...process.env, SECURITY_SUBJECT: subject, NODE_OPTIONS: "--max-old-space-size=768" },
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 900_000,
  });
  const { testResults } = JSON.parse(readFileSync(file, "utf8"));
  rmSync(folder, { recursive: true });
  return testResults;
}

/** A row of a table that has the column, with what Socket.IO does. */
function withVerdict(row, at, all) {
  if (!row.startsWith("|")) return row;
  const cells = row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
  const head = headOf(all, at);
  if (row === head || /^\|[ -]+\|/.test(row) || !head.includes(`| ${COLUMN} `)) return row;
  // What a person has written stays where no test says anything: `has none`, for what Socket.IO does not do at all.
  cells[cells.length - 2] = verdictOf(cells.at(-1)) || cells.at(-2);
  return `| ${cells.join(" | ")} |`;
}

/** The first row of the table that this row is in. */
function headOf(rows, at) {
  let first = at;
  while (rows[first - 1]?.startsWith("|")) first--;
  return rows[first];
}

function verdictOf(reference) {
  const [, family, name] = REFERENCE.exec(reference) ?? [];
  if (family === undefined || OWN.has(family)) return "";
  const file = results.find((result) => result.name.endsWith(`/${family}.test.ts`));
  const tests = file?.assertionResults ?? [];
  const own = tests.filter(({ title }) => title.includes(name));
  const all = own.length > 0 ? own : tests.filter(({ fullName }) => fullName.includes(name));
  const failures = all.filter(({ status }) => status === "failed");
  if (all.length === 0) return "";
  if (failures.length === 0) return "holds";
  // A row of many tests does not say which.
  if (all.length > 1) return `${failures.length} of ${all.length} otherwise`;
  const messages = failures.flatMap(({ failureMessages }) => failureMessages).join("\n");
  return VERDICTS.find(([pattern]) => pattern.test(messages))[1];
}
