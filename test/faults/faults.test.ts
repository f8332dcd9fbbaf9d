import { describe, expect, it } from "vitest";
import { FAULTS } from "./plan.js";
import { explain, total } from "./report.js";
import { type Outcome, play, type Setup } from "./trial.js";

// The short form of `npm run faults`. docs/delivery.md says what is promised.

const TRIAL: Setup = {
  seed: 1,
  seconds: 8,
  clients: 20,
  client: "sockeye",
  server: "sockeye",
  recovery: false,
  mayEnd: true,
};
const PATIENCE_MS = 120_000;

/** Nothing was found, and there was something to be found. */
function expectSound(setup: Setup, outcome: Outcome): void {
  expect(explain(setup, outcome)).toBe("");
  expect(total(outcome.tallies).sent).toBeGreaterThan(100);
  expect(outcome.strokes.flat().length).toBeGreaterThan(20);
}

describe("under faults, Sockeye at both ends", () => {
  // A repeated POST is handled twice until sessions count.
  const kinds = new Set(FAULTS.filter((kind) => kind !== "repeat"));

  it.each([11, 12])(
    "loses nothing without saying so, seed %i",
    async (seed) => {
      const setup: Setup = { ...TRIAL, seed, kinds };
      expectSound(setup, await play(setup));
    },
    PATIENCE_MS,
  );

  it(
    "with connection state recovery",
    async () => {
      const setup: Setup = { ...TRIAL, seed: 13, kinds, recovery: true };
      const outcome = await play(setup);
      expectSound(setup, outcome);
      expect(total(outcome.tallies).recovered).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );
});

it(
  "under faults, Socket.IO loses events: the trial can tell",
  async () => {
    const { tallies } = await play({ ...TRIAL, client: "socket.io-client 4", server: "socket.io 4" });
    const { lostUp, lostDown, ended } = total(tallies);
    expect(Math.min(lostUp, lostDown, ended)).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
