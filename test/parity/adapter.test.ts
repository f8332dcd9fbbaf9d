import type { Adapter } from "socket.io-adapter";
import { expect } from "vitest";
import { once } from "../support/wait.js";
import { onServers, type Pair, type Scene } from "./scene.js";

// Section 1.9: the adapter of a namespace, as code sees it that works with rooms directly.

async function play(scene: Scene): Promise<Pair & { readonly adapter: Adapter; readonly id: string }> {
  const pair = await scene.pair();
  return { ...pair, adapter: pair.site.io.of("/").adapter as unknown as Adapter, id: pair.socket.id };
}

const everybody = { rooms: new Set<string>(), except: new Set<string>(), flags: {} };

onServers("Adapter", (test) => {
  test("rooms, sids, nsp", async (scene) => {
    const { adapter, id, site } = await play(scene);
    expect(adapter.rooms.get(id)).toEqual(new Set([id]));
    expect(adapter.sids.get(id)).toEqual(new Set([id]));
    expect(adapter.nsp).toBe(site.io.of("/"));
  });

  test("init(), close()", async (scene) => {
    const { adapter } = await play(scene);
    expect([await adapter.init(), await adapter.close()]).toEqual([undefined, undefined]);
  });

  test("serverCount()", async (scene) => {
    const { adapter } = await play(scene);
    expect(await adapter.serverCount()).toBe(1);
  });

  test("addAll(), del(), delAll(), socketRooms()", async (scene) => {
    const { adapter, id } = await play(scene);
    await adapter.addAll("x", new Set(["a", "b"]));
    await adapter.del("x", "a");
    expect(adapter.socketRooms("x")).toEqual(new Set(["b"]));
    adapter.delAll("x");
    expect(adapter.socketRooms("x")).toBe(undefined);
    expect([...adapter.rooms.keys()]).toEqual([id]);
  });

  test("the events create-room, join-room, leave-room, delete-room", async (scene) => {
    const { adapter } = await play(scene);
    const log: unknown[] = [];
    for (const name of ["create-room", "join-room", "leave-room", "delete-room"]) {
      adapter.on(name, (...args: unknown[]) => log.push([name, ...args]));
    }
    await adapter.addAll("x", new Set(["a"]));
    await adapter.addAll("y", new Set(["a"]));
    adapter.delAll("x");
    await adapter.del("y", "a");
    expect(log).toEqual([
      ["create-room", "a"],
      ["join-room", "a", "x"],
      ["join-room", "a", "y"],
      ["leave-room", "a", "x"],
      ["leave-room", "a", "y"],
      ["delete-room", "a"],
    ]);
  });

  test("broadcast()", async (scene) => {
    const { adapter, client } = await play(scene);
    const event = once(client, "event");
    adapter.broadcast({ type: 2, nsp: "/", data: ["event", 1] }, everybody);
    expect(await event).toEqual([1]);
  });

  test("broadcastWithAck()", async (scene) => {
    const { adapter, client } = await play(scene);
    client.on("ask", (done: (answer: string) => void) => done("yes"));
    const counts: number[] = [];
    const answer = new Promise((resolve) => {
      adapter.broadcastWithAck(
        { type: 2, nsp: "/", data: ["ask"] },
        { ...everybody, flags: { timeout: 4000 } },
        (count) => counts.push(count),
        resolve,
      );
    });
    // Socket.IO hands over the list of the client's arguments, or its first one, as the version has it.
    expect([await answer].flat()).toEqual(["yes"]);
    expect(counts).toEqual([1]);
  });

  test("sockets()", async (scene) => {
    const { adapter, id } = await play(scene);
    expect(await adapter.sockets(new Set())).toEqual(new Set([id]));
    expect(await adapter.sockets(new Set(["nobody"]))).toEqual(new Set());
  });

  test("fetchSockets()", async (scene) => {
    const { adapter, socket } = await play(scene);
    expect(await adapter.fetchSockets(everybody)).toEqual([socket]);
  });

  test("addSockets(), delSockets()", async (scene) => {
    const { adapter, socket, id } = await play(scene);
    adapter.addSockets(everybody, ["a", "b"]);
    adapter.delSockets(everybody, ["a"]);
    expect(socket.rooms).toEqual(new Set([id, "b"]));
  });

  test("disconnectSockets()", async (scene) => {
    const { adapter, socket } = await play(scene);
    adapter.disconnectSockets(everybody, false);
    expect(socket.connected).toBe(false);
  });

  test("serverSideEmit()", async (scene) => {
    const { adapter } = await play(scene);
    expect(adapter.serverSideEmit(["event", 1])).toBeUndefined();
  });

  test("persistSession(), restoreSession()", async (scene) => {
    const site = await scene.serve({ connectionStateRecovery: {} });
    const adapter = site.io.of("/").adapter as unknown as Adapter;
    const { client, socket } = await scene.join(site);
    const event = once(client, "event");
    socket.emit("event");
    await event;
    const offset = (client as unknown as { _lastOffset?: string })._lastOffset ?? "";
    adapter.persistSession({ sid: "s", pid: "p", rooms: ["s", "a"], data: { name: "x" } } as never);
    const restored = await adapter.restoreSession("p", offset);
    expect(restored).toMatchObject({ sid: "s", data: { name: "x" }, missedPackets: [] });
    expect(await adapter.restoreSession("unknown", offset)).toBe(null);
  });
});
