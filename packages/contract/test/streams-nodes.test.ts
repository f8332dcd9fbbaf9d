// Kept streams on a cluster: run once, seen from every node, by the memory bus and a clock that the test moves.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodes, reading, type StreamNode } from "./stream-nodes.js";
import { settle } from "./stream-scene.js";

/** Declares the kept stream `s`, whose producer makes an item each time that it is told to. */
function counting(about: { readonly owner?: (socket: { name?: string }) => string | undefined } = {}) {
  const seen = { runs: 0, aborted: 0, nodes: [] as string[] };
  let waiting: (() => void)[] = [];
  let isOver = false;
  const make = async (): Promise<void> => {
    const all = waiting;
    waiting = [];
    for (const go of all) go();
    await settle();
  };
  const declare = (table: StreamNode["table"]): void =>
    table.declare(
      "s",
      { keep: "1m", unwatched: "1m", owner: ({ name }: { readonly name?: string }) => name, ...about },
      async function* (_input: never, { signal }: { readonly signal: AbortSignal }) {
        seen.runs++;
        signal.addEventListener("abort", () => seen.aborted++);
        for (let n = 1; ; n++) {
          await new Promise<void>((resolve) => waiting.push(resolve));
          if (isOver) return "end";
          yield n;
        }
      } as never,
    );
  const end = (): Promise<void> => {
    isOver = true;
    return make();
  };
  return { seen, declare, make, end };
}

const ann = { name: "ann" };
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe.each([
  ["with records", true],
  ["without", false],
])("on a bus %s", (_name, keeps) => {
  it("a producer runs once, whoever asks for its id at the same time, and all see all of it", async () => {
    const { start, run, failures } = nodes({ keeps });
    const { seen, declare, make, end } = counting();
    const three = [start(declare), start(declare), start(declare)];
    await run(3000);
    const reads = three.map((node) => reading(node.client(ann).stream("s", "x", { id: "chat" })));
    await run(100);
    for (let n = 0; n < 5; n++) {
      await make();
      await run(50);
    }
    const late = reading(
      (three[1] as StreamNode).client(ann).stream("s", undefined, { id: "chat", after: 3 }),
    );
    await run(100);
    await end();
    await run(100);
    expect(seen.runs).toBe(1);
    for (const read of reads)
      expect(read).toEqual({ items: upTo(5), code: undefined, end: "end", isOver: true });
    expect(late).toMatchObject({ items: [4, 5], end: "end" });
    // What is over is kept, for all nodes.
    const again = three.map((node) => reading(node.client(ann).stream("s", "x", { id: "chat" })));
    await run(100);
    for (const read of again) expect(read).toMatchObject({ items: upTo(5), end: "end" });
    expect([seen.runs, failures]).toEqual([1, []]);
  });

  it("a stranger's id looks like a missing one, another input is a conflict, and what is gone stays gone", async () => {
    const { start, run, failures } = nodes({ keeps });
    const { seen, declare, make, end } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    await make();
    const bob = reading(b.client({ name: "bob" }).stream("s", undefined, { id: "chat", after: 1 }));
    const nobody = reading(b.client().stream("s", undefined, { id: "chat" }));
    const missing = reading(b.client({ name: "bob" }).stream("s", undefined, { id: "other", after: 1 }));
    const other = reading(b.client(ann).stream("s", "y", { id: "chat" }));
    const beyond = reading(b.client(ann).stream("s", "x", { id: "chat", after: 7 }));
    await run(100);
    expect([bob, nobody, missing, other, beyond].map(({ code }) => code)).toEqual([
      "ERR_STREAM_LOST",
      "ERR_STREAM_LOST",
      "ERR_STREAM_LOST",
      "ERR_STREAM_CONFLICT",
      "ERR_STREAM_GONE",
    ]);
    await end();
    await run(61_000, 1000);
    const late = [a, b].map((node) => reading(node.client(ann).stream("s", "x", { id: "chat" })));
    await run(100);
    expect(late.map(({ code }) => code)).toEqual(["ERR_STREAM_GONE", "ERR_STREAM_GONE"]);
    expect([seen.runs, failures]).toEqual([1, []]);
  });

  it("who watches at another node cancels it for all; who detaches does not", async () => {
    const { start, run } = nodes({ keeps });
    const { seen, declare, make } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    const first = reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const left = b.client(ann).stream("s", undefined, { id: "chat" });
    const stays = b.client(ann).stream("s", undefined, { id: "chat" });
    const [leaves, sees] = [reading(left), reading(stays)];
    await run(100);
    await make();
    await run(100);
    left.detach();
    await run(100);
    expect([leaves.items, seen.aborted]).toEqual([[1], 0]);
    await make();
    await run(100);
    stays.cancel();
    await run(100);
    expect([sees.items, seen.aborted, first.code]).toEqual([[1, 2], 1, "ERR_STREAM_CANCELLED"]);
    await run(6000);
    expect([a, b].map(({ table }) => table.relayed)).toEqual([0, 0]);
  });

  it("the producer's node dies: what had come, then ERR_STREAM_LOST, and it is not run again", async () => {
    const { start, run, kill } = nodes({ keeps });
    const { seen, declare, make } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const read = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    await make();
    await make();
    await run(100);
    kill(a);
    await run(15_000, 500);
    expect(read).toMatchObject({ items: [1, 2], code: "ERR_STREAM_LOST" });
    const again = reading(b.client(ann).stream("s", "x", { id: "chat", after: 2 }));
    await run(100);
    expect([again.code, seen.runs]).toEqual(["ERR_STREAM_LOST", 1]);
    if (!keeps) return;
    const anew = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    expect([anew.code, seen.runs]).toEqual(["ERR_STREAM_LOST", 1]);
  });
});

