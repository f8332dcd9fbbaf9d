// Both ends of streams without a network: chance decides what happens next.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Credit } from "../src/streams/credit.js";
import { type Frame, scene, settle } from "./stream-scene.js";

describe("credit", () => {
  it("is never exceeded by more than one item, and never runs dry where marked items alone are acknowledged", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        weights,
        (items, bytes, all) => {
          const credit = new Credit({ items, bytes });
          let marked = 0;
          const held: number[] = [];
          for (const weight of all) {
            if (!credit.open) {
              // The last one that was marked opens it again.
              expect(credit.taken(marked)).toBe(true);
              held.splice(0, marked - (credit.last - held.length));
              expect(credit.open).toBe(true);
            }
            expect(held.length).toBeLessThan(items);
            expect(held.reduce((sum, each) => sum + each, 0)).toBeLessThan(bytes);
            held.push(weight);
            if (credit.sent(weight)) marked = credit.last;
          }
        },
      ),
    );
  });

  it("knows what was never sent, and takes no notice of what is said twice", () => {
    const credit = new Credit({ items: 2, bytes: 100 }, 7);
    expect([credit.last, credit.taken(8), credit.taken(7)]).toEqual([7, false, true]);
    credit.sent(1);
    credit.sent(1);
    expect([credit.open, credit.taken(8), credit.taken(8), credit.open, credit.last]).toEqual([
      false,
      true,
      true,
      true,
      9,
    ]);
  });
});

type Step = "rise" | "fall" | "read" | "tick" | "lose" | "cancel" | "detach";

