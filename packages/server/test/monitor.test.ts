import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { type Diagnostics, Metrics, Server } from "@sockeye/server";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../../test/support/wait.js";
import { dial, join, refused, roundTrip, serve, standing } from "./site.js";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Everything that a channel tells during a test. */
function listen<Name extends keyof Diagnostics>(name: Name): Diagnostics[Name][] {
  const told: Diagnostics[Name][] = [];
  const add = (message: unknown): void => void told.push(message as Diagnostics[Name]);
  subscribe(name, add);
  ends.push(() => unsubscribe(name, add));
  return told;
}

describe("channels", () => {
  test("tell of sessions from begin to end", async () => {
    const opened = listen("sockeye:session:open");
    const upgraded = listen("sockeye:session:upgrade");
    const closed = listen("sockeye:session:close");
    const site = await serve();
    const { client, socket } = await join(site, "/", { transports: ["polling", "websocket"] });
    await until(() => upgraded.length === 1, "the upgrade");
    const { conn } = socket;
    expect(opened).toEqual([{ conn }]);
    expect(upgraded).toEqual([{ conn }]);
    client.disconnect();
    await until(() => closed.length === 1, "the end");
    expect(closed[0]).toMatchObject({ conn, reason: "transport close" });
  });

  test("tell of sockets", async () => {
    const connected = listen("sockeye:socket:connect");
    const disconnected = listen("sockeye:socket:disconnect");
    const site = await serve();
    site.io.of("/closed").use((_socket, next) => next(new Error("no")));
    const { client, socket } = await join(site);
    await refused(dial(site, "/closed"));
    client.disconnect();
    await until(() => disconnected.length === 1, "the end");
    expect(connected.map((told) => told.socket)).toEqual([socket]);
    expect(disconnected).toEqual([{ socket, reason: "client namespace disconnect" }]);
  });

  test("tell of packets both ways", async () => {
    const came = listen("sockeye:packet:in");
    const left = listen("sockeye:packet:out");
    const { client, socket } = await join(await serve());
    await roundTrip(client, socket);
    expect(came.map(({ packet }) => packet.data)).toContainEqual(["round-trip"]);
    expect(left.map(({ packet }) => packet.head)).toContain("430[]");
    expect(came.every(({ conn }) => conn === socket.conn)).toBe(true);
  });

  test("tell of refusals and of errors in the app", async () => {
    const refusals = listen("sockeye:session:refuse");
    const errors = listen("sockeye:error");
    const site = await serve();
    const { client, socket } = await join(site);
    const error = new Error("from a handler");
    site.io.on("error", () => {});
    socket.on("fail", () => {
      throw error;
    });
    client.emit("fail");
    await roundTrip(client, socket);
    expect(errors).toEqual([{ error, context: { event: "fail", namespace: "/", socketId: socket.id } }]);
    await fetch(`${site.url}/socket.io/?EIO=4&transport=none`);
    expect(refusals).toMatchObject([{ code: 0, message: "Transport unknown" }]);
  });
});

describe("metrics", () => {
  test("of a server that has just begun are all zero", async () => {
    const { io } = await serve();
    expect(io.metrics()).toEqual({
      eventsRefused: {},
      sessions: {},
      suspended: 0,
      waiting: 0,
      namespaces: 1,
      sockets: 0,
      rooms: 0,
      heldBytes: 0,
      waitingBytes: 0,
      maxWaitingBytes: 0,
      slowClients: 0,
      acksPending: 0,
      bytesReceived: 0,
      bytesSent: 0,
      handlerTime: { count: 0, sum: 0, buckets: new Array(11).fill(0) },
      ackTime: { count: 0, sum: 0, buckets: new Array(11).fill(0) },
      sessionsOpened: 0,
      sessionsUpgraded: 0,
      sessionsSuspended: 0,
      sessionsResumed: 0,
      sessionsClosed: {},
      requestsRefused: {},
      socketsConnected: 0,
      socketsDisconnected: {},
      packetsReceived: 0,
      packetsSent: 0,
      limitsExceeded: {},
      errors: 0,
    });
  });

  test("count what has happened, and show what is", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    const other = await join(site, "/", { transports: ["polling"] });
    await socket.join("room");
    await roundTrip(client, socket);
    await fetch(`${site.url}/socket.io/?EIO=4&transport=none`);
    other.client.disconnect();
    await until(() => site.io.engine.clientsCount === 1, "the end of one");
    const metrics = site.io.metrics();
    expect(metrics).toMatchObject({
      sessions: { websocket: 1 },
      waiting: 0,
      sockets: 1,
      rooms: 2,
      sessionsOpened: 2,
      sessionsClosed: { "transport close": 1 },
      requestsRefused: { UNKNOWN_TRANSPORT: 1 },
      socketsConnected: 2,
      socketsDisconnected: { "client namespace disconnect": 1 },
      // Two CONNECT, an event, a DISCONNECT; two answers to CONNECT and an acknowledgement.
      packetsReceived: 4,
      packetsSent: 3,
    });
    expect(site.io.metrics().packetsSent).toBe(metrics.packetsSent);
  });

  test("as text are what Prometheus reads", async () => {
    const site = await serve();
    await join(site);
    const lines = String(site.io.metrics()).split("\n");
    expect(lines.at(-1)).toBe("");
    const sample = /^sockeye_[a-z_]+(\{[a-z]+="[^"\\]+"\})? [\d.e-]+$/;
    for (const line of lines.slice(0, -1)) {
      if (!line.startsWith("# ")) expect(line).toMatch(sample);
      else
        expect(line).toMatch(
          /^# (HELP sockeye_[a-z_]+ \S.*|TYPE sockeye_[a-z_]+ (gauge|counter|histogram))$/,
        );
    }
    expect(lines).toContain('sockeye_sessions{transport="websocket"} 1');
    expect(lines).toContain("sockeye_sessions_opened_total 1");
    expect(Metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });
});

test("health follows the HTTP server", async () => {
  const http = createServer();
  const io = new Server(http);
  expect(io.health()).toEqual({ status: "down", sessions: 0, suspended: 0, namespaces: 1 });
  const site = await standing(io, http);
  await join(site);
  expect(io.health()).toEqual({ status: "up", sessions: 1, suspended: 0, namespaces: 1 });
  await io.close();
  expect(io.health()).toEqual({ status: "down", sessions: 0, suspended: 0, namespaces: 1 });
});

test("a server on two HTTP servers counts the sessions of both", async () => {
  const { io, ...first } = await serve();
  const http = createServer();
  io.attach(http, { pingInterval: 20_000 });
  const second = await standing(io, http);
  await join({ io, ...first });
  await join(second);
  await join(second);
  expect(io.health()).toMatchObject({ status: "up", sessions: 3, suspended: 0 });
  const { sessions, sockets } = io.metrics();
  expect([Object.values(sessions).reduce((sum, count) => sum + count, 0), sockets]).toEqual([3, 3]);
});
