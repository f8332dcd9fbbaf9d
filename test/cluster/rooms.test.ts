// Rooms that remember at two whole servers of one cluster, over the engines that keep logs.
import { redis } from "@sockeye/bus-redis";
import { io as dial } from "@sockeye/client";
import type { Bus } from "@sockeye/protocol";
import { type RoomEvent, rooms } from "@sockeye/rooms/client";
import { createClient } from "redis";
import { describe, expect, it } from "vitest";
import { findRedis, startRedis } from "../interop/packages/redis-server.js";
import { once, until } from "../support/wait.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

const program = findRedis();
if (program === undefined)
  console.log("rooms: no redis-server of version 7 or later, so its part is skipped");

const BUSES: Readonly<Record<string, () => Promise<() => Bus>>> = {
  memory: () => Promise.resolve(memoryBuses()),
  redis: async () => {
    const { port, stop } = await startRedis(program ?? "");
    atEnd(stop);
    return () =>
      redis(createClient({ socket: { host: "127.0.0.1", port } }) as unknown as Parameters<typeof redis>[0]);
  },
};

describe.each(Object.keys(BUSES))("on %s", (bus) => {
  const isMissing = bus === "redis" && program === undefined;

  it.skipIf(isMissing)("a client goes from node to node, and a room is read at any of them", async () => {
    const [a, b] = (await startNodes(["a", "b"], await BUSES[bus]?.())) as [Node, Node];
    for (const { io } of [a, b]) {
      io.room("doc:+", {
        keep: { count: 50 },
        authorize: () => true,
        expose: { sse: true, authorize: () => true },
      });
    }
    const connect = ({ url }: Node) => {
      const socket = dial(url, { transports: ["websocket"], forceNew: true, extend: [rooms] });
      atEnd(() => socket.disconnect());
      return socket;
    };
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
    expect(await connect(a).room("doc:1").publish("edit", [3], { id: "one" })).toMatchObject({ position });
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
  });
});
