// Whole servers as nodes of one cluster: what an app and its clients see of it.
import { io as dialOwn } from "@sockeye/client";
import { createMsgpackCodec as clientCodec } from "@sockeye/client/msgpack";
import { type MemoryBus, MemoryHub } from "@sockeye/cluster/memory";
import { streams } from "@sockeye/contract/client";
import { Server, type ServerOptions } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { nativeClock } from "@sockeye/session";
import { io as dialStock } from "socket.io-client";
import dialTwo from "socket.io-client-2";
import { describe, expect, test } from "vitest";
import { collect, once, until } from "../support/wait.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

type Pair = [Node, Node];
const QUIET = { transports: ["websocket"], reconnection: false, forceNew: true };

async function own(node: Node, options: object = {}): Promise<ReturnType<typeof dialOwn>> {
  const socket = dialOwn(node.url, { ...QUIET, ...options });
  atEnd(() => socket.close());
  await once(socket, "connect");
  return socket;
}

test("a stream is kept by its node, and read at every other one", async () => {
  const [a, b] = (await startNodes(["a", "b"], memoryBuses())) as Pair;
  for (const { io } of [a, b])
    io.stream("count", { keep: "1m" }, async function* () {
      yield* [1, 2];
    });
  const connect = ({ url }: Node) => {
    const socket = dialOwn(url, { ...QUIET, extend: [streams] });
    atEnd(() => socket.close());
    return socket;
  };
  const first = connect(a).stream("count");
  const items: unknown[] = [];
  for await (const item of first) items.push(item);
  const id = String(first.id);
  for (const node of [a, b])
    for await (const item of connect(node).stream("count", undefined, { id })) items.push(item);
  expect(items).toEqual([1, 2, 1, 2, 1, 2]);
  const refused = async (node: Node, other: string): Promise<unknown> =>
    connect(node)
      .stream("count", undefined, { id: other })
      .next()
      .catch((error: { readonly code: string }) => error.code);
  const unknown = `x${id.slice(1)}`;
  expect([await refused(a, unknown), await refused(b, unknown)]).toEqual([
    "ERR_STREAM_GONE",
    "ERR_STREAM_LOST",
  ]);
});

describe("clients of two nodes", () => {
  test.each<[string, Partial<ServerOptions>, object]>([
    ["as text", {}, {}],
    ["as MessagePack", { parser: createMsgpackCodec() }, { parser: clientCodec() }],
  ])("get each other's events, bytes and all, %s", async (_name, options, clientOptions) => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), options)) as Pair;
    for (const { io } of [a, b]) io.on("connection", (socket) => void socket.join("room"));
    const [one, other] = [await own(a, clientOptions), await own(b, clientOptions)];
    await until(() => b.io.of("/").adapter.rooms.has("room"), "the room");
    const [got, echoed] = [collect(other, "news", 3), once(one, "news")];
    a.io.emit("news", 1, { deep: [Buffer.from("abc")] });
    await echoed;
    for (const socket of a.io.of("/").sockets.values()) socket.broadcast.emit("news", "ü");
    a.io.to(other.id ?? "").emit("news", "private");
    expect(await got).toEqual([[1, { deep: [Buffer.from("abc")] }], ["ü"], ["private"]]);
  });

  test("of all ages get the same", async () => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), { allowEIO3: true })) as Pair;
    const stock = dialStock(b.url, QUIET);
    const old = dialTwo(b.url, QUIET);
    atEnd(() => stock.close());
    atEnd(() => old.close());
    await Promise.all([once(stock, "connect"), once(old, "connect")]);
    const both = [once(stock, "x"), once(old, "x")];
    a.io.emit("x", Buffer.from([1, 2]), "two");
    expect(await Promise.all(both)).toEqual([
      [Buffer.from([1, 2]), "two"],
      [Buffer.from([1, 2]), "two"],
    ]);
    // Of a client of Socket.IO 2 the ids of session and socket are one.
    const alone = once(old, "y");
    a.io.to(`${old.id}`).emit("y", 1);
    expect(await alone).toEqual([1]);
  });

  test("are seen by catch-all listeners of their own node", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    const seen: unknown[] = [];
    b.io.on("connection", (socket) => void socket.onAnyOutgoing((...event) => seen.push(event)));
    await own(b);
    a.io.emit("x", { n: 1 });
    await until(() => seen.length === 1, "the listener");
    expect(seen).toEqual([["x", { n: 1 }]]);
  });

  test("answer a broadcast together", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    for (const [index, node] of [a, b, b].entries()) (await own(node)).on("who", (answer) => answer(index));
    expect((await a.io.emitWithAck("who")).sort()).toEqual([0, 1, 2]);
    expect(await a.io.local.emitWithAck("who")).toEqual([0]);
  });
});

describe("ids", () => {
  test("have 20 characters, the last four the node's own; an app's own sessions get them besides", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    b.io.engine.generateId = () => "my-own-id";
    const sids = new Map<Node, string>();
    for (const node of [a, b]) node.io.engine.on("connection", ({ id }) => void sids.set(node, id));
    const [one, two, three] = [await own(a), await own(a), await own(b)];
    const ids = [one.id, two.id, three.id].map(String);
    expect(ids.map(({ length }) => length)).toEqual([20, 20, 20]);
    const [tagA, tagA2, tagB] = ids.map((id) => id.slice(-4));
    expect(tagA).toBe(tagA2);
    expect(tagA).not.toBe(tagB);
    expect(sids.get(a)?.length).toBe(20);
    expect(sids.get(a)?.slice(-4)).toBe(tagA);
    expect(sids.get(b)).toBe(`my-own-id${tagB}`);
  });
});

