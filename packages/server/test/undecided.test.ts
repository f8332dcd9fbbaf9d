import { Adapter } from "@sockeye/adapter";
import { webTransportPair } from "@sockeye/conformance";
import type { ServerOptions } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { Line, openSession } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import { watchWarnings } from "../../../test/support/warnings.js";
import { atEnd, type Site, serve } from "./site.js";

// Code of the app's that is asked about a client and never answers: each way in has a time, and the app is told who was silent.

const warned = watchWarnings();
const TIME_MS = 60;
const UPGRADE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

const WAYS: Record<string, string> = {
  polling: "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
  "a POST":
    "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4",
  sse: "GET /socket.io/?EIO=4&transport=sse HTTP/1.1\r\nHost: x\r\n\r\n",
  websocket: `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
  "a claim": `GET /socket.io/?EIO=4&transport=websocket&resume=claim&sid=x HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
  "the client's file": "GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\n\r\n",
};

const never = (): void => {};
const silence = (): Promise<never> => new Promise(never);
type Hook = readonly [install: (site: Site) => void, options: ServerOptions, told: string];
const use = (middleware: () => unknown): Hook => [
  ({ io }) => {
    io.engine.use((_req, _res, next) => next());
    io.engine.use(middleware);
  },
  {},
  "middleware 2",
];

/** Asked for every request. */
const OF_REQUESTS: Record<string, Hook> = {
  "a middleware of the engine": use(function forgetful() {}),
  "one with a promise": use(silence),
  "cors.origin": [never, { cors: { origin: never } }, "middleware 1 (corsMiddleware)"],
  "cors.origin with a promise": [never, { cors: { origin: silence } }, "middleware 1 (corsMiddleware)"],
  "the options of cors": [never, { cors: never }, "middleware 1 (corsMiddleware)"],
};

/** Asked for handshakes. */
const OF_HANDSHAKES: Record<string, Hook> = {
  allowRequest: [never, { allowRequest: never }, "allowRequest or generateId"],
  "allowRequest with a promise": [never, { allowRequest: silence }, "allowRequest or generateId"],
  generateId: [
    ({ io }) => void Object.assign(io.engine, { generateId: silence }),
    {},
    "allowRequest or generateId",
  ],
};

const ROWS = [
  ...Object.entries(OF_REQUESTS).flatMap(([hook, row]) =>
    Object.keys(WAYS)
      // Middlewares of the engine see requests of the engine.
      .filter((way) => way !== "the client's file" || hook.includes("cors"))
      .map((way) => [hook, way, row] as const),
  ),
  ...Object.entries(OF_HANDSHAKES).flatMap(([hook, row]) =>
    ["polling", "sse", "websocket"].map((way) => [hook, way, row] as const),
  ),
];

describe("who is asked about a client and never answers holds it for connectTimeout:", () => {
  it.each(ROWS)("%s, %s", async (_hook, way, [install, options, told]) => {
    const site = await serve({ ...options, connectTimeout: TIME_MS });
    install(site);
    const refused: unknown[] = [];
    site.io.engine.on("connection_error", ({ context }) => refused.push(context));
    const line = new Line(site.port);
    atEnd(() => line.end());
    line.write(WAYS[way] ?? "");
    // With an answer or without.
    expect([0, 403, 400]).toContain((await line.answer()).status);
    expect(site.io.engine.clientsCount).toBe(0);
    if (way === "the client's file") return;
    expect(refused).toHaveLength(1);
    const [warning, ...others] = await warned();
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ code: "SOCKEYE_NO_NEXT", message: expect.stringContaining(told) });
  });

  it("a middleware of the engine, WebTransport", async () => {
    const site = await serve({ connectTimeout: TIME_MS, transports: ["webtransport"] });
    site.io.engine.use(never);
    const { client, server } = webTransportPair();
    site.io.engine.onWebTransportSession(server);
    await client.closed;
    expect(await warned()).toMatchObject([{ code: "SOCKEYE_NO_NEXT" }]);
  });

  it("but one that has begun to answer may take its time", async () => {
    const site = await serve({ connectTimeout: 20 });
    site.io.engine.use((_req, res) => {
      res.write("one");
      setTimeout(() => res.end("two"), 80);
    });
    const response = await fetch(`${site.url}/socket.io/?EIO=4&transport=polling`);
    expect(await response.text()).toBe("onetwo");
  });

  it("and what it does when nobody waits any more harms nobody", async () => {
    const site = await serve({ connectTimeout: 20 });
    const late: (() => void)[] = [];
    site.io.engine.use((_req, res, next) => {
      late.push(() => {
        res.setHeader("x", "y");
        next();
      });
    });
    for (const way of ["polling", "websocket"]) {
      const line = new Line(site.port);
      line.write(WAYS[way] ?? "");
      await until(() => line.ended, "the end");
    }
    for (const act of late) act();
    expect(late).toHaveLength(2);
    expect(site.io.engine.clientsCount).toBe(0);
  });
});

