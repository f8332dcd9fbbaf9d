import { type IncomingMessage, request } from "node:http";
import { webTransportPair } from "@sockeye/conformance";
import { DEFAULT_LIMITS, SessionError } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type GateServer, gateServer } from "./gate-server.js";
import { ask, clientFrame, RawConnection, upgradeRequest } from "./raw-client.js";

/** Node does not close connections that were upgraded. */
const raw: RawConnection[] = [];
afterEach(() => {
  for (const connection of raw.splice(0)) connection.reset();
});

function dial(port: number): RawConnection {
  const connection = RawConnection.to(port);
  raw.push(connection);
  return connection;
}

// What is decided about while time passes, and what is held open meanwhile.

const POLLING = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";
const CLAIM_WS = `${WEBSOCKET}&resume=claim&sid=`;

/** Places of one address: how many are taken now, and were at most. */
class Places {
  taken = 0;
  most = 0;
  freed = 0;
  readonly exceeds: (_req: IncomingMessage, asks: string) => SessionError | undefined;
  readonly reserve = () => {
    this.most = Math.max(this.most, ++this.taken);
    let held = true;
    return {
      free: () => {
        if (held) {
          this.taken--;
          this.freed++;
        }
        held = false;
      },
    };
  };

  constructor(limit: number) {
    this.exceeds = (_req, asks) =>
      asks === "open" && this.taken >= limit
        ? new SessionError("ERR_TOO_MANY_SESSIONS", "too many sessions of this address")
        : undefined;
  }
}

type Answer = (error?: string | null, success?: boolean) => void;

/** A gate that counts places, and an app that answers when the test says so. */
async function counting(limit: number, options: Parameters<typeof gateServer>[0] = {}) {
  const asked: Answer[] = [];
  const server = await gateServer({
    allowRequest: (_req, callback) => void asked.push((error = null, yes = true) => callback(error, yes)),
    ...options,
  });
  const places = new Places(limit);
  Object.assign(server.acceptor, { exceeds: places.exceeds, reserve: places.reserve });
  return { ...server, places, asked };
}

async function waitUntil(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 5000, interval: 5 });
}

/** How a handshake comes in. */
const WAYS = ["polling", "websocket", "sse", "stream", "iframe"] as const;