describe("two ends", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom<Step>("rise", "fall", "read", "tick") },
      { weight: 1, arbitrary: fc.constantFrom<Step>("lose", "cancel", "detach") },
    ),
    { maxLength: 120 },
  );
  const shape = fc.record({
    keep: fc.boolean(),
    count: fc.integer({ min: 0, max: 40 }),
    fails: fc.boolean(),
    waits: fc.boolean(),
    steps,
  });

  it("whatever happens: items in order and once, one end and last, one run, and nothing left behind", async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ keep, count, fails, waits, steps }) => {
        const { clock, table, errors, client } = scene();
        const seen = { runs: 0, left: 0, aborted: 0 };
        let waiting: (() => void)[] = [];
        table.declare(
          "s",
          keep ? { keep: 1000, unwatched: 500 } : {},
          async function* (_: never, { signal }) {
            seen.runs++;
            signal.addEventListener("abort", () => seen.aborted++);
            try {
              for (let n = 1; n <= count; n++) {
                if (waits) await new Promise<void>((resolve) => waiting.push(resolve));
                yield n;
              }
              if (fails) throw Object.assign(new Error("own"));
              return "end";
            } finally {
              seen.left++;
            }
          },
        );
        const one = client();
        const read = one.stream("s");
        const items: unknown[] = [];
        let ended = 0;
        let thrown: unknown;
        let reading = false;
        const next = (): void => {
          if (reading) return;
          reading = true;
          read.next().then(
            ({ done, value }) => {
              if (done) ended = thrown ? 0 : 1;
              else {
                expect(ended).toBe(0);
                items.push(value);
              }
              reading = false;
            },
            (error: unknown) => {
              expect(ended + (thrown ? 1 : 0)).toBe(0);
              thrown = error;
              reading = false;
            },
          );
        };
        const tick = (): void => {
          clock.advance(1);
          const all = waiting;
          waiting = [];
          for (const go of all) go();
        };
        const act: Record<Step, () => void> = {
          rise: one.rise,
          fall: one.fall,
          read: next,
          tick,
          lose: one.lose,
          cancel: () => read.cancel(),
          detach: () => read.detach(),
        };
        const done: Step[] = [];
        for (const step of steps) {
          act[step]();
          done.push(step);
          await settle();
        }
        const left = done.includes("cancel") || done.includes("detach");
        const lost = done.includes("lose");
        for (let n = 0; n < 400 && !(thrown || ended); n++) {
          one.rise();
          one.fall();
          tick();
          next();
          await settle();
        }
        expect(items).toEqual(items.map((_, at) => at + 1));
        expect(ended + (thrown ? 1 : 0)).toBe(1);
        if (!left && !lost) expect(items.length).toBe(count);
        if (!left && !lost)
          await (fails
            ? expect(read.end).rejects.toMatchObject({ code: "ERR_INTERNAL" })
            : expect(read.end).resolves.toBe("end"));
        while (one.up.length + one.down.length > 0) {
          one.rise();
          one.fall();
        }
        // An unkept one that had not begun when the session was lost is asked for once: it fails.
        expect(seen.runs).toBeLessThanOrEqual(keep && lost ? 2 : 1);
        for (let n = 0; n < 3; n++) {
          clock.advance(3000);
          tick();
          await settle();
        }
        for (let n = 0; n < 50; n++) {
          tick();
          await settle();
        }
        expect({ open: one.open, kept: table.kept, timers: clock.pendingTimers }).toEqual({
          open: 0,
          kept: 0,
          timers: 0,
        });
        expect(seen.left).toBeLessThanOrEqual(seen.runs);
        for (const error of errors) expect(error).toMatchObject({ message: "own" });
      }),
      { numRuns: 300 },
    );
  });

  const bad: [string, ...Frame][] = [
    ["no number", "sockeye:open", "x", { name: "s" }],
    ["zero", "sockeye:open", 0, { name: "s" }],
    ["a fraction", "sockeye:open", 1.5, { name: "s" }],
    ["an object with a number", "sockeye:open", { valueOf: () => 1 }, { name: "s" }],
  ];
  it.each(bad)("an open with %s is ignored", (_, ...frame) => {
    const { table, client } = scene();
    table.declare("s", {}, function* () {});
    const one = client();
    one.raw(...frame);
    expect([one.down, one.open]).toEqual([[], 0]);
  });

  it.each([
    ["nothing", undefined, "ERR_STREAM_FRAME"],
    ["null", null, "ERR_STREAM_FRAME"],
    ["a name that is none", { name: 5 }, "ERR_STREAM_FRAME"],
    ["no items", { name: "s", items: 0 }, "ERR_STREAM_FRAME"],
    ["bytes below 0", { name: "s", bytes: -1 }, "ERR_STREAM_FRAME"],
    ["an item that is no number", { name: "s", after: "1" }, "ERR_STREAM_FRAME"],
    ["an id without keep", { name: "s", id: "a" }, "ERR_STREAM_FRAME"],
    ["an item without keep", { name: "s", after: 1 }, "ERR_STREAM_FRAME"],
    ["an empty id", { name: "k", id: "" }, "ERR_STREAM_FRAME"],
    ["an id that is too long", { name: "k", id: "x".repeat(129) }, "ERR_STREAM_FRAME"],
    ["an id that nothing has", { name: "k", id: "__proto__" }, "ERR_STREAM_GONE"],
    ["an unknown name", { name: "__proto__" }, "ERR_UNHANDLED"],
  ])("an open with %s is refused", (_, request, code) => {
    const { table, client } = scene();
    table.declare("s", {}, function* () {});
    table.declare("k", { keep: 5 }, function* () {});
    const one = client();
    one.raw("sockeye:open", 1, request);
    expect(one.down).toEqual([["sockeye:end", 1, { error: expect.objectContaining({ code }) }]]);
    expect(one.open).toBe(0);
  });

  it("a number that was used is no new stream; frames of streams that are not open are ignored", async () => {
    const { table, client } = scene();
    let runs = 0;
    table.declare("s", {}, function* () {
      runs++;
      yield 1;
    });
    const one = client();
    one.raw("sockeye:open", 5, { name: "s" });
    one.raw("sockeye:open", 5, { name: "s" });
    one.raw("sockeye:open", 4, { name: "s" });
    await settle();
    expect(runs).toBe(1);
    const before = [...one.down];
    for (const event of ["taken", "stop", "detach", "item", "end"]) one.raw(`sockeye:${event}`, 99, 1);
    for (const event of ["taken", "stop", "detach"]) one.raw(`sockeye:${event}`, 5, 1);
    expect(one.down).toEqual(before);
  });

  it("an item that was never sent cannot be taken: the stream is stopped", () => {
    const { table, client } = scene();
    const seen = { aborted: false };
    table.declare("s", {}, async function* (_: never, { signal }) {
      signal.addEventListener("abort", () => {
        seen.aborted = true;
      });
      await new Promise(() => {});
    });
    for (const value of [1, 2 ** 60, "1", undefined]) {
      const one = client();
      one.raw("sockeye:open", 1, { name: "s" });
      one.raw("sockeye:taken", 1, value);
      expect(one.down.at(-1)).toEqual([
        "sockeye:end",
        1,
        { error: expect.objectContaining({ code: "ERR_STREAM_FRAME" }) },
      ]);
      expect(one.open).toBe(0);
    }
  });

  it("more streams than maxStreamsPerSocket are refused, and others go on", () => {
    const { table, client } = scene();
    table.declare("s", {}, async function* () {
      await new Promise(() => {});
    });
    const one = client();
    for (let n = 1; n <= table.limits.maxStreamsPerSocket; n++) one.raw("sockeye:open", n, { name: "s" });
    expect(one.down).toEqual([]);
    one.raw("sockeye:open", 101, { name: "s" });
    expect(one.down[0]?.[2]).toMatchObject({ error: { code: "ERR_STREAM_LIMIT" } });
    one.raw("sockeye:stop", 1);
    one.raw("sockeye:open", 102, { name: "s" });
    expect(one.down.length).toBe(1);
  });
});

