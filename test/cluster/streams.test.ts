// Kept streams and uploads at two whole servers of one cluster, over each engine.
import { createRequire } from "node:module";
import { io as dial, type Options } from "@sockeye/client";
import { contract, stream } from "@sockeye/contract";
import type { Stream } from "@sockeye/contract/client";
import { streams, uploads } from "@sockeye/contract/client";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { until } from "../support/wait.js";
import { ENGINES } from "./engines.js";
import { atEnd, type Node, startNodes } from "./site.js";

function connect({ url }: Node, user: string, options: Options = {}) {
  const socket = dial(url, {
    transports: ["websocket"],
    forceNew: true,
    auth: { user },
    ...options,
    extend: [streams, uploads],
  });
  atEnd(() => socket.disconnect());
  return socket;
}

/** Reads until it ends. */
function reading(stream: Stream) {
  const seen = { items: [] as unknown[], code: undefined as unknown, end: undefined as unknown };
  const read = async (): Promise<void> => {
    try {
      for await (const item of stream) seen.items.push(item);
      seen.end = await stream.end;
    } catch (error) {
      seen.code = (error as { code?: unknown }).code;
    }
  };
  return { seen, over: read() };
}

const ownerOf = ({ handshake }: { handshake: { auth: Record<string, unknown> } }) =>
  handshake.auth["user"] as string;

// What an engine starts takes its time on a slow machine.
const SLOW = { timeout: 60_000 };

describe.each(Object.entries(ENGINES))("on %s", (_name, { isMissing, start }) => {
  it.skipIf(isMissing)("a kept stream runs once, and is read and cancelled at any node", SLOW, async () => {
    const all = await startNodes(["a", "b", "c"], await start());
    const [a, b, c] = all as [Node, Node, Node];
    const seen = { runs: 0, aborted: 0 };
    const waiting: (() => void)[] = [];
    const go = (): void => {
      for (const each of waiting.splice(0)) each();
    };
    for (const { io } of all)
      io.stream("ask", { keep: "10m", owner: ownerOf }, async function* (_input, { signal }) {
        seen.runs++;
        signal.addEventListener("abort", () => seen.aborted++);
        for (let n = 1; n <= 3; n++) {
          yield { n, bytes: Buffer.from([n]), text: "é😀" };
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
        return { count: 3 };
      });
    // All at once: one of them begins it.
    const ask = (node: Node, options: object = {}, user = "ann") =>
      connect(node, user).stream("ask", { deep: [1, null, "x"] }, { id: "chat", ...options });
    const reads = all.map((node) => reading(ask(node)));
    await until(() => reads.every((read) => read.seen.items.length === 1), "the first item");
    go();
    await until(() => reads.every((read) => read.seen.items.length === 2), "the second item");
    // From another device, behind what is there.
    const late = reading(ask(b, { after: 1 }));
    await until(() => late.seen.items.length === 1, "what is missing");
    go();
    await until(() => waiting.length === 1, "the third");
    go();
    await Promise.all([...reads, late].map(({ over }) => over));
    const items = [1, 2, 3].map((n) => ({ n, bytes: Buffer.from([n]), text: "é😀" }));
    for (const read of reads) expect(read.seen).toEqual({ items, code: undefined, end: { count: 3 } });
    expect(late.seen.items).toEqual(items.slice(1));
    // It is over, and kept. Another input is another stream, and a stranger's id is nobody's.
    const again = reading(ask(c));
    await again.over;
    expect(again.seen).toEqual(reads[0]?.seen);
    const conflict = reading(connect(b, "ann").stream("ask", "other", { id: "chat" }));
    const stranger = reading(ask(c, { after: 1 }, "bob"));
    await Promise.all([conflict.over, stranger.over]);
    expect([conflict.seen.code, stranger.seen.code]).toEqual(["ERR_STREAM_CONFLICT", "ERR_STREAM_LOST"]);
    expect([seen.runs, seen.aborted]).toEqual([1, 0]);

    const begun = connect(a, "ann").stream("ask", 1);
    const first = reading(begun);
    await until(() => begun.id !== undefined && first.seen.items.length === 1, "an id");
    const other = connect(c, "ann").stream("ask", undefined, { id: begun.id });
    const watched = reading(other);
    await until(() => watched.seen.items.length === 1, "the other node");
    other.cancel();
    await Promise.all([first.over, watched.over]);
    expect([first.seen.code, seen.runs, seen.aborted]).toEqual(["ERR_STREAM_CANCELLED", 2, 1]);
  });

  it.skipIf(isMissing)("a kept upload goes on at another node, and its answer is there", SLOW, async () => {
    const all = await startNodes(["a", "b"], await start());
    const [a, b] = all as [Node, Node];
    const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, at) => at % 251));
    const seen = { runs: 0, received: [] as Buffer[] };
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (const { io } of all)
      io.upload("file", { keep: "10m", owner: ownerOf }, async (file) => {
        seen.runs++;
        for await (const piece of file) {
          seen.received.push(Buffer.from(piece));
          if (file.received > 200_000) await gate;
        }
        return { bytes: Buffer.concat(seen.received).byteLength };
      });
    const before = connect(a, "ann");
    void before.upload("file", bytes, { id: "up" });
    await until(() => seen.received.length > 0, "the first bytes");
    before.disconnect();
    const progress: number[] = [];
    const rest = connect(b, "ann").upload("file", bytes, {
      id: "up",
      onProgress: ({ sent }) => progress.push(sent),
    });
    open();
    expect(await rest).toEqual({ bytes: bytes.byteLength });
    expect(Buffer.concat(seen.received).equals(bytes)).toBe(true);
    expect(progress.at(-1)).toBe(bytes.byteLength);
    expect(await connect(b, "ann").upload("file", bytes, { id: "up" })).toEqual({ bytes: bytes.byteLength });
    const other = connect(b, "ann").upload("file", bytes.subarray(1), { id: "up" });
    await expect(other).rejects.toMatchObject({ code: "ERR_STREAM_CONFLICT" });
    expect(seen.runs).toBe(1);
  });
});

