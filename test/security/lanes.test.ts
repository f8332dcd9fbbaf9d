import type { Server } from "@sockeye/server";
import { describe, expect } from "vitest";
import { attack, type Scene, SUBJECT } from "../support/attack.js";
import { usedBytes } from "../support/memory.js";
import type { Wire } from "../support/rawsocket.js";
import { until } from "../support/wait.js";

// Frames of streams from a stranger, on a whole server. What the machines do by themselves is in packages/contract/test/stream-attacks.test.ts.

interface Lane {
  readonly open: (n: number, request: unknown) => void;
  readonly say: (event: string, ...args: unknown[]) => void;
  /** What has come of streams. */
  readonly come: () => (readonly [string, number, ...unknown[]])[];
  readonly seen: { begun: number; stopped: number };
  readonly wire: Wire;
}

function lane(name: string, play: (lane: Lane, scene: Scene) => Promise<void>): void {
  attack(name, async (scene) => {
    const io = scene.io as unknown as Server;
    const seen = { begun: 0, stopped: 0 };
    io.on("error", () => {});
    const endless = async function* (_: unknown, { signal }: { signal: AbortSignal }) {
      seen.begun++;
      signal.addEventListener("abort", () => seen.stopped++);
      for (;;) yield "x".repeat(1000);
    };
    io.stream("endless", endless);
    io.stream("kept", { keep: "1m", owner: () => "ann" }, async function* () {
      yield 1;
    });
    io.stream("large", { keep: "1m", owner: () => "ann" }, async function* () {
      for (let n = 0; n < 200; n++) yield "x".repeat(10_000);
    });
    io.stream("unwritable", async function* () {
      yield "good";
      yield { amount: 1n };
    });
    const { wire } = await scene.join();
    const say = (event: string, ...args: unknown[]): void =>
      wire.send(`42${JSON.stringify([event, ...args])}`);
    const frames: [string, number, ...unknown[]][] = [];
    wire.ws.on("message", (data) => {
      const text = String(data);
      if (text.startsWith('42["sockeye:')) frames.push(JSON.parse(text.slice(2)));
    });
    await play(
      { open: (n, request) => say("sockeye:open", n, request), say, come: () => frames, seen, wire },
      scene,
    );
  });
}

const codeOf = (frame: readonly unknown[] | undefined): unknown =>
  (frame?.[2] as { error?: { code?: string } } | undefined)?.error?.code;

describe.skipIf(SUBJECT !== "sockeye")("frames of streams", () => {
  lane("thousands of opens: a hundred run, the others are refused", async ({ open, come, seen }) => {
    for (let n = 1; n <= 5000; n++) open(n, { name: "endless", bytes: 1 });
    await until(() => come().filter(([event]) => event === "sockeye:end").length === 4900, "the refusals");
    expect(seen.begun).toBe(100);
    expect(new Set(come().map(codeOf))).toEqual(new Set([undefined, "ERR_STREAM_LIMIT"]));
  });

  lane("a storm of opens and stops: each producer is stopped", async ({ open, say, seen }) => {
    for (let n = 1; n <= 5000; n++) {
      open(n, { name: "endless", bytes: 1 });
      say("sockeye:stop", n);
    }
    open(5001, { name: "endless", items: 1 });
    await until(() => seen.begun > 0 && seen.stopped >= seen.begun - 1, "the producers to stop");
  });

  lane("names of prototypes, huge numbers and texts: refused or ignored", async ({ open, say, come }) => {
    const requests = [
      ...["__proto__", "constructor", "toString", "x".repeat(900_000)].map((name) => ({ name })),
      { name: "kept", id: "x".repeat(900_000) },
      { name: "kept", id: "a", after: 1e308 },
      { name: "kept", id: "a", after: Number.MAX_SAFE_INTEGER },
      { name: ["endless"] },
      [],
      "endless",
      null,
    ];
    for (const [at, request] of requests.entries()) open(at + 1, request);
    for (const n of [-1, 0, 0.5, "1", null, [], {}, 1e308, "__proto__"]) {
      open(n as number, { name: "endless" });
      for (const event of ["taken", "stop", "detach", "item", "end", "opened"]) say(`sockeye:${event}`, n, n);
    }
    open(1000, { name: "kept", id: "__proto__" });
    await until(() => come().some(([event, n]) => event === "sockeye:end" && n === 1000), "the last one");
    const refused = come().filter(([, n]) => n < 1000);
    expect(refused.map(([, n]) => n)).toEqual(requests.map((_, at) => at + 1));
    expect(refused.every((frame) => codeOf(frame) !== undefined && JSON.stringify(frame).length < 500)).toBe(
      true,
    );
  });

  lane("items that were never sent are taken: the stream ends", async ({ open, say, come, seen }) => {
    for (const [at, seq] of [2 ** 53 - 1, -1, "1", null].entries()) {
      open(at + 1, { name: "endless", items: 1 });
      say("sockeye:taken", at + 1, seq);
      await until(() => codeOf(come().at(-1)) === "ERR_STREAM_FRAME", "its end");
      await until(() => seen.stopped === at + 1, "its producer to stop");
    }
  });

  lane(
    "attached to in a loop by one who reads nothing: it is let go, and holds no more than others",
    async ({ open, say, wire }, scene) => {
      open(1, { name: "large", id: "a" });
      wire.ws.pause();
      const before = await usedBytes();
      for (let n = 2; n <= 5000; n++) {
        open(n, { name: "large", id: "a" });
        say("sockeye:detach", n);
      }
      await until(() => scene.gone.length > 0, "its end");
      expect((await usedBytes()) - before).toBeLessThan(60e6);
    },
  );

  lane("an item that cannot be written: its stream ends, and no other", async ({ open, come }) => {
    open(1, { name: "unwritable" });
    open(2, { name: "endless", items: 1 });
    await until(() => come().some((frame) => codeOf(frame) === "ERR_INTERNAL"), "the end of the first");
    await until(
      () => come().some(([event, n]) => event === "sockeye:item" && n === 2),
      "an item of the other",
    );
  });
});
