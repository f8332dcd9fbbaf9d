import type { Socket as ServerSocket } from "socket.io";
import type { Manager, Socket } from "socket.io-client";
import * as msgpackParser from "socket.io-msgpack-parser";
import { expect } from "vitest";
import { SELF_SIGNED } from "../support/certificate.js";
import { type ClientName, type ClientOptions, loadClient } from "../support/servers.js";
import { once, until } from "../support/wait.js";
import { engineId, onClients, type Scene, type Site } from "./scene.js";

// Sections 1.13 to 1.15: the client's module, its options, its manager and its sockets. The server is Socket.IO's.

/** Everything that the module of a client exports. */
async function moduleOf(name: ClientName): Promise<Record<string, unknown>> {
  return name === "sockeye"
    ? ((await import("@sockeye/client")) as unknown as Record<string, unknown>)
    : ((await import("socket.io-client")) as unknown as Record<string, unknown>);
}

/** The URLs and headers of all requests that come to a site. */
function requests(site: Site): { readonly url: string; readonly headers: Record<string, unknown> }[] {
  const list: { url: string; headers: Record<string, unknown> }[] = [];
  const note = (req: { url?: string; headers: object }): void => {
    list.push({ url: req.url ?? "", headers: { ...req.headers } });
  };
  site.http.prependListener("request", note);
  site.http.prependListener("upgrade", note);
  return list;
}

onClients("the module", (test, name) => {
  test("io, connect, default, Manager, Socket, protocol", async () => {
    const { io, connect, default: byDefault, Manager, Socket, protocol } = await moduleOf(name);
    expect([connect, byDefault]).toEqual([io, io]);
    expect((io as { connect: unknown }).connect).toBe(io);
    expect([typeof Manager, typeof Socket, protocol]).toEqual(["function", "function", 5]);
  });

  test("Fetch, XHR, NodeXHR, WebSocket, NodeWebSocket", async (scene) => {
    const module = await moduleOf(name);
    const site = await scene.serve();
    // `XHR` of Socket.IO needs a browser.
    const polling = name === "sockeye" ? ["Fetch", "XHR", "NodeXHR"] : ["Fetch", "NodeXHR"];
    for (const transport of [...polling, "WebSocket", "NodeWebSocket"]) {
      const Transport = module[transport];
      expect(Transport).toBeTypeOf("function");
      if (transport === "WebSocket" && name !== "sockeye") continue;
      const { socket } = await scene.join(site, "/", { transports: [Transport] as never });
      expect(socket.conn.transport.name).toBe(transport.includes("WebSocket") ? "websocket" : "polling");
    }
  });

  test("io(url): the path is the namespace", async (scene) => {
    const site = await scene.serve();
    site.io.of("/admin");
    const { socket } = await scene.join(site, "/admin");
    expect(socket.nsp.name).toBe("/admin");
  });

  test("managers are shared", async () => {
    const { io } = await loadClient(name);
    const options = { autoConnect: false };
    const [a, b, again] = ["/a", "/b", "/a"].map((path) => io(`http://shared.example${path}`, options));
    expect(a?.io).toBe(b?.io);
    expect(again?.io).not.toBe(a?.io);
  });

  test("forceNew, multiplex", async () => {
    const { io } = await loadClient(name);
    const options = { autoConnect: false };
    const url = "http://alone.example";
    const first = io(`${url}/a`, options);
    expect(io(`${url}/b`, { ...options, forceNew: true }).io).not.toBe(first.io);
    expect(io(`${url}/c`, { ...options, multiplex: false }).io).not.toBe(first.io);
  });
});

