// The short form of `npm run faults -- --nodes 3 --rooms`. Runs on the built packages.
import { expect, test } from "vitest";
import { hasEngine } from "./engine.js";
import { playRooms } from "./rooms.js";

// The others by that command, at length.
const missing = (["redis", "postgres"] as const).filter((bus) => !hasEngine(bus));
if (missing.length > 0) console.log(`faults: rooms over ${missing.join(", ")} are skipped: no such program`);

test.runIf(process.env["CI"] === "true")("all engines are there where nothing may be skipped", () => {
  expect(missing).toEqual([]);
});

// They wait more than they compute.
test.each([
  ["redis", 62],
  ["postgres", 63],
] as const)(
  "over %s rooms remember while nodes are killed: nothing twice, no hole that is not told, no ghost; seed %i",
  async (bus, seed) => {
    if (missing.includes(bus)) return;
    const { violations, totals } = await playRooms({
      ...{ seed, seconds: 4, nodes: 3, clients: 6, bus, every: 1 },
    });
    expect(violations).toEqual([]);
    expect(Math.min(totals.events, totals.publications)).toBeGreaterThan(100);
    expect(totals.joins).toBeGreaterThan(12);
  },
  300_000,
);