describe("a client that has gone while its node and that of the stream did not hear each other", () => {
  it.each<[string, "home" | "edge" | "frozen home" | "frozen edge", number]>([
    ["in one direction", "home", 2000],
    ["in the other", "edge", 2000],
    ["in one direction, for long", "home", 20_000],
    ["in the other, for long", "edge", 20_000],
    ["since one stood still", "frozen home", 20_000],
    ["since the other did", "frozen edge", 20_000],
  ])("%s, %s, does not count as there, and nothing of it is left", async (_name, what, ms) => {
    const { hub, start, run, failures } = nodes();
    const { seen, declare, make } = counting();
    const [home, edge] = [start(declare), start(declare)];
    await run(3000);
    const owner = home.client(ann);
    reading(owner.stream("s", "x", { id: "chat" }));
    await run(100);
    const gone = edge.client(ann);
    const stays = edge.client(ann);
    reading(gone.stream("s", "x", { id: "chat" }));
    const read = reading(stays.stream("s", "x", { id: "chat" }));
    await run(6000);
    expect(home.table.relayed).toBe(2);
    if (what === "home") hub.cut(home.bus, edge.bus);
    else if (what === "edge") hub.cut(edge.bus, home.bus);
    else (what === "frozen home" ? home : edge).bus.freeze();
    gone.serving.close();
    await make();
    await run(ms, 500);
    hub.heal();
    for (const { bus } of [home, edge]) bus.thaw();
    await run(25_000, 500);
    // Who was told that it is lost asks no more.
    expect(home.table.relayed).toBe(read.code === undefined ? 1 : 0);
    if (read.code === undefined) expect(read.items).toEqual([1]);
    stays.serving.close();
    owner.serving.close();
    await run(25_000, 500);
    expect([home.table.relayed, seen.aborted]).toEqual([0, 0]);
    await run(61_000, 500);
    expect([seen.aborted, failures]).toEqual([1, []]);
  });
});

