import { createServer } from "node:http";
import { expect } from "vitest";
import type { WebSocket } from "ws";
import { loadServer } from "../support/servers.js";
import { once, until } from "../support/wait.js";
import { ask, pollingUrl, websocket } from "./http.js";
import { app, engineId, onServers } from "./scene.js";

// Sections 1.10 and 1.11: io.engine and socket.conn.

onServers("io.engine", (test, name) => {
  test("attach()", async (scene) => {
    const site = await scene.serve();
    const other = app();
    site.io.engine.attach(other as never, { path: "/beside" });
    const port = await scene.listen(other);
    expect((await ask(`http://127.0.0.1:${port}/beside/?EIO=4&transport=polling`)).status).toBe(200);
    expect((await ask(`http://127.0.0.1:${port}/`)).text).toBe("the app");
    expect(site.io.engine.clientsCount).toBe(1);
  });

  test("handleRequest(), handleUpgrade()", async (scene) => {
    const { Server } = await loadServer(name);
    const hidden = createServer();
    const io = new Server(hidden);
    // A server of the app's, which leads requests to the engine by itself.
    const front = createServer((req, res) => io.engine.handleRequest(req as never, res));
    front.on("upgrade", (req, socket, head) => io.engine.handleUpgrade(req as never, socket as never, head));
    const { url } = await scene.stand(io, front);
    expect((await ask(pollingUrl({ url }))).status).toBe(200);
    const ws = (await websocket(url)) as WebSocket;
    ws.terminate();
  });

  test("close()", async (scene) => {
    const { site, client } = await scene.pair();
    const end = once(client, "disconnect");
    site.io.engine.close();
    await end;
    expect(site.io.engine.clientsCount).toBe(0);
  });

  test("generateId()", async (scene) => {
    const site = await scene.serve();
    const ids = ["first", Promise.resolve("second")];
    site.io.engine.generateId = () => ids.shift() as never;
    for (const id of ["first", "second"]) {
      expect((await ask(pollingUrl(site))).text).toContain(`"sid":"${id}"`);
    }
  });

  test("upgrades()", async (scene) => {
    const { io } = await scene.serve();
    const engine = io.engine as unknown as { upgrades(transport: string): string[] };
    // Socket.IO's names WebTransport too, whether it is on or off.
    expect([...engine.upgrades("polling")]).toContain("websocket");
    expect([...engine.upgrades("websocket")]).toEqual([]);
  });

  test("opts", async (scene) => {
    const { io } = await scene.serve({ pingInterval: 1234 });
    expect(io.engine.opts).toMatchObject({
      pingInterval: 1234,
      pingTimeout: 20_000,
      upgradeTimeout: 10_000,
      maxHttpBufferSize: 1e6,
      allowUpgrades: true,
      allowEIO3: false,
    });
    expect(io.engine.opts.transports).toEqual(expect.arrayContaining(["polling", "websocket"]));
  });

  test("clientsCount", async (scene) => {
    const site = await scene.serve();
    expect(site.io.engine.clientsCount).toBe(0);
    const { client } = await scene.join(site);
    expect(site.io.engine.clientsCount).toBe(1);
    client.disconnect();
    await until(() => site.io.engine.clientsCount === 0, "the end of the session");
  });

  test("the event connection", async (scene) => {
    const site = await scene.serve();
    const connection = once(site.io.engine, "connection");
    const { socket } = await scene.join(site);
    expect((await connection)[0]).toBe(socket.conn);
  });

  test("the events initial_headers and headers", async (scene) => {
    const site = await scene.serve();
    const seen: string[] = [];
    site.io.engine.on("initial_headers", (headers: Record<string, string>, req: { url?: string }) => {
      headers["x-initial"] = "yes";
      seen.push(req.url ?? "");
    });
    site.io.engine.on("headers", (headers: Record<string, string>) => {
      headers["x-each"] = "yes";
    });
    const first = await ask(pollingUrl(site));
    expect(first.headers).toMatchObject({ "x-initial": "yes", "x-each": "yes" });
    const { sid } = JSON.parse(first.text.slice(1)) as { sid: string };
    const post = ask(pollingUrl(site, sid), { method: "POST", body: "40" });
    expect((await post).headers).toMatchObject({ "x-each": "yes" });
    expect((await post).headers["x-initial"]).toBe(undefined);
    expect(seen).toHaveLength(1);
    const ws = await websocket(site.url);
    (ws as WebSocket).terminate();
    expect(seen).toHaveLength(2);
  });

  test("the event connection_error", async (scene) => {
    const site = await scene.serve();
    const refused = once(site.io.engine, "connection_error");
    await ask(`${pollingUrl(site)}&sid=nobody`);
    expect((await refused)[0]).toMatchObject({
      code: 1,
      message: "Session ID unknown",
      context: { sid: "nobody" },
      req: { method: "GET" },
    });
  });

  test("the events flush and drain", async (scene) => {
    const site = await scene.serve();
    const log: unknown[] = [];
    site.io.engine.on("flush", (conn: { id: string }, batch: unknown[]) =>
      log.push(["flush", conn.id, batch.length]),
    );
    site.io.engine.on("drain", (conn: { id: string }) => log.push(["drain", conn.id]));
    const { socket } = await scene.join(site);
    log.length = 0;
    const drained = once(site.io.engine, "drain");
    socket.emit("event");
    await drained;
    expect(log).toEqual([
      ["flush", engineId(socket.conn), 1],
      ["drain", engineId(socket.conn)],
    ]);
  });
});

