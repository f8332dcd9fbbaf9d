import { expect, it } from "vitest";
import { emptyHistory } from "./history.js";
import { countStrokes, explain } from "./report.js";
import type { Outcome, Setup } from "./trial.js";

const setup = { seed: 7 } as Setup;
const violation = {
  kind: "gap",
  client: 0,
  text: "d3 is missing",
  at: 5000,
  excerpt: ["sent d2 >d3<"],
} as const;
const outcome: Outcome = {
  violations: [violation, violation, { ...violation, kind: "twice" }],
  histories: [emptyHistory(0, "polling")],
  tallies: [],
  strokes: [
    [
      { at: 100, text: "connection 1: cut (rst)" },
      { at: 4900, text: "connection 3: delay up by 7 ms" },
      { at: 5100, text: "connection 3: POST is repeated, the client gets the first answer" },
      { at: 20_000, text: "healed" },
    ],
  ],
};

it("a violation is told with all that one needs to see it again, the rest is counted", () => {
  expect(explain(setup, outcome, 1).split("\n")).toEqual([
    "seed 7, client 0 (polling): gap, at 5000 ms: d3 is missing",
    "  sent d2 >d3<",
    "  4900 ms: connection 3: delay up by 7 ms",
    "  5100 ms: connection 3: POST is repeated, the client gets the first answer",
    "and 2 more: gap 1, twice 1",
  ]);
});

it("what the proxies did is counted", () => {
  expect(countStrokes(outcome)).toBe("cut 1, delay 1, POST 1");
});