describe("what an app asks of all nodes", () => {
  test("sockets are counted and fetched, acted on, and their secrets stay where they are", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    const extraHeaders = { cookie: "sid=secret", authorization: "Bearer secret", "x-seen": "yes" };
    const socket = await own(b, { auth: { token: "secret" }, query: { key: "secret" }, extraHeaders });
    const [there] = [...b.io.sockets.sockets.values()];
    if (there) there.data = { user: "ada", loop: undefined as unknown, big: 1n };
    if (there) there.data.loop = there.data;
    const failures: unknown[] = [];
    b.io.on("error", (error) => void failures.push(error));
    expect(await a.io.count()).toBe(1);
    expect(await a.io.in("nobody").count()).toBe(0);
    const [remote] = await a.io.fetchSockets();
    expect(remote).toMatchObject({ id: socket.id, data: { user: "ada" } });
    expect(remote?.handshake.headers["x-seen"]).toBe("yes");
    expect(JSON.stringify(remote?.handshake)).not.toContain("secret");
    expect(failures.length).toBeGreaterThan(0);
    remote?.join("room");
    await until(() => there?.rooms.has("room") === true, "the join");
    expect(await a.io.in("room").count()).toBe(1);
    const gone = once(socket, "disconnect");
    a.io.in("room").disconnectSockets(true);
    expect(await gone).toEqual(["io server disconnect", undefined]);
  });

  test("servers talk; whoever has no namespace or no listener is not waited for", async () => {
    const [a, b, c] = (await startNodes(["a", "b", "c"])) as [Node, Node, Node];
    b.io.on("add", (x: number, y: number, answer: (sum: number) => void) => answer(x + y));
    expect(await a.io.serverSideEmitWithAck("add", 1, 2)).toEqual([3]);
    c.io.of("/chat").on("hello", (answer: (text: string) => void) => answer("c"));
    expect(await a.io.of("/chat").serverSideEmitWithAck("hello")).toEqual(["c"]);
  });

  test("a node that is gone is named, at once where it is known", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    const events: unknown[] = [];
    for (const event of ["node:left", "node:suspected"] as const)
      a.io.cluster.on(event, ({ name }) => void events.push([event, name]));
    const asked = a.io.serverSideEmitWithAck("never answered");
    b.io.on("never answered", () => {});
    await b.io.close();
    expect(await asked).toEqual([]);
    expect(events).toEqual([["node:left", "b"]]);
    expect(a.io.cluster.nodes().map(({ name, self }) => [name, self])).toEqual([["a", true]]);
  });

  test("health says when a node is alone", async () => {
    const [a] = (await startNodes(["a", "b"])) as Pair;
    expect(a.io.health().status).toBe("up");
    const told = [once(a.io.cluster, "down"), once(a.io.cluster, "up"), once(a.io.cluster, "gap")];
    (a.bus as MemoryBus).lose();
    expect([a.io.health().status, a.io.cluster.isUp]).toEqual(["alone", false]);
    (a.bus as MemoryBus).restore();
    await Promise.all(told);
    expect(a.io.health().status).toBe("up");
  });
});

describe("the metrics of a node", () => {
  test("know the others, what was lost and dropped, and what waits for the bus", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as Pair;
    const { cluster } = b.io.metrics();
    expect(cluster).toMatchObject({ nodes: { up: 1 }, gaps: 0, dropped: 0 });
    expect(cluster?.lagMs).toBeGreaterThanOrEqual(0);
    (a.bus as MemoryBus).lose();
    a.io.emit("x", "y".repeat(1000));
    expect(a.io.metrics().cluster?.waitingBytes).toBeGreaterThan(1000);
    for (let n = 0; n < 20; n++) a.io.emit("x", "y".repeat(100_000));
    const told = once(b.io.cluster, "gap");
    (a.bus as MemoryBus).restore();
    await told;
    await until(() => a.io.metrics().cluster?.waitingBytes === 0, "all to have left");
    const { dropped = 0, gaps } = a.io.metrics().cluster ?? {};
    expect([dropped > 0, gaps]).toEqual([true, 1]);
    expect(b.io.metrics().cluster?.gaps).toBe(1);
    const text = String(a.io.metrics());
    expect(text).toContain(`\nsockeye_cluster_dropped_total ${dropped}\n`);
    expect(text).toContain('\nsockeye_cluster_nodes{state="up"} 1\n');
    expect(text).toContain('\nsockeye_cluster_nodes{state="suspect"} 0\n');
    expect(String(new Server().metrics())).not.toContain("cluster");
  });
});

describe("options that make no sense", () => {
  const bus = memoryBuses();
  const keepsNothing = () => new MemoryHub({ clock: nativeClock, keeps: false }).bus();
  test.each<[string, () => ServerOptions, RegExp]>([
    ["a name with a slash", () => ({ cluster: { bus: bus(), name: "a/b" } }), /cluster\.name must be/],
    [
      "an adapter besides",
      () => ({ cluster: { bus: bus() }, adapter: class {} as never }),
      /exclude each other/,
    ],
    [
      "recovery without a log",
      () => ({ cluster: { bus: keepsNothing() }, connectionStateRecovery: {} }),
      /it keeps no log/,
    ],
  ])("%s", (_name, options, why) => {
    expect(() => new Server(options())).toThrow(why);
  });

  test("no name in production", () => {
    const { NODE_ENV } = process.env;
    process.env["NODE_ENV"] = "production";
    try {
      expect(() => new Server({ cluster: { bus: bus() } })).toThrow(/cluster\.name is missing/);
    } finally {
      process.env["NODE_ENV"] = NODE_ENV;
    }
  });

  test("io.cluster of a server that is alone", () => {
    expect(() => new Server().cluster).toThrow(expect.objectContaining({ code: "ERR_NOT_SUPPORTED" }));
  });
});