function knock(port: number, way: (typeof WAYS)[number]): RawConnection {
  const target = `/engine.io/?EIO=4&transport=${way}${way === "iframe" ? "&c=1" : ""}`;
  const text =
    way === "websocket"
      ? upgradeRequest(target)
      : `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  return dial(port).write(text);
}

describe.each(WAYS)("a handshake over %s about which the app is asked", (way) => {
  it("has its place from the check on", async () => {
    const { port, places, asked, acceptor } = await counting(5);
    const all = Array.from({ length: 40 }, () => knock(port, way));
    await waitUntil(() => asked.length === 5 && acceptor.refusals.length === 35);
    for (const answer of asked) answer();
    await waitUntil(() => acceptor.sessions.size === 5);
    expect([places.most, places.taken, places.freed]).toEqual([5, 5, 0]);
    for (const session of acceptor.sessions.values()) session.handshake.place?.free();
    expect(places.taken).toBe(0);
    for (const each of all) each.reset();
  });

  it("gives it back if the app refuses, throws, or gives no id", async () => {
    const rows: ((server: Awaited<ReturnType<typeof counting>>) => void)[] = [
      ({ asked }) => asked[0]?.("no", false),
      ({ asked, acceptor }) => {
        acceptor.newId = () => {
          throw new Error("none");
        };
        asked[0]?.();
      },
      ({ asked, acceptor }) => {
        acceptor.newId = () => Promise.reject(new Error("none"));
        asked[0]?.();
      },
      ({ asked, acceptor }) => {
        acceptor.newId = () => "";
        asked[0]?.();
      },
    ];
    for (const refuse of rows) {
      const server = await counting(1);
      const connection = knock(server.port, way);
      await waitUntil(() => server.asked.length === 1);
      refuse(server);
      await waitUntil(() => server.acceptor.refusals.length === 1);
      await waitUntil(() => server.places.taken === 0);
      expect(server.clock.pendingTimers).toBe(0);
      connection.reset();
    }
  });

  it.each(["ends", "breaks off"])(
    "gives it back if the client %s, though the app never answers",
    async (how) => {
      const { port, places, asked, clock, acceptor } = await counting(1);
      const connection = knock(port, way);
      await waitUntil(() => asked.length === 1);
      expect(places.taken).toBe(1);
      if (how === "ends") connection.socket.end();
      else connection.reset();
      await waitUntil(() => places.taken === 0);
      expect(clock.pendingTimers).toBe(0);
      asked[0]?.();
      expect(acceptor.sessions.size).toBe(0);
      const next = knock(port, way);
      await waitUntil(() => asked.length === 2);
      next.reset();
    },
  );

  it("is refused, and gives it back, if the app does not answer in time", async () => {
    const { port, places, asked, clock, acceptor } = await counting(1, { connectTimeout: 700 });
    const connection = knock(port, way);
    await waitUntil(() => asked.length === 1);
    clock.advance(699);
    expect(places.taken).toBe(1);
    clock.advance(1);
    await connection.until("Forbidden");
    expect(places.taken).toBe(0);
    expect(acceptor.refusals).toMatchObject([{ code: 4, context: { name: "HANDSHAKE_TIMEOUT" } }]);
    asked[0]?.();
    expect(acceptor.sessions.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    connection.reset();
  });

  it.each(["drain", "close"] as const)(
    "finds no session if the server begins to %s meanwhile",
    async (act) => {
      const { port, places, asked, gate, acceptor } = await counting(1);
      const connection = knock(port, way);
      await waitUntil(() => asked.length === 1);
      gate[act]();
      asked[0]?.();
      await connection.until("503");
      expect(acceptor.sessions.size).toBe(0);
      expect(places.taken).toBe(0);
      connection.reset();
    },
  );

  it("gets no id that another got meanwhile", async () => {
    const { port, places, acceptor } = await counting(9, { allowRequest: undefined });
    const ids: ((id: string) => void)[] = [];
    acceptor.newId = () => new Promise((resolve) => void ids.push(resolve));
    const both = [knock(port, way), knock(port, "polling")];
    await waitUntil(() => ids.length === 2);
    for (const give of ids) give("the same");
    await waitUntil(() => acceptor.refusals.length === 1);
    expect(acceptor.refusals).toMatchObject([{ context: { name: "ID_GENERATION_ERROR" } }]);
    expect(acceptor.sessions.size).toBe(1);
    expect(places.taken).toBe(1);
    for (const each of both) each.reset();
  });
});

describe("a WebTransport session about which the app is asked", () => {
  it.each([
    ["is let in", (asked: Answer[]) => asked[0]?.(), 1],
    ["is refused", (asked: Answer[]) => asked[0]?.("no", false), 0],
  ])("has its place, and %s", async (_what, decide, taken) => {
    const { gate, places, asked } = await counting(1, { transports: ["webtransport"] });
    const { client, server } = webTransportPair();
    gate.handleWebTransport(server);
    const stream = await client.createBidirectionalStream();
    await stream.writable.getWriter().write(new Uint8Array([1, 0x30]));
    await waitUntil(() => asked.length === 1);
    expect(places.taken).toBe(1);
    decide(asked);
    await waitUntil(() => places.taken === taken);
  });

  it("gives it back if the client ends meanwhile", async () => {
    const { gate, places, asked, clock } = await counting(1, { transports: ["webtransport"] });
    const { client, server } = webTransportPair();
    gate.handleWebTransport(server);
    const stream = await client.createBidirectionalStream();
    await stream.writable.getWriter().write(new Uint8Array([1, 0x30]));
    await waitUntil(() => asked.length === 1);
    client.close();
    await waitUntil(() => places.taken === 0);
    expect(clock.pendingTimers).toBe(0);
  });
});

it("what a client sends before it is let in is not lost", async () => {
  const { port, asked, acceptor } = await counting(1);
  const connection = knock(port, "websocket");
  await waitUntil(() => asked.length === 1);
  connection.write(clientFrame(0x81, Buffer.from("4early")));
  await new Promise((resolve) => setTimeout(resolve, 20));
  asked[0]?.();
  await waitUntil(() => acceptor.sessions.get("sid-1")?.frames.length === 1);
  expect(acceptor.session("sid-1").frames).toEqual(["4early"]);
  connection.reset();
});

it("a listener on headers that closes the server leaves no session behind", async () => {
  const { port, acceptor, gate, places } = await counting(1, { allowRequest: undefined });
  acceptor.onHeaders = () => gate.close();
  const connection = knock(port, "websocket");
  await connection.until("101");
  expect(acceptor.sessions.size).toBe(0);
  expect(places.taken).toBe(0);
  connection.reset();
});

// ---- what is held open

/** A masked frame of so many bytes, of which only the first are sent. */
function half(length: number, sent: number): Buffer {
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, Buffer.alloc(sent, 0x30)]);
}

async function claimers(server: GateServer, count: number): Promise<RawConnection[]> {
  const all = Array.from({ length: count }, (_, n) =>
    dial(server.port).write(upgradeRequest(`${CLAIM_WS}unknown-${n}`)),
  );
  await Promise.all(all.map((each) => each.until("\r\n\r\n")));
  return all;
}

describe("a claim that is not granted", () => {
  it.each(["own", "ws"] as const)("has 8 KB, whatever its frame says, read by %s", async (webSockets) => {
    const server = await gateServer({ webSockets });
    const [connection] = (await claimers(server, 1)) as [RawConnection];
    connection.write(half(900_000, 20_000));
    await connection.until("\x81\x011");
    expect(server.acceptor.refusals).toMatchObject([{ context: { name: "CLAIM_REFUSED" } }]);
    // It goes on sending, and never closes.
    const sender = setInterval(() => connection.write(Buffer.alloc(10_000)), 1);
    server.clock.advance(5000);
    await connection.over;
    clearInterval(sender);
    expect(server.connections.size).toBe(0);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it.each(["own", "ws"] as const)("drips in and is cut in the end, read by %s", async (webSockets) => {
    const server = await gateServer({ webSockets, upgradeTimeout: 1000 });
    const [connection] = (await claimers(server, 1)) as [RawConnection];
    connection.write(half(8000, 10));
    server.clock.advance(1000);
    await connection.until("\x81\x011");
    server.clock.advance(5000);
    await connection.over;
    await waitUntil(() => server.connections.size === 0);
  });

  it.each(["own", "ws"] as const)(
    "leaves the session all bytes of its messages once it is, read by %s",
    async (webSockets) => {
      const server = await gateServer({ webSockets });
      await ask(server.port, { target: `${POLLING}&resume=offer` });
      const connection = dial(server.port).write(upgradeRequest(`${CLAIM_WS}sid-1`));
      await connection.until("\r\n\r\n");
      const claim = Buffer.from('0{"sid":"sid-1","secret":"s","received":0}');
      // The claim and what follows it in one piece.
      connection.write(Buffer.concat([clientFrame(0x81, claim), half(900_000, 900_000)]));
      await waitUntil(() => server.acceptor.session("sid-1").frames.length === 1);
      expect(server.acceptor.session("sid-1").frames[0]).toHaveLength(900_000);
      connection.reset();
    },
  );

  const CLAIM = '0{"sid":"sid-1","secret":"s","received":0}';
  it.each<readonly [string, readonly Buffer[], boolean]>([
    [
      "in pieces of one byte",
      [...clientFrame(0x81, Buffer.from(CLAIM))].map((byte) => Buffer.from([byte])),
      true,
    ],
    [
      "in fragments, with pings between them",
      [
        clientFrame(0x01, Buffer.from(CLAIM.slice(0, 5))),
        clientFrame(0x89, Buffer.from("p")),
        clientFrame(0x00, Buffer.from(CLAIM.slice(5, 9))),
        clientFrame(0x80, Buffer.from(CLAIM.slice(9))),
      ],
      true,
    ],
    ["as bytes", [clientFrame(0x82, Buffer.from(CLAIM))], false],
    [
      "with what is no claim before it",
      [clientFrame(0x81, Buffer.from("6")), clientFrame(0x81, Buffer.from(CLAIM))],
      false,
    ],
    [
      "in many fragments that are too long together",
      Array.from({ length: 100 }, (_, n) => clientFrame(n === 0 ? 1 : 0, Buffer.alloc(100, 0x30))),
      false,
    ],
  ])("is read %s", async (_what, pieces, granted) => {
    const server = await gateServer();
    await ask(server.port, { target: `${POLLING}&resume=offer` });
    const connection = dial(server.port).write(upgradeRequest(`${CLAIM_WS}sid-1`));
    await connection.until("\r\n\r\n");
    connection.socket.setNoDelay(true);
    for (const piece of pieces) connection.write(piece);
    await connection.until(granted ? '"again":true' : "\x81\x011");
    expect(server.acceptor.claims).toHaveLength(granted ? 1 : 0);
  });

  it("counts as held open, for its address and for all: the eldest goes", async () => {
    for (const limits of [{ maxPending: 3 }, { maxPendingPerAddress: 3 }]) {
      const server = await gateServer({ limits: { ...DEFAULT_LIMITS, ...limits } });
      const exceeded: unknown[] = [];
      Object.assign(server.acceptor, {
        addressOf: () => "one",
        exceeded: ({ code }: SessionError) => exceeded.push(code),
      });
      const all = await claimers(server, 20);
      await waitUntil(() => server.connections.size === 3);
      expect(exceeded).toHaveLength(17);
      for (const each of all) each.reset();
      await waitUntil(() => server.connections.size === 0);
      const [later] = (await claimers(server, 1)) as [RawConnection];
      expect(exceeded).toHaveLength(17);
      later.reset();
    }
  });

  it.each(["polling", "sse", "stream", "iframe"])("counts over %s as well", async (transport) => {
    const server = await gateServer({ limits: { ...DEFAULT_LIMITS, maxPending: 2 } });
    const all = Array.from({ length: 10 }, (_, n) => {
      const path = `/engine.io/?EIO=4&transport=${transport}&resume=claim&sid=unknown-${n}`;
      const headers = { "content-length": "1000" };
      const req = request({
        port: server.port,
        host: "127.0.0.1",
        method: "POST",
        path,
        headers,
        agent: false,
      });
      req.on("error", () => {});
      req.write("0{");
      return req;
    });
    await waitUntil(() => server.connections.size === 2);
    for (const each of all) each.destroy();
  });

  it.each(["polling", "sse", "stream", "iframe"])(
    "has 8 KB over %s, and its connection does not stay",
    async (transport) => {
      const server = await gateServer();
      const target = `/engine.io/?EIO=4&transport=${transport}&resume=claim&sid=unknown`;
      const head = `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const connection = dial(server.port).write(head);
      const piece = "x".repeat(4000);
      for (let n = 0; n < 9; n++) connection.write(`fa0\r\n${piece}\r\n`);
      await connection.until("Session ID unknown");
      await connection.over;
      await waitUntil(() => server.connections.size === 0);
    },
  );
});