describe("an id that is asked for", () => {
  it("and cancelled before it is known whose it is: cancels what runs, and begins nothing else", async () => {
    const { start, run, failures } = nodes();
    const { seen, declare } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    const first = reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    for (const id of ["chat", "new"]) b.client(ann).stream("s", "x", { id }).cancel();
    await run(100);
    expect([first.code, seen.runs, seen.aborted]).toEqual(["ERR_STREAM_CANCELLED", 1, 1]);
    // Nobody has begun it.
    reading(a.client(ann).stream("s", "x", { id: "new" }));
    await run(100);
    expect([seen.runs, failures]).toEqual([2, []]);
  });

  it("and refused, since too much is kept, may begin at another node", async () => {
    const { start, run, failures } = nodes();
    const { seen, declare } = counting();
    const [a, b] = [start(declare, { maxKeptStreams: 1 }), start(declare)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "one" }));
    await run(100);
    const refused = reading(a.client(ann).stream("s", "x", { id: "two" }));
    await run(100);
    const begun = b.client(ann).stream("s", "x", { id: "two" });
    reading(begun);
    await run(100);
    expect([refused.code, begun.id, seen.runs, failures]).toEqual(["ERR_STREAM_LIMIT", "two", 2, []]);
  });

  it.each([
    ["with records", true],
    ["without", false],
  ])("while it cannot be known whose it is, begins nowhere, on a bus %s", async (_name, keeps) => {
    const { hub, start, run } = nodes({ keeps });
    const { seen, declare } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    if (keeps) a.bus.lose();
    else hub.cut(b.bus, a.bus);
    const read = reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(3000);
    expect([read.code, seen.runs]).toEqual(["ERR_STREAM_LOST", 0]);
    hub.heal();
    a.bus.restore();
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    expect(seen.runs).toBe(1);
  });

  it("is remembered for an hour behind its stream, and while it runs", async () => {
    const { hub, start, run, kill } = nodes();
    const { seen, declare } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(3 * 3_600_000, 60_000);
    const read = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    expect([read.code, seen.runs]).toEqual([undefined, 1]);
    kill(a);
    await run(15_000, 500);
    const late = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(3_600_000, 60_000);
    reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    expect([read.code, late.code, seen.runs]).toEqual(["ERR_STREAM_LOST", "ERR_STREAM_LOST", 2]);
    expect(hub.clock.now()).toBeGreaterThan(4 * 3_600_000);
  });
});

describe("ids that the server has made", () => {
  it.each([
    ["without an owner", () => undefined],
    ["of an owner", () => "ann"],
  ])("%s lead to their node, and to nothing once that is gone", async (_name, owner) => {
    const { start, run, kill } = nodes();
    const { seen, declare, make } = counting({ owner });
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    const stream = a.client().stream("s", "x");
    reading(stream);
    await run(100);
    await make();
    await run(100);
    const { id } = stream;
    const there = [0, 1].map((after) => reading(b.client().stream("s", undefined, { id, after })));
    await run(100);
    await make();
    await run(100);
    expect(there.map(({ items }) => items)).toEqual([[1, 2], [2]]);
    kill(a);
    await run(15_000, 500);
    const late = reading(b.client().stream("s", undefined, { id }));
    await run(100);
    expect([...there, late].map(({ code }) => code)).toEqual(Array(3).fill("ERR_STREAM_LOST"));
    expect(seen.runs).toBe(1);
  });
});

