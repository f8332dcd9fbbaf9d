import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { manualClock } from "@sockeye/conformance";
import { DEFAULT_LIMITS, UsageError } from "@sockeye/protocol";
import { createGate } from "@sockeye/transport/server";
import { describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { FakeAcceptor, gateServer, listen } from "./gate-server.js";
import { ask, askUpgrade, RawConnection, upgradeRequest } from "./raw-client.js";

const POLLING = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";

/** Opens a WebSocket and gives the headers of the 101 response and the first message. */
function openWebSocket(port: number, target = WEBSOCKET, options = {}) {
  const client = new WebSocket(`ws://127.0.0.1:${port}${target}`, options);
  return new Promise<{ client: WebSocket; headers: IncomingMessage["headers"]; first: string }>(
    (resolve, reject) => {
      let headers: IncomingMessage["headers"] = {};
      client.on("upgrade", (response) => {
        headers = response.headers;
      });
      client.on("error", reject);
      client.once("message", (data: Buffer) => resolve({ client, headers, first: data.toString() }));
    },
  );
}

describe("a handshake", () => {
  it("by polling opens a session whose first answer is OPEN", async () => {
    const { port, acceptor } = await gateServer();
    const answer = await ask(port, { target: `${POLLING}&x=1&x=2&__proto__=y` });
    expect(answer).toMatchObject({
      status: 200,
      body: '0{"sid":"sid-1"}',
      headers: { "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store" },
    });
    expect(answer.headers["set-cookie"]).toBeUndefined();
    const { handshake, transport } = acceptor.session("sid-1");
    expect(transport.name).toBe("polling");
    expect(handshake.protocol).toBe(4);
    expect(Object.entries(handshake.query)).toEqual([
      ["EIO", "4"],
      ["transport", "polling"],
      ["x", "2"],
      ["__proto__", "y"],
    ]);
    expect(handshake.query).toBe(handshake.query);
  });

  it("by WebSocket", async () => {
    const { port, acceptor } = await gateServer();
    const { client, first } = await openWebSocket(port);
    expect(first).toBe('0{"sid":"sid-1"}');
    expect(acceptor.session("sid-1").transport.name).toBe("websocket");
    client.terminate();
  });

  it("compresses WebSocket messages on request", async () => {
    const { port, acceptor } = await gateServer({ perMessageDeflate: true });
    const { client, headers } = await openWebSocket(port);
    expect(headers["sec-websocket-extensions"]).toContain("permessage-deflate");
    const message = new Promise((resolve) =>
      client.once("message", (data: Buffer) => resolve(data.toString())),
    );
    const text = `4${"x".repeat(5000)}`;
    acceptor.session("sid-1").send(text);
    expect(await message).toBe(text);
    client.terminate();
  });

  it("takes an id that comes later, or from a promise of another library", async () => {
    // biome-ignore lint/suspicious/noThenProperty: that it is no Promise is the point
    for (const id of [Promise.resolve("later"), { then: (done: (id: string) => void) => done("later") }]) {
      const { port, acceptor } = await gateServer();
      acceptor.newId = () => id as Promise<string>;
      expect((await ask(port, { target: POLLING })).body).toBe('0{"sid":"later"}');
    }
    const { port, acceptor } = await gateServer();
    acceptor.newId = () => Promise.resolve("later");
    const { client, first } = await openWebSocket(port);
    expect(first).toBe('0{"sid":"later"}');
    client.terminate();
  });

  it.each([
    ["taken", "sid-1"],
    ["empty", ""],
    ["no string", 7],
    ["nothing", undefined],
  ])("is refused if the id is %s", async (_name, id) => {
    const { port, acceptor } = await gateServer();
    await ask(port, { target: POLLING });
    acceptor.newId = () => id as string;
    expect((await ask(port, { target: POLLING })).body).toBe('{"code":3,"message":"Bad request"}');
    expect(await askUpgrade(port, WEBSOCKET)).toMatch(/^HTTP\/1\.1 400 .*Bad request$/s);
    expect(acceptor.sessions.size).toBe(1);
  });

  it("is forgotten if the client has gone before the app has decided", async () => {
    for (const request of [`GET ${POLLING} HTTP/1.1\r\nHost: x\r\n\r\n`, upgradeRequest(WEBSOCKET)]) {
      let decide: ((error: null, success: boolean) => void) | undefined;
      const asked = new EventEmitter();
      const { port, acceptor } = await gateServer({
        allowRequest: (req, callback) => {
          decide = callback;
          req.socket.once("close", () => asked.emit("gone"));
          asked.emit("asked");
        },
      });
      const connection = RawConnection.to(port).write(request);
      await new Promise((resolve) => asked.once("asked", resolve));
      const gone = new Promise((resolve) => asked.once("gone", resolve));
      connection.reset();
      await gone;
      decide?.(null, true);
      expect(acceptor.sessions.size).toBe(0);
    }
  });
});

describe("allowRequest", () => {
  type Allow = NonNullable<Parameters<typeof createGate>[0]["allowRequest"]>;
  const refused = (message = "Forbidden") => ({ status: 403, body: JSON.stringify({ code: 4, message }) });
  const allowed = { status: 200, body: '0{"sid":"sid-1"}' };
  const rows: [string, Allow, { status: number; body: string }][] = [
    ["callback: yes", (_req, callback) => callback(null, true), allowed],
    ["callback: no", (_req, callback) => callback(null, false), refused()],
    ["callback: a reason", (_req, callback) => callback("go away", false), refused("go away")],
    ["callback: a reason and yes", (_req, callback) => callback("go away", true), allowed],
    ["callback: an Error", (_req, callback) => callback(new Error("secret") as never, false), refused()],
    ["callback later", (_req, callback) => void setImmediate(callback, null, true), allowed],
    ["callback: yes, then no", (_req, callback) => [callback(null, true), callback("no", false)], allowed],
    [
      "callback: no, then yes",
      (_req, callback) => [callback("no", false), callback(null, true)],
      refused("no"),
    ],
    ["promise: yes", async () => true, allowed],
    ["promise: no", async () => false, refused()],
    ["promise and callback", async (_req, callback) => callback("no", false), refused("no")],
    [
      "callback, then throw",
      (_req, callback) => {
        callback(null, true);
        throw new Error("late");
      },
      allowed,
    ],
    [
      "throw",
      () => {
        throw new Error("secret");
      },
      refused(),
    ],
    ["reject", () => Promise.reject(new Error("secret")), refused()],
    ["reject with nothing", () => Promise.reject(undefined), refused()],
    [
      "an unrelated return value",
      (_req, callback) => {
        setImmediate(callback, "no", false);
        return true;
      },
      refused("no"),
    ],
    [
      "_query",
      (req, callback) =>
        callback(
          null,
          (req as unknown as { _query: Record<string, string> })._query["transport"] === "polling",
        ),
      allowed,
    ],
  ];
  it.each(rows)("%s", async (_name, allowRequest, expected) => {
    const { port, acceptor } = await gateServer({ allowRequest });
    expect(await ask(port, { target: POLLING })).toMatchObject(expected);
    expect(acceptor.refusals).toHaveLength(expected.status === 200 ? 0 : 1);
  });

  it("may answer twice while the id is still to come", async () => {
    const { port, acceptor } = await gateServer({
      allowRequest: (_req, callback) => [callback(null, true), callback(null, true), callback("no", false)],
    });
    let ids = 0;
    acceptor.newId = async () => `later-${++ids}`;
    expect((await ask(port, { target: POLLING })).body).toBe('0{"sid":"later-1"}');
    expect([ids, acceptor.sessions.size, acceptor.refusals.length]).toEqual([1, 1, 0]);
  });

  it("is not asked again about a session", async () => {
    const allowRequest = vi.fn((_req, callback) => callback(null, true));
    const { port } = await gateServer({ allowRequest });
    await ask(port, { target: POLLING });
    await ask(port, { method: "POST", target: `${POLLING}&sid=sid-1`, body: "4" });
    expect(allowRequest).toHaveBeenCalledTimes(1);
  });
});

describe("an upgrade", () => {
  it("is offered to the session", async () => {
    const { port, acceptor } = await gateServer();
    await ask(port, { target: POLLING });
    const client = new WebSocket(`ws://127.0.0.1:${port}${WEBSOCKET}&sid=sid-1`);
    await new Promise((resolve) => client.once("open", resolve));
    const session = acceptor.session("sid-1");
    await vi.waitFor(() => expect(session.candidate?.name).toBe("websocket"));
    client.send("2probe");
    await vi.waitFor(() => expect(session.frames).toEqual(["2probe"]));
    client.terminate();
  });

  it("is closed if the session wants none, as the npm package does", async () => {
    const { port, acceptor } = await gateServer();
    await ask(port, { target: POLLING });
    acceptor.session("sid-1").upgradable = false;
    const client = new WebSocket(`ws://127.0.0.1:${port}${WEBSOCKET}&sid=sid-1`);
    await new Promise((resolve) => client.once("close", resolve));
    expect(acceptor.session("sid-1").candidate).toBeUndefined();
    expect(acceptor.session("sid-1").endings).toEqual([]);
  });
});

describe("headers", () => {
  it("may be changed before each answer with status 200", async () => {
    const { port, acceptor } = await gateServer();
    const seen: boolean[] = [];
    acceptor.onHeaders = (headers, initial) => {
      seen.push(initial);
      headers["X-Kind"] = initial ? "first" : "later";
      headers["Set-Cookie"] = ["a=1", "b=2"];
      headers["Cache-Control"] = "private";
    };
    const open = await ask(port, { target: POLLING });
    expect(open.headers).toMatchObject({ "x-kind": "first", "set-cookie": ["a=1", "b=2"] });
    const post = await ask(port, { method: "POST", target: `${POLLING}&sid=sid-1`, body: "4" });
    expect(post.headers).toMatchObject({ "x-kind": "later" });
    const { client, headers } = await openWebSocket(port);
    expect(headers).toMatchObject({ "x-kind": "first", "set-cookie": ["a=1", "b=2"] });
    client.terminate();
    expect(seen).toEqual([true, false, true]);
  });

  it("cannot smuggle others in: what HTTP does not allow is left out", async () => {
    const { port, acceptor } = await gateServer();
    acceptor.onHeaders = (headers) => {
      headers["X-Bad"] = "a\r\nX-Smuggled: 1";
      headers["X Bad"] = "1";
      headers["X-Good"] = "1";
    };
    const open = await ask(port, { target: POLLING });
    expect(open.body).toBe('0{"sid":"sid-1"}');
    const { client, headers } = await openWebSocket(port);
    client.terminate();
    for (const sent of [open.headers, headers]) {
      expect(sent["x-good"]).toBe("1");
      expect(sent).not.toHaveProperty("x-bad");
      expect(sent).not.toHaveProperty("x-smuggled");
    }
  });
});

describe("the cookie", () => {
  it.each([
    [true, "io=sid-1; Path=/; HttpOnly; SameSite=Lax"],
    [
      { name: "route", secure: true, sameSite: "none", maxAge: 60 },
      /^route=sid-1; (?=.*Max-Age=60)(?=.*Path=\/)(?=.*Secure)(?=.*HttpOnly).*SameSite=None$/,
    ],
  ] as const)("%j", async (cookie, expected) => {
    const { port } = await gateServer({ cookie });
    const { headers } = await ask(port, { target: POLLING });
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(expected)]);
    const post = await ask(port, { method: "POST", target: `${POLLING}&sid=sid-1`, body: "4" });
    expect(post.headers["set-cookie"]).toBeUndefined();
  });

  it("is set by polling handshakes only", async () => {
    const { port } = await gateServer({ cookie: true });
    const { client, headers } = await openWebSocket(port);
    client.terminate();
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it.each([{ name: "a b" }, { name: "a=b" }, { path: "/\r\nX: 1" }, { domain: "a;b" }, { maxAge: 1.5 }])(
    "%j does not start",
    (cookie) => {
      const start = () => createGate({ cookie } as never, new FakeAcceptor());
      expect(start).toThrow(UsageError);
      expect(start).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
    },
  );
});

describe("CORS", () => {
  const origin = { Origin: "https://a.example" };
  it("is off by default", async () => {
    const { port } = await gateServer();
    const { headers } = await ask(port, { target: POLLING, headers: origin });
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("answers preflights and requests, refusals too", async () => {
    const { port, acceptor } = await gateServer({ cors: { origin: "https://a.example", credentials: true } });
    const allowed = {
      "access-control-allow-origin": "https://a.example",
      "access-control-allow-credentials": "true",
      vary: expect.stringMatching(/^Origin/),
    };
    const preflight = await ask(port, {
      method: "OPTIONS",
      target: `${POLLING}&sid=x`,
      headers: { ...origin, "Access-Control-Request-Method": "POST" },
    });
    expect(preflight).toMatchObject({ status: 204, headers: allowed, body: "" });
    expect(acceptor.refusals).toEqual([]);
    expect(await ask(port, { target: POLLING, headers: origin })).toMatchObject({
      status: 200,
      headers: allowed,
    });
    expect(await ask(port, { target: `${POLLING}&sid=x` })).toMatchObject({ status: 400, headers: allowed });
    const { client, headers } = await openWebSocket(port);
    expect(headers).toMatchObject(allowed);
    client.terminate();
  });

  it("decides by request", async () => {
    const { port } = await gateServer({
      cors: (req, callback) => callback(null, { origin: req.headers.origin === "https://a.example" }),
    });
    const { headers } = await ask(port, { target: POLLING, headers: origin });
    expect(headers["access-control-allow-origin"]).toBe("https://a.example");
    const other = await ask(port, { target: POLLING, headers: { Origin: "https://b.example" } });
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("does not let every site in silently", async () => {
    const warning = new Promise<{ code?: string }>((resolve) => process.once("warning", resolve));
    await gateServer({ cors: { origin: true, credentials: true } });
    expect((await warning).code).toBe("SOCKEYE_CORS_ANY_ORIGIN");
  });
});

describe("middlewares", () => {
  type Use = Parameters<Awaited<ReturnType<typeof gateServer>>["gate"]["use"]>[0];

  it("run in order for every request and upgrade", async () => {
    const { port, gate } = await gateServer();
    const calls: string[] = [];
    gate.use((req, _res, next) => {
      calls.push(
        `1 ${req.method} ${(req as unknown as { _query: Record<string, string> })._query["transport"]}`,
      );
      setImmediate(() => {
        next();
        next();
      });
    });
    gate.use((_req, res, next) => {
      calls.push("2");
      res.setHeader("X-Second", "yes");
      res.setHeader("X-Number", 7);
      next();
      next(new Error("twice"));
    });
    const { headers } = await ask(port, { target: POLLING });
    expect(headers["x-second"]).toBe("yes");
    await ask(port, { method: "POST", target: `${POLLING}&sid=sid-1`, body: "4" });
    const upgrade = await openWebSocket(port);
    upgrade.client.terminate();
    expect(upgrade.headers).toMatchObject({ "x-second": "yes", "x-number": "7" });
    expect(calls).toEqual(["1 GET polling", "2", "1 POST polling", "2", "1 GET websocket", "2"]);
  });

  const failing: [string, Use][] = [
    ["by next", (_req, _res, next) => next(new Error("no"))],
    [
      "by a throw",
      () => {
        throw new Error("no");
      },
    ],
    [
      "by a throw of nothing",
      () => {
        throw undefined;
      },
    ],
    [
      "by a rejection",
      async () => {
        throw new Error("no");
      },
    ],
  ];
  it.each(failing)("refuse %s", async (_name, middleware) => {
    const { port, gate, acceptor } = await gateServer();
    gate.use(middleware);
    gate.use(() => expect.unreachable());
    expect(await ask(port, { target: POLLING })).toMatchObject({
      status: 400,
      body: '{"code":3,"message":"Bad request"}',
    });
    expect(await askUpgrade(port, WEBSOCKET)).toMatch(/^HTTP\/1\.1 400 .*Bad request$/s);
    expect(acceptor.refusals.map(({ context }) => context["name"])).toEqual([
      "MIDDLEWARE_FAILURE",
      "MIDDLEWARE_FAILURE",
    ]);
  });

  const answering: [string, Use][] = [
    ["at once", (_req, res) => res.writeHead(401, { "X-Why": "no" }).end("who?")],
    [
      "in parts",
      (_req, res) => {
        res.statusCode = 401;
        res.setHeader("X-Why", "no");
        res.write("wh");
        setImmediate(() => res.end("o?"));
      },
    ],
    [
      "in parts and call next all the same",
      (_req, res, next) => {
        res.writeHead(401, { "X-Why": "no" }).write("wh");
        next();
        setImmediate(() => res.end("o?"));
      },
    ],
    [
      "and call next all the same",
      (_req, res, next) => {
        res.writeHead(401, { "X-Why": "no" }).end("who?");
        next();
        next(new Error("x"));
      },
    ],
  ];
  it.each(answering)("answer themselves %s", async (_name, middleware) => {
    const { port, gate, acceptor } = await gateServer();
    gate.use(middleware);
    expect(await ask(port, { target: POLLING })).toMatchObject({
      status: 401,
      body: "who?",
      headers: { "x-why": "no" },
    });
    const answer = await askUpgrade(port, WEBSOCKET);
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(answer).toContain("X-Why: no\r\n");
    expect(answer).toContain("Connection: close\r\n");
    expect(answer).toMatch(/wh.*o\?/s);
    expect([acceptor.sessions.size, acceptor.refusals.length]).toEqual([0, 0]);
  });

  it("may set headers as late as at writeHead, as sessions do", async () => {
    const { port, gate } = await gateServer();
    gate.use((_req, res: ServerResponse, next) => {
      const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
      res.writeHead = ((...args: unknown[]) => {
        res.setHeader("Set-Cookie", ["session=1", "other=2"]);
        return writeHead(...args);
      }) as typeof res.writeHead;
      next();
    });
    const { client, headers } = await openWebSocket(port);
    client.terminate();
    expect(headers["set-cookie"]).toEqual(["session=1", "other=2"]);
    expect((await ask(port, { target: POLLING })).headers["set-cookie"]).toEqual(["session=1", "other=2"]);
  });

  it("that are slow do not keep who has gone", async () => {
    const { port, gate, acceptor } = await gateServer();
    const held: (() => void)[] = [];
    gate.use((_req, _res, next) => void held.push(next));
    for (const request of [`GET ${POLLING} HTTP/1.1\r\nHost: x\r\n\r\n`, upgradeRequest(WEBSOCKET)]) {
      const connection = RawConnection.to(port).write(request);
      await vi.waitFor(() => expect(held).toHaveLength(1));
      connection.reset();
      await connection.over;
      await new Promise((resolve) => setTimeout(resolve, 20));
      held.pop()?.();
    }
    expect(acceptor.sessions.size).toBe(0);
  });
});

describe("a closed gate", () => {
  it("refuses newcomers and serves live sessions", async () => {
    const { port, gate } = await gateServer();
    await ask(port, { target: POLLING });
    gate.close();
    gate.close();
    expect((await ask(port, { target: POLLING })).status).toBe(503);
    expect(await askUpgrade(port, WEBSOCKET)).toMatch(/^HTTP\/1\.1 503 /);
    const post = await ask(port, { method: "POST", target: `${POLLING}&sid=sid-1`, body: "4" });
    expect(post.status).toBe(200);
  });

  it("refuses also whom the app was still deciding about", async () => {
    let decide: ((error: null, success: boolean) => void) | undefined;
    const { port, gate } = await gateServer({
      allowRequest: (_req, callback) => {
        decide = callback;
      },
    });
    const answer = ask(port, { target: POLLING });
    await vi.waitFor(() => expect(decide).toBeDefined());
    gate.close();
    decide?.(null, true);
    expect((await answer).status).toBe(503);
  });
});

it("needs nobody else to listen to the errors of sockets", async () => {
  const acceptor = new FakeAcceptor();
  const gate = createGate({ clock: manualClock(), limits: DEFAULT_LIMITS }, acceptor);
  const server = createServer();
  let upgrades = 0;
  server.on("upgrade", (req, socket, head) => {
    upgrades++;
    gate.handleUpgrade(req, socket, head);
  });
  const port = await listen(server);
  let give: ((id: string) => void) | undefined;
  acceptor.newId = () =>
    new Promise((resolve) => {
      give = resolve;
    });
  for (const target of [WEBSOCKET, "/engine.io/?transport=x"]) {
    const before = upgrades;
    const connection = RawConnection.to(port).write(upgradeRequest(target));
    await vi.waitFor(() => expect(upgrades).toBe(before + 1));
    connection.reset();
    await connection.over;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  give?.("late");
  await new Promise(setImmediate);
  expect(acceptor.sessions.size).toBe(0);
});

it("uses another WebSocket implementation by its public interface only", async () => {
  const { WebSocketServer } = await import("ws");
  let made: Record<string, unknown> | undefined;
  class Engine extends WebSocketServer {
    constructor(options: Record<string, unknown>) {
      super(options);
      made = options;
    }
  }
  const { port, acceptor } = await gateServer({ wsEngine: Engine as never });
  const { client } = await openWebSocket(port);
  expect(made).toMatchObject({ noServer: true, maxPayload: 1e6, perMessageDeflate: false });
  const message = new Promise((resolve) =>
    client.once("message", (data: Buffer) => resolve(data.toString())),
  );
  await vi.waitFor(() => expect(acceptor.session("sid-1").transport.writable).toBe(true));
  acceptor.session("sid-1").send("4x");
  expect(await message).toBe("4x");
  client.terminate();
});
