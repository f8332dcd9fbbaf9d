// The short form of `npm run faults -- --nodes 3 --recovery`. Runs on the built packages.
import { expect, test } from "vitest";
import { BUSES, hasEngine } from "./engine.js";
import { playRecovery } from "./recovery.js";

const missing = BUSES.filter((bus) => !hasEngine(bus));
if (missing.length > 0)
  console.log(`faults: recovery over ${missing.join(", ")} is skipped: no such program`);

test.runIf(process.env["CI"] === "true")("all engines are there where nothing may be skipped", () => {
  expect(missing).toEqual([]);
});

test.each([
  ["process", 13],
  ["redis", 22],
  ["postgres", 44],
  ["nats", 55],
] as const)(
  "over %s nothing of the log is lost, comes twice or out of order while nodes are killed; nobody is told `recovered` wrongly; seed %i",
  async (bus, seed) => {
    if (missing.includes(bus)) return;
    const setup = { seed, seconds: 20, nodes: 3, clients: 8, bus, every: 2 } as const;
    const { violations, strokes, totals } = await playRecovery(setup);
    expect(violations).toEqual([]);
    expect(Object.keys(strokes).length).toBeGreaterThan(0);
    expect(Math.min(totals.down, totals.up)).toBeGreaterThan(100);
    expect(totals.recovered).toBeGreaterThan(0);
  },
  300_000,
);
