// Uploads that are kept: over a reload, the loss of a session, and another tab. Machines without a network, by the manual clock.
import { OWN_EVENTS } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scene, settle } from "./stream-scene.js";

const BYTES = Uint8Array.from({ length: 200 }, (_, at) => at);
const WINDOW = { maxUnreadUploadBytes: 16 };

/** A server that takes the upload `f`, and reads when it is told to. */
function taking(about: { readonly keep?: string; readonly owner?: () => string | undefined } = {}) {
  const all = scene(WINDOW);
  const seen = { runs: 0, got: [] as number[], error: undefined as unknown, aborted: 0 };
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let finish = (_value: unknown): void => {};
  const handler = (file: AsyncIterable<Uint8Array>, { signal }: { readonly signal: AbortSignal }) => {
    seen.runs++;
    signal.addEventListener("abort", () => seen.aborted++);
    iterator = file[Symbol.asyncIterator]();
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  all.table.declareUpload("f", { keep: "1m", owner: () => "ann", ...about }, handler as never);
  /** The handler asks for one piece; at the end it answers. */
  const read = (): void => {
    iterator?.next().then(
      ({ value, done }) => {
        if (done) finish(seen.got.length);
        else seen.got.push(...value);
      },
      (error: unknown) => {
        seen.error = error;
        finish(undefined);
      },
    );
  };
  return { ...all, seen, read, finish: (value: unknown) => finish(value) };
}

type Client = ReturnType<ReturnType<typeof scene>["client"]>;

/** Lets all frames arrive, and the handler read, until nothing moves any more. */
async function run(clients: readonly Client[], read = (): void => {}, rounds = 100): Promise<void> {
  for (let n = 0; n < rounds; n++) {
    read();
    await settle();
    for (const { rise, fall } of clients) {
      rise();
      fall();
    }
    await settle();
  }
}

function outcomeOf(promise: Promise<unknown>): { value?: unknown; code?: unknown } {
  const outcome: { value?: unknown; code?: unknown } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: { readonly code?: unknown }) => {
      outcome.code = error.code;
    },
  );
  return outcome;
}

