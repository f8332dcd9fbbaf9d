// What strangers, and the app's own mistakes, can do to streams: the machines without a network.
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../test/support/wait.js";
import type { StreamHandler } from "../src/streams/stream-types.js";
import { scene, settle } from "./stream-scene.js";

// A listener that throws, or a promise that nobody handles, would end the process of an app.
const stray: unknown[] = [];
process.on("unhandledRejection", (error) => stray.push(error));
afterEach(() => expect(stray.splice(0)).toEqual([]));

const stuck = async function* () {
  yield 1;
  await new Promise(() => {});
};
const code = (frame: readonly unknown[] | undefined): unknown =>
  (frame?.[2] as { error?: { code: string } } | undefined)?.error?.code;

describe("a client", () => {
  it("that opens and stops in a loop has no more stuck producers than maxProducersPerSocket", async () => {
    const { table, client, errors } = scene({ maxProducersPerSocket: 5 });
    const gates: (() => void)[] = [];
    table.declare("s", {}, async function* () {
      yield 1;
      await new Promise<void>((resolve) => gates.push(resolve));
    });
    const one = client();
    for (let n = 1; n <= 20; n++) {
      one.raw("sockeye:open", n, { name: "s" });
      await settle();
      one.raw("sockeye:stop", n);
    }
    const refused = one.down.filter((frame) => code(frame) === "ERR_STREAM_LIMIT");
    expect([gates.length, refused.length, one.open]).toEqual([5, 15, 0]);
    for (const go of gates.splice(0)) go();
    await settle();
    one.raw("sockeye:open", 21, { name: "s" });
    await settle();
    expect([one.down.at(-1)?.slice(0, 3), errors]).toEqual([["sockeye:item", 21, 1], []]);
  });

  it.each<[string, () => unknown]>([
    ["an async generator", stuck],
    ["one that ends by itself", async function* () {}],
    ["a generator", () => [1, 2, 3].values()],
    [
      "one whose handler throws",
      () => {
        throw new Error("mine");
      },
    ],
  ])("that opens and stops 10,000 times leaves nothing of %s, if the code ends", async (_, handler) => {
    const { clock, table, client } = scene();
    const signals: AbortSignal[] = [];
    table.declare("s", {}, ((_input: unknown, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return handler();
    }) as StreamHandler<never, never, never>);
    const one = client();
    for (let n = 1; n <= 10_000; n++) {
      one.raw("sockeye:open", n, { name: "s" });
      // A generator that waits inside of an await cannot return; this one has not come so far.
      one.raw("sockeye:stop", n);
      if (n % 50 === 0) await settle();
    }
    await settle();
    expect([one.open, one.serving.producers, table.kept, clock.pendingTimers]).toEqual([0, 0, 0, 0]);
    expect(signals).toHaveLength(10_000);
  });

  it("that leaves kept streams behind has no more of them than its share, and others have theirs", async () => {
    const { table, client } = scene({ maxKeptStreamsPerOwner: 3, maxKeptStreams: 10 });
    table.declare("k", { keep: "1h", owner: (socket: { name?: string }) => socket.name } as never, stuck);
    table.declare("free", { keep: "1h" }, stuck);
    for (const name of ["ann", undefined]) {
      const [one, two] = [client({ name }), client({ name: "ben" })];
      for (let n = 1; n <= 5; n++) {
        one.raw("sockeye:open", n, { name: name ? "k" : "free" });
        one.raw("sockeye:detach", n);
      }
      expect(one.down.map(code).filter(Boolean)).toEqual(["ERR_STREAM_LIMIT", "ERR_STREAM_LIMIT"]);
      two.raw("sockeye:open", 1, { name: "k" });
      expect(code(two.down.at(-1))).toBeUndefined();
    }
    table.close();
  });

  it("that leaves kept uploads behind has no more of them than its share, and others have theirs", async () => {
    const { table, client } = scene({ maxKeptStreamsPerOwner: 3 });
    const owner = (socket: { name: string }) => socket.name;
    table.declareUpload("k", { keep: "1h", owner } as never, stuck as never);
    const [one, two] = [client({ name: "ann" }), client({ name: "ben" })];
    const open = (n: number): object => ({ name: "k", id: `a${n}`, file: {} });
    for (let n = 1; n <= 5; n++) one.raw("sockeye:open", n, open(n));
    expect(one.down.map(code).filter(Boolean)).toEqual(["ERR_STREAM_LIMIT", "ERR_STREAM_LIMIT"]);
    one.serving.close();
    two.raw("sockeye:open", 1, open(1));
    expect([code(two.down.at(-1)), table.kept]).toEqual([undefined, 4]);
    table.close();
    expect(table.kept).toBe(0);
  });

  it("cannot push out what others have kept, but by the bound of all", async () => {
    const { table, client } = scene({ maxKeptStreamsPerOwner: 2 });
    table.declare(
      "k",
      { keep: "1h", owner: (socket: { name: string }) => socket.name } as never,
      function* () {},
    );
    const [ann, ben] = [client({ name: "ann" }), client({ name: "ben" })];
    ann.raw("sockeye:open", 1, { name: "k", id: "a" });
    for (let n = 1; n <= 10; n++) ben.raw("sockeye:open", n, { name: "k", id: `b${n}` });
    expect(table.kept).toBe(3);
    ann.down.length = 0;
    ann.raw("sockeye:open", 2, { name: "k", id: "a" });
    expect(ann.down.map(([event]) => event)).toEqual(["sockeye:opened", "sockeye:end"]);
    ben.raw("sockeye:open", 11, { name: "k", id: "b1" });
    expect(code(ben.down.at(-1))).toBe("ERR_STREAM_GONE");
  });

  it("pays for inputs, items and ends that are kept", async () => {
    const { table, client, errors } = scene({ maxKeptBytesPerOwner: 1000 });
    table.declare("k", { keep: "1h" }, function* (input: string) {
      if (input.startsWith("item")) yield input;
      return input.startsWith("end") ? "x".repeat(500) : undefined;
    } as never);
    const outcome = (input: string): unknown => {
      const one = client();
      one.raw("sockeye:open", 1, { name: "k", input });
      return code(one.down.at(-1)) ?? "kept";
    };
    expect(outcome("x".repeat(1001))).toBe("ERR_STREAM_LIMIT");
    expect(outcome("x".repeat(900))).toBe("kept");
    expect(outcome(`item${"x".repeat(600)}`)).toBe("ERR_STREAM_LIMIT");
    expect(outcome(`item${"x".repeat(300)}`)).toBe("kept");
    expect(outcome(`end${"x".repeat(600)}`)).toBe("ERR_STREAM_LIMIT");
    expect(errors).toEqual([]);
    table.close();
    expect(table.kept).toBe(0);
  });

  it("that floods a stream with watchers gets a window for each, and no more", async () => {
    const { table, client } = scene({ maxUntakenItems: 4 });
    table.declare("k", { keep: "1h", owner: () => 1 }, function* () {
      for (let n = 1; n <= 50; n++) yield n;
    });
    const one = client();
    for (let n = 1; n <= 500; n++)
      one.raw("sockeye:open", n, { name: "k", id: "a", items: 2 ** 50, bytes: 2 ** 53 - 1 });
    await settle();
    const items = one.down.filter(([event]) => event === "sockeye:item");
    expect([one.open, items.length]).toEqual([100, 400]);
  });

  it.each([
    ["an item far away", { after: 2 ** 53 - 1 }, "ERR_STREAM_GONE"],
    ["an item beyond numbers", { after: 2 ** 53 }, "ERR_STREAM_FRAME"],
    ["an item below 0", { after: -1 }, "ERR_STREAM_FRAME"],
    ["an item without an id", { id: undefined, after: 3 }, "ERR_STREAM_FRAME"],
    ["an id of 1 MB", { id: "x".repeat(1e6) }, "ERR_STREAM_FRAME"],
    ["an id that is an object", { id: { toString: (): string => "a" } }, "ERR_STREAM_FRAME"],
    ["items of an id that nothing has", { id: "b", after: 1 }, "ERR_STREAM_LOST"],
    ["a name of 1 MB", { name: "x".repeat(1e6) }, "ERR_UNHANDLED"],
    ["the name constructor", { name: "constructor" }, "ERR_UNHANDLED"],
    ["the id constructor", { id: "constructor" }, undefined],
  ])("that asks for %s", (_, request, expected) => {
    const { table, client } = scene();
    table.declare("k", { keep: "1h", owner: () => "ann" }, stuck);
    const one = client();
    one.raw("sockeye:open", 1, { name: "k", id: "a" });
    one.down.length = 0;
    one.raw("sockeye:open", 2, { name: "k", id: "a", ...request });
    expect([code(one.down[0]), JSON.stringify(one.down).length < 500]).toEqual([expected, true]);
    expect(one.open).toBe(expected ? 1 : 2);
  });

  it("that has gone opens nothing more, whatever still comes", async () => {
    const { table, client } = scene();
    let runs = 0;
    table.declare("s", {}, () => {
      runs++;
      return [].values();
    });
    const cut = { serving: undefined as { close(): void } | undefined };
    table.declare("cut", { keep: "1h", owner: () => void cut.serving?.close() }, stuck);
    const [one, two] = [client(), client()];
    one.serving.close();
    one.raw("sockeye:open", 1, { name: "s" });
    cut.serving = two.serving;
    two.raw("sockeye:open", 1, { name: "cut" });
    await settle();
    expect([runs, one.open, two.open, two.serving.producers]).toEqual([0, 0, 0, 0]);
  });
});

