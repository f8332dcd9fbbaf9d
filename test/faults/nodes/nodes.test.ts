// The short form of `npm run faults -- --nodes 3`. Runs on the built packages.
import { expect, test } from "vitest";
import { findRedis } from "../../interop/packages/redis-server.js";
import { playNodes } from "./trial.js";

const hasRedis = findRedis() !== undefined;
if (!hasRedis)
  console.log("faults: no redis-server of version 7 or later, so the trial of nodes over Redis is skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(hasRedis).toBe(true);
});

test.each([
  ["process", 21],
  ["redis", 2],
] as const)(
  "three nodes over %s, stopped, killed and frozen: nothing twice, no hole that is not told, nobody unknown, nobody left behind; seed %i",
  async (bus, seed) => {
    if (bus === "redis" && !hasRedis) return;
    const { violations, strokes, totals } = await playNodes({ seed, seconds: 12, nodes: 3, clients: 8, bus });
    expect(violations).toEqual([]);
    expect(Object.keys(strokes).length).toBeGreaterThan(0);
    expect(Math.min(totals.down, totals.up, totals.queries)).toBeGreaterThan(10);
  },
  300_000,
);
