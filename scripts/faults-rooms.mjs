// npm run faults:rooms -- --steps 1000000 --seed 7
// Plays random publications, joins, cuts, trims and restarts of rooms that remember, in memory: on one node, and a tenth as many steps again on three. A step that goes wrong is printed as few as it can be.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { steps: { type: "string", default: "100000" }, seed: { type: "string", default: "7" } },
});
const env = { ...process.env, ROOMS_STEPS: values.steps, ROOMS_SEED: values.seed };
const { status } = spawnSync(
  "npx",
  ["vitest", "run", "packages/rooms/test/client-faults.test.ts", "packages/rooms/test/nodes-faults.test.ts"],
  {
    env,
    stdio: "inherit",
  },
);
process.exitCode = status ?? 1;
