// Clients that come back to another node than the one that they were at, by the log that the nodes share.

import { io as dialOwn } from "@sockeye/client";
import type { MemoryBus } from "@sockeye/cluster/memory";
import type { Socket } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { io as dialStock } from "socket.io-client";
import msgpackParser from "socket.io-msgpack-parser";
import { describe, expect, test } from "vitest";
import { once, until } from "../support/wait.js";
import { type BlindProxy, blindProxy } from "./blind-proxy.js";
import { ENGINES } from "./engines.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

type Pair = [Node, Node];
const RECOVERY = { connectionStateRecovery: { maxDisconnectionDuration: 60_000 }, resume: false } as const;
const OPTIONS = {
  reconnectionDelay: 1,
  reconnectionDelayMax: 20,
  randomizationFactor: 0,
  transports: ["websocket"],
};
const DIALS = { sockeye: dialOwn, "socket.io-client 4": dialStock } as unknown as Record<
  string,
  typeof dialStock
>;

interface Player {
  readonly client: ReturnType<typeof dialStock>;
  readonly got: number[];
  readonly recovered: boolean[];
}

async function play(dial: typeof dialStock, url: string, options: object = {}): Promise<Player> {
  const client = dial(url, { ...OPTIONS, ...options, forceNew: true });
  atEnd(() => client.disconnect());
  const got: number[] = [];
  const recovered: boolean[] = [];
  client.on("n", (n: number) => void got.push(n));
  client.on("connect", () => void recovered.push(client.recovered));
  await once(client, "connect");
  return { client, got, recovered };
}

/** Moves a client to another node. */
async function move(proxy: BlindProxy, to: Node, { recovered }: Player): Promise<void> {
  const { length } = recovered;
  proxy.ports = [to.port];
  expect(proxy.cut()).toBe(1);
  await until(() => recovered.length > length, "its return");
}

function joinAll(nodes: readonly Node[]): void {
  for (const { io } of nodes)
    io.on("connection", (socket) => {
      if (!socket.recovered) socket.join(["x", "y"]);
    });
}

const CLIENTS = 5;
const MOVES = 20;