describe("what a stream takes between nodes", () => {
  it("one who does not read gets a window, and one who does is not held up", async () => {
    const { start, run, hub } = nodes();
    const made = { items: 0 };
    const declare = (table: StreamNode["table"]): void =>
      table.declare("s", { keep: "1m", owner: () => "ann" }, async function* () {
        for (; made.items < 2000; made.items++) yield made.items;
      });
    const [a, b] = [start(declare, { maxUntakenItems: 8 }), start(declare, { maxUntakenItems: 8 })];
    await run(3000);
    const idle = b.client();
    const stuck = idle.stream("s", "x", { id: "chat" });
    await run(200);
    const [read, other] = [a, b].map((node) => reading(node.client().stream("s", "x", { id: "chat" })));
    const before = hub.clock.now();
    await run(10_000);
    expect([read?.items.length, other?.items.length, hub.clock.now() - before]).toEqual([2000, 2000, 10_000]);
    // What came of it waits for its reader, at its client.
    expect((stuck as unknown as { position: number }).position).toBe(0);
    expect(idle.got).toBeLessThanOrEqual(9);
  });

  it("an item that the bus does not take ends the stream for who watches over it, and for nobody else", async () => {
    const { start, run, failures } = nodes({ maxBytes: 4096 });
    const declare = (table: StreamNode["table"]): void =>
      table.declare("s", { keep: "1m", owner: () => "ann" }, async function* () {
        yield 1;
        yield "x".repeat(5000);
        yield 3;
      });
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    const here = reading(a.client().stream("s", "x", { id: "chat" }));
    await run(100);
    const there = reading(b.client().stream("s", "x", { id: "chat" }));
    await run(100);
    expect([here.items.length, here.code]).toEqual([3, undefined]);
    expect(there).toMatchObject({ items: [1], code: "ERR_STREAM_LIMIT" });
    expect(failures).toMatchObject([{ code: "ERR_BUS_TOO_LARGE" }]);
    expect(a.table.relayed).toBe(0);
  });

  it("so many streams are open from other nodes, and no more", async () => {
    const { start, run, failures } = nodes();
    const { declare } = counting();
    // One that never answers.
    const [a, b, other] = [start(declare), start(declare), start(() => {})];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const key = JSON.stringify(["s", "ann", "chat"]);
    for (let lane = 1; lane <= 10_000; lane++)
      other.cluster.tell(a.cluster.id, "stream", [0, lane, 0, key, 1, 0, 0, 1, 1, []], "{test$/}");
    await run(50);
    const read = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    expect([a.table.relayed, read.code]).toEqual([10_000, "ERR_STREAM_LIMIT"]);
    void other.cluster.close();
    await run(100);
    expect([a.table.relayed, failures]).toEqual([0, []]);
  });

  it("items that were not sent, and bytes that were not granted, end it at the node of the client too", async () => {
    const { start, run, failures } = nodes();
    const { declare, make } = counting();
    const taken = { aborted: 0 };
    const both = (table: StreamNode["table"]): void => {
      declare(table);
      table.declareUpload("f", { keep: "1m", owner: () => "ann" }, (async (
        _file: unknown,
        { signal }: { readonly signal: AbortSignal },
      ) => {
        signal.addEventListener("abort", () => taken.aborted++);
        await new Promise(() => {});
      }) as never);
    };
    const limits = { maxUnreadUploadBytes: 8 };
    const [a, b] = [start(both, limits), start(both, limits)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    await make();
    const codes: unknown[] = [];
    const wrong: [string, ...unknown[]][] = [
      ["sockeye:item", 1, 1, new Uint8Array(2)],
      ["sockeye:item", 1, 0, new Uint8Array(9)],
      ["sockeye:item", 1, 0, new Uint8Array(0)],
      ["sockeye:item", 1, 0, "text"],
      ["sockeye:taken", 1, 5],
    ];
    for (const [at, frame] of wrong.entries()) {
      // It is at the first node.
      void a
        .client(ann)
        .upload("f", new Uint8Array(9), { id: `up${at}` })
        .catch(() => {});
      await run(100);
      const stranger = b.client(ann);
      stranger.raw("sockeye:open", 1, { name: "f", id: `up${at}`, file: { size: 9 } });
      await run(100);
      stranger.tap = (each) => codes.push((each[2] as { error?: { code: string } }).error?.code ?? each[0]);
      stranger.raw(...frame);
      await run(100);
    }
    const reader = b.client(ann);
    reader.raw("sockeye:open", 1, { name: "s", id: "chat" });
    await run(100);
    reader.tap = (each) => codes.push((each[2] as { error?: { code: string } }).error?.code);
    reader.raw("sockeye:taken", 1, 9);
    await run(100);
    expect(codes).toEqual(Array(6).fill("ERR_STREAM_FRAME"));
    expect([taken.aborted, a.table.relayed, failures]).toEqual([5, 0, []]);
  });

  it("opens and stops in a loop, while the other node does not answer, count until it has", async () => {
    const { hub, start, run } = nodes();
    const { seen, declare } = counting();
    const [a, b] = [start(declare), start(declare, { maxProducersPerSocket: 5 })];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const refused: unknown[] = [];
    const one = b.client(ann);
    one.tap = (frame) => refused.push((frame[2] as { error: { code: string } }).error.code);
    const open = async (n: number): Promise<void> => {
      one.raw("sockeye:open", n, { name: "s", id: "chat" });
      await run();
      one.raw("sockeye:stop", n);
    };
    hub.cut(b.bus, a.bus);
    for (let n = 1; n <= 20; n++) await open(n);
    expect([one.serving.producers, refused]).toEqual([5, Array(15).fill("ERR_STREAM_LIMIT")]);
    hub.heal();
    await run(6000);
    expect([one.serving.producers, seen.aborted, a.table.relayed]).toEqual([0, 1, 0]);
    // The same without an answer of the engine.
    b.bus.freeze();
    for (let n = 21; n <= 30; n++) {
      one.raw("sockeye:open", n, { name: "s", id: `new${n}` });
      one.raw("sockeye:stop", n);
    }
    expect(one.serving.producers).toBe(5);
    b.bus.thaw();
    await run(3000);
    expect([one.serving.producers, seen.runs]).toEqual([0, 1]);
  });

  it("whatever comes over the bus: told as bad input, or ignored", async () => {
    const { start, run, failures } = nodes();
    const { declare, make } = counting();
    const [a, b] = [start(declare), start(declare)];
    await run(3000);
    reading(a.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const read = reading(b.client(ann).stream("s", "x", { id: "chat" }));
    await run(100);
    const key = JSON.stringify(["s", "ann", "chat"]);
    const part = fc.oneof(fc.constantFrom<unknown>(key, 0, 1, 2, -1, 2 ** 53, [], null), fc.anything());
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 14 }),
        fc.array(part, { maxLength: 9 }),
        async (op, args) => {
          if (op === 4) return;
          for (const [from, to] of [
            [a, b],
            [b, a],
          ] as const)
            from.shared.say(to.cluster.id, [
              op,
              ...args.map((each) => (typeof each === "object" ? null : each)),
            ]);
          await run();
        },
      ),
      { numRuns: 300 },
    );
    await run(6000);
    const other = failures.filter((error) => (error as { code?: string }).code !== "ERR_CLUSTER_INPUT");
    expect(other).toEqual([]);
    await make();
    await run(6000);
    expect(read.code ?? read.items).toEqual(read.code ? expect.stringMatching(/^ERR_STREAM_/) : [1]);
  });
});