onServers("socket.conn", (test) => {
  test("id, protocol, request, remoteAddress, readyState", async (scene) => {
    const { socket } = await scene.pair();
    const { conn } = socket;
    expect(engineId(conn)).toMatch(/^[\w-]{20,22}$/);
    expect(conn.protocol).toBe(4);
    expect(conn.request).toBe(socket.request);
    expect(conn.remoteAddress).toContain("127.0.0.1");
    expect(conn.readyState).toBe("open");
  });

  test("transport, upgraded, upgrading", async (scene) => {
    const site = await scene.serve();
    const { socket } = await scene.join(site, "/", { transports: ["polling", "websocket"] });
    const conn = socket.conn as typeof socket.conn & { upgraded: boolean; upgrading: boolean };
    if (!conn.upgraded) await once(conn, "upgrade");
    expect([conn.transport.name, conn.upgraded, conn.upgrading]).toEqual(["websocket", true, false]);
    expect(conn.transport.writable).toBe(true);
  });

  test("send(), write()", async (scene) => {
    const { socket, client } = await scene.pair();
    const got: unknown[] = [];
    const second = new Promise<void>((resolve) => {
      client.io.engine.on("data", (data) => {
        got.push(data);
        if (got.length === 2) resolve();
      });
    });
    socket.conn.send('2["a"]');
    socket.conn.write('2["b"]', { compress: false });
    await second;
    expect(got).toEqual(['2["a"]', '2["b"]']);
  });

  test("send() with a callback", async (scene) => {
    const { socket } = await scene.pair();
    for (const options of [undefined, { compress: false }]) {
      const transport = await new Promise((resolve) => socket.conn.send('2["a"]', options, resolve));
      expect(transport).toBe(socket.conn.transport);
    }
  });

  test("close()", async (scene) => {
    const { socket, client } = await scene.pair();
    const ends = [once(socket, "disconnect"), once(client, "disconnect")];
    socket.conn.close();
    expect((await Promise.all(ends)).map(([reason]) => reason)).toEqual(["forced close", "transport close"]);
  });

  test("close(true)", async (scene) => {
    const { socket, client } = await scene.pair();
    const ends = [once(socket, "disconnect"), once(client, "disconnect")];
    socket.conn.close(true);
    expect((await Promise.all(ends)).map(([reason]) => reason)).toEqual(["forced close", "transport close"]);
  });

  test("the events packet, data and message", async (scene) => {
    const { socket, client } = await scene.pair();
    const log: unknown[] = [];
    const conn = socket.conn as NodeJS.EventEmitter;
    conn.on("packet", ({ type, data }: { type: string; data: string }) => log.push(["packet", type, data]));
    conn.on("data", (data) => log.push(["data", data]));
    conn.on("message", (data) => log.push(["message", data]));
    const event = once(socket, "event");
    client.emit("event");
    await event;
    expect(log.sort()).toEqual([
      ["data", '2["event"]'],
      ["message", '2["event"]'],
      ["packet", "message", '2["event"]'],
    ]);
  });

  test("the events packetCreate, flush and drain", async (scene) => {
    const { socket, client } = await scene.pair();
    const log: unknown[] = [];
    const conn = socket.conn as NodeJS.EventEmitter;
    conn.on("packetCreate", ({ type }: { type: string }) => log.push(["packetCreate", type]));
    conn.on("flush", (batch: unknown[]) => log.push(["flush", batch.length]));
    conn.on("drain", () => log.push(["drain"]));
    const event = once(client, "event");
    const drained = once(conn, "drain");
    socket.emit("event");
    await Promise.all([event, drained]);
    expect(log).toEqual([["packetCreate", "message"], ["flush", 1], ["drain"]]);
  });

  test("the event heartbeat", async (scene) => {
    const { socket } = await scene.pair({ pingInterval: 20 });
    await once(socket.conn, "heartbeat");
  });

  test("heartbeat tells of nothing but heartbeats", async (scene) => {
    const { client, socket } = await scene.pair();
    let beats = 0;
    socket.conn.on("heartbeat", () => {
      beats += 1;
    });
    const heard = once(socket, "event");
    client.emit("event");
    await heard;
    expect(beats).toBe(0);
  });

  test("the events upgrading and upgrade", async (scene) => {
    const site = await scene.serve();
    const log: unknown[] = [];
    const upgraded = new Promise<void>((resolve) => {
      site.io.engine.on("connection", (conn: NodeJS.EventEmitter) => {
        conn.on("upgrading", ({ name }: { name: string }) => log.push(["upgrading", name]));
        conn.on("upgrade", ({ name }: { name: string }) => {
          log.push(["upgrade", name]);
          resolve();
        });
      });
    });
    await scene.join(site, "/", { transports: ["polling", "websocket"] });
    await upgraded;
    expect(log).toEqual([
      ["upgrading", "websocket"],
      ["upgrade", "websocket"],
    ]);
  });

  test("the event close", async (scene) => {
    const { socket, client } = await scene.pair();
    const end = once(socket.conn, "close");
    client.io.engine.close();
    expect((await end)[0]).toBe("transport close");
  });
});
