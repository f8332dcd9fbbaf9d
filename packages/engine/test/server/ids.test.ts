import { describe, expect, it } from "vitest";
import { randomId, secretId } from "../../src/server/ids.js";

describe.each([
  ["ids of sockets", randomId, 20, 20],
  // 16 bytes are 21 characters and two bits.
  ["secrets", secretId, 22, 21],
] as const)("%s", (_, make, length, full) => {
  it(`are ${length} characters that are safe in URLs, and all different`, () => {
    const ids = new Set(Array.from({ length: 2000 }, () => make()));
    expect(ids.size).toBe(2000);
    for (const id of ids) expect(id).toMatch(new RegExp(`^[\\w-]{${length}}$`));
  });

  it("take many values in each character", () => {
    const ids = Array.from({ length: 1000 }, () => make());
    for (let at = 0; at < full; at++) {
      expect(new Set(ids.map((id) => id[at])).size).toBeGreaterThan(50);
    }
  });
});

it("drawing both in turn repeats nothing", () => {
  const bits = new Set<string>();
  for (let count = 0; count < 3000; count++) bits.add(randomId().slice(0, 12)).add(secretId().slice(0, 12));
  expect(bits.size).toBe(6000);
});
