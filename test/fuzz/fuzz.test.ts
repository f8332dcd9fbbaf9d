import { describe, expect, it } from "vitest";
import { addVector, fuzz, play, vectorsOf } from "./run.js";
import { TARGETS } from "./targets.js";

// Without settings a fixed number of cases from a fixed seed, so that a run says the same everywhere. `npm run fuzz`
// (scripts/fuzz.mjs) sets a time, a seed, a target.

const minutes = Number(process.env["FUZZ_MINUTES"] ?? 0);
const cases = process.env["FUZZ_CASES"];
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const only = process.env["FUZZ_TARGET"];
const targets = TARGETS.filter(({ name }) => only === undefined || name === only);
const share = (minutes * 60_000) / targets.length;

it("has the target that is asked for", () => {
  expect(
    targets.map(({ name }) => name),
    "npm run fuzz -- --target NAME",
  ).not.toEqual([]);
});

describe.each(targets.map((target) => [target.name, target] as const))("%s", (name, target) => {
  it("stands what once did harm", async () => {
    await target.begin?.();
    try {
      for (const vector of vectorsOf(target))
        await expect(play(target, vector.input), vector.name).resolves.toBeUndefined();
    } finally {
      await target.end?.();
    }
  });

  it("stands what nobody has thought of", { timeout: share + 300_000 }, async () => {
    const end = Date.now() + share;
    const most = cases === undefined ? target.cases : Number(cases);
    const isSpent = minutes > 0 ? () => Date.now() > end : (played: number) => played >= most;
    const played = await fuzz(target, { seed, isSpent, keep: (vector) => addVector(target, vector) });
    if (minutes > 0) console.info(`${name}: ${played} cases, seeds ${seed} to ${(seed + played - 1) >>> 0}`);
    expect(played).toBeGreaterThan(0);
  });
});