onClients("engine options", (test, name) => {
  const withServer = async (scene: Scene, options: ClientOptions): Promise<ServerSocket> =>
    (await scene.join(await scene.serve(), "/", options)).socket;

  test("path", async (scene) => {
    await scene.join(await scene.serve({ path: "/live" }), "/", { path: "/live" });
  });

  test("addTrailingSlash", async (scene) => {
    const site = await scene.serve({ addTrailingSlash: false });
    const seen = requests(site);
    await scene.join(site, "/", { addTrailingSlash: false });
    expect(seen[0]?.url).toMatch(/^\/socket\.io\?/);
  });

  test("host, hostname, port, secure", async (scene) => {
    const site = await scene.serve();
    const { Manager } = await loadClient(name);
    for (const host of [{ hostname: "127.0.0.1" }, { host: "127.0.0.1" }]) {
      const options = { ...host, port: site.port, secure: false, transports: ["websocket"] };
      const manager = new Manager({ ...options, reconnection: false } as never) as Manager;
      scene.defer(() => manager.engine.close());
      await once(manager, "open");
    }
  });

  test("query", async (scene) => {
    const socket = await withServer(scene, { query: { a: "1", b: "x y" } });
    expect(socket.handshake.query).toMatchObject({ a: "1", b: "x y", EIO: "4", transport: "websocket" });
  });

  test("transports", async (scene) => {
    for (const transport of ["polling", "websocket"]) {
      const socket = await withServer(scene, { transports: [transport], upgrade: false });
      expect(socket.conn.transport.name).toBe(transport);
    }
  });

  test("transportImplementations", async (scene) => {
    const { NodeWebSocket, NodeXHR } = await moduleOf(name);
    const list = [NodeXHR, NodeWebSocket];
    const options = { transports: undefined, transportImplementations: list } as never as ClientOptions;
    const socket = await withServer(scene, options);
    if (socket.conn.transport.name !== "websocket") await once(socket.conn, "upgrade");
  });

  test("tryAllTransports", async (scene) => {
    const site = await scene.serve({ transports: ["websocket"] });
    const transports = ["polling", "websocket"];
    const one = await scene.dial(site.url, { transports });
    await once(one, "connect_error");
    const { socket } = await scene.join(site, "/", { transports, tryAllTransports: true });
    expect(socket.conn.transport.name).toBe("websocket");
  });

  test("upgrade", async (scene) => {
    const site = await scene.serve();
    const transports = ["polling", "websocket"];
    const { socket } = await scene.join(site, "/", { transports });
    if (socket.conn.transport.name !== "websocket") await once(socket.conn, "upgrade");
    const seen = requests(site);
    const stays = await scene.join(site, "/", { transports, upgrade: false });
    stays.socket.on("ask", (done: () => void) => done());
    await stays.client.emitWithAck("ask");
    expect(seen.every(({ url }) => url.includes("transport=polling"))).toBe(true);
  });

  test("rememberUpgrade", async (scene) => {
    const site = await scene.serve();
    const options = { transports: ["polling", "websocket"], rememberUpgrade: true };
    const { socket, client } = await scene.join(site, "/", options);
    if (socket.conn.transport.name !== "websocket") await once(socket.conn, "upgrade");
    await until(() => client.io.engine.transport.name === "websocket", "the client's end of the upgrade");
    const next = await scene.join(site, "/", options);
    expect(next.socket.conn.transport.name).toBe("websocket");
    expect((next.socket.conn as unknown as { upgraded: boolean }).upgraded).toBe(false);
  });

  test("forceBase64", async (scene) => {
    const site = await scene.serve();
    const { client, socket } = await scene.join(site, "/", { forceBase64: true, transports: ["polling"] });
    expect(socket.handshake.query["b64"]).toBe("1");
    socket.on("ask", (bytes: Buffer, done: (bytes: Buffer) => void) => done(bytes));
    expect(await client.emitWithAck("ask", Buffer.from([1, 2]))).toEqual(Buffer.from([1, 2]));
  });

  test("timestampParam, timestampRequests", async (scene) => {
    const site = await scene.serve();
    const seen = requests(site);
    await scene.join(site, "/", { transports: ["polling"], timestampParam: "ts", upgrade: false });
    await scene.join(site, "/", { transports: ["polling"], timestampRequests: false, upgrade: false });
    await scene.join(site, "/", { timestampRequests: true });
    const stamped = seen.filter(({ url }) => /[?&](ts|t)=/.test(url));
    expect(seen[0]?.url).toMatch(/[?&]ts=/);
    expect(stamped.length).toBeLessThan(seen.length);
    expect(seen.at(-1)?.url).toMatch(/transport=websocket.*[?&]t=/);
  });

  test("transportOptions", async (scene) => {
    const transportOptions = { websocket: { extraHeaders: { "x-only": "ws" } } };
    expect((await withServer(scene, { transportOptions })).handshake.headers["x-only"]).toBe("ws");
  });

  test("withCredentials", async (scene) => {
    const site = await scene.serve({ cookie: true });
    const seen = requests(site);
    await scene.join(site, "/", { transports: ["polling"], withCredentials: true });
    expect(seen.at(-1)?.headers["cookie"]).toMatch(/^io=/);
  });

  test("extraHeaders", async (scene) => {
    for (const transports of [["polling"], ["websocket"]]) {
      const socket = await withServer(scene, { transports, extraHeaders: { "x-a": "b" } });
      expect(socket.handshake.headers["x-a"]).toBe("b");
    }
  });

  test("closeOnBeforeunload, useNativeTimers, autoUnref are taken", async (scene) => {
    await withServer(scene, { closeOnBeforeunload: true, useNativeTimers: true, autoUnref: true });
  });

  test("protocols", async (scene) => {
    const site = await scene.serve();
    const seen = requests(site);
    await scene.join(site, "/", { protocols: ["one", "two"] });
    expect(String(seen[0]?.headers["sec-websocket-protocol"])).toMatch(/^one, ?two$/);
  });

  test("perMessageDeflate", async (scene) => {
    const site = await scene.serve({ perMessageDeflate: true });
    const seen = requests(site);
    await scene.join(site, "/", { perMessageDeflate: { threshold: 1 } } as never);
    expect(String(seen[0]?.headers["sec-websocket-extensions"])).toContain("permessage-deflate");
  });

  test("ca, rejectUnauthorized", async (scene) => {
    const { createServer } = await import("node:https");
    const site = await scene.serve({}, createServer(SELF_SIGNED) as never);
    const url = `https://127.0.0.1:${site.port}`;
    for (const transports of [["websocket"], ["polling"]]) {
      const strict = await scene.dial(url, { transports });
      await once(strict, "connect_error");
      const lax = await scene.dial(url, { transports, rejectUnauthorized: false });
      await once(lax, "connect");
      const trusting = await scene.dial(url, { transports, ca: SELF_SIGNED.cert } as never);
      await once(trusting, "connect");
    }
  });

  test("agent", async (scene) => {
    const { Agent } = await import("node:http");
    const site = await scene.serve();
    const agent = new Agent({ keepAlive: true });
    let used = 0;
    const create = (agent as unknown as { createConnection(...args: unknown[]): unknown }).createConnection;
    Object.assign(agent, {
      createConnection(...args: unknown[]): unknown {
        used += 1;
        return create.apply(agent, args);
      },
    });
    for (const transports of [["websocket"], ["polling"]]) {
      used = 0;
      await scene.join(site, "/", { transports, agent } as never);
      expect([transports, used > 0]).toEqual([transports, true]);
    }
    agent.destroy();
  });

  test("localAddress, origin, protocolVersion, maxPayload, family", async (scene) => {
    const more = { localAddress: "127.0.0.1", origin: "http://o.example", maxPayload: 1e6, family: 4 };
    const socket = await withServer(scene, { ...more, protocolVersion: 13 } as never);
    expect(socket.handshake.headers.origin).toBe("http://o.example");
  });
});

