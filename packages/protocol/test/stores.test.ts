import { LogStore } from "@sockeye/protocol/stores";
import { describe, expect, it } from "vitest";

let epochs = 0;
const newEpoch = (): string => `epoch${String(++epochs).padStart(3, "0")}`;
const batch = (number: number, size: number, most = 1_000_000) => ({
  writer: "a",
  number,
  entries: [{ topics: ["{x}*"], bytes: new Uint8Array(size) }],
  keep: { ms: 1_000, entries: most },
});

describe("a log in memory", () => {
  it("takes no more than it may, and passes nothing over in silence", () => {
    const logs = new LogStore({ newEpoch, maxBytes: 100_000 });
    const [start, small] = [logs.end("{x}"), logs.end("{y}")];
    logs.append("{y}", batch(1, 100), 0);
    for (let n = 1; n <= 500; n++) {
      logs.append("{x}", batch(n, 1_000), 0);
      expect(logs.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(logs.read("{x}", start)).toBeUndefined();
    const at = (number: number) => ({ ...start, number });
    const first = Array.from({ length: 500 }, (_, n) => n).find((n) => logs.read("{x}", at(n)) !== undefined);
    expect(first).toBeGreaterThan(390);
    const numbers = logs.read("{x}", at(first ?? 0))?.entries.map((entry) => entry.at.number);
    expect(numbers).toEqual(Array.from({ length: 500 - (first ?? 0) }, (_, n) => n + 1 + (first ?? 0)));
    // It was the largest that had to give.
    expect(logs.read("{y}", small)?.entries).toHaveLength(1);
    // One entry that is too large by itself is told, and not kept.
    expect(logs.append("{z}", batch(1, 200_000), 0)).toHaveLength(1);
    expect(logs.bytes).toBeLessThanOrEqual(100_000);
  });

  it.each(["time", "count", "renew", "clear"])("counts what it holds down again: %s", (why) => {
    const logs = new LogStore({ newEpoch });
    logs.append("{x}", batch(1, 1_000), 0);
    const one = logs.bytes;
    if (why === "renew") logs.renew("{x}");
    else if (why === "clear") logs.clear();
    else logs.append("{x}", batch(2, 1_000, why === "count" ? 1 : 9), why === "time" ? 2_000 : 0);
    expect(logs.bytes).toBe(why === "time" || why === "count" ? one : 0);
  });

  it("remembers 10,000 logs; another one's place is that of the one that is still for longest", () => {
    const logs = new LogStore({ newEpoch });
    const ends = [0, 1].map((n) => logs.end(`{${n}}`));
    for (let n = 2; n < 10_000; n++) logs.end(`{${n}}`);
    logs.append("{0}", batch(1, 1), 0);
    logs.append("{new}", batch(1, 1), 0);
    expect(logs.read("{0}", ends[0] ?? logs.end("{0}"))?.entries).toHaveLength(1);
    expect(logs.end("{1}").epoch).not.toBe(ends[1]?.epoch);
  });
});
