import type { EventEmitter } from "node:events";
import { createServer as createHttp2, createSecureServer } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import express from "express";
import type { Namespace, Server, Socket } from "socket.io";
import type { Adapter } from "socket.io-adapter";
import { expect } from "vitest";
import { callable } from "../../packages/server/src/require.js";
import { SELF_SIGNED } from "../support/certificate.js";
import { loadServer } from "../support/servers.js";
import { once } from "../support/wait.js";
import { ask, pollingUrl } from "./http.js";
import { app, heard, onServers, type Scene } from "./scene.js";

// Sections 1.3 and 1.4: the server and its namespaces, beside what broadcast.test.ts has.

/** An answer of an event that a client asks for, over whatever way the client takes. */
async function talk(scene: Scene, io: Server, url: string, options: object): Promise<unknown> {
  io.on("connection", (socket) => {
    socket.on("ask", (question: string, done: (answer: string) => void) => {
      done(`${question} ${socket.conn.transport.name}`);
    });
  });
  const client = await scene.dial(url, { rejectUnauthorized: false, ...options });
  return client.emitWithAck("ask", "over");
}

onServers("Server", (test, name) => {
  test("the module's names", async () => {
    const module = await loadServer(name);
    expect(Object.keys(module)).toEqual(expect.arrayContaining(["Server", "Namespace", "Socket"]));
  });

  test("require()(server, options)", async (scene) => {
    const make = name === "sockeye" ? callable : await callableOfStock();
    const http = app();
    const io = make(http as never, { path: "/called" } as never) as unknown as Server;
    const site = await scene.stand(io, http);
    expect((await ask(`${site.url}/called/?EIO=4&transport=polling`)).status).toBe(200);
  });

  test("new Server()", async (scene) => {
    const { Server } = await loadServer(name);
    const http = app();
    const io = new Server();
    io.attach(http);
    const site = await scene.stand(io, http);
    expect((await ask(pollingUrl(site))).status).toBe(200);
  });

  test("new Server(options)", async (scene) => {
    const { Server } = await loadServer(name);
    const http = app();
    const site = await scene.stand(new Server({ path: "/x" }).attach(http), http);
    expect((await ask(`${site.url}/x/?EIO=4&transport=polling`)).status).toBe(200);
  });

  test("new Server(httpServer, options)", async (scene) => {
    const site = await scene.serve({ path: "/x" });
    expect((await ask(`${site.url}/x/?EIO=4&transport=polling`)).status).toBe(200);
    expect((await ask(site.url)).text).toBe("the app");
  });

  test("new Server(port, options)", async (scene) => {
    const { Server } = await loadServer(name);
    for (const port of [0, "0"]) {
      const io = new Server(port as number, { path: "/x" });
      scene.defer(() => io.close());
      const { httpServer } = io as unknown as { httpServer: ReturnType<typeof app> };
      if (httpServer.address() === null) await once(httpServer, "listening");
      const url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
      expect((await ask(`${url}/x/?EIO=4&transport=polling`)).status).toBe(200);
      expect((await ask(url)).status).toBe(404);
      httpServer.closeAllConnections();
    }
  });

  test("an Express app throws", async () => {
    const { Server } = await loadServer(name);
    expect(() => new Server(express() as never)).toThrow();
  });

  test("an https server", async (scene) => {
    const https = createHttps(SELF_SIGNED);
    const { io, port } = await scene.serve({}, https as never);
    const url = `https://127.0.0.1:${port}`;
    expect(await talk(scene, io, url, { transports: ["websocket"] })).toBe("over websocket");
    expect(await talk(scene, io, url, { transports: ["polling"] })).toBe("over polling");
  });

  test("an http2 server with allowHTTP1", async (scene) => {
    const http2 = createSecureServer({ allowHTTP1: true, ...SELF_SIGNED });
    const { io, port } = await scene.serve({}, http2 as never);
    const url = `https://127.0.0.1:${port}`;
    expect(await talk(scene, io, url, { transports: ["websocket"] })).toBe("over websocket");
    expect(await talk(scene, io, url, { transports: ["polling"] })).toBe("over polling");
  });

  test("a plain http2 server", async (scene) => {
    const { port } = await scene.serve({}, createHttp2() as never);
    const { text, status } = await askHttp2(port, "/socket.io/?EIO=4&transport=polling");
    expect([status, text.slice(0, 8)]).toEqual([200, '0{"sid":']);
  });

  test("sockets", async (scene) => {
    const { io } = await scene.serve();
    expect(io.sockets).toBe(io.of("/"));
  });

  test("engine", async (scene) => {
    const { site } = await scene.pair();
    expect(site.io.engine.clientsCount).toBe(1);
  });

  test("httpServer", async (scene) => {
    const site = await scene.serve();
    expect((site.io as unknown as { httpServer: unknown }).httpServer).toBe(site.http);
  });

  test("_nsps", async (scene) => {
    const { io } = await scene.serve();
    io.of("/a");
    expect([...io._nsps.keys()]).toEqual(["/", "/a"]);
  });

  test("_opts", async (scene) => {
    const { io } = await scene.serve({ pingTimeout: 777 });
    expect((io as unknown as { _opts: { pingTimeout: number } })._opts.pingTimeout).toBe(777);
  });

  test("serveClient()", async () => {
    const io = new (await loadServer(name)).Server();
    expect(io.serveClient()).toBe(true);
    expect(io.serveClient(false)).toBe(io);
    expect(io.serveClient()).toBe(false);
  });

  test("path()", async () => {
    const io = new (await loadServer(name)).Server();
    expect(io.path()).toBe("/socket.io");
    expect(io.path("/live/").path()).toBe("/live");
  });

  test("connectTimeout()", async () => {
    const io = new (await loadServer(name)).Server();
    expect(io.connectTimeout()).toBe(45_000);
    expect(io.connectTimeout(1000).connectTimeout()).toBe(1000);
  });

  test("adapter()", async (scene) => {
    const { io } = await scene.serve();
    const Base = io.adapter() as unknown as typeof Adapter;
    class Mine extends Base {}
    expect(io.adapter(Mine as never)).toBe(io);
    expect(io.adapter()).toBe(Mine);
    for (const namespace of ["/", "/later"]) expect(io.of(namespace).adapter).toBeInstanceOf(Mine);
  });

  test("attach(), listen()", async (scene) => {
    for (const method of ["attach", "listen"] as const) {
      const http = app();
      const io = new (await loadServer(name)).Server();
      const site = await scene.stand(io[method](http, { path: "/x" }), http);
      expect((await ask(`${site.url}/x/?EIO=4&transport=polling`)).status).toBe(200);
    }
  });

  test("bind()", async (scene) => {
    const { Server: Engine } = await import("engine.io");
    const engine = new Engine();
    const http = app();
    engine.attach(http as never, { path: "/bound/" });
    const io = new (await loadServer(name)).Server();
    io.bind(engine as never);
    const { url } = await scene.stand(io, http);
    expect(await talk(scene, io, url, { path: "/bound" })).toBe("over websocket");
  });

  test("of(name)", async (scene) => {
    const { io } = await scene.serve();
    expect(io.of("a")).toBe(io.of("/a"));
    expect(io.of("a").name).toBe("/a");
  });

  test("of(name, listener)", async (scene) => {
    const site = await scene.serve();
    const connected = new Promise<Socket>((resolve) => site.io.of("/a", resolve));
    const { socket } = await scene.join(site, "/a");
    expect(await connected).toBe(socket);
  });

  test("of(RegExp)", async (scene) => {
    const site = await scene.serve();
    site.io.of(/^\/a-\d$/);
    const { socket } = await scene.join(site, "/a-1");
    expect(socket.nsp.name).toBe("/a-1");
    expect(site.io.of("/a-2").name).toBe("/a-2");
  });

  test("of(RegExp) with the flag g throws", async (scene) => {
    const { io } = await scene.serve();
    expect(() => io.of(/a/g)).toThrow();
  });

  test("of(function)", async (scene) => {
    const site = await scene.serve();
    const asked: unknown[] = [];
    site.io.of((namespace, auth, next) => {
      asked.push([namespace, auth]);
      next(null, auth["in"] === true);
    });
    await scene.join(site, "/any", { auth: { in: true } });
    const refused = await scene.dial(`${site.url}/other`, { auth: { in: false } });
    const [error] = await once(refused, "connect_error");
    expect(error).toMatchObject({ message: "Invalid namespace" });
    expect(asked).toEqual([
      ["/any", { in: true }],
      ["/other", { in: false }],
    ]);
  });

  test("close()", async (scene) => {
    const { site, client, socket } = await scene.pair();
    const reasons = [once(socket, "disconnect"), once(client, "disconnect")];
    let called = 0;
    await site.io.close(() => {
      called += 1;
    });
    expect((await Promise.all(reasons)).map(([reason]) => reason)).toEqual([
      "server shutting down",
      "transport close",
    ]);
    expect([called, site.http.listening]).toEqual([1, false]);
  });

  test("close() of a server that does not run", async () => {
    const { Server } = await loadServer(name);
    const errors: unknown[] = [];
    const io = new Server(app());
    for (let count = 0; count < 2; count++) {
      expect(await io.close((error?: Error & { code?: string }) => errors.push(error?.code))).toBeUndefined();
    }
    expect(errors[0]).toBe("ERR_SERVER_NOT_RUNNING");
  });

  test("use()", async (scene) => {
    const site = await scene.serve();
    site.io.use((socket, next) => {
      expect(socket.connected).toBe(false);
      const refusal = Object.assign(new Error("not you"), { data: { why: "so" } });
      next(socket.handshake.auth["ok"] ? undefined : refusal);
    });
    const client = await scene.dial(site.url);
    expect((await once(client, "connect_error"))[0]).toMatchObject({
      message: "not you",
      data: { why: "so" },
    });
    await scene.join(site, "/", { auth: { ok: true } });
  });

  test("send(), write()", async (scene) => {
    const { site, client } = await scene.pair();
    const [list] = await heard(site.io, [client], () => {
      expect(site.io.send("a", 1)).toBe(site.io);
      site.io.write("b");
    });
    expect(list).toEqual([
      ["message", "a", 1],
      ["message", "b"],
    ]);
  });

  test("serverSideEmit(), serverSideEmitWithAck()", async (scene) => {
    const { io } = await scene.serve();
    const packets: unknown[][] = [];
    io.of("/").adapter.serverSideEmit = (packet: unknown[]) => {
      packets.push(packet.filter((part) => typeof part !== "function"));
      const ack = packet.at(-1);
      if (typeof ack === "function") ack(packet.includes("fail") ? new Error("late") : null, ["one", "two"]);
    };
    expect(io.serverSideEmit("event", 1)).toBe(true);
    expect(await io.serverSideEmitWithAck("ask", 2)).toEqual(["one", "two"]);
    await expect(io.serverSideEmitWithAck("fail")).rejects.toMatchObject({ responses: ["one", "two"] });
    expect(packets).toEqual([["event", 1], ["ask", 2], ["fail"]]);
  });

  test("serverSideEmit() of a reserved name throws", async (scene) => {
    const { io } = await scene.serve();
    for (const reserved of ["connect", "connection", "new_namespace"]) {
      expect(() => io.serverSideEmit(reserved)).toThrow("reserved event name");
    }
  });

  test("the events connection and connect", async (scene) => {
    const site = await scene.serve();
    const seen: unknown[] = [];
    site.io.on("connection", (socket) => seen.push(socket));
    (site.io as unknown as { on(name: string, listener: (socket: Socket) => void): void }).on(
      "connect",
      (socket) => seen.push(socket),
    );
    const { socket } = await scene.join(site);
    expect(seen).toEqual([socket, socket]);
  });

  test("the event new_namespace", async (scene) => {
    const { io } = await scene.serve();
    const seen: Namespace[] = [];
    io.on("new_namespace", (namespace) => seen.push(namespace));
    io.of("/a");
    io.of("/a");
    expect(seen).toEqual([io.of("/a")]);
  });

  test("EventEmitter's methods are the main namespace's", async (scene) => {
    const { io } = await scene.serve();
    const listener = (): void => {};
    const names = (): unknown => io.of("/").listeners("connection").length;
    for (const add of ["on", "addListener", "once", "prependListener", "prependOnceListener"] as const) {
      (io as unknown as EventEmitter)[add]("connection", listener);
      expect([add, names(), io.listenerCount("connection")]).toEqual([add, 1, 1]);
      expect(io.listeners("connection")).toEqual([listener]);
      expect(io.rawListeners("connection")).toHaveLength(1);
      expect(io.eventNames()).toEqual(["connection"]);
      if (add === "on") io.off("connection", listener);
      else if (add === "once") io.removeListener("connection", listener);
      else io.removeAllListeners("connection");
      expect([add, names()]).toEqual([add, 0]);
    }
    io.setMaxListeners(3);
    expect(io.getMaxListeners()).toBeTypeOf("number");
  });
});