type Step =
  | {
      readonly kind: "open" | "cut" | "lose" | "restore" | "kill";
      readonly node: number;
      readonly other: number;
    }
  | { readonly kind: "make" | "heal" | "tick" | "wait"; readonly node: number; readonly other: number };

describe("whatever breaks", () => {
  const WEIGHTS: Readonly<Record<Step["kind"], number>> = {
    open: 6,
    make: 14,
    tick: 10,
    wait: 1,
    cut: 2,
    heal: 2,
    lose: 1,
    restore: 3,
    kill: 0.2,
  };
  const steps = fc.array(
    fc.oneof(
      ...Object.entries(WEIGHTS).map(([kind, weight]) => ({
        weight: weight * 10,
        arbitrary: fc.record({
          kind: fc.constant(kind as Step["kind"]),
          node: fc.integer({ min: 0, max: 2 }),
          other: fc.integer({ min: 0, max: 2 }),
        }) as fc.Arbitrary<Step>,
      })),
    ),
    { minLength: 10, maxLength: 80 },
  );

  it("items come once and in order, the producer runs once, and nothing is left in the end", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer(), async (all, seed) => {
        const { hub, start, run, kill, failures } = nodes({ seed, faults: { delayMs: 20, duplicate: 0.1 } });
        const { seen, declare, make, end } = counting();
        const alive = [start(declare), start(declare), start(declare)];
        await run(3000, 500);
        const reads: ReturnType<typeof reading>[] = [];
        let made = 0;
        for (const { kind, node: n, other: m } of all) {
          const [node, other] = [alive[n % alive.length], alive[m % alive.length]] as [
            StreamNode,
            StreamNode,
          ];
          if (kind === "open") reads.push(reading(node.client(ann).stream("s", "x", { id: "chat" })));
          else if (kind === "make") {
            await make();
            made++;
          } else if (kind === "cut") {
            if (node !== other) hub.cut(node.bus, other.bus);
          } else if (kind === "heal") hub.heal();
          else if (kind === "lose") node.bus.lose();
          else if (kind === "restore") node.bus.restore();
          else if (kind === "kill" && alive.length > 1) {
            alive.splice(alive.indexOf(node), 1);
            kill(node);
          }
          await run(kind === "wait" ? 12_000 : 50, kind === "wait" ? 1000 : 50);
        }
        hub.heal();
        for (const { bus } of alive) bus.restore();
        await run(30_000, 1000);
        await end();
        await run(30_000, 1000);
        for (const { items, code, isOver } of reads) {
          expect(items).toEqual(upTo(items.length));
          expect(items.length).toBeLessThanOrEqual(made);
          if (!isOver) expect(alive.length).toBeLessThan(3);
          else if (code !== undefined) expect(code).toBe("ERR_STREAM_LOST");
        }
        expect(seen.runs).toBeLessThanOrEqual(1);
        expect(alive.map(({ table }) => table.relayed)).toEqual(alive.map(() => 0));
        expect(failures).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe("an upload", () => {
  const BYTES = Uint8Array.from({ length: 200 }, (_, at) => at);
  /** Declares the upload `f`, whose handler reads a piece each time that it is told to. */
  const taking = () => {
    const seen = { runs: 0, got: [] as number[], aborted: 0 };
    let waiting: (() => void)[] = [];
    const declare = (table: StreamNode["table"]): void =>
      table.declareUpload("f", { keep: "1m", owner: () => "ann" }, (async (
        file: AsyncIterable<Uint8Array>,
        { signal }: { readonly signal: AbortSignal },
      ) => {
        seen.runs++;
        signal.addEventListener("abort", () => seen.aborted++);
        for await (const piece of file) {
          seen.got.push(...piece);
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
        return seen.got.length;
      }) as never);
    const read = async (): Promise<void> => {
      const all = waiting;
      waiting = [];
      for (const go of all) go();
      await settle();
    };
    return { seen, declare, read };
  };
  const outcomeOf = (promise: Promise<unknown>) => {
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
  };
  const limits = { maxUnreadUploadBytes: 32 };

  it("that has begun at one node goes on at another, is taken over from there, and can be stopped", async () => {
    const { start, run, failures } = nodes();
    const { seen, declare, read } = taking();
    const [a, b] = [start(declare, limits), start(declare, limits)];
    await run(3000);
    const first = outcomeOf(a.client().upload("f", BYTES, { id: "up" }));
    await run(100);
    const other = b.client();
    const second = outcomeOf(other.upload("f", BYTES, { id: "up" }));
    await run(100);
    expect(first).toEqual({ code: "ERR_STREAM_CANCELLED" });
    expect(other.held).toBeLessThanOrEqual(32);
    for (let n = 0; n < 40; n++) {
      await read();
      await run();
    }
    expect([second, seen.got, other.held]).toEqual([{ value: 200 }, [...BYTES], 0]);
    const again = outcomeOf(b.client().upload("f", BYTES, { id: "up" }));
    const wrong = outcomeOf(b.client().upload("f", BYTES.subarray(1), { id: "up" }));
    await run(100);
    expect([again, wrong, seen.runs]).toEqual([{ value: 200 }, { code: "ERR_STREAM_CONFLICT" }, 1]);

    void a
      .client()
      .upload("f", BYTES, { id: "next" })
      .catch(() => {});
    await run(100);
    const stop = new AbortController();
    const stopped = outcomeOf(b.client().upload("f", BYTES, { id: "next", signal: stop.signal }));
    await run(100);
    stop.abort(Object.assign(new Error("enough"), { code: "MINE" }));
    await run(100);
    expect([stopped, seen.runs, seen.aborted, a.table.relayed]).toEqual([{ code: "MINE" }, 2, 2, 0]);
    expect(failures).toEqual([]);
  });

  it("is complete and in order, whatever breaks on its way, and no client sends more than was granted", async () => {
    const step = fc.record({
      kind: fc.constantFrom("read", "read", "read", "cut", "heal", "lose", "restore", "reload", "tick"),
      node: fc.integer({ min: 0, max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), fc.integer(), async (steps, seed) => {
        const { hub, start, run, failures } = nodes({ seed, faults: { delayMs: 20, duplicate: 0.1 } });
        const { seen, declare, read } = taking();
        const two = [start(declare, limits), start(declare, limits)] as [StreamNode, StreamNode];
        await run(3000, 500);
        const clients = [two[0].client()];
        let outcome = outcomeOf(two[0].client().upload("f", BYTES, { id: "up" }));
        await run(100);
        const ask = (node: StreamNode): void => {
          const client = node.client();
          clients.push(client);
          outcome = outcomeOf(client.upload("f", BYTES, { id: "up" }));
        };
        ask(two[1]);
        for (const { kind, node: n } of steps) {
          const [node, other] = [two[n], two[1 - n]] as [StreamNode, StreamNode];
          if (kind === "read") await read();
          else if (kind === "cut") hub.cut(node.bus, other.bus);
          else if (kind === "heal") hub.heal();
          else if (kind === "lose") node.bus.lose();
          else if (kind === "restore") node.bus.restore();
          else if (kind === "reload") ask(node);
          await run(50);
          for (const { held } of clients) expect(held).toBeLessThanOrEqual(32);
        }
        hub.heal();
        for (const { bus } of two) bus.restore();
        await run(15_000, 1000);
        if (outcome.code !== undefined) ask(two[1]);
        for (let n = 0; n < 60; n++) {
          await read();
          await run(100);
        }
        expect(seen.got).toEqual([...BYTES]);
        expect(outcome).toEqual({ value: 200 });
        expect(seen.runs).toBe(1);
        await run(15_000, 1000);
        expect(two.map(({ table }) => table.relayed)).toEqual([0, 0]);
        expect(clients.map(({ held }) => held)).toEqual(clients.map(() => 0));
        expect(failures).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
