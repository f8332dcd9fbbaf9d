// Processes that are no nodes emit to the clients of a cluster.
import { MemoryHub } from "@sockeye/cluster/memory";
import { Emitter, type EmitterOptions } from "@sockeye/emitter";
import type { Bus } from "@sockeye/protocol";
import type { ServerOptions } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { nativeClock } from "@sockeye/session";
import { io as dialStock } from "socket.io-client";
import msgpackParser from "socket.io-msgpack-parser";
import { describe, expect, test } from "vitest";
import { collect, once, until } from "../support/wait.js";
import { blindProxy } from "./blind-proxy.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

type Pair = [Node, Node];
type Client = ReturnType<typeof dialStock>;

async function dial(url: string, options: object = {}): Promise<Client> {
  const terms = { transports: ["websocket"], reconnectionDelay: 1, randomizationFactor: 0, forceNew: true };
  const client = dialStock(url, { ...terms, ...options });
  atEnd(() => client.close());
  await once(client, "connect");
  return client;
}

function speak(bus: Bus, options: EmitterOptions = {}): Emitter {
  const failed = (error: unknown): void => expect.fail(`${error}`);
  const emitter = new Emitter(bus, { name: "test", failed, ...options });
  atEnd(() => emitter.close());
  return emitter;
}

const OFFSET = /^[\w-]{8}\.\d+$/;
/** Where there is a log, stock clients get an offset behind the arguments. */
async function said(client: Client, count: number): Promise<unknown[][]> {
  return (await collect(client, "news", count)).map((args) => args.filter((arg) => !OFFSET.test(`${arg}`)));
}

/** Two nodes with a client each, `x` in the room of the same name, and who emits to them. */
async function scene(
  options: Partial<ServerOptions> = {},
  own: EmitterOptions = {},
  client: object = {},
): Promise<{ nodes: Pair; clients: [Client, Client]; emitter: Emitter }> {
  const makeBus = memoryBuses();
  const nodes = (await startNodes(["a", "b"], makeBus, options)) as Pair;
  nodes[1].io.on("connection", (socket) => void socket.join("x"));
  const clients = [await dial(nodes[0].url, client), await dial(nodes[1].url, client)] as [Client, Client];
  await until(() => nodes[1].io.of("/").adapter.rooms.has("x"), "the room");
  return { nodes, clients, emitter: speak(makeBus(), own) };
}

