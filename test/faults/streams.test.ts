import { expect, it } from "vitest";
import { FAULTS } from "./plan.js";
import { playStreams } from "./streams.js";

// The short form of `npm run faults -- --streams`. How much happens in a trial is up to the machine; what must hold of it is not.

const TRIAL = { seconds: 6, clients: 8 };

it.each([31, 32])(
  "under faults, streams and uploads lose nothing, seed %i",
  { timeout: 150_000 },
  async (seed) => {
    const { violations, strokes, totals } = await playStreams({ ...TRIAL, seed });
    expect(violations).toEqual([]);
    expect(strokes).toBeGreaterThan(10);
    const done = Object.values(totals).reduce((sum, each) => sum + each, 0);
    expect(done).toBeGreaterThanOrEqual(TRIAL.clients);
  },
);

it("without resume, the same trial finds much: it can fail", { timeout: 150_000 }, async () => {
  const kinds = new Set(FAULTS.filter((kind) => kind !== "repeat"));
  const { violations } = await playStreams({ ...TRIAL, seed: 31, resume: false, kinds });
  expect(violations.join("\n")).toContain("the connection ended");
});
