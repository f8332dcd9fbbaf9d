// npm run fuzz -- [--minutes M] [--seed N] [--target NAME] [--cases C]: strange input for as long as you like, from another
// seed each time. What is found is written into test/fuzz/vectors, with its seed, and fails from then on.
import { parseArgs } from "node:util";
import { run } from "./run.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    cases: { type: "string" },
    seed: { type: "string" },
    target: { type: "string" },
  },
});
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32));
console.info(`fuzz: seed ${seed}`);
process.env.FUZZ_SEED = seed;
if (values.target !== undefined) process.env.FUZZ_TARGET = values.target;
if (values.cases !== undefined) process.env.FUZZ_CASES = values.cases;
else process.env.FUZZ_MINUTES = values.minutes ?? "5";
run("vitest", ["run", "test/fuzz"]);
