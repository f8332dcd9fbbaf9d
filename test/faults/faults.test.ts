import { describe, expect, it } from "vitest";
import { FAULTS } from "./plan.js";
import { explain, total } from "./report.js";
import { type Outcome, play, type Setup } from "./trial.js";

// The short form of `npm run faults`. docs/delivery.md says what is promised. How much happens in a trial is up to the machine; what must
// hold of it is not.

const TRIAL: Setup = {
  seed: 1,
  seconds: 6,
  clients: 20,
  client: "sockeye",
  server: "sockeye",
  recovery: false,
  mayEnd: false,
};
const PATIENCE_MS = 120_000;

/** Nothing was found, and there was something to be found. */
async function playSound(setup: Setup): Promise<Outcome> {
  const outcome = await play(setup);
  expect(explain(setup, outcome)).toBe("");
  expect(total(outcome.tallies).sent).toBeGreaterThan(100);
  expect(outcome.strokes.flat().length).toBeGreaterThan(20);
  return outcome;
}

/** Stock clients do not number their requests: those that come twice are handled twice, or leave both ends waiting. */
const kinds = new Set(FAULTS.filter((kind) => kind !== "repeat"));

describe("under faults, Sockeye at both ends", () => {
  it.each([101, 12, 13])(
    "no conversation ends, nothing is lost, twice or out of order, seed %i",
    async (seed) => {
      const { tallies } = await playSound({ ...TRIAL, seed });
      const { lostUp, lostDown, unanswered, missedAway, suspended } = total(tallies);
      expect({ lostUp, lostDown, unanswered, missedAway }).toEqual({
        lostUp: 0,
        lostDown: 0,
        unanswered: 0,
        missedAway: 0,
      });
      expect(suspended).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  it(
    "a window that is too short, and clients that leave: both ends are told, and what is recovered has no gap",
    async () => {
      const resume = { windowMs: 300 };
      const setup: Setup = { ...TRIAL, seed: 14, mayEnd: true, recovery: true, leave: true, resume };
      const { tallies } = await playSound(setup);
      const { ended, recovered } = total(tallies);
      expect(Math.min(ended, recovered)).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  it(
    "without resume, the same trial finds much: it can fail",
    async () => {
      const { violations } = await play({ ...TRIAL, seed: 101, seconds: 4, resume: false, kinds });
      expect(violations.map(({ kind }) => kind)).toContain("ended");
    },
    PATIENCE_MS,
  );
});

it(
  "under faults, a stock client at our server: nothing is lost without saying so",
  async () => {
    await playSound({ ...TRIAL, seed: 15, client: "socket.io-client 4", mayEnd: true, kinds });
  },
  PATIENCE_MS,
);

it(
  "under faults, Socket.IO loses events: the trial can tell",
  async () => {
    const stock = { client: "socket.io-client 4", server: "socket.io 4" } as const;
    const { tallies } = await play({ ...TRIAL, ...stock, mayEnd: true, kinds });
    const { lostUp, lostDown, ended } = total(tallies);
    expect(Math.min(lostUp, lostDown, ended)).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
