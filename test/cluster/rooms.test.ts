// Rooms that remember at two whole servers of one cluster, over each engine.
import { io as dial } from "@sockeye/client";
import { type RoomEvent, rooms } from "@sockeye/rooms/client";
import { describe, expect, it } from "vitest";
import { once, until } from "../support/wait.js";
import { ENGINES } from "./engines.js";
import { atEnd, type Node, startNodes } from "./site.js";

function connect({ url }: Node) {
  const socket = dial(url, { transports: ["websocket"], forceNew: true, extend: [rooms] });
  atEnd(() => socket.disconnect());
  return socket;
}

// What an engine starts takes its time on a slow machine.
const SLOW = { timeout: 60_000 };

describe.each(Object.entries(ENGINES))("on %s", (_name, { isMissing, start }) => {
  it.skipIf(isMissing)(
    "a client goes from node to node, and a room is read at any of them",
    SLOW,
    async () => {
      const [a, b] = (await startNodes(["a", "b"], await start())) as [Node, Node];
      for (const { io } of [a, b]) {
        io.room("doc:+", {
          keep: { count: 50 },
          authorize: () => true,
          expose: { sse: true, authorize: () => true },
        });
      }
      const heard: RoomEvent[] = [];
      const doc = connect(a).room("doc:1");
      doc.onEvent((event) => heard.push(event));
      await doc.join();
      const bytes = Buffer.from([1, 2, 3]);
      b.io.to("doc:1").emit("edit", 1, bytes);
      await until(() => heard.length === 1, "the event of the other node");
      expect(heard[0]?.args).toEqual([1, bytes]);
      const saved = doc.position as string;
      doc.leave();

      const elsewhere = connect(b).room("doc:1");
      b.io.on("connection", (socket) => void socket.join("doc:1"));
      const plain: unknown[] = [];
      const old = connect(b);
      old.on("edit", (...args) => plain.push(args[0]));
      await once(old, "connect");
      for (const node of [a, b]) node.io.to("doc:1").emit("edit", 2);
      const { position } = await elsewhere.publish("edit", [3], { id: "one" });
      // The same name at another node.
      expect(await connect(a).room("doc:1").publish("edit", [3], { id: "one" })).toMatchObject({
        position,
      });
      // Members by plain `join` get events as ever, each once.
      await until(() => plain.length >= 3, "what is sent to all");
      const missed: RoomEvent[] = [];
      elsewhere.onEvent((event) => missed.push(event));
      expect(await elsewhere.join({ since: saved })).toMatchObject({ complete: true, position });
      expect(missed.map(({ args }) => args[0])).toEqual([2, 2, 3]);
      expect((await elsewhere.history({ limit: 2 })).events).toEqual(missed.slice(1));

      const feed = await fetch(`${b.url}/socket.io/rooms/doc:1?since=${saved}`);
      const reader = feed.body?.getReader();
      let text = "";
      while (!text.includes("[3]")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
      await reader?.cancel();
      expect(text).toContain('"complete":true');
      expect(text.match(/"event":"edit"/g)).toHaveLength(3);
      const handle = await a.io.room("doc:1").open();
      expect(handle.history().map(({ args }) => args[0])).toEqual([1, 2, 2, 3]);
      expect(handle.position).toBe(position);
      expect(plain).toEqual([2, 2, 3]);
    },
  );
});

describe.each(Object.entries(ENGINES))("on %s", (_name, { isMissing, start }) => {
  it.skipIf(isMissing)("who is there is the same at all nodes, and no ghost stays", SLOW, async () => {
    const [a, b] = (await startNodes(["a", "b"], await start())) as [Node, Node];
    for (const { io } of [a, b]) io.room("people", { presence: ({ id }) => id, authorize: () => true });
    const [ann, bob] = [connect(a), connect(b)];
    const seen = new Map<string, unknown>();
    const gone: string[] = [];
    bob.room("people").presence.on("change", ({ joined, updated, left }) => {
      for (const { key, value } of [...joined, ...updated]) seen.set(key, value);
      gone.push(...left);
    });
    await bob.room("people").join();
    await ann.room("people").join();
    const id = ann.id as string;
    await ann.room("people").presence.set({ name: "Ann", face: "😀" });
    await until(() => seen.size === 1, "who is at the other node");
    expect([...seen]).toEqual([[id, { name: "Ann", face: "😀" }]]);
    expect(await bob.room("people").presence.list()).toMatchObject([{ key: id }]);
    await b.io.room("people").open();
    expect(b.io.room("people").presenceCount).toBe(1);
    await ann.room("people").presence.set(2);
    await until(() => seen.get(id) === 2, "the update");
    await a.io.close();
    await until(() => gone.length === 1, "that all of a node that closes have left");
    expect(gone).toEqual([id]);
    expect(await bob.room("people").presence.list()).toEqual([]);
  });
});
