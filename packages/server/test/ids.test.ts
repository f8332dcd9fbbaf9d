import { expect, it } from "vitest";
import { randomId } from "../src/ids.js";

it("ids are 20 characters that are safe in URLs, and all different", () => {
  const ids = new Set(Array.from({ length: 2000 }, () => randomId()));
  expect(ids.size).toBe(2000);
  for (const id of ids) expect(id).toMatch(/^[\w-]{20}$/);
});

it("each character of an id takes many values", () => {
  const ids = Array.from({ length: 1000 }, () => randomId());
  for (let at = 0; at < 20; at++) {
    expect(new Set(ids.map((id) => id[at])).size).toBeGreaterThan(50);
  }
});