describe("an emitter", () => {
  test.each<[string, Partial<ServerOptions>, EmitterOptions, object]>([
    ["as text", {}, {}, {}],
    [
      "as MessagePack",
      { parser: createMsgpackCodec() },
      { parser: createMsgpackCodec() },
      { parser: msgpackParser },
    ],
    ["signed", { cluster: { secret: "s3cret" } as never }, { secret: "s3cret" }, {}],
    ["by the log", { connectionStateRecovery: {} }, { connectionStateRecovery: {} }, {}],
  ])("reaches rooms, sockets and everybody, in order: %s", async (_name, options, own, client) => {
    const { nodes, clients, emitter } = await scene(options, own, client);
    const [a, b] = clients;
    const got = [said(a, 4), said(b, 6)];
    emitter.emit("news", "all", { deep: [Buffer.from("abc")] });
    emitter.to("x").emit("news", "room");
    emitter
      .in(["x", "nobody's"])
      .except(a.id ?? "")
      .compress(false)
      .emit("news", "rooms");
    emitter.to([]).emit("news", "nobody");
    emitter.except("x").emit("news", "not the room");
    emitter.to(a.id ?? "").emit("news", "a alone");
    emitter.to(b.id ?? "").emit("news", "b alone");
    emitter.emit("news", "end");
    emitter.to("x").volatile.emit("news", "volatile");
    expect(await Promise.all(got)).toEqual([
      [["all", { deep: [Buffer.from("abc")] }], ["not the room"], ["a alone"], ["end"]],
      expect.arrayContaining([
        ["all", { deep: [Buffer.from("abc")] }],
        ["room"],
        ["rooms"],
        ["b alone"],
        ["end"],
        ["volatile"],
      ]),
    ]);
    // It is nobody's neighbour.
    expect(nodes.map(({ io }) => io.cluster.nodes().length)).toEqual([2, 2]);
    expect((await nodes[0].io.fetchSockets()).length).toBe(2);
  });

  test.each<[string, object]>([
    ["without a log", {}],
    ["by the log", { connectionStateRecovery: {} }],
  ])(
    "moves sockets between rooms, and sends them away, in order with what it emits: %s",
    async (_name, options) => {
      const { clients, emitter } = await scene(options, options);
      const [a, b] = clients;
      const got = [said(a, 2), said(b, 1)];
      emitter.socketsJoin(["y"]);
      emitter.to("y").emit("news", 1);
      emitter.in("x").socketsLeave("y");
      emitter.to("y").emit("news", 2);
      expect(await Promise.all(got)).toEqual([[[1], [2]], [[1]]]);
      const gone = once(b, "disconnect");
      emitter.in("x").disconnectSockets();
      expect((await gone)[0]).toBe("io server disconnect");
      expect(a.connected).toBe(true);
    },
  );

  test("speaks to servers, and to other namespaces", async () => {
    const { nodes, emitter } = await scene();
    for (const { io } of nodes) io.of("/admin");
    const admin = await dial(`${nodes[0].url}/admin`);
    const heard: unknown[] = [];
    for (const { io } of nodes) io.on("note" as never, ((n: number) => void heard.push(n)) as never);
    const got = once(admin, "news");
    emitter.serverSideEmit("note", 1);
    emitter.of("admin").emit("news", "for admins");
    expect(await got).toEqual(["for admins"]);
    await until(() => heard.length === 2, "both servers");
    expect(heard).toEqual([1, 1]);
  });

  test("what it says while a client is away comes with the client's return", async () => {
    const makeBus = memoryBuses();
    const recovery = { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } };
    const nodes = (await startNodes(["a", "b"], makeBus, recovery)) as Pair;
    for (const { io } of nodes) io.on("connection", (socket) => void socket.join("x"));
    const emitter = speak(makeBus(), recovery);
    const proxy = await blindProxy([nodes[0].port]);
    const client = await dial(proxy.url);
    const got: unknown[] = [];
    client.on("news", (n: unknown) => void got.push(n));
    emitter.to("x").emit("news", 1);
    await until(() => got.length === 1, "the first");
    proxy.ports = [];
    proxy.cut();
    await until(() => !client.connected, "its loss");
    emitter.to("x").emit("news", 2);
    emitter.emit("news", 3);
    proxy.ports = [nodes[1].port];
    await until(() => got.length === 3, "all");
    expect([got, client.recovered]).toEqual([[1, 2, 3], true]);
  });

  test("of another name, or with another secret, is not heard", async () => {
    const makeBus = memoryBuses();
    const errors: unknown[] = [];
    const nodes = (await startNodes(["a"], makeBus, { cluster: { secret: "s3cret" } as never })) as [Node];
    nodes[0].io.on("error", (error) => void errors.push((error as { code?: unknown }).code));
    const client = await dial(nodes[0].url);
    const got = collect(client, "news", 1);
    speak(makeBus(), { name: "other", secret: "s3cret" }).emit("news", "other name");
    speak(makeBus(), { secret: "guessed" }).emit("news", "other secret");
    const emitter = speak(makeBus(), { secret: "s3cret" });
    await emitter.ready;
    emitter.emit("news", "right");
    expect(await got).toEqual([["right"]]);
    expect(errors).toEqual(["ERR_CLUSTER_INPUT"]);
  });

  test("refuses what it cannot do", () => {
    const hub = new MemoryHub({ clock: nativeClock, keeps: false });
    const emitter = speak(hub.bus());
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    expect(() => emitter.emit("ask", () => {})).toThrow(code("ERR_NOT_SUPPORTED"));
    expect(() => emitter.serverSideEmit("ask", () => {})).toThrow(code("ERR_NOT_SUPPORTED"));
    expect(() => emitter.emit("disconnect")).toThrow(code("ERR_RESERVED_EVENT"));
    expect(() => emitter.emit("news", 1n)).toThrow(code("ERR_UNENCODABLE"));
    expect(() => new Emitter(hub.bus(), { name: "a b" })).toThrow(code("ERR_BAD_OPTION"));
    expect(() => new Emitter(hub.bus(), { connectionStateRecovery: {} })).toThrow(code("ERR_NOT_SUPPORTED"));
    const before = process.env["NODE_ENV"];
    process.env["NODE_ENV"] = "production";
    try {
      expect(() => new Emitter(hub.bus())).toThrow(code("ERR_BAD_OPTION"));
    } finally {
      process.env["NODE_ENV"] = before;
    }
  });
});