describe("a WebTransport session before its first packet", () => {
  it("counts as held open: the eldest goes", async () => {
    const limits = { ...DEFAULT_LIMITS, maxPending: 2 };
    const { gate, clock } = await gateServer({ transports: ["webtransport"], limits });
    const pairs = Array.from({ length: 5 }, () => webTransportPair());
    for (const { server } of pairs) gate.handleWebTransport(server);
    expect(pairs.map(({ server }) => server.over)).toEqual([true, true, true, false, false]);
    await waitUntil(() => clock.pendingTimers === 2);
  });

  it("has 8 KB", async () => {
    const { gate } = await gateServer({ transports: ["webtransport"] });
    const { client, server } = webTransportPair();
    gate.handleWebTransport(server);
    const stream = await client.createBidirectionalStream();
    const writer = stream.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(new Uint8Array([126, 0x20, 0x01]));
    await waitUntil(() => server.over);
  });

  it("has all bytes of its messages after that", async () => {
    const { gate, acceptor } = await gateServer({ transports: ["webtransport"] });
    const { client, server } = webTransportPair();
    gate.handleWebTransport(server);
    const stream = await client.createBidirectionalStream();
    const writer = stream.writable.getWriter();
    await writer.write(new Uint8Array([1, 0x30]));
    await waitUntil(() => acceptor.sessions.size === 1);
    await writer.write(new Uint8Array([126, 0xff, 0xff, ...new Uint8Array(65_535).fill(0x34)]));
    await waitUntil(() => acceptor.session("sid-1").frames.length === 1);
  });
});