onClients("manager and socket options", (test, name) => {
  test("autoConnect", async (scene) => {
    const site = await scene.serve();
    const client = await scene.dial(site.url, { autoConnect: false });
    expect([client.active, client.io._readyState]).toEqual([false, "closed"]);
    client.connect();
    await once(client, "connect");
  });

  test("parser", async (scene) => {
    const site = await scene.serve({ parser: msgpackParser });
    const { client, socket } = await scene.join(site, "/", { parser: msgpackParser });
    socket.on("ask", (value: unknown, done: (value: unknown) => void) => done(value));
    expect(await client.emitWithAck("ask", { list: [1.5, "ü"] })).toEqual({ list: [1.5, "ü"] });
  });

  test("reconnection, reconnectionAttempts, reconnectionDelay, reconnectionDelayMax, randomizationFactor", async (scene) => {
    const { site, client } = await scene.pair(
      {},
      {
        reconnection: true,
        reconnectionAttempts: 2,
        reconnectionDelay: 5,
        reconnectionDelayMax: 6,
        randomizationFactor: 0,
      },
    );
    const attempts: unknown[] = [];
    client.io.on("reconnect_attempt", (attempt) => attempts.push(attempt));
    const failed = once(client.io as never, "reconnect_failed");
    await site.io.close();
    await failed;
    expect(attempts).toEqual([1, 2]);
  });

  test("timeout", async (scene) => {
    const { createServer } = await import("node:http");
    const port = await scene.listen(createServer(() => {}));
    const client = await scene.dial(`http://127.0.0.1:${port}`, { transports: ["polling"], timeout: 30 });
    expect((await once(client, "connect_error"))[0]).toMatchObject({ message: "timeout" });
  });

  test("auth", async (scene) => {
    const site = await scene.serve();
    const { socket } = await scene.join(site, "/", { auth: { token: 1 } });
    expect(socket.handshake.auth).toEqual({ token: 1 });
    let asked = 0;
    const auth = (tell: (data: object) => void): void => {
      asked += 1;
      tell({ asked });
    };
    const options = { auth, reconnection: true, reconnectionDelay: 5 };
    const asking = await scene.join(site, "/", options);
    expect(asking.socket.handshake.auth).toEqual({ asked: 1 });
    const again = once(site.io, "connection");
    asking.client.io.engine.close();
    expect(((await again)[0] as ServerSocket).handshake.auth).toEqual({ asked: 2 });
  });

  test("ackTimeout", async (scene) => {
    const { client } = await scene.pair({}, { ackTimeout: 20 });
    const failure = new Promise<Error>((resolve) => client.emit("nobody answers", resolve));
    expect((await failure).message).toBe("operation has timed out");
  });

  test("retries", async (scene) => {
    const { client, socket } = await scene.pair({}, { retries: 2, ackTimeout: 30 });
    let times = 0;
    socket.on("ask", () => {
      times += 1;
    });
    const failure = new Promise<Error>((resolve) => client.emit("ask", resolve));
    expect((await failure).message).toBe("operation has timed out");
    expect(times).toBe(3);
  });

  test("query of the URL", async (scene) => {
    const site = await scene.serve();
    const { io } = await loadClient(name);
    const client = io(`${site.url}/?room=7`, { transports: ["websocket"], forceNew: true });
    scene.defer(() => client.disconnect());
    const [socket] = (await once(site.io, "connection")) as [ServerSocket];
    expect(socket.handshake.query["room"]).toBe("7");
  });
});