/** Restores nobody, and never says so. */
class SilentAdapter extends Adapter {
  override restoreSession(): Promise<never> {
    return silence();
  }
}

const NAMESPACES: Record<
  string,
  readonly [install: (site: Site) => void, options: ServerOptions, auth: string]
> = {
  "a middleware": [({ io }) => void io.of(/^\/late/).use((_socket, _next) => {}), {}, ""],
  "one with a promise": [({ io }) => void io.of(/^\/late/).use(silence), {}, ""],
  "one that has joined a room": [
    ({ io }) =>
      void io.of(/^\/late/).use((socket, _next) => {
        socket.join("room");
      }),
    {},
    "",
  ],
  "a function of io.of": [({ io }) => void io.of((_name, _auth, _next) => {}), {}, ""],
  "one of io.of with a promise": [({ io }) => void io.of(silence), {}, ""],
  "an adapter that restores": [
    ({ io }) => void io.of(/^\/late/),
    { adapter: SilentAdapter, connectionStateRecovery: {} },
    '{"pid":"x","offset":"y"}',
  ],
};

describe("a namespace about which the app never decides,", () => {
  it.each(Object.entries(NAMESPACES))(
    "for %s: is refused in time, and its connection goes on",
    async (_name, row) => {
      const [install, options, auth] = row;
      const site = await serve({ ...options, cleanupEmptyChildNamespaces: true });
      install(site);
      const { wire } = await openSession(site.port);
      atEnd(() => wire.end());
      wire.send("40");
      expect(await wire.nextMessage()).toMatch(/^40\{/);
      site.io.connectTimeout(TIME_MS);
      wire.send(`40/late-1,${auth}`);
      expect(await wire.nextMessage()).toBe(
        '44/late-1,{"message":"Not decided in time","data":{"code":"ERR_JOIN_TIMEOUT"}}',
      );
      expect(site.io.engine.clientsCount).toBe(1);
      expect([...site.io._nsps.keys()]).toEqual(["/"]);
    },
  );

  it.each(Object.entries(NAMESPACES))(
    "for %s: is kept for nobody whose client has left",
    async (_name, row) => {
      const [install, options, auth] = row;
      const site = await serve({ ...options, cleanupEmptyChildNamespaces: true });
      install(site);
      const { wire } = await openSession(site.port);
      for (let n = 0; n < 20; n++) wire.send(`40/late-${n},${auth}`);
      wire.send("40");
      expect(await wire.nextMessage()).toMatch(/^40\{/);
      wire.end();
      await until(() => site.io.engine.clientsCount === 0, "the session to end");
      expect([...site.io._nsps.keys()]).toEqual(["/"]);
    },
  );

  it("lets nobody in who is let in too late, and tells who was silent", async () => {
    const site = await serve();
    const decide: (() => void)[] = [];
    const undone: string[] = [];
    site.io.of("/late").use(function slow(socket, next) {
      socket.join("room");
      decide.push(() => {
        undone.push(...socket.rooms);
        socket.join("again");
        next();
      });
    });
    const { wire } = await openSession(site.port);
    atEnd(() => wire.end());
    wire.send("40");
    expect(await wire.nextMessage()).toMatch(/^40\{/);
    site.io.connectTimeout(TIME_MS);
    wire.send("40/late,", "40/late,");
    // The second attempt waits for the first.
    await until(() => decide.length === 2, "the second attempt");
    expect(await wire.nextMessage()).toContain("ERR_JOIN_TIMEOUT");
    for (const act of decide) act();
    expect(undone).toEqual([]);
    expect(site.io.of("/late").sockets.size).toBe(0);
    expect(site.io.of("/late").adapter.rooms.size).toBe(0);
    expect(await warned()).toMatchObject([
      { code: "SOCKEYE_NO_NEXT", message: expect.stringContaining("middleware 1 (slow) of namespace /late") },
    ]);
  });
});
