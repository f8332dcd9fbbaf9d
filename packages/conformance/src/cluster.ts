import type { LogAdapterOptions } from "@sockeye/cluster";
import { PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { type Begin, type ClusterBench, type Define, settled } from "./cluster-bench.js";
import { ClusterNode } from "./cluster-node.js";
import { comesBack } from "./comes-back.js";

/** What nodes must do over every bus. @param keep with this, all goes through the bus's log, in one order for all */
export function clusterSuite(
  name: string,
  makeBench: () => ClusterBench | Promise<ClusterBench>,
  keep?: LogAdapterOptions,
): void {
  describe(`${name} carries a cluster${keep ? " with a log" : ""}`, () => {
    let bench: ClusterBench;
    const nodes: ClusterNode[] = [];
    afterEach(async () => {
      await settled(bench, Promise.all(nodes.splice(0).map((node) => node.stop())));
      await bench?.close?.();
    });

    const begin: Begin = async (names) => {
      const begun: ClusterNode[] = [];
      for (const each of names)
        begun.push(new ClusterNode({ bus: await bench.makeBus(), clock: bench.clock, name: each, keep }));
      nodes.push(...begun);
      for (const node of begun) node.start();
      await bench.until(() => begun.every(({ seen }) => seen === nodes.length), "all to know each other");
      if (keep)
        await bench.until(
          () => begun.every(({ adapter }) => typeof adapter.position() === "string"),
          "the log to be there",
        );
      return begun;
    };
    const define: Define = (title, body) =>
      it(title, async () => {
        bench = await makeBench();
        await body(begin, bench);
        for (const { failures, reported } of nodes) expect([failures, reported]).toEqual([[], []]);
      });
    knowsItsMembers(define);
    fansOut(define);
    keepsOrder(define);
    asks(define);
    actsOnSockets(define);
    if (keep) comesBack(define);
  });
}

function knowsItsMembers(define: Define): void {
  define("nodes know each other, by name, and tell goodbye", async (begin, bench) => {
    const { until } = bench;
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    expect(
      a.cluster.members
        .all()
        .map(({ name, state }) => `${name} ${state}`)
        .sort(),
    ).toEqual(["b up", "c up"]);
    expect(a.cluster.members.byTag(b.cluster.tag)?.name).toBe("b");
    await c.stop();
    await until(() => a.seen === 2 && b.seen === 2, "the goodbye");
    expect(a.told).toContain("c left");
  });

  define("what a node carries, and that it drains, is told with its beats", async (begin, bench) => {
    const { until } = bench;
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    b.join();
    b.draining = true;
    b.cluster.beat();
    await until(() => a.cluster.members.get(b.cluster.id)?.state === "draining", "the beat");
    expect(a.cluster.members.get(b.cluster.id)?.sessions).toBe(1);
  });
}

function fansOut(define: Define): void {
  define("an event reaches the members of a room on all nodes, once each", async (begin, bench) => {
    const { until } = bench;
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    const inBoth = b.join("x", "y");
    const inNone = c.join("z");
    await settled(bench, b.adapter.addAll(inBoth.id, new Set(["x", "y"])));
    const here = a.join("x");
    a.emit(["x", "y"], "rooms");
    a.emit([], "all");
    await until(
      () => inBoth.got.length === 2 && inNone.got.length === 1 && here.got.length === 2,
      "both, on all nodes",
    );
    expect([here.got, inBoth.got, inNone.got]).toEqual([["rooms", "all"], ["rooms", "all"], ["all"]]);
  });

  define("by the id of a socket it reaches that one alone; with `local` it stays", async (begin, bench) => {
    const { until } = bench;
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    const [one, other] = [b.join(), b.join()];
    a.emit([], "not there", { local: true });
    a.emit([one.id], "private");
    a.emit([], "all");
    await until(() => other.got.length === 1, "the last one");
    expect([one.got, other.got]).toEqual([["private", "all"], ["all"]]);
  });

  define("joining resolves once what others emit comes", async (begin, bench) => {
    const { until } = bench;
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    for (let n = 0; n < 20; n++) {
      const socket = b.join();
      await settled(bench, socket.join(`room ${n}`));
      a.emit([`room ${n}`], "hello");
      await until(() => socket.got.length === 1, `event ${n}`);
    }
  });

  define("sockets of another node can be in a room that is called as a socket", async (begin, bench) => {
    const { until } = bench;
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    const owner = b.join();
    const guest = c.join();
    await settled(bench, guest.join(owner.id));
    a.emit([owner.id], "from a");
    await until(() => guest.got.length === 1 && owner.got.length === 1, "both");
    b.emit([owner.id], "from b");
    await until(() => guest.got.length === 2 && owner.got.length === 2, "the second one");
    expect([owner.got, guest.got]).toEqual([
      ["from a", "from b"],
      ["from a", "from b"],
    ]);
  });
}

function keepsOrder(define: Define): void {
  define("events of a node come in order, by whatever topics", async (begin, bench) => {
    const { until } = bench;
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    const socket = b.join();
    await settled(bench, socket.join(["x", "y"]));
    const sent = Array.from({ length: 200 }, (_, n) => `${n}`);
    for (const event of sent) a.emit([["x"], ["y"], [socket.id], []][Number(event) % 4] as string[], event);
    await until(() => socket.got.length === sent.length, "all");
    expect(socket.got).toEqual(sent);
  });

  define(
    "a bulk join, leave or kick happens in order with what is emitted around it",
    async (begin, bench) => {
      const { until } = bench;
      const [a, b] = await begin(["a", "b"]);
      if (!a || !b) return;
      const socket = b.join("x");
      await settled(bench, socket.join("x"));
      const x = { rooms: new Set(["x"]) };
      a.emit(["y"], "too early");
      a.adapter.addSockets(x, ["y"]);
      a.emit(["y"], "joined");
      a.adapter.delSockets(x, ["y"]);
      a.emit(["y"], "too late");
      a.emit(["x"], "end");
      a.adapter.disconnectSockets(x, true);
      await until(() => socket.disconnects.length === 1, "the kick");
      expect(socket.got).toEqual(["joined", "end"]);
      expect(socket.disconnects).toEqual([true]);
    },
  );
}

function asks(define: Define): void {
  define("sockets are counted, listed and fetched over all nodes", async (begin, bench) => {
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    const [here, there] = [a.join("x"), b.join("x")];
    b.join("y");
    there.data = { user: "ada" };
    const x = { rooms: new Set(["x"]) };
    expect(await settled(bench, a.adapter.count(x))).toBe(2);
    expect(await settled(bench, a.adapter.count({ rooms: new Set() }))).toBe(3);
    expect(await settled(bench, a.adapter.count({ rooms: new Set(), flags: { local: true } }))).toBe(1);
    expect(await settled(bench, a.adapter.sockets(new Set(["x"])))).toEqual(new Set([here.id, there.id]));
    const fetched = await settled(bench, a.adapter.fetchSockets(x));
    expect(fetched.find(({ id }) => id === there.id)).toMatchObject({
      data: { user: "ada" },
      rooms: [there.id, "x"],
      handshake: { address: "b" },
    });
    expect(await settled(bench, a.adapter.serverCount())).toBe(2);
  });

  define("servers answer each other; who has nothing to say is not waited for", async (begin, bench) => {
    const { until } = bench;
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    const heard: unknown[] = [];
    b.onServerSideEmit = ([event, value, ack]) => {
      heard.push([event, value]);
      if (typeof ack === "function") ack(Buffer.from("yes"));
    };
    a.adapter.serverSideEmit(["note", { n: 1 }]);
    const asked = new Promise((resolve) =>
      a.adapter.serverSideEmit(["ask", [2], (...all: unknown[]) => resolve(all)]),
    );
    const answers = await settled(bench, asked);
    expect(answers).toEqual([null, [Buffer.from("yes")]]);
    await until(() => heard.length === 2, "both");
    expect(heard).toEqual([
      ["note", { n: 1 }],
      ["ask", [2]],
    ]);
  });

  define("clients of all nodes acknowledge a broadcast", async (begin, bench) => {
    const { until } = bench;
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    for (const [index, node] of [a, b, b, c].entries()) node.join().answer = index;
    const packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data: ["hi"] } as const;
    const answers: unknown[] = [];
    let counted = 0;
    let servers = 0;
    a.adapter.broadcastWithAck(
      packet,
      { rooms: new Set(), flags: { timeout: 4000 } },
      (clients) => {
        counted += clients;
        servers += 1;
      },
      (answer) => answers.push(answer),
    );
    await until(() => servers === 3 && answers.length === 4, "all answers");
    expect([counted, answers.sort()]).toEqual([4, [0, 1, 2, 3]]);
  });

  define(
    "an answer that cannot be written fails alone, and the node that asks is told at once",
    async (begin, bench) => {
      const [a, b] = await begin(["a", "b"]);
      if (!a || !b) return;
      b.onServerSideEmit = (args) => (args[1] as (answer: unknown) => void)(1n);
      const asked = new Promise((resolve) => a.adapter.serverSideEmit(["ask", resolve]));
      const error = await settled(bench, asked);
      expect(error).toMatchObject({ code: "ERR_NODES_MISSING", missing: ["b"], responses: [] });
      expect(b.failures.splice(0)).toHaveLength(1);
    },
  );
}

function actsOnSockets(define: Define): void {
  define("a node that comes later takes part in all of it", async (begin, bench) => {
    const { until } = bench;
    const [a] = await begin(["a"]);
    const early = a?.join("x");
    const [b] = await begin(["b"]);
    if (!a || !b) return;
    const late = b.join("x");
    await settled(bench, late.join("x"));
    a.emit(["x"], "1");
    await until(() => late.got.length === 1, "an event");
    b.emit(["x"], "2");
    await until(() => early?.got.length === 2, "an event back");
    expect(await settled(bench, b.adapter.count({ rooms: new Set(["x"]) }))).toBe(2);
  });
}
