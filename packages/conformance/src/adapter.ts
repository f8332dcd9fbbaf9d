import type { Adapter } from "@sockeye/adapter";
import type { AdapterNamespace, Room, SocketId } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Bench, event, FakeNamespace, type FakeSocket } from "./adapter-bench.js";

export interface AdapterSuiteOptions {
  /** Resolves once what was published has come back, for adapters that work through something else. Default: at once. */
  readonly settle?: (() => Promise<void>) | undefined;
}

/** Makes the adapter under test. It is alone in its cluster. */
export type MakeAdapter = (nsp: AdapterNamespace) => Adapter | Promise<Adapter>;

/** What every Adapter must do for the sockets of its own node. */
export function adapterSuite(
  name: string,
  makeAdapter: MakeAdapter,
  options: AdapterSuiteOptions = {},
): void {
  describe(`${name} is an Adapter`, () => {
    let running: Adapter | undefined;
    afterEach(async () => {
      await running?.close();
      running = undefined;
    });

    const define: Define = (title, body) =>
      it(title, async () => {
        const nsp = new FakeNamespace();
        const adapter = await makeAdapter(nsp);
        running = adapter;
        await adapter.init();
        const bench = new Bench(nsp, adapter, options.settle ?? (() => Promise.resolve()));
        await body(bench);
        expect(nsp.reported).toEqual([]);
      });

    keepsRooms(define);
    tellsOfRooms(define);
    selects(define);
    broadcasts(define);
    collectsAnswers(define);
    actsOnSockets(define);
  });
}

type Define = (title: string, body: (bench: Bench) => Promise<void> | void) => void;

function keepsRooms(define: Define): void {
  define("knows who is in which room, both ways", async ({ adapter }) => {
    await adapter.addAll("s1", new Set(["s1", "a", "b"]));
    await adapter.addAll("s2", new Set(["a"]));
    expect(new Map(adapter.rooms)).toEqual(
      new Map([
        ["s1", new Set(["s1"])],
        ["a", new Set(["s1", "s2"])],
        ["b", new Set(["s1"])],
      ]),
    );
    expect(new Map(adapter.sids)).toEqual(
      new Map([
        ["s1", new Set(["s1", "a", "b"])],
        ["s2", new Set(["a"])],
      ]),
    );
    expect(adapter.socketRooms("s1")).toEqual(new Set(["s1", "a", "b"]));
    expect(adapter.socketRooms("s3")).toBeUndefined();
  });

  define("joining twice is joining once", async ({ adapter }) => {
    await adapter.addAll("s1", new Set(["a"]));
    await adapter.addAll("s1", new Set(["a"]));
    await adapter.del("s1", "a");
    expect(adapter.rooms.size).toBe(0);
  });

  define("forgets a room that is empty", async ({ adapter }) => {
    await adapter.addAll("s1", new Set(["a"]));
    await adapter.addAll("s2", new Set(["a"]));
    await adapter.del("s1", "a");
    expect(adapter.rooms.get("a")).toEqual(new Set(["s2"]));
    await adapter.del("s2", "a");
    expect(adapter.rooms.has("a")).toBe(false);
  });

  define("forgets a socket that has left everything", async ({ adapter }) => {
    await adapter.addAll("s1", new Set(["s1", "a"]));
    await adapter.addAll("s2", new Set(["a"]));
    adapter.delAll("s1");
    expect([...adapter.rooms]).toEqual([["a", new Set(["s2"])]]);
    expect([...adapter.sids.keys()]).toEqual(["s2"]);
  });

  define("leaving what one is not in changes nothing", async ({ adapter }) => {
    await adapter.addAll("s1", new Set(["a"]));
    await adapter.del("s1", "b");
    await adapter.del("s2", "a");
    adapter.delAll("s3");
    expect([...adapter.rooms]).toEqual([["a", new Set(["s1"])]]);
  });

  define("takes any text for a room", async ({ adapter, join, ids }) => {
    for (const room of ["", "__proto__", "constructor", "toString"]) {
      expect(await ids({ rooms: new Set([room]) })).toEqual([]);
      await join(room === "" ? "empty" : room, room);
      expect(await ids({ rooms: new Set([room]) })).toEqual([room === "" ? "empty" : room]);
    }
    expect(adapter.rooms.size).toBe(5);
  });
}

function tellsOfRooms(define: Define): void {
  define(
    "tells of rooms that come and go, and of who joins and leaves, in this order",
    async ({ adapter }) => {
      const told: unknown[] = [];
      for (const event of ["create-room", "delete-room", "join-room", "leave-room"]) {
        adapter.on(event, (...args: unknown[]) => told.push([event, ...args].join(" ")));
      }
      await adapter.addAll("s1", new Set(["a"]));
      await adapter.addAll("s2", new Set(["a", "b"]));
      await adapter.addAll("s1", new Set(["a"]));
      await adapter.del("s1", "a");
      await adapter.del("s1", "a");
      adapter.delAll("s2");
      expect(told).toEqual([
        "create-room a",
        "join-room a s1",
        "join-room a s2",
        "create-room b",
        "join-room b s2",
        "leave-room a s1",
        "leave-room a s2",
        "delete-room a",
        "leave-room b s2",
        "delete-room b",
      ]);
    },
  );
}

