import { expect, test } from "vitest";
import { Hearing } from "../src/hearing.js";

test("the lag is that of the last word, or of what is under way for longer", () => {
  const hearing = new Hearing(0);
  expect(hearing.lagMs(500)).toBe(0);
  hearing.said(1000);
  expect(hearing.lagMs(1000)).toBe(0);
  expect(hearing.lagMs(1040)).toBe(40);
  hearing.heard(1050);
  expect(hearing.lagMs(2000)).toBe(50);
  hearing.said(3000);
  hearing.said(4000);
  expect(hearing.lagMs(3010)).toBe(50);
  expect(hearing.lagMs(5000)).toBe(2000);
  hearing.heard(5000);
  expect(hearing.lagMs(9000)).toBe(2000);
});

test("who hears nothing makes its connections anew, after pauses that double", () => {
  const hearing = new Hearing(0);
  const times = [];
  for (let now = 0; now <= 100_000; now += 1000) if (hearing.isDeaf(now)) times.push(now);
  expect(times).toEqual([6000, 18_000, 42_000, 90_000]);
  hearing.heard(100_000);
  expect([hearing.isDeaf(105_000), hearing.isDeaf(106_000)]).toEqual([false, true]);
});