onClients("Manager", (test, name) => {
  const make = async (scene: Scene, url: string, options: ClientOptions = {}): Promise<Manager> => {
    const { Manager } = await loadClient(name);
    const manager = new Manager(url, { transports: ["websocket"], reconnection: false, ...options });
    scene.defer(() => {
      manager.reconnection(false);
      (manager as unknown as { engine: { close(): void } }).engine?.close();
    });
    return manager;
  };

  test("open(), connect()", async (scene) => {
    const { url } = await scene.serve();
    for (const method of ["open", "connect"] as const) {
      const manager = await make(scene, url, { autoConnect: false });
      expect(manager._readyState).toBe("closed");
      const opened = new Promise((resolve) => {
        expect(manager[method](resolve)).toBe(manager);
      });
      expect(await opened).toBe(undefined);
      expect(manager._readyState).toBe("open");
    }
    const manager = await make(scene, "http://127.0.0.1:1", { autoConnect: false });
    expect(await new Promise((resolve) => manager.open(resolve))).toBeInstanceOf(Error);
  });

  test("socket()", async (scene) => {
    const { url } = await scene.serve();
    const manager = await make(scene, url);
    const socket = manager.socket("/", { auth: { a: 1 } });
    expect(manager.socket("/")).toBe(socket);
    await once(socket, "connect");
  });

  test("reconnection(), reconnectionAttempts(), reconnectionDelay(), reconnectionDelayMax(), randomizationFactor(), timeout()", async (scene) => {
    const manager = await make(scene, "http://127.0.0.1:1", { autoConnect: false, reconnection: true });
    expect([
      manager.reconnection(),
      manager.reconnectionAttempts(),
      manager.reconnectionDelay(),
      manager.reconnectionDelayMax(),
      manager.randomizationFactor(),
      manager.timeout(),
    ]).toEqual([true, Number.POSITIVE_INFINITY, 1000, 5000, 0.5, 20_000]);
    manager.reconnection(false).reconnectionAttempts(1).reconnectionDelay(2).reconnectionDelayMax(3);
    manager.randomizationFactor(0.1).timeout(4);
    expect([
      manager.reconnection(),
      manager.reconnectionAttempts(),
      manager.reconnectionDelay(),
      manager.reconnectionDelayMax(),
      manager.randomizationFactor(),
      manager.timeout(),
    ]).toEqual([false, 1, 2, 3, 0.1, 4]);
  });

  test("engine, opts, _readyState, _reconnecting", async (scene) => {
    const { client } = await scene.pair();
    const { io } = client;
    expect(io.engine.readyState).toBe("open");
    expect(io.engine.transport.name).toBe("websocket");
    expect(io.opts.reconnection).toBe(false);
    expect([io._readyState, Boolean(io._reconnecting)]).toEqual(["open", false]);
  });

  test("opts may be changed for the next attempt", async (scene) => {
    const site = await scene.serve();
    const { client } = await scene.join(site, "/", { reconnection: true, reconnectionDelay: 5 });
    client.io.opts.extraHeaders = { "x-new": "yes" };
    const again = once(site.io, "connection");
    client.io.engine.close();
    expect(((await again)[0] as ServerSocket).handshake.headers["x-new"]).toBe("yes");
  });

  test("the events open, packet and close", async (scene) => {
    const { url } = await scene.serve();
    const manager = await make(scene, url, { autoConnect: false });
    const [open, packet, close] = ["open", "packet", "close"].map((event) => once(manager, event));
    manager.socket("/").connect();
    await open;
    expect((await packet)?.[0]).toMatchObject({ type: 0, nsp: "/" });
    manager.engine.close();
    expect((await close)?.[0]).toBe("forced close");
  });

  test("the event ping", async (scene) => {
    const { client } = await scene.pair({ pingInterval: 20 });
    await once(client.io, "ping");
  });

  test("the event error", async (scene) => {
    const manager = await make(scene, "http://127.0.0.1:1");
    expect((await once(manager, "error"))[0]).toBeInstanceOf(Error);
  });

  test("the events reconnect_attempt and reconnect", async (scene) => {
    const { client } = await scene.pair({}, { reconnection: true, reconnectionDelay: 5 });
    const events = [once(client.io, "reconnect_attempt"), once(client.io, "reconnect")];
    client.io.engine.close();
    expect(await Promise.all(events)).toEqual([[1], [1]]);
  });

  test("the events reconnect_error and reconnect_failed", async (scene) => {
    const options = { reconnection: true, reconnectionDelay: 5, reconnectionAttempts: 1 };
    const { site, client } = await scene.pair({}, options);
    const events = [once(client.io, "reconnect_error"), once(client.io, "reconnect_failed")];
    await site.io.close();
    const [error] = await Promise.all(events);
    expect(error?.[0]).toBeInstanceOf(Error);
  });

  test("on(), once(), off(), listeners()", async (scene) => {
    const manager = await make(scene, "http://127.0.0.1:1", { autoConnect: false });
    const listener = (): void => {};
    manager.on("open", listener);
    expect(manager.listeners("open")).toEqual([listener]);
    manager.off("open", listener);
    manager.once("open", listener);
    manager.off("open");
    expect(manager.listeners("open")).toEqual([]);
  });
});

