import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { usedBytes } from "../../../test/support/memory.js";
import { formatPosition, parsePosition } from "../src/position.js";
import { RoomLog } from "../src/room-log.js";
import { parseSince, type Since } from "../src/since.js";

const EPOCH = "epoch-1";

describe("a position", () => {
  it("comes back from its text", () => {
    fc.assert(
      fc.property(fc.nat(), (offset) => {
        expect(parsePosition(formatPosition({ epoch: EPOCH, offset }))).toEqual({ epoch: EPOCH, offset });
      }),
    );
  });

  it.each([
    undefined,
    null,
    7,
    "",
    ".",
    "a",
    "a.",
    ".1",
    "a.01",
    "a.-1",
    "a.1.1",
    "a b.1",
    "a.zzzzzzzzzzzz",
    `${"a".repeat(33)}.1`,
    {},
    [],
  ])("is not %j", (text) => expect(parsePosition(text)).toBeUndefined());
});

it.each<[unknown, Since | undefined]>([
  [undefined, { kind: "now" }],
  [null, { kind: "now" }],
  ["last:50", { kind: "last", count: 50 }],
  ["last:0", { kind: "last", count: 0 }],
  ["10m", { kind: "age", ms: 600_000 }],
  ["24h", { kind: "age", ms: 86_400_000 }],
  ["e.a", { kind: "position", position: { epoch: "e", offset: 10 } }],
  ["last:-1", undefined],
  ["last:", undefined],
  ["0s", undefined],
  ["10 m", undefined],
  ["yesterday", undefined],
  [50, undefined],
  [{}, undefined],
])("since %j is %j", (value, since) => expect(parseSince(value)).toEqual(since));