describe("upgrades that name one session", () => {
  it.each([
    ["while one is tried", { probing: true }],
    ["though it wants none", { upgradable: false }],
  ])("%s: one is closed, the others are refused, and none stays", async (_what, state) => {
    const { port, acceptor, clock, connections } = await gateServer();
    await ask(port, { target: POLLING });
    Object.assign(acceptor.session("sid-1"), state);
    const all = Array.from({ length: 20 }, () => dial(port).write(upgradeRequest(`${WEBSOCKET}&sid=sid-1`)));
    await Promise.all(all.map((each) => each.until("\r\n\r\n")));
    const answered = all.filter(({ received }) => received.startsWith("HTTP/1.1 101"));
    expect(answered).toHaveLength(1);
    await answered[0]?.until("\x88\x00");
    expect(all.filter(({ received }) => received.startsWith("HTTP/1.1 400"))).toHaveLength(19);
    expect(acceptor.refusals[0]).toMatchObject({ code: 3, context: { name: "UPGRADE_UNDER_WAY" } });
    expect(acceptor.session("sid-1").candidate).toBeUndefined();
    clock.advance(5000);
    await waitUntil(() => connections.size === 0);
    // The next one is answered again.
    const later = dial(port).write(upgradeRequest(`${WEBSOCKET}&sid=sid-1`));
    await later.until("\x88\x00");
  });
});