onClients("Socket", (test) => {
  const NAMES = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

  test("id, connected, disconnected, active", async (scene) => {
    const site = await scene.serve();
    const client = await scene.dial(site.url, { autoConnect: false });
    const state = (): unknown[] => [typeof client.id, client.connected, client.disconnected, client.active];
    expect(state()).toEqual(["undefined", false, true, false]);
    client.connect();
    await once(client, "connect");
    expect(state()).toEqual(["string", true, false, true]);
    client.disconnect();
    expect(state()).toEqual(["undefined", false, true, false]);
  });

  test("recovered", async (scene) => {
    const site = await scene.serve({ connectionStateRecovery: {} });
    const options = { reconnection: true, reconnectionDelay: 5 };
    const { client, socket } = await scene.join(site, "/", options);
    expect(client.recovered).toBe(false);
    const event = once(client, "event");
    socket.emit("event");
    await event;
    const back = once(client, "connect");
    client.io.engine.close();
    await back;
    expect([client.recovered, client.id]).toEqual([true, socket.id]);
  });

  test("io, auth, sendBuffer, receiveBuffer", async (scene) => {
    const { url } = await scene.serve();
    const client = await scene.dial(url, { autoConnect: false, auth: { a: 1 } });
    expect(client.io.socket("/")).toBe(client);
    expect(client.auth).toEqual({ a: 1 });
    client.emit("waits");
    expect([client.sendBuffer.length, client.receiveBuffer.length]).toEqual([1, 0]);
  });

  test("connect(), open()", async (scene) => {
    const { url } = await scene.serve();
    for (const method of ["connect", "open"] as const) {
      const client = await scene.dial(url, { autoConnect: false });
      expect(client[method]()).toBe(client);
      await once(client, "connect");
    }
  });

  test("disconnect(), close()", async (scene) => {
    for (const method of ["disconnect", "close"] as const) {
      const { client, socket } = await scene.pair();
      const ends = [once(client, "disconnect"), once(socket, "disconnect")];
      expect(client[method]()).toBe(client);
      expect((await Promise.all(ends)).map(([reason]) => reason)).toEqual([
        "io client disconnect",
        "client namespace disconnect",
      ]);
    }
  });

  test("emit(), send()", async (scene) => {
    const { client, socket } = await scene.pair();
    const events = [once(socket, "event"), once(socket, "message")];
    expect(client.emit("event", 1, Buffer.from([2]))).toBe(client);
    expect(client.send("text")).toBe(client);
    expect(await Promise.all(events)).toEqual([[1, Buffer.from([2])], ["text"]]);
  });

  test("emit() with an acknowledgement, emitWithAck()", async (scene) => {
    const { client, socket } = await scene.pair();
    socket.on("ask", (value: number, done: (answer: number) => void) => done(value + 1));
    expect(await client.emitWithAck("ask", 1)).toBe(2);
    expect(await new Promise((resolve) => client.emit("ask", 2, resolve))).toBe(3);
  });

  test("timeout()", async (scene) => {
    const { client, socket } = await scene.pair();
    await expect(client.timeout(20).emitWithAck("ask")).rejects.toThrow("operation has timed out");
    socket.on("ask", (done: (answer: number) => void) => done(1));
    const answer = new Promise((resolve) =>
      client.timeout(4000).emit("ask", (...all: unknown[]) => resolve(all)),
    );
    expect(await answer).toEqual([null, 1]);
  });

  test("compress(), volatile", async (scene) => {
    const { client, socket } = await scene.pair();
    const events = [once(socket, "one"), once(socket, "two")];
    client.compress(false).emit("one");
    await events[0];
    await until(() => client.io.engine.transport.writable === true, "a writable transport");
    client.volatile.emit("two");
    await events[1];
  });

  test("on(), once(), off(), listeners(), hasListeners(), removeAllListeners()", async (scene) => {
    const { client, socket } = await scene.pair();
    const log: string[] = [];
    const listener = (word: string): unknown => log.push(word);
    client.on("word", listener);
    client.once("word", (word: string) => log.push(`once ${word}`));
    expect([client.listeners("word").length, client.hasListeners("word")]).toEqual([2, true]);
    const end = once(client, "end");
    for (const word of ["a", "b"]) socket.emit("word", word);
    socket.emit("end");
    await end;
    expect(log).toEqual(["a", "once a", "b"]);
    client.off("word", listener);
    expect(client.hasListeners("word")).toBe(false);
    client.on("word", listener);
    client.removeAllListeners();
    expect(client.listeners("word")).toEqual([]);
  });

  test("onAny(), prependAny(), offAny(), listenersAny()", async (scene) => {
    const { client, socket } = await scene.pair();
    const log: unknown[] = [];
    const second = (...event: unknown[]): unknown => log.push(["second", ...event]);
    client.onAny(second);
    client.prependAny((...event: unknown[]) => log.push(["first", ...event]));
    const event = once(client, "event");
    socket.emit("event", 1);
    await event;
    expect(log).toEqual([
      ["first", "event", 1],
      ["second", "event", 1],
    ]);
    client.offAny(second);
    expect(client.listenersAny()).toHaveLength(1);
    client.offAny();
    expect(client.listenersAny()).toHaveLength(0);
  });

  test("onAnyOutgoing(), prependAnyOutgoing(), offAnyOutgoing(), listenersAnyOutgoing()", async (scene) => {
    const { client } = await scene.pair();
    const log: unknown[] = [];
    const second = (...event: unknown[]): unknown => log.push(["second", ...event]);
    client.onAnyOutgoing(second);
    client.prependAnyOutgoing((...event: unknown[]) => log.push(["first", ...event]));
    client.emit("event", 1);
    expect(log).toEqual([
      ["first", "event", 1],
      ["second", "event", 1],
    ]);
    client.offAnyOutgoing(second);
    expect(client.listenersAnyOutgoing()).toHaveLength(1);
    client.offAnyOutgoing();
    expect(client.listenersAnyOutgoing()).toHaveLength(0);
  });

  test("the event connect_error, of a middleware", async (scene) => {
    const site = await scene.serve();
    site.io.use((_socket, next) => next(Object.assign(new Error("no"), { data: { code: 7 } })));
    const client = await scene.dial(site.url);
    const [error] = await once(client, "connect_error");
    expect(error).toMatchObject({ message: "no", data: { code: 7 } });
    expect(client.active).toBe(false);
  });

  test("the event connect_error, of the connection", async (scene) => {
    for (const [transport, message] of [
      ["websocket", "websocket error"],
      ["polling", "xhr poll error"],
    ] as const) {
      const client = await scene.dial("http://127.0.0.1:1", { transports: [transport], reconnection: true });
      const [error] = await once(client, "connect_error");
      expect(error).toMatchObject({ message, type: "TransportError" });
      expect(Object.keys(error as object)).toEqual(expect.arrayContaining(["description", "context"]));
      expect(client.active).toBe(true);
    }
  });

  test("the event disconnect", async (scene) => {
    const { client, socket } = await scene.pair();
    const end = once(client, "disconnect");
    socket.conn.close();
    const [reason, details] = await end;
    expect(reason).toBe("transport close");
    expect(details).toMatchObject({ description: expect.anything() });
  });

  for (const reserved of NAMES) {
    test(`emit("${reserved}") throws`, async (scene) => {
      const client = await scene.dial("http://127.0.0.1:1", { autoConnect: false });
      expect(() => client.emit(reserved)).toThrow("reserved event name");
    });
  }

  test("acknowledgements fail with the connection", async (scene) => {
    const { client, socket } = await scene.pair();
    const asked = once(socket, "ask");
    const answer = client.emitWithAck("ask");
    await asked;
    (client as Socket).disconnect();
    await expect(answer).rejects.toThrow("socket has been disconnected");
  });
});

