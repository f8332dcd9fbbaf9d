import { get, type IncomingMessage } from "node:http";
import type { Conn, ServerOptions } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { openWire, http as request } from "../../../test/support/rawsocket.js";
import { collect, once } from "../../../test/support/wait.js";
import { atEnd, dial, join, roundTrip, serve } from "./site.js";

const HANDSHAKE = { target: "/socket.io/?EIO=4&transport=polling" };

describe("io.engine", () => {
  it("counts connections and tells of each", async () => {
    const site = await serve();
    const told = collect(site.io.engine as never, "connection", 2);
    const { client, socket } = await join(site);
    expect(site.io.engine.clientsCount).toBe(1);
    await join(site);
    const [[conn]] = (await told) as [[Conn], [Conn]];
    expect(conn).toBe(socket.conn);
    expect(conn.id).toBe(client.io.engine.id);
    expect(conn.id).not.toBe(client.id);
    expect([conn.protocol, conn.readyState, conn.transport?.name, conn.upgraded]).toEqual([
      4,
      "open",
      "websocket",
      false,
    ]);
    expect(conn.remoteAddress).toBe("127.0.0.1");
    expect(conn.request.url).toMatch(/^\/socket\.io\/\?EIO=4/);
    const closed = once(conn as never, "close");
    client.disconnect();
    expect((await closed)[0]).toMatch(/^transport close|forced/);
    expect(conn.readyState).toBe("closed");
  });

  it("shows raw packets on socket.conn", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    const seen: unknown[] = [];
    socket.conn.on("packet", ({ type, data }) => seen.push(["in", type, data]));
    socket.conn.on("packetCreate", ({ type, data }) => seen.push(["out", type, data]));
    await roundTrip(client, socket);
    await new Promise(setImmediate);
    expect(seen).toEqual([
      ["in", "message", '20["round-trip"]'],
      ["out", "message", "30[]"],
    ]);
  });

  it("lets apps change headers: of handshakes, and of all answers", async () => {
    const site = await serve();
    site.io.engine.on("initial_headers", (headers) => {
      headers["x-first"] = "1";
    });
    site.io.engine.on("headers", (headers) => {
      headers["x-all"] = "1";
    });
    const first = await request(site.port, HANDSHAKE);
    expect([first.headers["x-first"], first.headers["x-all"]]).toEqual(["1", "1"]);
    const { sid } = JSON.parse(first.body.slice(1)) as { sid: string };
    const second = await request(site.port, {
      method: "POST",
      target: `${HANDSHAKE.target}&sid=${sid}`,
      body: "40",
    });
    expect([second.headers["x-first"], second.headers["x-all"]]).toEqual([undefined, "1"]);
  });

  it.each(["polling", "stream", "websocket"])(
    "sends all headers that HTTP allows, over %s",
    async (transport) => {
      const site = await serve({ transports: ["polling", "websocket", "stream"] });
      site.io.engine.on("initial_headers", (headers) => {
        Object.assign(headers, {
          "x-line": "a\r\nset-cookie: planted=1",
          "x name": "1",
          "x-none": undefined,
          "x-beyond": "\u20ac",
          "x-number": 5,
          "set-cookie": ["a=1", "bad=\n", "b=2"],
        });
      });
      const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
      const { headers } = await new Promise<IncomingMessage>((resolve, reject) => {
        const req = get({
          port: site.port,
          path: `/socket.io/?EIO=4&transport=${transport}`,
          headers: transport === "websocket" ? { ...upgrade, "sec-websocket-key": btoa("a".repeat(16)) } : {},
        });
        req.once("error", reject).once("response", resolve);
        req.once("upgrade", (res, socket) => resolve(res) ?? socket.destroy());
        atEnd(() => req.destroy());
      });
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
      const names = ["x-line", "x name", "x-none", "x-beyond", "x-number"];
      expect(names.filter((name) => name in headers)).toEqual(["x-number"]);
    },
  );

  it("tells of requests that it refuses", async () => {
    const site = await serve();
    const told = once(site.io.engine as never, "connection_error");
    expect((await request(site.port, { target: "/socket.io/?EIO=4&transport=none" })).status).toBe(400);
    expect((await told)[0]).toMatchObject({
      code: 0,
      message: "Transport unknown",
      context: { transport: "none" },
    });
  });

  it("a listener that throws is reported, and the client gets its answer", async () => {
    const site = await serve();
    const failed = once(site.io as never, "error");
    site.io.engine.on("initial_headers", () => {
      throw new Error("boom");
    });
    expect((await request(site.port, HANDSHAKE)).status).toBe(200);
    expect((await failed)[0]).toMatchObject({ message: "boom" });
  });

  it("runs Express middlewares for requests and upgrades, which may refuse", async () => {
    const site = await serve();
    const seen: string[] = [];
    expect(
      site.io.engine.use((req, res, next) => {
        seen.push(req.headers.upgrade ?? "request");
        res.setHeader("x-by", "middleware");
        next();
      }),
    ).toBe(site.io.engine);
    const { headers } = await request(site.port, HANDSHAKE);
    expect(headers["x-by"]).toBe("middleware");
    await join(site);
    expect(seen).toEqual(["request", "websocket"]);
    site.io.engine.use((_req, _res, next) => next(new Error("no")));
    const refused = await request(site.port, HANDSHAKE);
    expect([refused.status, refused.body]).toEqual([400, '{"code":3,"message":"Bad request"}']);
  });

  it("lets an app forget the request of a connection, and emit by itself", async () => {
    const site = await serve();
    site.io.engine.on("connection", (conn) => {
      conn.request = null;
    });
    const { socket } = await join(site);
    expect(socket.conn.request).toBeNull();
    expect(socket.request.url).toMatch(/^\/socket\.io\/\?EIO=4/);
    const seen: unknown[] = [];
    site.io.engine.on("connection_error", (refused) => seen.push(refused));
    expect([site.io.engine.emit("connection_error", 1), site.io.engine.emit("nobody listens")]).toEqual([
      true,
      false,
    ]);
    expect(seen).toEqual([1]);
  });

  it.each([
    ["at once", () => "own-id"],
    ["later", async () => "own-id"],
  ])("takes ids of the app's, given %s", async (_, generateId) => {
    const site = await serve();
    site.io.engine.generateId = generateId;
    const { socket, client } = await join(site);
    expect([socket.conn.id, client.io.engine.id]).toEqual(["own-id", "own-id"]);
    // The id is taken: a second client cannot have it.
    const second = await request(site.port, HANDSHAKE);
    expect([second.status, second.body]).toEqual([400, '{"code":3,"message":"Bad request"}']);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no"))],
    ["gives nothing", () => undefined as never],
    ["gives empty text", () => ""],
  ])("refuses a client for whom generateId %s", async (_, generateId) => {
    const site = await serve();
    site.io.engine.generateId = generateId;
    const told = once(site.io.engine as never, "connection_error");
    expect((await request(site.port, HANDSHAKE)).status).toBe(400);
    expect((await told)[0]).toMatchObject({ code: 3, context: { name: "ID_GENERATION_ERROR" } });
    expect(site.io.engine.clientsCount).toBe(0);
  });

  it("sends the initial packet right after the handshake", async () => {
    const site = await serve({ initialPacket: "hello" });
    const wire = await openWire(site.port);
    atEnd(() => wire.end());
    expect(String(await wire.next())).toMatch(/^0\{/);
    expect(await wire.next()).toBe("4hello");
  });

  it.each<[string, ServerOptions, string[]]>([
    ["polling, then WebSocket", {}, ["websocket"]],
    ["no upgrades", { allowUpgrades: false }, []],
    ["no WebSocket", { transports: ["polling"] }, []],
  ])("offers upgrades: %s", async (_, options, upgrades) => {
    const site = await serve(options);
    const { body } = await request(site.port, HANDSHAKE);
    expect(JSON.parse(body.slice(1))).toMatchObject({
      upgrades,
      pingInterval: 25_000,
      pingTimeout: 20_000,
      maxPayload: 1e6,
    });
  });

  it("tells of an upgrade", async () => {
    const site = await serve();
    const told: string[] = [];
    site.io.engine.on("connection", (conn) => {
      conn.on("upgrading", (transport) => told.push(`upgrading ${transport.name}`));
      conn.on("upgrade", (transport) => told.push(`upgrade ${transport.name}`));
    });
    const { client, socket } = await join(site, "/", { transports: ["polling", "websocket"] });
    if (!socket.conn.upgraded) await once(socket.conn as never, "upgrade");
    expect(told).toEqual(["upgrading websocket", "upgrade websocket"]);
    await roundTrip(client, socket);
  });

  it("close() turns newcomers away", async () => {
    const site = await serve();
    const { client } = await join(site);
    const gone = once(client, "disconnect");
    expect(site.io.engine.close()).toBe(site.io.engine);
    await gone;
    expect((await request(site.port, HANDSHAKE)).status).toBe(503);
    const late = dial(site);
    await once(late, "connect_error");
  });
});