describe("a client", () => {
  it("whatever frames it sends: an upload takes no byte that was not granted", async () => {
    const frame = fc.oneof(
      fc.record({ item: fc.nat(40), size: fc.nat(12) }),
      fc.record({ next: fc.nat(12) }),
      fc.constantFrom("end", "read", "taken", "text"),
    );
    const size = fc.option(fc.nat(60), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(size, fc.array(frame, { maxLength: 40 }), async (announced, frames) => {
        const { table, client } = scene({ maxUnreadUploadBytes: 16 });
        const reads: (() => Promise<IteratorResult<Uint8Array>>)[] = [];
        const got: number[] = [];
        table.declareUpload("f", { maxBytes: 100 }, ((file: AsyncIterable<Uint8Array>) => {
          const iterator = file[Symbol.asyncIterator]();
          reads.push(() => iterator.next());
          return new Promise(() => {});
        }) as never);
        const one = client();
        one.raw("sockeye:open", 1, { name: "f", file: { size: announced } });
        let at = 0;
        const send = (from: unknown, bytes: unknown): void => one.raw("sockeye:item", 1, from, bytes);
        for (const each of frames) {
          if (each === "end") one.raw("sockeye:end", 1, {});
          else if (each === "taken") one.raw("sockeye:taken", 1, 5);
          else if (each === "text") send(at, "text");
          else if (each === "read") {
            const next = reads[0]?.();
            next?.then(
              ({ value }) => value && got.push(...value),
              () => {},
            );
          } else if ("next" in each) {
            send(
              at,
              Uint8Array.from({ length: each.next }, (_, n) => at + n),
            );
            at += each.next;
          } else send(each.item, new Uint8Array(each.size));
          await settle();
          expect(one.held).toBeLessThanOrEqual(16);
        }
        // What was read is what was sent, in order, and no more than was granted.
        const upto = Math.max(
          ...one.down.flatMap(([event, , , to]) => (event === "sockeye:taken" ? [to as number] : [0])),
        );
        expect(got).toEqual(got.map((_, n) => n));
        expect(got.length).toBeLessThanOrEqual(Math.min(upto, announced ?? upto));
        expect(one.down.filter(([event]) => event === "sockeye:end").length).toBeLessThanOrEqual(1);
        one.serving.close();
        await settle();
        expect([one.held, one.open]).toEqual([0, 0]);
      }),
    );
  });

  it("with many uploads that nobody reads has no more held than their share", async () => {
    const { table, client } = scene();
    table.declareUpload("f", {}, () => new Promise(() => {}));
    const one = client();
    for (let n = 1; n <= 101; n++) one.raw("sockeye:open", n, { name: "f", file: {} });
    for (const [event, n, , upto] of [...one.down])
      if (event === "sockeye:taken") one.raw("sockeye:item", n, 0, new Uint8Array(upto as number));
    expect(code(one.down.at(-1))).toBe("ERR_STREAM_LIMIT");
    expect([one.open, one.held < 7 * 262_144]).toEqual([100, true]);
    one.serving.close();
    expect(one.held).toBe(0);
  });

  it("that cuts an upload into single bytes costs what they weigh, and the handler gets them in a few pieces", async () => {
    const upload = async (bytes: number): Promise<number> => {
      const { table, client } = scene({ maxUnreadUploadBytes: 1e7 });
      const one = client();
      let [pieces, sum] = [0, 0];
      let go = (): void => {};
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      table.declareUpload("f", {}, async (file: AsyncIterable<Uint8Array>) => {
        await gate;
        for await (const piece of file) {
          pieces++;
          expect(Buffer.isBuffer(piece)).toBe(true);
          for (const byte of piece) expect(byte).toBe(sum++ % 251);
        }
      });
      one.raw("sockeye:open", 1, { name: "f", file: {} });
      for (let at = 0; at < bytes; at++) one.raw("sockeye:item", 1, at, Buffer.from([at % 251]));
      one.raw("sockeye:end", 1);
      expect(one.held).toBe(bytes);
      go();
      await until(() => one.down.some(([event]) => event === "sockeye:end"), "the end");
      expect([sum, one.held]).toEqual([bytes, 0]);
      return pieces;
    };
    for (const bytes of [1, 2, 4096, 5000, 100_000])
      expect(await upload(bytes)).toBe(Math.ceil(bytes / 4096));
  });

  it("that stops uploads in a loop has no more stuck handlers than maxProducersPerSocket", async () => {
    const { table, client, errors } = scene({ maxProducersPerSocket: 5 });
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let runs = 0;
    table.declareUpload("f", {}, async () => {
      runs++;
      await gate;
    });
    const one = client();
    for (let n = 1; n <= 20; n++) {
      one.raw("sockeye:open", n, { name: "f", file: {} });
      one.raw("sockeye:stop", n);
    }
    expect([runs, one.open, one.serving.producers]).toEqual([5, 0, 5]);
    go();
    await settle();
    expect([one.serving.producers, errors]).toEqual([0, []]);
  });
});