describe("a WebSocket that closes", () => {
  it("counts for its address: the eldest goes at once", async () => {
    const server = await gateServer({ limits: { ...DEFAULT_LIMITS, maxPendingPerAddress: 2 } });
    Object.assign(server.acceptor, { addressOf: () => "one" });
    const all = Array.from({ length: 6 }, () => knock(server.port, "websocket"));
    await Promise.all(all.map((each) => each.until('"sid"')));
    for (const session of server.acceptor.sessions.values()) session.transport.close("goodbye");
    await waitUntil(() => server.connections.size === 2);
    server.clock.advance(30_000);
    await waitUntil(() => server.connections.size === 0);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("keeps nothing of what still comes, and hears the peer's close frame behind it", async () => {
    const server = await gateServer();
    const connection = knock(server.port, "websocket");
    await connection.until('"sid"');
    connection.write(half(900_000, 100_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.acceptor.session("sid-1").transport.close("goodbye");
    await connection.until("\x88\x00");
    connection.write(Buffer.alloc(800_000, 0x30)).write(half(50_000_000, 1000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.connections.size).toBe(1);
    connection.write(Buffer.alloc(49_999_000)).write(clientFrame(0x88, Buffer.alloc(0)));
    await connection.over;
    expect(server.clock.pendingTimers).toBe(0);
  });
});
