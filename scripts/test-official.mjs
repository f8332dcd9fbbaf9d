// npm run test:official: every case of the public protocol suites, as rows of ours (test/interop/official), against both servers.
// `--repeat 20` does so 20 times for ours alone, with a process that keeps one processor busy; each failure counts.
import { spawn } from "node:child_process";
import { run } from "./run.mjs";

const FILES = ["test/interop/official"];

const at = process.argv.indexOf("--repeat");
const times = at < 0 ? 1 : Number(process.argv[at + 1]);
if (!(times >= 1)) throw new Error("--repeat wants a number");

// A failure is a failure: nothing is tried again.
process.env.CI = "";
if (at < 0) {
  run("vitest", ["run", ...FILES, ...process.argv.slice(2)]);
} else {
  const busy = spawn(process.execPath, ["-e", "for (;;);"]);
  process.once("exit", () => busy.kill("SIGKILL"));
  for (let i = 1; i <= times; i++) {
    console.log(`\n${i} of ${times}, with a busy processor`);
    run("vitest", ["run", ...FILES, "-t", "the server of sockeye"]);
  }
}
