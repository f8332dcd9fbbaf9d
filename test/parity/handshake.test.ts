import type { IncomingMessage } from "node:http";
import express from "express";
import session from "express-session";
import helmet from "helmet";
import passport from "passport";
import { Strategy } from "passport-custom";
import { expect } from "vitest";
import type { WebSocket } from "ws";
import { once } from "../support/wait.js";
import { ask, pollingUrl, websocket } from "./http.js";
import { engineId, onServers, type Site } from "./scene.js";

// Sections 1.10, 1.18 and 1.27: HTTP middlewares of others, and the errors of handshakes.

interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly context: Record<string, unknown>;
}

/** What a request gets, and what the engine tells of it. */
async function refused(site: Site, target: string, options: object = {}): Promise<unknown[]> {
  const told = once(site.io.engine, "connection_error");
  const { status, text, headers } = await ask(`${site.url}/socket.io/?${target}`, options);
  const [{ code, message, context }] = (await told) as [Refusal];
  expect(headers["content-type"]).toBe("application/json");
  expect(JSON.parse(text)).toEqual({ code, message });
  return [status, code, message, context];
}

onServers("io.engine.use", (test) => {
  test("helmet", async (scene) => {
    const site = await scene.serve();
    site.io.engine.use(helmet());
    const { headers } = await ask(pollingUrl(site));
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "x-dns-prefetch-control": "off" });
    await scene.join(site);
  });

  test("express-session", async (scene) => {
    const shared = session({ secret: "s", resave: false, saveUninitialized: true });
    const web = express().use(shared);
    web.get("/", (req, res) => {
      (req.session as unknown as { user: string }).user = "anna";
      res.send("hello");
    });
    const { createServer } = await import("node:http");
    const site = await scene.serve({}, createServer(web));
    site.io.engine.use(shared);
    const { headers } = await ask(site.url);
    const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
    for (const transports of [["polling"], ["websocket"]]) {
      const { socket } = await scene.join(site, "/", { extraHeaders: { cookie }, transports });
      expect((socket.request as IncomingMessage & { session: { user: string } }).session.user).toBe("anna");
    }
  });

  test("passport", async (scene) => {
    const strategy = new Strategy((req, done) => {
      const token = req.headers.authorization;
      done(null, token === "Bearer good" ? { name: "anna" } : false);
    });
    const authenticator = new passport.Passport();
    authenticator.use("token", strategy);
    const site = await scene.serve();
    const guard = authenticator.authenticate("token", { session: false });
    // Once per session, as its documentation says.
    site.io.engine.use((req: never, res: never, next: () => void) => {
      if ((req as { _query: Record<string, string> })._query["sid"] === undefined) guard(req, res, next);
      else next();
    });
    const headers = { authorization: "Bearer good" };
    for (const transports of [["polling"], ["websocket"]]) {
      const { socket } = await scene.join(site, "/", { extraHeaders: headers, transports });
      expect((socket.request as unknown as { user: unknown }).user).toEqual({ name: "anna" });
    }
    expect((await ask(pollingUrl(site))).status).toBe(401);
    // Socket.IO's ends without an answer.
    expect(await websocket(site.url).catch(() => 0)).toBeTypeOf("number");
  });

  test("a middleware that fails", async (scene) => {
    const site = await scene.serve();
    site.io.engine.use((_req: unknown, _res: unknown, next: (error?: Error) => void) =>
      next(new Error("no")),
    );
    const [status, code, message, context] = await refused(site, "EIO=4&transport=polling");
    expect([status, code, message]).toEqual([400, 3, "Bad request"]);
    expect(context).toMatchObject({ name: "MIDDLEWARE_FAILURE" });
  });

  test("runs for every request and upgrade", async (scene) => {
    const site = await scene.serve();
    const methods: string[] = [];
    site.io.engine.use((req: IncomingMessage, _res: unknown, next: () => void) => {
      methods.push(req.headers.upgrade ?? req.method ?? "");
      next();
    });
    const { text } = await ask(pollingUrl(site));
    const { sid } = JSON.parse(text.slice(1)) as { sid: string };
    await ask(pollingUrl(site, sid), { method: "POST", body: "40" });
    ((await websocket(site.url)) as WebSocket).terminate();
    expect(methods).toEqual(["GET", "POST", "websocket"]);
  });
});