onClients("manager.engine", (test) => {
  test("id, readyState, transport", async (scene) => {
    const { client, socket } = await scene.pair();
    const { engine } = client.io;
    expect((engine as unknown as { id: string }).id).toBe(engineId(socket.conn));
    expect([engine.readyState, engine.transport.name]).toEqual(["open", "websocket"]);
  });

  test("send(), write()", async (scene) => {
    const { client, socket } = await scene.pair();
    const events = [once(socket, "one"), once(socket, "two")];
    client.io.engine.send('2["one"]');
    client.io.engine.write('2["two"]', { compress: false });
    await Promise.all(events);
  });

  test("close()", async (scene) => {
    const { client, socket } = await scene.pair();
    const ends = [once(client, "disconnect"), once(socket, "disconnect")];
    client.io.engine.close();
    expect((await Promise.all(ends)).map(([reason]) => reason)).toEqual(["forced close", "transport close"]);
  });

  test("the events handshake and open", async (scene) => {
    const { url } = await scene.serve();
    const client = await scene.dial(url, { autoConnect: false });
    client.connect();
    const { engine } = client.io;
    const events = [once(engine, "handshake"), once(engine, "open")];
    const [handshake] = await Promise.all(events);
    expect(handshake?.[0]).toMatchObject({ pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1e6 });
  });

  test("the events packet, data and message", async (scene) => {
    const { client, socket } = await scene.pair();
    const { engine } = client.io;
    const events = ["packet", "data", "message"].map((name) => once(engine as never, name));
    socket.emit("event");
    const [packet, ...messages] = await Promise.all(events);
    expect(packet?.[0]).toMatchObject({ type: "message", data: '2["event"]' });
    expect(messages).toEqual([['2["event"]'], ['2["event"]']]);
  });

  test("the events packetCreate, flush and drain", async (scene) => {
    const { client } = await scene.pair();
    const { engine } = client.io;
    const events = ["packetCreate", "flush", "drain"].map((name) => once(engine as never, name));
    client.emit("event");
    const [created] = await Promise.all(events);
    expect(created?.[0]).toMatchObject({ type: "message", data: '2["event"]' });
  });

  test("the events heartbeat, ping and pong", async (scene) => {
    const { client } = await scene.pair({ pingInterval: 30 });
    await Promise.all(["heartbeat", "ping", "pong"].map((name) => once(client.io.engine as never, name)));
  });

  test("heartbeat tells of any packet", async (scene) => {
    const { client, socket } = await scene.pair();
    let beats = 0;
    client.io.engine.on("heartbeat", () => {
      beats += 1;
    });
    const heard = once(client, "event");
    socket.emit("event", Buffer.from([1]));
    await heard;
    // One for the event, one for its bytes.
    expect(beats).toBe(2);
  });

  test("the events upgrading and upgrade", async (scene) => {
    const site = await scene.serve();
    const client = await scene.dial(site.url, { transports: ["polling", "websocket"], autoConnect: false });
    client.connect();
    const events = ["upgrading", "upgrade"].map((name) => once(client.io.engine as never, name));
    const names = (await Promise.all(events)).map(([transport]) => (transport as { name: string }).name);
    expect(names).toEqual(["websocket", "websocket"]);
  });

  test("the event upgradeError", async (scene) => {
    const site = await scene.serve();
    site.http.prependListener("upgrade", (_req, socket) => socket.destroy());
    const client = await scene.dial(site.url, { transports: ["polling", "websocket"], autoConnect: false });
    client.connect();
    const [error] = await once(client.io.engine as never, "upgradeError");
    expect(error).toBeInstanceOf(Error);
  });

  test("the event error", async (scene) => {
    const client = await scene.dial("http://127.0.0.1:1", { autoConnect: false });
    client.connect();
    expect((await once(client.io.engine as never, "error"))[0]).toBeInstanceOf(Error);
  });

  test("the event close", async (scene) => {
    const { client, socket } = await scene.pair();
    const end = once(client.io.engine as never, "close");
    socket.conn.close();
    expect((await end)[0]).toBe("transport close");
  });
});