describe("an upload that is kept", () => {
  it("goes on after a reload with what the handler has not read, from any kind of source", async () => {
    const once = async function* () {
      for (let at = 0; at < BYTES.length; at += 30) yield BYTES.slice(at, at + 30);
    };
    const sources: [string, () => unknown][] = [
      ["bytes", () => BYTES],
      ["a Blob", () => new Blob([BYTES])],
      ["an iterable", once],
      ["a ReadableStream", () => new Blob([BYTES]).stream()],
    ];
    for (const [name, make] of sources) {
      const { client, read, seen, errors } = taking();
      const before = client();
      const lost = outcomeOf(before.upload("f", make(), { id: "a" }));
      await run([before], read, 6);
      const had = seen.got.length;
      expect([name, had > 0 && had < 200]).toEqual([name, true]);
      before.serving.close();
      const after = client();
      const sent: number[] = [];
      const outcome = outcomeOf(
        after.upload("f", make(), { id: "a", onProgress: ({ sent: at }: { sent: number }) => sent.push(at) }),
      );
      await run([after], read);
      expect([name, outcome, lost, seen.runs, sent[0], sent.at(-1)]).toEqual([
        name,
        { value: 200 },
        {},
        1,
        had,
        200,
      ]);
      expect([seen.got, errors]).toEqual([[...BYTES], []]);
    }
  });

  it("goes on by itself over the loss of a session, if its source can be read again", async () => {
    for (const [source, expected] of [
      [BYTES, { value: 200 }],
      [[BYTES.slice()], { code: "ERR_STREAM_DISCONNECTED" }],
    ] as const) {
      const { client, read, seen } = taking();
      const one = client();
      const outcome = outcomeOf(one.upload("f", source, { id: "a" }));
      for (let n = 0; n < 3; n++) {
        await run([one], read, 4);
        one.lose();
      }
      await run([one], read);
      expect([outcome, seen.runs]).toEqual([expected, 1]);
      if ("value" in expected) expect(seen.got).toEqual([...BYTES]);
    }
  });

  it("is once and in order, whatever breaks when", async () => {
    const step = fc.constantFrom("rise", "fall", "read", "lose", "reload", "settle");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const { client, read, seen, errors } = taking();
        let one = client();
        let outcome = outcomeOf(one.upload("f", new Blob([BYTES]), { id: "a" }));
        for (const each of steps) {
          if (each === "rise") one.rise();
          else if (each === "fall") one.fall();
          else if (each === "read") read();
          else if (each === "lose") one.lose();
          else if (each === "settle") await settle();
          else {
            one.serving.close();
            one = client();
            outcome = outcomeOf(one.upload("f", new Blob([BYTES]), { id: "a" }));
          }
          expect(one.held).toBeLessThanOrEqual(16);
        }
        await run([one], read);
        expect([outcome, seen.runs, seen.got, errors]).toEqual([{ value: 200 }, 1, [...BYTES], []]);
        await settle();
        expect([one.held, one.open, one.serving.producers]).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it("continues over the newest connection alone", async () => {
    const { client, read, seen } = taking();
    const [one, two] = [client(), client()];
    const first = outcomeOf(one.upload("f", BYTES, { id: "a" }));
    await run([one], read, 5);
    const second = outcomeOf(two.upload("f", BYTES, { id: "a" }));
    await run([one, two], read);
    expect([first, second, seen.runs]).toEqual([{ code: "ERR_STREAM_CANCELLED" }, { value: 200 }, 1]);
    expect(seen.got).toEqual([...BYTES]);
    expect([one, two].map(({ held, open, serving }) => [held, open, serving.producers])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it("is answered once more after its end, and then not run again", async () => {
    const { client, read, seen, table, clock } = taking();
    const ask = async (): Promise<object> => {
      const one = client();
      const outcome = outcomeOf(one.upload("f", BYTES, { id: "a" }));
      await run([one], read);
      return outcome;
    };
    expect([await ask(), await ask(), table.kept]).toEqual([{ value: 200 }, { value: 200 }, 1]);
    clock.advance(60_000);
    expect([await ask(), seen.runs, table.kept]).toEqual([{ code: "ERR_STREAM_GONE" }, 1, 0]);
  });

  it("is given up if its client does not come back in time, and stopped if it says so, also while it was away", async () => {
    for (const [act, code] of [
      ["wait", "ERR_STREAM_DISCONNECTED"],
      ["stop", "ERR_STREAM_CANCELLED"],
      ["stopAway", "ERR_STREAM_CANCELLED"],
    ] as const) {
      const { client, read, seen, clock, errors } = taking();
      const one = client();
      const stop = new AbortController();
      const outcome = outcomeOf(one.upload("f", BYTES, { id: "a", signal: stop.signal }));
      await run([one], read, 5);
      if (act === "wait") {
        one.serving.close();
        clock.advance(59_999);
        await settle();
        expect(seen.aborted).toBe(0);
        clock.advance(1);
      } else if (act === "stop") stop.abort();
      else one.lose(() => stop.abort());
      await run([one], read, 5);
      expect([act, seen.aborted, (seen.error as { code: string }).code, errors]).toEqual([act, 1, code, []]);
      if (act !== "wait") expect(outcome).toMatchObject({ code: 20 });
      const again = client();
      const later = outcomeOf(again.upload("f", BYTES, { id: "a" }));
      await run([again], read, 5);
      expect([act, later]).toEqual([act, { code }]);
    }
  });

  it.each<[string, object, object, string]>([
    ["another input", {}, { input: 2 }, "ERR_STREAM_CONFLICT"],
    ["another name", {}, { name: "b" }, "ERR_STREAM_CONFLICT"],
    ["another size", {}, { size: 199 }, "ERR_STREAM_CONFLICT"],
    ["no owner", { owner: () => undefined }, {}, "ERR_STREAM_GONE"],
  ])("is not continued with %s", async (_, rule, options, code) => {
    const { client, read } = taking(rule);
    const [one, two] = [client(), client()];
    void one.upload("f", BYTES, { id: "a" }).catch(() => {});
    await run([one], read, 3);
    const outcome = outcomeOf(two.upload("f", BYTES, { id: "a", ...options }));
    await run([two], read, 3);
    expect(outcome).toEqual({ code });
  });

  it("is another one for another owner, and none for an upload that keeps nothing", async () => {
    let owner = "ann";
    const { client, read, seen, table } = taking({ owner: () => owner });
    const [one, two] = [client(), client()];
    void one.upload("f", BYTES, { id: "a" });
    await run([one], read, 3);
    owner = "bob";
    void two.upload("f", BYTES, { id: "a" });
    await run([two], read, 3);
    expect([seen.runs, table.kept]).toEqual([2, 2]);
    table.declareUpload("plain", {}, () => 1);
    const outcome = outcomeOf(two.upload("plain", BYTES, { id: "a" }));
    await run([two], read, 3);
    expect(outcome).toEqual({ code: "ERR_STREAM_FRAME" });
    expect(() => table.declareUpload("g", { keep: "1m" }, () => 1)).toThrow(/owner/);
  });

  it("has no more bytes than the window while nobody is there, and ends with the server", async () => {
    const { client, read, seen, table, clock } = taking();
    const one = client();
    one.raw(OWN_EVENTS.open, 1, { name: "f", id: "a", file: {} });
    one.raw(OWN_EVENTS.item, 1, 0, BYTES.slice(0, 16));
    expect(one.held).toBe(16);
    one.serving.close();
    expect(one.held).toBe(0);
    read();
    table.close();
    await settle();
    clock.advance(1e9);
    expect([(seen.error as { code: string }).code, table.kept]).toEqual(["ERR_STREAM_CANCELLED", 0]);
  });
});

it("whatever two clients send of kept uploads: bounded, ended once, and nothing is left in the end", async () => {
  const n = fc.integer({ min: 1, max: 6 });
  const step = fc.oneof(
    fc.record({
      open: fc.constantFrom("a", "b", "", "x".repeat(129), "__proto__", 5, null, undefined),
      size: fc.constantFrom(undefined, 0, 3, 40, -1, "3"),
    }),
    fc.record({ item: n, at: fc.nat(40), size: fc.nat(20) }),
    fc.tuple(fc.constantFrom("sockeye:end", "sockeye:stop", "sockeye:detach"), n),
    fc.constantFrom("read", "leave", "answer", "fail", "close", "advance"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), step), { maxLength: 60 }), async (steps) => {
      const { table, client, errors, clock } = scene({ ...WINDOW, maxKeptStreamsPerOwner: 2 });
      const runs: { body: AsyncIterator<Uint8Array>; end(error?: Error): void }[] = [];
      const handler = (file: AsyncIterable<Uint8Array>) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error): void => (error ? reject(error) : resolve(1));
          runs.push({ body: file[Symbol.asyncIterator](), end });
        });
      table.declareUpload("f", { maxBytes: 50, keep: "1m", owner: () => "ann" }, handler as never);
      const clients = [0, 1].map(() => ({ last: 0, end: client() }));
      for (const [who, each] of steps) {
        const mine = clients[who] as (typeof clients)[number];
        const run = runs.at(-1);
        if (each === "read") run?.body.next().catch(() => {});
        else if (each === "leave") void run?.body.return?.();
        else if (each === "answer") run?.end();
        else if (each === "fail") run?.end(new Error("mine"));
        else if (each === "advance") clock.advance(61_000);
        else if (each === "close") {
          mine.end.serving.close();
          expect(mine.end.held).toBe(0);
          clients[who] = { last: 0, end: client() };
        } else if (Array.isArray(each)) mine.end.raw(each[0] as string, each[1], {});
        else if ("open" in each) {
          const request = { name: "f", id: each.open, file: { size: each.size } };
          mine.end.raw(OWN_EVENTS.open, ++mine.last, request);
        } else if ("item" in each)
          mine.end.raw(OWN_EVENTS.item, each.item, each.at, new Uint8Array(each.size));
        await settle();
        for (const { end } of clients) expect(end.held).toBeLessThanOrEqual(6 * 16);
      }
      for (const { end } of clients) {
        const ended = end.down.filter(([event]) => event === OWN_EVENTS.end).map(([, number]) => number);
        expect(new Set(ended).size).toBe(ended.length);
        end.serving.close();
      }
      for (const ms of [61_000, 61_000]) {
        clock.advance(ms);
        await settle();
      }
      for (const { end } of runs) end();
      await settle();
      const left = clients.map(({ end: { held, open, serving } }) => [held, open, serving.producers]);
      expect([table.kept, left]).toEqual([
        0,
        [
          [0, 0, 0],
          [0, 0, 0],
        ],
      ]);
      expect(errors.filter((error) => (error as Error).message !== "mine")).toEqual([]);
    }),
    {
      numRuns: 500,
      examples: [
        [
          [
            [0, { open: "a", size: undefined }],
            [0, { item: 1, at: 0, size: 0 }],
            [1, { open: "a", size: undefined }],
          ],
        ],
      ],
    },
  );
});
