import type { RemoteSocket, Socket } from "socket.io";
import { describe, expect } from "vitest";
import { once, turn, until } from "../support/wait.js";
import { engineId, heard, onServers, type Pair, type Scene } from "./scene.js";

// Sections 1.5, 1.6 and 1.8: a server's socket, its client, and what fetchSockets() gives.

/** Two clients in the main namespace. */
async function two(scene: Scene): Promise<readonly [Pair, Pair]> {
  const site = await scene.serve();
  return [await scene.join(site), await scene.join(site)];
}

/** Who hears one `word` that the first socket sends to others in this way. The third is in the room `blue`. */
async function reached(scene: Scene, emit: (socket: Socket) => unknown): Promise<readonly boolean[]> {
  const site = await scene.serve();
  const pairs = [await scene.join(site), await scene.join(site), await scene.join(site)];
  const [first, , third] = pairs as [Pair, Pair, Pair];
  third.socket.join("blue");
  first.socket.join("blue");
  const lists = await heard(
    site.io,
    pairs.map(({ client }) => client),
    () => emit(first.socket),
  );
  return lists.map((list) => list.length > 0);
}

onServers("Socket", (test) => {
  test("id", async (scene) => {
    const { client, socket } = await scene.pair();
    expect(socket.id).toMatch(/^[\w-]{20}$/);
    expect(socket.id).toBe(client.id);
    expect(socket.id).not.toBe(engineId(socket.conn));
  });

  test("handshake", async (scene) => {
    const site = await scene.serve();
    const options = { auth: { token: "t" }, query: { a: "1" }, extraHeaders: { "x-h": "v" } };
    const { socket } = await scene.join(site, "/", options);
    const { handshake } = socket;
    expect(Object.keys(handshake).sort()).toEqual(
      ["headers", "time", "address", "xdomain", "secure", "issued", "url", "query", "auth"].sort(),
    );
    expect(handshake).toMatchObject({ xdomain: false, secure: false, auth: { token: "t" } });
    expect(handshake.headers["x-h"]).toBe("v");
    expect(handshake.query["a"]).toBe("1");
    expect(handshake.address).toContain("127.0.0.1");
    expect(handshake.url).toContain("/socket.io/?");
    expect(Math.abs(handshake.issued - Date.now())).toBeLessThan(60_000);
    expect(Date.parse(handshake.time)).toBeGreaterThan(0);
  });

  test("rooms, join(), leave()", async (scene) => {
    const { socket } = await scene.pair();
    expect([...socket.rooms]).toEqual([socket.id]);
    await socket.join("a");
    await socket.join(["b", "c"]);
    await socket.leave("b");
    expect(socket.rooms).toEqual(new Set([socket.id, "a", "c"]));
  });

  test("join() after the disconnection does nothing", async (scene) => {
    const { socket } = await scene.pair();
    socket.disconnect();
    await socket.join("a");
    expect(socket.rooms.size).toBe(0);
  });

  test("data", async (scene) => {
    const { site, socket } = await scene.pair();
    expect(socket.data).toEqual({});
    socket.data.name = "x";
    const [fetched] = await site.io.fetchSockets();
    expect(fetched?.data).toEqual({ name: "x" });
  });

  test("connected, disconnected", async (scene) => {
    const { socket } = await scene.pair();
    expect([socket.connected, socket.disconnected]).toEqual([true, false]);
    socket.disconnect();
    expect([socket.connected, socket.disconnected]).toEqual([false, true]);
  });

  test("recovered", async (scene) => {
    expect((await scene.pair()).socket.recovered).toBe(false);
  });

  test("nsp, client, conn, request", async (scene) => {
    const { site, socket } = await scene.pair();
    expect(socket.nsp).toBe(site.io.of("/"));
    expect(socket.client.conn).toBe(socket.conn);
    expect(socket.client.request).toBe(socket.request);
    expect((socket.client as unknown as { id: string }).id).toBe(engineId(socket.conn));
    expect(socket.request.url).toContain("/socket.io/");
  });

  test("emit()", async (scene) => {
    const { socket, client } = await scene.pair();
    const event = once(client, "event");
    expect(socket.emit("event", 1, [Buffer.from([2])])).toBe(true);
    expect(await event).toEqual([1, [Buffer.from([2])]]);
  });

  test("emit() with an acknowledgement", async (scene) => {
    const { socket, client } = await scene.pair();
    client.on("ask", (value: number, done: (...answers: number[]) => void) => done(value, 2));
    const answer = new Promise((resolve) => socket.emit("ask", 1, (...all: number[]) => resolve(all)));
    expect(await answer).toEqual([1, 2]);
  });

  test("emitWithAck()", async (scene) => {
    const { socket, client } = await scene.pair();
    client.on("ask", (value: number, done: (answer: number) => void) => done(value + 1));
    expect(await socket.emitWithAck("ask", 1)).toBe(2);
  });

  test("send(), write()", async (scene) => {
    const { site, socket, client } = await scene.pair();
    const [list] = await heard(site.io, [client], () => {
      expect(socket.send("a")).toBe(socket);
      socket.write("b");
    });
    expect(list).toEqual([
      ["message", "a"],
      ["message", "b"],
    ]);
  });

  test("timeout()", async (scene) => {
    const { socket, client } = await scene.pair();
    const failure = new Promise<Error>((resolve) => socket.timeout(20).emit("ask", resolve));
    expect((await failure).message).toBe("operation has timed out");
    await expect(socket.timeout(20).emitWithAck("ask")).rejects.toThrow("operation has timed out");
    client.on("ask", (done: (answer: number) => void) => done(1));
    const answer = new Promise((resolve) =>
      socket.timeout(4000).emit("ask", (...all: unknown[]) => resolve(all)),
    );
    expect(await answer).toEqual([null, 1]);
  });

  test("compress()", async (scene) => {
    const { site, socket, client } = await scene.pair();
    const [list] = await heard(site.io, [client], () => socket.compress(false).emit("word"));
    expect(list).toEqual([["word"]]);
  });

  test("volatile", async (scene) => {
    const { site, socket, client } = await scene.pair();
    const [list] = await heard(site.io, [client], () => socket.volatile.emit("word"));
    expect(list).toEqual([["word"]]);
  });

  test("broadcast", async (scene) => {
    expect(await reached(scene, (socket) => socket.broadcast.emit("word"))).toEqual([false, true, true]);
  });

  test("local", async (scene) => {
    expect(await reached(scene, (socket) => socket.local.emit("word"))).toEqual([false, true, true]);
  });

  test("to()", async (scene) => {
    expect(await reached(scene, (socket) => socket.to("blue").emit("word"))).toEqual([false, false, true]);
  });

  test("in()", async (scene) => {
    expect(await reached(scene, (socket) => socket.in(["blue"]).emit("word"))).toEqual([false, false, true]);
  });

  test("except()", async (scene) => {
    expect(await reached(scene, (socket) => socket.except("blue").emit("word"))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("disconnect()", async (scene) => {
    const { client, socket } = await scene.pair();
    const ends = [once(client, "disconnect"), once(socket, "disconnect")];
    expect(socket.disconnect()).toBe(socket);
    expect((await Promise.all(ends)).map(([reason]) => reason)).toEqual([
      "io server disconnect",
      "server namespace disconnect",
    ]);
    expect(socket.conn.readyState).toBe("open");
  });

  test("disconnect(true)", async (scene) => {
    const { client, socket } = await scene.pair();
    const end = once(client, "disconnect");
    socket.disconnect(true);
    await end;
    await until(() => socket.conn.readyState === "closed", "the end of the connection");
  });

  test("use()", async (scene) => {
    const { client, socket } = await scene.pair();
    socket.use(([name, ...args], next) => {
      expect(args).toEqual([1]);
      next(name === "bad" ? new Error("refused") : undefined);
    });
    const [good, error] = [once(socket, "good"), once(socket, "error")];
    client.emit("bad", 1);
    client.emit("good", 1);
    expect(await good).toEqual([1]);
    expect((await error)[0]).toMatchObject({ message: "refused" });
  });

  test("onAny(), prependAny(), offAny(), listenersAny()", async (scene) => {
    const { client, socket } = await scene.pair();
    const log: unknown[] = [];
    const second = (...event: unknown[]): unknown => log.push(["second", ...event]);
    socket.onAny(second);
    socket.prependAny((...event: unknown[]) => log.push(["first", ...event]));
    expect(socket.listenersAny()).toHaveLength(2);
    const end = once(socket, "end");
    client.emit("event", 1);
    client.emit("end");
    await end;
    socket.offAny(second);
    expect(socket.listenersAny()).toHaveLength(1);
    socket.offAny();
    expect(socket.listenersAny()).toHaveLength(0);
    expect(log.slice(0, 2)).toEqual([
      ["first", "event", 1],
      ["second", "event", 1],
    ]);
  });

  test("onAnyOutgoing(), prependAnyOutgoing(), offAnyOutgoing(), listenersAnyOutgoing()", async (scene) => {
    const { socket } = await scene.pair();
    const log: unknown[] = [];
    const second = (...event: unknown[]): unknown => log.push(["second", ...event]);
    socket.onAnyOutgoing(second);
    socket.prependAnyOutgoing((...event: unknown[]) => log.push(["first", ...event]));
    expect(socket.listenersAnyOutgoing()).toHaveLength(2);
    socket.emit("event", 1);
    socket.offAnyOutgoing(second);
    expect(socket.listenersAnyOutgoing()).toHaveLength(1);
    socket.offAnyOutgoing();
    expect(socket.listenersAnyOutgoing()).toHaveLength(0);
    expect(log).toEqual([
      ["first", "event", 1],
      ["second", "event", 1],
    ]);
  });

  test("the events disconnecting and disconnect", async (scene) => {
    const { client, socket } = await scene.pair();
    const log: unknown[] = [];
    socket.on("disconnecting", (reason) => log.push([reason, socket.rooms.size]));
    const gone = once(socket, "disconnect");
    client.disconnect();
    log.push([(await gone)[0], socket.rooms.size]);
    expect(log).toEqual([
      ["client namespace disconnect", 1],
      ["client namespace disconnect", 0],
    ]);
  });

  test("the event error", async (scene) => {
    const { client, socket } = await scene.pair();
    socket.use((_event, next) => next(new Error("nobody listens")));
    client.emit("bad");
    socket.use((_event, next) => next());
    const error = once(socket, "error");
    client.emit("bad");
    expect((await error)[0]).toMatchObject({ message: "nobody listens" });
  });

  test("packets after the disconnection are dropped", async (scene) => {
    const { site, client, socket } = await scene.pair();
    const seen: unknown[] = [];
    socket.on("event", () => {
      seen.push("event");
      socket.disconnect();
    });
    const gone = once(socket, "disconnect");
    client.emit("event");
    client.emit("event");
    await gone;
    await scene.join(site);
    expect(seen).toEqual(["event"]);
  });

  describe("reserved names", () => {
    for (const reserved of [
      "connect",
      "connect_error",
      "disconnect",
      "disconnecting",
      "newListener",
      "removeListener",
    ]) {
      test(`emit("${reserved}") throws`, async (scene) => {
        const { socket } = await scene.pair();
        expect(() => socket.emit(reserved)).toThrow("reserved event name");
      });
    }
  });
});

onServers("Client", (test) => {
  test("an event before CONNECT closes with 1005", async (scene) => {
    const { WebSocket } = await import("ws");
    const { port } = await scene.serve();
    const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
    const closed = once(ws, "close");
    ws.on("message", () => ws.send('42["event"]'));
    expect((await closed)[0]).toBe(1005);
  });
});

onServers("RemoteSocket", (test) => {
  /** A socket of another node, as an adapter tells of it: everything it does goes through the adapter. */
  const remoteOf = async (scene: Scene): Promise<{ remote: RemoteSocket<never, unknown>; pair: Pair }> => {
    const [pair] = await two(scene);
    const { adapter } = pair.site.io.of("/");
    const { id, handshake, rooms } = pair.socket;
    adapter.fetchSockets = () =>
      Promise.resolve([{ id, handshake, rooms: [...rooms], data: { name: "far" } } as never]);
    const [remote] = await pair.site.io.fetchSockets();
    return { remote: remote as never, pair };
  };

  test("id, handshake, rooms, data", async (scene) => {
    const { remote, pair } = await remoteOf(scene);
    expect(remote.id).toBe(pair.socket.id);
    expect(remote.handshake.url).toBe(pair.socket.handshake.url);
    expect(remote.rooms).toEqual(new Set([pair.socket.id]));
    expect(remote.data).toEqual({ name: "far" });
  });

  test("emit()", async (scene) => {
    const { remote, pair } = await remoteOf(scene);
    const event = once(pair.client, "event");
    (remote as RemoteSocket<Record<string, (n: number) => void>, unknown>).emit("event", 1);
    expect(await event).toEqual([1]);
  });

  test("timeout()", async (scene) => {
    const { remote, pair } = await remoteOf(scene);
    pair.client.on("ask", (done: (answer: number) => void) => done(5));
    const timed = remote.timeout(4000) as unknown as Socket;
    expect(await timed.emitWithAck("ask")).toBe(5);
    const answer = new Promise((resolve) => timed.emit("ask", (...all: unknown[]) => resolve(all)));
    expect(await answer).toEqual([null, 5]);
  });

  test("join(), leave()", async (scene) => {
    const { remote, pair } = await remoteOf(scene);
    remote.join(["a", "b"]);
    remote.leave("a");
    await turn();
    expect(pair.socket.rooms).toEqual(new Set([pair.socket.id, "b"]));
  });

  test("disconnect()", async (scene) => {
    const { remote, pair } = await remoteOf(scene);
    const end = once(pair.client, "disconnect");
    expect(remote.disconnect()).toBe(remote);
    expect((await end)[0]).toBe("io server disconnect");
  });
});