interface Selected {
  readonly means: string;
  readonly rooms: readonly Room[];
  readonly except?: readonly Room[];
  readonly expected: readonly SocketId[];
}

/** s1 is in a and b, s2 in a, s3 in b, s4 in none; each is in the room of its own id, too. */
const SELECTIONS: readonly Selected[] = [
  { means: "everybody", rooms: [], expected: ["s1", "s2", "s3", "s4"] },
  { means: "a room", rooms: ["a"], expected: ["s1", "s2"] },
  { means: "a socket by its id", rooms: ["s4"], expected: ["s4"] },
  { means: "the union of rooms, each socket once", rooms: ["a", "b"], expected: ["s1", "s2", "s3"] },
  { means: "nobody for a room that does not exist", rooms: ["c"], expected: [] },
  { means: "the other room if one does not exist", rooms: ["c", "a"], expected: ["s1", "s2"] },
  { means: "everybody but a room", rooms: [], except: ["a"], expected: ["s3", "s4"] },
  { means: "everybody but a socket", rooms: [], except: ["s2"], expected: ["s1", "s3", "s4"] },
  { means: "a room but another room", rooms: ["a"], except: ["b"], expected: ["s2"] },
  { means: "rooms but rooms", rooms: ["a", "b"], except: ["s1", "s2"], expected: ["s3"] },
  { means: "nobody if all are taken out", rooms: ["a"], except: ["a"], expected: [] },
  { means: "all if nobody is taken out", rooms: [], except: [], expected: ["s1", "s2", "s3", "s4"] },
  {
    means: "all if a room that does not exist is taken out",
    rooms: ["b"],
    except: ["c"],
    expected: ["s1", "s3"],
  },
];

function selects(define: Define): void {
  for (const { means, rooms, except, expected } of SELECTIONS) {
    define(`means ${means}: ${rooms.join("+") || "*"} - ${except?.join("+") ?? ""}`, async (bench) => {
      await bench.populate();
      const options = { rooms: new Set(rooms), except: except && new Set(except) };
      const { adapter, nsp } = bench;
      expect(await bench.ids(options)).toEqual(expected);
      adapter.broadcast(event("x"), options);
      await bench.settle();
      expect(nsp.receivers()).toEqual(expected);
      if (except === undefined) {
        expect([...(await adapter.sockets(new Set(rooms)))].sort()).toEqual(expected);
      }
    });
  }

  define("does not mean a socket that is in a room but not connected", async ({ adapter, populate, ids }) => {
    await populate();
    await adapter.addAll("joining", new Set(["joining", "a"]));
    expect(await ids({ rooms: new Set(["a"]) })).toEqual(["s1", "s2"]);
    expect(await ids({ rooms: new Set(["joining"]) })).toEqual([]);
  });
}

function broadcasts(define: Define): void {
  define("encodes a broadcast once, and all receivers share it", async (bench) => {
    const { nsp, adapter } = bench;
    await bench.populate();
    const packet = event("x", 1);
    const flags = { volatile: true, compress: false };
    adapter.broadcast(packet, { rooms: new Set(), flags });
    await bench.settle();
    expect(nsp.encoded).toHaveLength(1);
    expect(nsp.encoded[0]?.flags).toMatchObject(flags);
    const deliveries = [...nsp.sockets.values()].flatMap((socket) => socket.delivered);
    expect(deliveries).toHaveLength(4);
    expect(new Set(deliveries.map(({ encoded }) => encoded)).size).toBe(1);
    for (const delivery of deliveries) {
      expect(delivery.packet.data).toEqual(["x", 1]);
      expect(delivery.flags).toMatchObject(flags);
    }
  });

  define("keeps the order of broadcasts", async (bench) => {
    await bench.populate();
    for (let i = 0; i < 5; i++) bench.adapter.broadcast(event("x", i), { rooms: new Set(["s1"]) });
    await bench.settle();
    const got = bench.nsp.sockets.get("s1")?.delivered.map(({ packet }) => packet.data[1]);
    expect(got).toEqual([0, 1, 2, 3, 4]);
  });

  define("reaches the others when a receiver disconnects in the middle of it", async (bench) => {
    const { nsp, adapter } = bench;
    await bench.populate();
    const first = nsp.sockets.get("s1") as FakeSocket;
    first.onDeliver = () => {
      nsp.sockets.delete("s2");
      adapter.delAll("s2");
    };
    adapter.broadcast(event("x"), { rooms: new Set(["a", "b"]) });
    await bench.settle();
    expect(nsp.receivers()).toEqual(["s1", "s3"]);
  });
}