describe("the log of a room", () => {
  function logOf(times: readonly number[], keep = { count: 3, ageMs: 1000, bytes: 1000 }): RoomLog<number> {
    const log = new RoomLog<number>(EPOCH, keep);
    for (const at of times) log.append(log.end + 1, { at, bytes: 10 });
    return log;
  }
  const at = (offset: number, epoch = EPOCH): Since => ({ kind: "position", position: { epoch, offset } });

  it.each<[string, readonly number[], Since, number, boolean, readonly number[]]>([
    ["nothing of nothing", [], at(0), 0, true, []],
    ["all from the beginning", [0, 0], at(0), 0, true, [1, 2]],
    ["what follows", [0, 0, 0], at(1), 0, true, [2, 3]],
    ["nothing behind the end", [0, 0, 0], at(3), 0, true, []],
    ["what is kept, where more is gone", [0, 0, 0, 0], at(0), 0, false, [2, 3, 4]],
    ["just what is kept", [0, 0, 0, 0], at(1), 0, true, [2, 3, 4]],
    ["a position of the future", [0], at(2), 0, false, []],
    ["another epoch", [0, 0], at(1, "other"), 0, false, []],
    ["what is too old", [0, 500], at(0), 1000, false, [2]],
    ["what has become too old since then", [0, 500], at(1), 1000, true, [2]],
    ["the last of many", [0, 0, 0, 0], { kind: "last", count: 2 }, 0, true, [3, 4]],
    ["the last of few", [0], { kind: "last", count: 2 }, 0, true, [1]],
    ["more than is kept", [0, 0, 0, 0], { kind: "last", count: 4 }, 0, false, [2, 3, 4]],
    ["the last none", [0, 0], { kind: "last", count: 0 }, 0, true, []],
    ["an age", [0, 100, 200], { kind: "age", ms: 150 }, 250, true, [2, 3]],
    [
      "an age of which something is gone",
      [200, 210, 220, 230],
      { kind: "age", ms: 150 },
      250,
      false,
      [2, 3, 4],
    ],
    ["an age behind what is gone", [0, 200, 210, 220], { kind: "age", ms: 100 }, 250, true, [2, 3, 4]],
    ["from now on", [0, 0], { kind: "now" }, 0, true, []],
  ])("reads %s", (_what, times, since, now, complete, offsets) => {
    const reading = logOf(times).read(since, now);
    expect({ complete: reading.complete, offsets: reading.entries.map(({ offset }) => offset) }).toEqual({
      complete,
      offsets,
    });
  });

  it("keeps no more than its bounds allow", () => {
    const log = logOf([0, 0, 0], { count: 10, ageMs: 1000, bytes: 25 });
    expect({ size: log.size, bytes: log.bytes, end: log.end }).toEqual({ size: 2, bytes: 20, end: 3 });
    log.trim(1000);
    expect({ size: log.size, bytes: log.bytes, end: log.end }).toEqual({ size: 0, bytes: 0, end: 3 });
  });

  it("knows the names of what it keeps, and of what has gone for two minutes and a hundred others", () => {
    const log = new RoomLog<string>(EPOCH, { count: 1, ageMs: 1e9, bytes: 1000 });
    log.append("a", { at: 0, bytes: 1, id: "one" });
    log.append("b", { at: 0, bytes: 1 });
    log.trim(119_999);
    expect(log.offsetOf("one")).toBe(1);
    log.trim(120_000);
    expect(log.offsetOf("one")).toBeUndefined();
    for (let n = 0; n < 102; n++) log.append("c", { at: 120_000, bytes: 1, id: `${n}` });
    expect([log.offsetOf("0"), log.offsetOf("1")]).toEqual([undefined, 4]);
  });

  it("pages forwards and backwards", () => {
    const log = logOf([0, 0, 0, 0, 0], { count: 10, ageMs: 1000, bytes: 1000 });
    const offsets = (page: Parameters<typeof log.page>[0]): number[] =>
      log.page(page, 0).map(({ offset }) => offset);
    expect(offsets({ limit: 2 })).toEqual([4, 5]);
    expect(offsets({ before: 4, limit: 2 })).toEqual([2, 3]);
    expect(offsets({ after: 1, limit: 2 })).toEqual([2, 3]);
    expect(offsets({ after: 1, before: 3, limit: 9 })).toEqual([2]);
  });

  it("says complete only if nothing is missing, whatever was appended, trimmed, cleared and asked", () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant("append"), bytes: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant("pass"), ms: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ kind: fc.constant("clear") }),
      fc.record({
        kind: fc.constant("read"),
        offset: fc.nat(30),
        ms: fc.integer({ min: 1, max: 900 }),
        count: fc.nat(8),
      }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const log = new RoomLog<number>(EPOCH, { count: 5, ageMs: 1000, bytes: 100 });
        const all: { offset: number; at: number }[] = [];
        let now = 0;
        for (const each of acts) {
          if (each.kind === "append" && "bytes" in each) {
            all.push({ offset: log.append(0, { at: now, bytes: each.bytes }), at: now });
          } else if (each.kind === "pass" && "ms" in each) now += each.ms;
          else if (each.kind === "clear") log.clear();
          else if ("offset" in each) {
            const offset = Math.min(each.offset, log.end);
            const wanted: [Since, (typeof all)[number][]][] = [
              [at(offset), all.slice(offset)],
              [{ kind: "age", ms: each.ms }, all.filter((event) => event.at >= now - each.ms)],
              [{ kind: "last", count: each.count }, each.count === 0 ? [] : all.slice(-each.count)],
            ];
            for (const [since, missed] of wanted) {
              const { complete, entries } = log.read(since, now);
              const got = entries.map((entry) => entry.offset);
              const want = missed.map((event) => event.offset);
              expect(complete).toBe(got.length === want.length);
              expect(got).toEqual(want.slice(want.length - got.length));
            }
          }
          expect(log.bytes).toBeLessThanOrEqual(100);
          expect(log.size).toBeLessThanOrEqual(5);
        }
      }),
    );
  });
});

it("lets go of what is gone at once, and not when the list is moved", async () => {
  const log = new RoomLog<object>(EPOCH, { count: 1, ageMs: Number.POSITIVE_INFINITY, bytes: 1e9 });
  let gone = 0;
  const registry = new FinalizationRegistry(() => gone++);
  for (let n = 0; n < 20; n++) {
    const value = { text: `${n}` };
    registry.register(value, n);
    log.append(value, { at: 0, bytes: 1 });
  }
  await usedBytes();
  await vi.waitFor(() => expect(gone).toBeGreaterThanOrEqual(18));
  expect(log.size).toBe(1);
});
