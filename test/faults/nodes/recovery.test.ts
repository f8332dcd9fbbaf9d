// The short form of `npm run faults -- --nodes 3 --recovery`. Runs on the built packages.
import { expect, test } from "vitest";
import { findRedis } from "../../interop/packages/redis-server.js";
import { playRecovery } from "./recovery.js";

const hasRedis = findRedis() !== undefined;
if (!hasRedis)
  console.log("faults: no redis-server of version 7 or later, so recovery over Redis is skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(hasRedis).toBe(true);
});

test.each([
  ["process", 10],
  ["redis", 11],
] as const)(
  "over %s nothing of the log is lost, comes twice or out of order while nodes are killed; nobody is told `recovered` wrongly; seed %i",
  async (bus, seed) => {
    if (bus === "redis" && !hasRedis) return;
    const setup = { seed, seconds: 20, nodes: 3, clients: 8, bus, every: 2 } as const;
    const { violations, strokes, totals } = await playRecovery(setup);
    expect(violations).toEqual([]);
    expect(Object.keys(strokes).length).toBeGreaterThan(0);
    expect(Math.min(totals.down, totals.up)).toBeGreaterThan(100);
    expect(totals.recovered).toBeGreaterThan(0);
  },
  300_000,
);