describe("an app's mistake", () => {
  const boom = (): never => {
    throw new Error("mine");
  };
  const endless = { next: () => new Promise<never>(() => {}) };
  it.each<[string, object, reported: number]>([
    ["return() throws", { ...endless, return: boom }, 1],
    ["return() rejects", { ...endless, return: () => Promise.reject(new Error("mine")) }, 1],
    ["return is a getter that throws", Object.defineProperty({ ...endless }, "return", { get: boom }), 1],
    ["return() never answers", { ...endless, return: () => new Promise(() => {}) }, 0],
    ["there is no return()", endless, 0],
    ["next() rejects after the stop", { next: () => Promise.resolve().then(boom) }, 1],
  ])("%s: reported, and nobody else notices", async (_, iterator, reported) => {
    const { table, client, errors } = scene();
    table.declare("s", {}, () => ({ [Symbol.asyncIterator]: () => iterator }) as never);
    const one = client();
    one.raw("sockeye:open", 1, { name: "s" });
    one.raw("sockeye:stop", 1);
    await settle();
    expect([one.down, one.open, errors.length]).toEqual([[], 0, reported]);
  });

  it.each<[string, unknown]>([
    ["a promise", Promise.resolve("ann")],
    ["an object", {}],
    ["not a number", Number.NaN],
    ["true", true],
  ])("an owner that is %s would be everybody's: refused, and reported", (_, owner) => {
    const { table, client, errors } = scene();
    table.declare("k", { keep: "1h", owner: () => owner as string }, stuck);
    const one = client();
    one.raw("sockeye:open", 1, { name: "k" });
    expect([code(one.down[0]), one.open, table.kept, errors.length]).toEqual(["ERR_INTERNAL", 0, 0, 1]);
  });

  it.each([
    [{ keep: { items: 5 } }],
    [{ keep: { age: "1h", items: 0 } }],
    [{ keep: { age: "1h", bytes: Number.NaN } }],
    [{ keep: { age: "1h", bytes: "1" } }],
    [{ keep: "soon" }],
    [{ keep: 5, unwatched: {} }],
  ])("options %j are refused", (options) => {
    expect(() => scene().table.declare("k", options as never, stuck)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });
});