describe("on a cluster with a secret, whatever the parser", () => {
  it.each<[string, Options]>([
    ["JSON", {}],
    ["MessagePack", { parser: createRequire(import.meta.url)("socket.io-msgpack-parser") }],
  ])(
    "%s: what a schema makes of an input, and bytes in it, are compared as they came",
    async (_name, parser) => {
      // Asynchronous, and what it gives is not what came.
      const Input = z
        .object({ at: z.string(), bytes: z.any() })
        .transform(async ({ at, bytes }) => ({ at: new Date(at), bytes, self: new Map([[at, 1]]) }));
      const api = contract({ toServer: { ask: stream(Input, { item: z.number(), end: z.number() }) } });
      const [a, b] = (await startNodes(["a", "b"], undefined, {
        ...parser,
        contract: api,
        cluster: { secret: "hush" },
      } as never)) as [Node, Node];
      const seen: unknown[] = [];
      const errors: unknown[] = [];
      for (const { io } of [a, b]) {
        io.on("error", (error) => errors.push(error));
        io.stream("ask", { keep: "1m", owner: () => "ann" }, async function* (input) {
          seen.push(input);
          yield 1;
          return 2;
        });
      }
      const input = { at: "2026-11-30T00:00:00.000Z", bytes: Buffer.from([1, 2]) };
      const ask = async (node: Node, given: unknown) => {
        const socket = connect(node, "ann", parser);
        const { seen: read, over } = reading(socket.stream("ask", given, { id: "one" }));
        await over;
        return read;
      };
      const whole = { items: [1], code: undefined, end: 2 };
      expect(await ask(a, input)).toEqual(whole);
      expect(await ask(b, input)).toEqual(whole);
      expect(await ask(b, undefined)).toMatchObject({ code: "ERR_INVALID" });
      const other = { ...input, bytes: Buffer.from([1, 3]) };
      expect([await ask(a, other), await ask(b, other)]).toMatchObject(
        Array(2).fill({ code: "ERR_STREAM_CONFLICT" }),
      );
      expect(seen).toHaveLength(1);
      expect(errors.filter((error) => (error as { code?: string }).code !== "ERR_INVALID")).toEqual([]);
    },
  );
});