onServers("handshake errors", (test) => {
  test("0 Transport unknown", async (scene) => {
    const site = await scene.serve();
    const unknown = [400, 0, "Transport unknown"];
    expect(await refused(site, "EIO=4&transport=x")).toEqual([...unknown, { transport: "x" }]);
    expect((await refused(site, "EIO=4&transport=webtransport")).slice(0, 3)).toEqual(unknown);
  });

  test("1 Session ID unknown", async (scene) => {
    const site = await scene.serve();
    expect(await refused(site, "EIO=4&transport=polling&sid=x")).toEqual([
      400,
      1,
      "Session ID unknown",
      { sid: "x" },
    ]);
  });

  test("2 Bad handshake method", async (scene) => {
    const site = await scene.serve();
    expect(await refused(site, "EIO=4&transport=polling", { method: "POST", body: "x" })).toEqual([
      400,
      2,
      "Bad handshake method",
      { method: "POST" },
    ]);
  });

  test("3 Bad request: TRANSPORT_MISMATCH", async (scene) => {
    const { site, socket } = await scene.pair();
    expect(await refused(site, `EIO=4&transport=polling&sid=${engineId(socket.conn)}`)).toEqual([
      400,
      3,
      "Bad request",
      { name: "TRANSPORT_MISMATCH", transport: "polling", previousTransport: "websocket" },
    ]);
  });

  test("3 Bad request: TRANSPORT_HANDSHAKE_ERROR", async (scene) => {
    const site = await scene.serve();
    expect(await refused(site, "EIO=4&transport=websocket")).toEqual([
      400,
      3,
      "Bad request",
      { name: "TRANSPORT_HANDSHAKE_ERROR" },
    ]);
  });

  test("3 Bad request: ID_GENERATION_ERROR", async (scene) => {
    const site = await scene.serve();
    site.io.engine.generateId = () => {
      throw new Error("no id");
    };
    const [status, code, message, context] = await refused(site, "EIO=4&transport=polling");
    expect([status, code, message]).toEqual([400, 3, "Bad request"]);
    expect(context).toMatchObject({ name: "ID_GENERATION_ERROR" });
  });

  test("3 Bad request: PROTOCOL_MISMATCH", async (scene) => {
    const site = await scene.serve({ allowEIO3: true });
    const { text } = await ask(pollingUrl(site));
    const { sid } = JSON.parse(text.slice(1)) as { sid: string };
    const [status, code, , context] = await refused(site, `EIO=3&transport=polling&sid=${sid}`);
    expect([status, code]).toEqual([400, 3]);
    expect(context).toMatchObject({ name: "PROTOCOL_MISMATCH" });
  });

  test("4 Forbidden", async (scene) => {
    const site = await scene.serve({ allowRequest: (_req, callback) => callback("no entry", false) });
    const told = once(site.io.engine, "connection_error");
    const { status, text } = await ask(pollingUrl(site));
    expect([status, JSON.parse(text)]).toEqual([403, { code: 4, message: "no entry" }]);
    expect((await told)[0]).toMatchObject({
      code: 4,
      message: "Forbidden",
      context: { message: "no entry" },
    });
  });

  test("5 Unsupported protocol version", async (scene) => {
    const site = await scene.serve();
    const [status, code, message, context] = await refused(site, "EIO=3&transport=polling");
    expect([status, code, message]).toEqual([400, 5, "Unsupported protocol version"]);
    expect(context).toMatchObject({ protocol: 3 });
  });

  test("a refused upgrade: 400, and the message alone", async (scene) => {
    const { port } = await scene.serve({ allowRequest: (_req, callback) => callback("no entry", false) });
    const { connect } = await import("node:net");
    const socket = connect(port, "127.0.0.1");
    const chunks: string[] = [];
    socket.on("data", (data) => chunks.push(String(data)));
    const ended = once(socket, "close");
    socket.write(
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await ended;
    const [head = "", body] = chunks.join("").split("\r\n\r\n");
    expect(head).toContain("HTTP/1.1 400 Bad Request");
    expect(head.toLowerCase()).toContain("content-type: text/html");
    expect(body).toBe("no entry");
  });
});