describe("what is kept", () => {
  const endless = async function* () {
    yield 1;
    await new Promise(() => {});
  };

  it("stays for its time behind the end, and is never run again under its id", async () => {
    const { clock, table, client } = scene();
    let runs = 0;
    table.declare("k", { keep: "10s", owner: () => "ann" }, function* () {
      runs++;
      yield 1;
    });
    const one = client();
    const open = (n: number): unknown => {
      one.down.length = 0;
      one.raw("sockeye:open", n, { name: "k", id: "a" });
      return one.down.map(([event]) => event.slice(8));
    };
    expect(open(1)).toEqual(["opened", "item", "end"]);
    clock.advance(9_999);
    expect(open(2)).toEqual(["opened", "item", "end"]);
    clock.advance(9_999);
    expect(open(3)).toEqual(["opened", "item", "end"]);
    clock.advance(10_001);
    expect([open(4), runs, table.kept, clock.pendingTimers]).toEqual([["end"], 1, 0, 0]);
    expect(one.down[0]?.[2]).toMatchObject({ error: { code: "ERR_STREAM_GONE" } });
  });

  it("is stopped when nobody has watched for maxUnwatchedMs", async () => {
    const { clock, table, client } = scene();
    table.declare("k", { keep: "1h" }, endless);
    const [one, two] = [client(), client()];
    one.raw("sockeye:open", 1, { name: "k" });
    two.raw("sockeye:open", 1, { name: "k", id: "id-1" });
    one.raw("sockeye:detach", 1);
    clock.advance(table.limits.maxUnwatchedMs * 2);
    two.raw("sockeye:detach", 1);
    clock.advance(table.limits.maxUnwatchedMs - 1);
    one.raw("sockeye:open", 2, { name: "k", id: "id-1" });
    one.raw("sockeye:detach", 2);
    await settle();
    one.down.length = 0;
    clock.advance(table.limits.maxUnwatchedMs + 1);
    one.raw("sockeye:open", 3, { name: "k", id: "id-1" });
    expect(one.down.at(-1)?.[2]).toMatchObject({ error: { code: "ERR_STREAM_CANCELLED" } });
  });

  it("gives room to new ones once it has ended and nobody watches; what runs is not given up", async () => {
    const { table, client } = scene();
    table.declare("k", { keep: "1h" }, endless);
    table.declare("short", { keep: "1h" }, function* () {});
    const { maxKeptStreams, maxStreamsPerSocket } = table.limits;
    const many = Array.from({ length: maxKeptStreams / maxStreamsPerSocket }, () => client());
    many.forEach((one, at) => {
      for (let n = 1; n <= maxStreamsPerSocket; n++)
        one.raw("sockeye:open", n, { name: at === 0 && n === 1 ? "short" : "k" });
    });
    const one = client();
    one.raw("sockeye:open", 1, { name: "k" });
    one.raw("sockeye:open", 2, { name: "k" });
    await settle();
    expect(one.down.map(([event, n]) => [event.slice(8), n])).toEqual([
      ["opened", 1],
      ["end", 2],
      ["item", 1],
    ]);
    table.close();
  });

  it("ends with the server, with all its timers", async () => {
    const { clock, table, client } = scene();
    table.declare("k", { keep: "1h" }, endless);
    table.declare("short", { keep: "1h" }, function* () {});
    const one = client();
    one.raw("sockeye:open", 1, { name: "k" });
    one.raw("sockeye:open", 2, { name: "short" });
    one.raw("sockeye:open", 3, { name: "k" });
    one.raw("sockeye:detach", 3);
    await settle();
    table.close();
    await settle();
    expect([one.open, table.kept, clock.pendingTimers]).toEqual([0, 0, 0]);
  });
});
