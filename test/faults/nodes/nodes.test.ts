// The short form of `npm run faults -- --nodes 3`. Runs on the built packages.
import { expect, test } from "vitest";
import { hasEngine } from "./engine.js";
import { playNodes } from "./trial.js";

const missing = (["process", "redis"] as const).filter((bus) => !hasEngine(bus));
if (missing.length > 0) console.log(`faults: nodes over ${missing.join(", ")} are skipped: no such program`);

test.runIf(process.env["CI"] === "true")("all engines are there where nothing may be skipped", () => {
  expect(missing).toEqual([]);
});

test.each([
  ["process", 21, true],
  ["redis", 2, true],
  ["redis", 3, false],
] as const)(
  "three nodes over %s, stopped, killed and frozen, and cut one way: nothing twice, no hole that is not told, nobody unknown, nobody left behind; seed %i, links: %j",
  async (bus, seed, links) => {
    if (missing.includes(bus)) return;
    const setup = { seed, seconds: 12, nodes: 3, clients: 8, bus, links };
    const { violations, strokes, totals } = await playNodes(setup);
    expect(violations).toEqual([]);
    expect(Object.keys(strokes).length).toBeGreaterThan(0);
    expect(Math.min(totals.down, totals.up, totals.queries)).toBeGreaterThan(10);
  },
  300_000,
);
