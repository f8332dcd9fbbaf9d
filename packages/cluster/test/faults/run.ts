// npm run faults:cluster -- --faults 1000000 [--seed 1] [--jobs 2]
// Plays whole clusters in memory under faults that seeds choose, until so many have struck. A run that fails is printed with its seed, and
// `--seed n --faults 1 --jobs 1`
// repeats it.
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { playWithLog } from "./with-log.js";
import { playWithoutLog } from "./without-log.js";
import { drawn, type Faults, type Played } from "./world.js";

const PROGRESS_MS = 10_000;
const PLAYS = { "without a log": playWithoutLog, "with a log": playWithLog };

interface Told extends Played {
  readonly seed: number;
  readonly kind: string;
}

const { values } = parseArgs({
  options: {
    faults: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: `${availableParallelism()}` },
    job: { type: "string" },
  },
});
const [wanted, first, jobs] = [values.faults, values.seed, values.jobs].map(Number) as [
  number,
  number,
  number,
];
if (values.job === undefined) lead();
else await play(first + Number(values.job));

/** One of the processes that play: every so many-th seed. */
async function play(from: number): Promise<void> {
  for (let seed = from; process.connected; seed += jobs) {
    for (const [kind, act] of Object.entries(PLAYS)) {
      const played = await drawn(seed, () => act(seed));
      const told: Told = { ...played, seed, kind };
      process.send?.(told);
    }
  }
}

function lead(): void {
  const began = performance.now();
  const faults: Faults = { cut: 0, lost: 0, frozen: 0, dropped: 0, doubled: 0 };
  let [runs, silent, isOver] = [0, 0, false];
  const total = (): number => Object.values(faults).reduce((sum, count) => sum + count, 0);
  const print = (): void => {
    const seconds = Math.round((performance.now() - began) / 1000);
    const { cut, lost, frozen, dropped, doubled } = faults;
    console.log(
      `${seconds} s: ${runs} runs, ${total()} faults (${cut} one-way cuts, ${lost} connections lost, ${frozen} processes frozen, ` +
        `${dropped} messages dropped, ${doubled} doubled), ${silent} losses beside which no numbered message was lost`,
    );
  };
  const timer = setInterval(print, PROGRESS_MS);
  const children: ChildProcess[] = [];
  const end = (): void => {
    isOver = true;
    clearInterval(timer);
    for (const child of children) child.kill();
    print();
  };
  for (let job = 0; job < jobs; job++) {
    const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--job", `${job}`]);
    children.push(child);
    child.on("message", (message) => {
      if (isOver) return;
      const told = message as Told;
      runs += 1;
      silent += told.silent;
      for (const [kind, count] of Object.entries(told.faults)) faults[kind as keyof Faults] += count;
      if (told.problems.length > 0) {
        process.exitCode = 1;
        console.error(`seed ${told.seed}, ${told.kind}:\n  ${told.problems.slice(0, 10).join("\n  ")}`);
      }
      // A seed is played to its end, so that one run repeats it.
      const isWhole = told.kind === Object.keys(PLAYS).at(-1);
      if (told.problems.length > 0 || (isWhole && total() >= wanted)) end();
    });
    child.on("exit", (code) => {
      if (isOver) return;
      process.exitCode = 1;
      console.error(`a process that plays ended with ${code}`);
      end();
    });
  }
}