function collectsAnswers(define: Define): void {
  define(
    "gives all receivers of a broadcast with acknowledgement one id, and passes answers on",
    async (bench) => {
      const { nsp, adapter } = bench;
      await bench.populate();
      const counts: number[] = [];
      const answers: unknown[] = [];
      adapter.broadcastWithAck(
        event("x"),
        { rooms: new Set(["a", "b"]), flags: { timeout: 1000 } },
        (count) => counts.push(count),
        (...args) => answers.push(args[0]),
      );
      await bench.settle();
      expect(counts).toEqual([3]);
      expect(nsp.encoded).toHaveLength(1);
      const waiting = [...nsp.sockets.values()].filter(({ delivered }) => delivered.length > 0);
      const ids = waiting.map(({ delivered }) => delivered[0]?.packet.id);
      expect(ids).toEqual([0, 0, 0]);
      expect(nsp.encoded[0]?.packet.id).toBe(0);
      for (const socket of waiting) socket.answer(socket.id);
      await bench.settle();
      expect(answers).toEqual(["s1", "s2", "s3"]);
    },
  );

  define("counts an answer that comes while it still sends", async (bench) => {
    const { nsp, adapter } = bench;
    await bench.populate();
    const told: unknown[] = [];
    for (const socket of nsp.sockets.values()) socket.onDeliver = () => socket.answer(socket.id);
    adapter.broadcastWithAck(
      event("x"),
      { rooms: new Set() },
      (count) => told.push(count),
      (answer) => told.push(answer),
    );
    await bench.settle();
    expect(told.filter((each) => typeof each === "number")).toEqual([4]);
    expect(told.filter((each) => typeof each === "string")).toEqual(["s1", "s2", "s3", "s4"]);
  });

  define("counts nobody if nobody is meant", async (bench) => {
    const counts: number[] = [];
    bench.adapter.broadcastWithAck(
      event("x"),
      { rooms: new Set(["none"]) },
      (count) => counts.push(count),
      () => {},
    );
    await bench.settle();
    expect(counts).toEqual([0]);
  });

  define("leaves the packet as it was given", async ({ adapter, populate }) => {
    await populate();
    const packet = Object.freeze(event("x"));
    adapter.broadcastWithAck(
      packet,
      { rooms: new Set() },
      () => {},
      () => {},
    );
    expect(packet.id).toBeUndefined();
  });
}

function actsOnSockets(define: Define): void {
  define("makes sockets join and leave", async (bench) => {
    const { adapter } = bench;
    await bench.populate();
    adapter.addSockets({ rooms: new Set(["a"]), except: new Set(["s2"]) }, ["new", "other"]);
    await bench.settle();
    expect(adapter.rooms.get("new")).toEqual(new Set(["s1"]));
    expect(adapter.rooms.get("other")).toEqual(new Set(["s1"]));
    adapter.delSockets({ rooms: new Set() }, ["a", "new"]);
    await bench.settle();
    expect([adapter.rooms.has("a"), adapter.rooms.has("new"), adapter.rooms.has("other")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  define("may change the very rooms that it goes through", async (bench) => {
    const { adapter } = bench;
    await bench.populate();
    adapter.delSockets({ rooms: new Set(["a"]) }, ["a"]);
    adapter.addSockets({ rooms: new Set(["b"]) }, ["a"]);
    await bench.settle();
    expect(adapter.rooms.get("a")).toEqual(new Set(["s1", "s3"]));
  });

  for (const close of [false, true]) {
    define(`disconnects sockets, of the whole connection: ${close}`, async (bench) => {
      const { adapter, nsp } = bench;
      await bench.populate();
      adapter.disconnectSockets({ rooms: new Set(["a"]) }, close);
      await bench.settle();
      expect([...nsp.sockets.keys()]).toEqual(["s3", "s4"]);
      expect(bench.sockets.filter(({ disconnects }) => disconnects.length > 0).map(({ id }) => id)).toEqual([
        "s1",
        "s2",
      ]);
      expect(bench.sockets[0]?.disconnects).toEqual([close]);
    });
  }

  define("fetches the sockets themselves", async ({ adapter, populate, nsp }) => {
    await populate();
    const [only] = await adapter.fetchSockets({ rooms: new Set(["s3"]) });
    expect(only).toBe(nsp.sockets.get("s3"));
  });

  define("is alone: one server, and nobody who could answer", async ({ adapter }) => {
    expect(await adapter.serverCount()).toBe(1);
    expect(() => adapter.serverSideEmit(["x", 1])).not.toThrow();
    const answers = await new Promise((resolve) =>
      adapter.serverSideEmit(["x", (...args: unknown[]) => resolve(args)]),
    );
    expect(answers).toEqual([null, []]);
  });
}
