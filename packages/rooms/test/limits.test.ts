import { readFileSync } from "node:fs";
import { DEFAULT_ROOM_LIMITS } from "@sockeye/rooms";
import { expect, it } from "vitest";

const page = readFileSync(new URL("../../../docs/limits.md", import.meta.url), "utf8");

it("the bounds of rooms are docs/limits.md, row by row", () => {
  const [, chapter = ""] = page.split("\n## Rooms that remember\n");
  const [rows = ""] = chapter.split("\n## ");
  const documented = [...rows.matchAll(/`(\w+)`, (unlimited|[\d,]+)( MiB)?/g)].map(
    ([, name = "", number = "", mebibytes]) => [
      name,
      number === "unlimited"
        ? Number.POSITIVE_INFINITY
        : Number(number.replaceAll(",", "")) * (mebibytes ? 1 << 20 : 1),
    ],
  );
  expect(Object.fromEntries(documented)).toEqual(DEFAULT_ROOM_LIMITS);
  expect(documented).toHaveLength(Object.keys(DEFAULT_ROOM_LIMITS).length);
});
