import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellsOf, hashOf, rungBy } from "../src/bell.js";

const topic = fc.string({ minLength: 1 });
const row = fc.record({ topics: fc.array(topic, { minLength: 1, maxLength: 120 }), bytes: fc.nat(1e8) });

describe("bells", () => {
  it("announce each row to those who want one of its topics, in lines that PostgreSQL takes", () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 300 }),
        fc.nat(1e15),
        topic,
        (rows, first, extra) => {
          const wanted = new Set([...rows.slice(0, 1).flatMap(({ topics }) => topics.slice(0, 1)), extra]);
          const hashes = new Set([...wanted].map(hashOf));
          const group = `{${"ü".repeat(1_000)}} 1 x~1`;
          const lines = cellsOf(rows).map(
            (piece) => `l abcdefgh ${first + piece.first} ${piece.cells} ${group}`,
          );
          const rung = lines.flatMap((line) => rungBy(line, (hash) => hashes.has(hash)));
          for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(8_000);
          const heard = new Map(rung.map((one) => [one.n - first, one]));
          rows.forEach(({ topics, bytes }, index) => {
            if (topics.some((each) => wanted.has(each)))
              expect(heard.get(index)).toMatchObject({ of: group, bytes, epoch: "abcdefgh" });
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    "",
    "?",
    "m",
    "m short 1 a~1",
    "m abcdefgh x a~1",
    "m abcdefgh 12345678901234567 a~1",
    "m abcdefgh 1 a",
    "m abcdefgh 1 a~1 more",
    "l abcdefgh 1 a~1",
    "x abcdefgh 1 a~1 g",
  ])("that make no sense ring nothing: %j", (line) => {
    expect(rungBy(line, () => true)).toEqual([]);
  });
});