onServers("Namespace", (test) => {
  test("name, sockets, adapter, server", async (scene) => {
    const site = await scene.serve();
    const namespace = site.io.of("/a");
    const { socket } = await scene.join(site, "/a");
    expect(namespace.name).toBe("/a");
    expect(namespace.sockets).toEqual(new Map([[socket.id, socket]]));
    expect(namespace.adapter.rooms.has(socket.id)).toBe(true);
    expect((namespace as unknown as { server: unknown }).server).toBe(site.io);
  });

  test("use()", async (scene) => {
    const site = await scene.serve();
    site.io.of("/a").use((_socket, next) => next(new Error("closed")));
    const client = await scene.dial(`${site.url}/a`);
    expect((await once(client, "connect_error"))[0]).toMatchObject({ message: "closed" });
    await scene.join(site, "/");
  });

  test("send(), write()", async (scene) => {
    const site = await scene.serve();
    const namespace = site.io.of("/a");
    const { client } = await scene.join(site, "/a");
    const [list] = await heard(namespace, [client], () => {
      namespace.send("a");
      namespace.write("b");
    });
    expect(list).toEqual([
      ["message", "a"],
      ["message", "b"],
    ]);
  });

  test("serverSideEmit(), serverSideEmitWithAck()", async (scene) => {
    const { io } = await scene.serve();
    const namespace = io.of("/a");
    const packets: unknown[] = [];
    namespace.adapter.serverSideEmit = (packet: unknown[]) => {
      packets.push(packet[0]);
      const ack = packet.at(-1);
      if (typeof ack === "function") ack(null, [1]);
    };
    expect(namespace.serverSideEmit("event")).toBe(true);
    expect(await namespace.serverSideEmitWithAck("ask")).toEqual([1]);
    expect(packets).toEqual(["event", "ask"]);
  });

  test("the events connection and connect", async (scene) => {
    const site = await scene.serve();
    const seen: unknown[] = [];
    site.io.of("/a").on("connection", (socket) => seen.push(socket));
    site.io.of("/a").on("connect", (socket) => seen.push(socket));
    const { socket } = await scene.join(site, "/a");
    expect(seen).toEqual([socket, socket]);
  });

  test("a namespace that does not exist", async (scene) => {
    const { url } = await scene.serve();
    const client = await scene.dial(`${url}/none`);
    expect((await once(client, "connect_error"))[0]).toMatchObject({ message: "Invalid namespace" });
  });

  test("ParentNamespace: children inherit, emit() reaches them, fetchSockets() throws", async (scene) => {
    const site = await scene.serve();
    const log: string[] = [];
    const parent = site.io.of(/^\/room-\d$/);
    parent.use((_socket, next) => {
      log.push("middleware");
      next();
    });
    parent.on("connection", ({ nsp }) => log.push(nsp.name));
    const created = new Promise<Namespace>((resolve) => site.io.once("new_namespace", resolve));
    const [one, two] = [await scene.join(site, "/room-1"), await scene.join(site, "/room-2")];
    expect((await created).name).toBe("/room-1");
    expect(log).toEqual(["middleware", "/room-1", "middleware", "/room-2"]);
    expect(parent.name).toMatch(/^\/_\d+$/);
    const [ofOne, ofTwo] = await heard(parent, [one.client, two.client], () => parent.emit("word"));
    expect([ofOne, ofTwo]).toEqual([[["word"]], [["word"]]]);
    expect(() => parent.fetchSockets()).toThrow();
  });
});

async function callableOfStock(): Promise<typeof callable> {
  const { createRequire } = await import("node:module");
  return createRequire(import.meta.url)("socket.io") as typeof callable;
}

/** A GET over HTTP/2 without TLS. */
async function askHttp2(port: number, path: string): Promise<{ status: number; text: string }> {
  const { connect } = await import("node:http2");
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ":path": path });
    let text = "";
    let status = 0;
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    await once(stream as never, "end");
    return { status, text };
  } finally {
    session.destroy();
  }
}