describe("a client that comes back to another node", () => {
  test.each([
    ["memory", "sockeye", {}, {}],
    ["memory", "socket.io-client 4", {}, {}],
    ["memory", "socket.io-client 4", { parser: createMsgpackCodec() }, { parser: msgpackParser }],
    ["redis", "sockeye", {}, {}],
    ["redis", "socket.io-client 4", {}, {}],
    ["postgres", "sockeye", {}, {}],
    ["nats", "sockeye", {}, {}],
    ["nats", "socket.io-client 4", {}, {}],
    ["process", "sockeye", {}, {}],
    ["process", "socket.io-client 4", {}, {}],
  ] as const)(
    "over %s %s misses nothing, gets nothing twice and all in order, over 100 returns under traffic (%j)",
    async (bus, name, options, own) => {
      const engine = ENGINES[bus];
      if (engine?.isMissing) return;
      const makeBus = await engine?.start();
      const nodes = (await startNodes(["a", "b"], makeBus, { ...RECOVERY, ...options })) as Pair;
      joinAll(nodes);
      // Who comes before a node knows where the log is, is not recovered.
      for (const { io } of nodes)
        await until(() => typeof io.of("/").adapter.position() === "string", "the log");
      const players: (readonly [BlindProxy, Player])[] = [];
      for (let n = 0; n < CLIENTS; n++) {
        const proxy = await blindProxy([nodes[0].port]);
        players.push([proxy, await play(DIALS[name] as typeof dialStock, proxy.url, own)]);
      }
      await until(() => nodes[0].io.of("/").adapter.rooms.get("y")?.size === CLIENTS, "the rooms");
      let sent = 0;
      const rooms = ["x", "y"];
      const ids = players.map(([, { client }]) => client.id ?? "");
      const traffic = setInterval(() => {
        for (let n = 0; n < 3; n++) {
          sent += 1;
          const io = nodes[sent % 7 === 0 ? 1 : 0].io;
          if (sent % 5 === 0) io.emit("n", sent, Buffer.from("b"));
          else io.to([rooms[sent % 2] ?? "", ...(sent % 3 === 0 ? ["z"] : [])]).emit("n", sent);
          if (sent % 11 === 0) for (const id of ids) io.to(id).emit("n", -sent);
        }
      }, 5);
      atEnd(() => clearInterval(traffic));
      await Promise.all(
        players.map(async ([proxy, player]) => {
          for (let moves = 0; moves < MOVES; moves++) {
            const goal = player.got.length + 10;
            await until(() => player.got.length >= goal, "traffic");
            await move(proxy, nodes[(moves + 1) % 2] as Node, player);
          }
        }),
      );
      clearInterval(traffic);
      const all = Array.from({ length: sent }, (_, n) => n + 1);
      const expected = all.length + all.filter((n) => n % 11 === 0).length;
      for (const [, { got, recovered }] of players) {
        await until(() => got.length >= expected, "all of them");
        expect(recovered).toEqual([false, ...Array.from({ length: MOVES }, () => true)]);
        expect(got.filter((n) => n > 0).sort((x, y) => x - y)).toEqual(all);
        const alone = got.filter((n) => n < 0).map((n) => -n);
        expect([...alone].sort((x, y) => x - y)).toEqual(all.filter((n) => n % 11 === 0));
        // There are two senders; of each the order is kept, and no order is given between them.
        for (const list of [got.filter((n) => n > 0), alone])
          for (const from of [0, 1]) {
            const ofOne = list.filter((n) => Number(n % 7 === 0) === from);
            expect(ofOne).toEqual([...ofOne].sort((x, y) => x - y));
          }
      }
    },
    90_000,
  );

  test("has its rooms, and its data as it was saved, when its node has died", async () => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), RECOVERY)) as Pair;
    const puts: string[] = [];
    const { records } = a.bus;
    const put = records?.put.bind(records);
    if (records && put)
      records.put = (key, bytes, ...rest) => {
        puts.push(key + Buffer.from(bytes).toString("latin1"));
        return put(key, bytes, ...rest);
      };
    const proxy = await blindProxy([a.port]);
    const connected = once(a.io, "connection");
    const auth = { token: "of-the-client" };
    const extraHeaders = { cookie: "secret=cookie" };
    const player = await play(dialStock, proxy.url, { auth, extraHeaders });
    const [socket] = (await connected) as [Socket];
    await socket.join("x");
    socket.data = { name: "ada" };
    await socket.save();
    (a.bus as MemoryBus).lose();
    b.io.to("x").emit("n", 1);
    const again = once(b.io, "connection");
    await move(proxy, b, player);
    const [back] = (await again) as [Socket];
    await until(() => player.got.length === 1, "what it missed");
    expect([back.id, back.data, [...back.rooms].sort(), back.recovered]).toEqual([
      socket.id,
      { name: "ada" },
      ["x", socket.id].sort(),
      true,
    ]);
    // A record is no key, and knows nothing of the handshake.
    const { _pid: pid } = player.client as unknown as { _pid: string };
    expect(puts.some((text) => text.includes(socket.id))).toBe(true);
    for (const secret of [pid, pid.slice(8), "of-the-client", "cookie"])
      expect(
        puts.some((text) => text.includes(secret)),
        secret,
      ).toBe(false);
  });

  test("is not recovered once a node has told its clients something alone, and sees no offsets", async () => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), RECOVERY)) as Pair;
    const proxy = await blindProxy([b.port]);
    const [here, player] = [await play(dialStock, a.url), await play(dialStock, proxy.url)];
    const args: unknown[][] = [];
    for (const { client } of [here, player]) client.on("n", (...all: unknown[]) => void args.push(all));
    (a.bus as MemoryBus).lose();
    a.io.emit("n", 1);
    // It waits for the log, and then for it no longer.
    await until(() => here.got.length === 1, "what is told alone");
    a.io.emit("n", 2);
    await until(() => here.got.length === 2, "what is told at once");
    (a.bus as MemoryBus).restore();
    await until(() => typeof a.io.of("/").adapter.position() === "string", "the log");
    b.io.emit("n", 3);
    await until(() => here.got.length === 3 && player.got.includes(3), "the next one");
    await move(proxy, a, player);
    expect(player.recovered).toEqual([false, false]);
    expect(here.got).toEqual([1, 2, 3]);
    expect(args.every(({ length }) => length === 1)).toBe(true);
    // Who joins now can be recovered again.
    await move(proxy, b, player);
    expect(player.recovered).toEqual([false, false, true]);
  });

  test("is recovered after a server that shuts down; what it said last is there", async () => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), RECOVERY)) as Pair;
    const proxy = await blindProxy([a.port]);
    const player = await play(dialStock, proxy.url);
    proxy.ports = [b.port];
    a.io.emit("n", 1);
    await a.io.close();
    await until(() => player.recovered.length === 2 && player.got.length === 1, "its return");
    expect(player.recovered).toEqual([false, true]);
  });

  test("gets what is said to it before it is sent away, once and in order, though the log has not told of it yet", async () => {
    const [a, b] = (await startNodes(["a", "b"], memoryBuses(), RECOVERY)) as Pair;
    const [player, other] = [await play(dialStock, a.url), await play(dialStock, b.url)];
    const here = await play(dialStock, a.url);
    const [socket] = await a.io.in(player.client.id ?? "").local.fetchSockets();
    const gone = once(player.client, "disconnect");
    a.io.emit("n", 1);
    socket?.emit("n", 2);
    a.io.except(here.client.id ?? "").emit("n", 3);
    a.io.to("nobody").emit("n", 4);
    (socket as unknown as Socket).disconnect();
    a.io.emit("n", 5);
    expect((await gone)[0]).toBe("io server disconnect");
    await until(() => other.got.includes(5) && here.got.includes(5), "the end");
    expect([player.got, here.got, other.got]).toEqual([
      [1, 2, 3],
      [1, 5],
      [1, 3, 5],
    ]);
    // Whom the log sends away gets what stands before that in the log, and no more.
    const left = once(other.client, "disconnect");
    b.io.emit("n", 6);
    b.io.disconnectSockets();
    b.io.emit("n", 7);
    await left;
    expect(other.got).toEqual([1, 3, 5, 6]);
  });

  test("gets what is said before its server closes, also if nobody can come back to it", async () => {
    const [a] = (await startNodes(["a"], memoryBuses(), RECOVERY)) as unknown as Pair;
    const player = await play(dialStock, a.url, { reconnection: false });
    const gone = once(player.client, "disconnect");
    a.io.emit("n", 1);
    const closed = a.io.close();
    await gone;
    await closed;
    expect(player.got).toEqual([1]);
  });

  test.each([
    ["sockeye", true],
    ["sockeye", false],
    ["socket.io-client 4", true],
  ] as const)(
    "is led to another node by a drain, %s with resume %s: nothing missing, rooms and data there, what it owes is told",
    async (name, resume) => {
      const options = resume ? { resume: {} } : {};
      const nodes = (await startNodes(["a", "b"], memoryBuses(), { ...RECOVERY, ...options })) as Pair;
      const [a, b] = nodes;
      joinAll(nodes);
      const players: (readonly [BlindProxy, Player])[] = [];
      for (let n = 0; n < 4; n++) {
        const proxy = await blindProxy([a.port]);
        players.push([proxy, await play(DIALS[name] as typeof dialStock, proxy.url)]);
      }
      const sockets = (await a.io.local.fetchSockets()) as unknown as Socket[];
      expect(sockets).toHaveLength(4);
      for (const [index, socket] of sockets.entries()) {
        socket.data = { index };
        await socket.save();
      }
      // What a server says that is closing may reach nobody; what it has said before must.
      let sent = 0;
      const traffic = setInterval(() => {
        for (const { io } of isClosing ? [b] : nodes) io.to("x").emit("n", ++sent);
      }, 5);
      let isClosing = false;
      atEnd(() => clearInterval(traffic));
      await until(() => players.every(([, { got }]) => got.length > 5), "traffic");
      const back: Socket[] = [];
      b.io.on("connection", (socket) => void back.push(socket));
      for (const [proxy] of players) proxy.ports = [b.port];
      const owed = sockets[0]?.emitWithAck("never answered").catch((error) => error.code);
      isClosing = true;
      await a.io.close({ drain: { deadlineMs: 300 } });
      expect(await owed).toBe("ERR_ACK_DISCONNECTED");
      await until(() => players.every(([, { recovered }]) => recovered.length === 2), "their return");
      clearInterval(traffic);
      await until(() => players.every(([, { got }]) => got.includes(sent)), "the last one");
      const all = Array.from({ length: sent }, (_, n) => n + 1);
      for (const [, { got, recovered }] of players) {
        expect(recovered).toEqual([false, true]);
        expect([...got].sort((x, y) => x - y)).toEqual(all);
      }
      expect(back.map(({ id }) => id).sort()).toEqual(sockets.map(({ id }) => id).sort());
      for (const { id, data, rooms } of back) {
        const was = sockets.findIndex((socket) => socket.id === id);
        expect([data, [...rooms].sort()]).toEqual([{ index: was }, [id, "x", "y"].sort()]);
      }
    },
  );
});
