import { expect } from "vitest";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

matrix("many sockets at once", (behaves) => {
  behaves("are fetched with rooms, data and handshake", async (stage) => {
    const site = await stage.serve();
    const a = await stage.connect(site, { auth: { who: "a" } });
    const b = await stage.connect(site, { auth: { who: "b" } });
    a.socket.data["name"] = "ann";
    a.socket.join(["one", "two"]);
    b.socket.join("two");
    const all = await site.io.fetchSockets();
    expect(all.map(({ id }) => id).sort()).toEqual([a.socket.id, b.socket.id].sort());
    const [only, ...others] = await site.io.in("one").fetchSockets();
    expect(others).toEqual([]);
    expect(only?.id).toBe(a.socket.id);
    expect(only?.data).toEqual({ name: "ann" });
    expect([...(only?.rooms ?? [])].sort()).toEqual([a.socket.id, "one", "two"].sort());
    expect(only?.handshake.auth).toEqual({ who: "a" });
    const rest = await site.io.except("one").fetchSockets();
    expect(rest.map(({ id }) => id)).toEqual([b.socket.id]);
    expect((await site.io.of("/").local.fetchSockets()).length).toBe(2);
    expect((await site.io.in(b.socket.id).fetchSockets()).map(({ id }) => id)).toEqual([b.socket.id]);
    expect((await a.socket.broadcast.fetchSockets()).map(({ id }) => id)).toEqual([b.socket.id]);
  });

  behaves("are reached through what was fetched", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const [fetched] = await site.io.fetchSockets();
    const heard = once(client, "e");
    fetched?.emit("e", 1);
    expect(await heard).toEqual([1]);
    fetched?.join("one");
    expect(socket.rooms.has("one")).toBe(true);
    fetched?.leave("one");
    expect(socket.rooms.has("one")).toBe(false);
    client.on("q", (answer: (n: number) => void) => answer(5));
    expect(await fetched?.timeout(4000).emitWithAck("q")).toBe(5);
    const gone = once(client, "disconnect");
    fetched?.disconnect();
    expect((await gone)[0]).toBe("io server disconnect");
  });

  behaves("join and leave", async (stage) => {
    const site = await stage.serve();
    const a = await stage.connect(site);
    const b = await stage.connect(site);
    site.io.socketsJoin(["one", "two"]);
    expect([a, b].map(({ socket }) => socket.rooms.has("one") && socket.rooms.has("two"))).toEqual([
      true,
      true,
    ]);
    site.io.in(a.socket.id).socketsLeave("one");
    expect([a, b].map(({ socket }) => socket.rooms.has("one"))).toEqual([false, true]);
    site.io.in("one").socketsJoin("three");
    expect([a, b].map(({ socket }) => socket.rooms.has("three"))).toEqual([false, true]);
    site.io.except("three").socketsJoin("four");
    expect([a, b].map(({ socket }) => socket.rooms.has("four"))).toEqual([true, false]);
    site.io.socketsLeave(["two"]);
    expect([a, b].map(({ socket }) => socket.rooms.has("two"))).toEqual([false, false]);
    a.socket.broadcast.socketsJoin("five");
    expect([a, b].map(({ socket }) => socket.rooms.has("five"))).toEqual([false, true]);
  });

  behaves("are disconnected", async (stage) => {
    const site = await stage.serve();
    const a = await stage.connect(site);
    const b = await stage.connect(site);
    a.socket.join("one");
    const aGone = once(a.client, "disconnect");
    site.io.in("one").disconnectSockets();
    expect((await aGone)[0]).toBe("io server disconnect");
    expect(b.client.connected).toBe(true);
    const bGone = once(b.client, "disconnect");
    const engine = once(b.socket.conn, "close");
    site.io.disconnectSockets(true);
    expect((await bGone)[0]).toBe("io server disconnect");
    await engine;
    expect(site.io.sockets.sockets.size).toBe(0);
  });

  behaves("are counted", async (stage) => {
    const site = await stage.serve();
    await stage.connect(site);
    await stage.connect(site);
    expect(site.io.of("/").sockets.size).toBe(2);
    expect(site.io.engine.clientsCount).toBe(2);
    expect(await site.io.of("/").adapter.serverCount()).toBe(1);
  });
});
