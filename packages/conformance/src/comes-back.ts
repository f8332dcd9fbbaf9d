import { expect } from "vitest";
import { type ClusterBench, type Define, settled } from "./cluster-bench.js";
import type { ClusterNode } from "./cluster-node.js";

/** Waits until a node has written what it keeps of all its sockets. */
async function written(bench: ClusterBench, node: ClusterNode): Promise<void> {
  for (const id of node.sockets.keys()) await settled(bench, node.adapter.saveSession(id));
}

/** What nodes must do for those who come back, over a bus with a log and records. */
export function comesBack(define: Define): void {
  define("all nodes apply events in one order, the sender too", async (begin, bench) => {
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    const sockets = [a.join("x"), b.join("x")];
    for (const socket of sockets) await settled(bench, socket.join("x"));
    for (let n = 0; n < 50; n++)
      for (const [name, node] of [
        ["a", a],
        ["b", b],
      ] as const) {
        node.emit(n % 2 === 0 ? ["x"] : [], `${name}${n}`);
        if (n % 7 === 0) await bench.until(() => (sockets[0]?.got.length ?? 0) > n, "some");
      }
    await bench.until(() => sockets.every(({ got }) => got.length === 100), "all");
    expect(sockets[1]?.got).toEqual(sockets[0]?.got);
  });

  define("a socket comes back elsewhere, with all that it has missed, once each", async (begin, bench) => {
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    const socket = a.join("x", "y");
    socket.data = { name: "ada", bytes: Buffer.from([1]) };
    await settled(bench, socket.join(["x", "y"]));
    c.emit(["x"], "1");
    await bench.until(() => socket.got.length === 1, "the first");
    a.lose(socket);
    c.emit(["x"], "2");
    a.emit([], "3");
    b.emit(["z"], "not for it");
    b.emit([socket.id], "4");
    c.emit(["y", "x"], "5");
    const back = await settled(bench, b.comesBack(socket));
    c.emit(["y"], "6");
    a.emit([socket.id], "7");
    await bench.until(() => (back?.got.length ?? 0) >= 6, "all");
    expect([...socket.got, ...(back?.got ?? [])].sort()).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(back?.data).toEqual({ name: "ada", bytes: Buffer.from([1]) });
    expect([...(b.adapter.socketRooms(socket.id) ?? [])].sort()).toEqual([socket.id, "x", "y"].sort());
    expect(await settled(bench, c.adapter.count({ rooms: new Set(["x"]) }))).toBe(1);
  });

  define("also if its node has died without a word; and comes to one node alone", async (begin, bench) => {
    const [a, b, c] = await begin(["a", "b", "c"]);
    if (!a || !b || !c) return;
    const socket = a.join("x");
    await settled(bench, socket.join("x"));
    await written(bench, a);
    b.emit(["x"], "1");
    await bench.until(() => socket.got.length === 1, "the first");
    // As far as the others know, it is gone: nothing of it is written any more.
    socket.got.push = () => 0;
    b.emit(["x"], "2");
    const both = await Promise.all([b, c].map((node) => settled(bench, node.comesBack(socket))));
    const back = both.filter((one) => one !== undefined);
    expect(back.map(({ got }) => got)).toEqual([["2"]]);
    await bench.until(() => socket.disconnects.length === 1, "the copy to end");
  });

  define(
    "who was sent away, or put into another room meanwhile, does not come back",
    async (begin, bench) => {
      const [a, b] = await begin(["a", "b"]);
      if (!a || !b) return;
      const [kicked, moved, left] = [a.join("x"), a.join("y"), a.join("z", "w")];
      for (const socket of [kicked, moved, left]) {
        await settled(bench, socket.join([]));
        a.lose(socket);
      }
      b.adapter.disconnectSockets({ rooms: new Set(["x"]) }, false);
      b.adapter.addSockets({ rooms: new Set(["y"]) }, ["new"]);
      b.adapter.delSockets({ rooms: new Set(["z"]) }, ["z"]);
      expect(await settled(bench, b.comesBack(kicked))).toBeUndefined();
      expect(await settled(bench, b.comesBack(moved))).toBeUndefined();
      const back = await settled(bench, b.comesBack(left));
      expect([...(b.adapter.socketRooms(back?.id ?? "") ?? [])].sort()).toEqual([left.id, "w"].sort());
    },
  );

  define(
    "nobody comes back without the secret, with another's offset, or after a goodbye",
    async (begin, bench) => {
      const [a, b] = await begin(["a", "b"]);
      if (!a || !b) return;
      const [here, gone] = [a.join("x"), a.join("x")];
      await written(bench, a);
      const { kept } = here;
      for (const [pid, offset] of [
        [here.id, undefined],
        ["", undefined],
        [kept?.pid ?? "", "abcdefgh.0"],
        [kept?.pid ?? "", `${kept?.since?.split(".")[0]}.zzzzzz`],
        [kept?.pid ?? "", "nonsense"],
      ] as const)
        expect(await settled(bench, b.adapter.restoreSession(pid, offset)), pid + offset).toBeNull();
      gone.isIn = false;
      a.adapter.delAll(gone.id);
      a.sockets.delete(gone.id);
      b.emit([], "end");
      await bench.until(() => here.got.length === 1, "an event");
      await written(bench, a);
      await bench.until(() => true, "a moment");
      expect(await settled(bench, b.comesBack(gone))).toBeUndefined();
      expect(await settled(bench, b.comesBack(here))).toBeDefined();
    },
  );

  define("what breaks for a moment loses nothing, and nobody's return", async (begin, bench) => {
    const { breakDown, repair } = bench;
    if (!breakDown || !repair || bench.forgets) return;
    const [a, b] = await begin(["a", "b"]);
    if (!a || !b) return;
    const sockets = [a.join("x"), b.join("x")];
    for (const socket of sockets) await settled(bench, socket.join("x"));
    const position = a.adapter.position();
    a.emit(["x"], "1");
    await breakDown.call(bench);
    a.emit(["x"], "2");
    b.emit(["x"], "3");
    await repair.call(bench);
    await bench.until(() => sockets.every(({ got }) => got.length === 3), "all");
    expect(sockets[0]?.got).toEqual(sockets[1]?.got);
    await bench.until(() => a.adapter.position() !== null, "the log");
    expect(String(a.adapter.position()).split(".")[0]).toBe(String(position).split(".")[0]);
    for (const { told, gaps } of [a, b]) expect([gaps, told]).toEqual([1, expect.anything()]);
  });
}
