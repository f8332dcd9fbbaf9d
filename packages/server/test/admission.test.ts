import { Adapter } from "@sockeye/adapter";
import { describe, expect, it } from "vitest";
import { CountedClient, claimOf } from "../../../test/support/counted.js";
import { Line, openSession, openWire } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import { atEnd, type Site, serve } from "./site.js";

// Decisions that take time, and what is held open: from outside, with real connections.

const HANDSHAKE = "/socket.io/?EIO=4&transport=polling";
const UPGRADE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";

function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

function line(port: number): Line {
  const opened = new Line(port);
  atEnd(() => opened.end());
  return opened;
}

/** What has come over it, and whether it is open. */
class Watched {
  readonly line: Line;
  text = "";

  constructor(port: number) {
    this.line = line(port);
    this.line.socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
  }

  get open(): boolean {
    return !this.line.ended;
  }

  write(text: string): void {
    this.line.write(text);
  }
}

/** A handshake over a connection of its own. @returns its status */
async function knock(port: number, way: "polling" | "websocket"): Promise<number> {
  const opened = new Watched(port);
  const target = `/socket.io/?EIO=4&transport=${way}`;
  opened.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${way === "websocket" ? `${UPGRADE}\r\n` : ""}\r\n`);
  await until(() => opened.text.includes("\r\n"), "an answer");
  return Number(opened.text.slice(9, 12));
}

const SLOW: readonly (readonly [
  what: string,
  slow: (site: Site) => void,
  options: Parameters<typeof serve>[0],
])[] = [
  [
    "allowRequest with a callback",
    () => {},
    { allowRequest: (_req, callback) => void later().then(() => callback(null, true)) },
  ],
  ["allowRequest that is async", () => {}, { allowRequest: async () => later().then(() => true) }],
  [
    "generateId",
    ({ io }) => {
      let count = 0;
      io.engine.generateId = async () => later().then(() => `id-${count++}-${Math.random()}`);
    },
    {},
  ],
  [
    "a middleware of the engine",
    ({ io }) => io.engine.use((_req, _res, next) => void later().then(() => next())),
    {},
  ],
  [
    "all of them",
    ({ io }) => {
      io.engine.generateId = async () => later().then(() => `${Math.random()}-${Math.random()}`);
      io.engine.use((_req, _res, next) => void later().then(() => next()));
    },
    {
      allowRequest: async () => later().then(() => true),
      cors: (_req, done) => void later().then(() => done(null, {})),
    },
  ],
];

describe.each(["polling", "websocket"] as const)("handshakes of one address at once over %s", (way) => {
  it.each(SLOW)(
    "are no more sessions than are allowed, whatever takes time: %s",
    async (_what, slow, options) => {
      const site = await serve({ ...options, limits: { maxSessionsPerAddress: 5 } });
      slow(site);
      const statuses = await Promise.all(Array.from({ length: 60 }, () => knock(site.port, way)));
      expect(site.io.engine.clientsCount).toBe(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(55);
      expect(site.io.metrics().limitsExceeded).toEqual({ maxSessionsPerAddress: 55 });
      // All of them give their places back.
      for (const conn of Object.values(site.io.engine.clients)) conn.close();
      await until(() => site.io.engine.clientsCount === 0, "the sessions to end");
      const again = await Promise.all(Array.from({ length: 6 }, () => knock(site.port, way)));
      expect(again.filter((status) => status === 429)).toHaveLength(1);
    },
  );

  it("that are refused leave their places to others", async () => {
    const asked: ((yes: boolean) => void)[] = [];
    const site = await serve({
      allowRequest: (_req, callback) => void asked.push((yes) => callback(null, yes)),
      limits: { maxSessionsPerAddress: 2 },
    });
    const refusals = (): number => site.io.metrics().limitsExceeded["maxSessionsPerAddress"] ?? 0;
    for (let round = 1; round <= 5; round++) {
      const all = Promise.all(Array.from({ length: 6 }, () => knock(site.port, way)));
      await until(() => asked.length === 2 && refusals() === 4 * round, "four to be refused");
      for (const answer of asked.splice(0)) answer(false);
      await all;
    }
    const both = Promise.all([knock(site.port, way), knock(site.port, way)]);
    await until(() => asked.length === 2, "both to be asked about");
    for (const answer of asked.splice(0)) answer(true);
    await both;
    expect(site.io.engine.clientsCount).toBe(2);
  });
});

describe("what is held open", () => {
  it("is counted by the limit of sessions as well: claims of unknown sessions", async () => {
    const site = await serve({ limits: { maxSessionsPerAddress: 5 } });
    const lines = Array.from({ length: 60 }, () => new Watched(site.port));
    lines.forEach((each, n) => {
      each.write(
        `GET /socket.io/?EIO=4&transport=websocket&resume=claim&sid=unknown-${n} HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n\r\n`,
      );
    });
    const open = (): number => lines.filter((each) => each.open).length;
    await until(() => open() === 5, "the eldest to be cut");
    expect(site.io.metrics().limitsExceeded).toEqual({ maxPendingPerAddress: 55 });
  });

  it("is one candidate of a session, and sixty are none more", async () => {
    const site = await serve();
    const answer = await (await fetch(site.url + HANDSHAKE)).text();
    const { sid } = JSON.parse(answer.slice(1)) as { sid: string };
    const lines = Array.from({ length: 60 }, () => new Watched(site.port));
    for (const each of lines) {
      each.write(
        `GET /socket.io/?EIO=4&transport=websocket&sid=${sid} HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n\r\n`,
      );
    }
    await until(() => lines.every(({ text }) => text.includes("\r\n\r\n")), "all answers");
    // Another is answered, and closed at once.
    expect(lines.filter(({ text }) => text.includes(" 101 "))).toHaveLength(2);
    await until(() => lines.filter(({ open }) => open).length === 1, "the others to be ended");
  });
});

describe("addresses", () => {
  it.each<readonly [string, Parameters<typeof serve>[0], readonly string[], readonly number[]]>([
    ["of one IPv6 network are one", {}, ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], [200, 429, 200]],
    [
      "are as fine as the option says",
      { ipv6Prefix: 128 },
      ["2001:db8::1", "2001:db8::2", "2001:db8::1"],
      [200, 200, 429],
    ],
    [
      "of IPv4 are the same within IPv6",
      {},
      ["1.2.3.4", "::ffff:1.2.3.4", "::ffff:102:304"],
      [200, 429, 429],
    ],
  ])("%s", async (_what, options, addresses, expected) => {
    const site = await serve({
      ...options,
      limits: { maxSessionsPerAddress: 1 },
      clientAddress: (req) => `${req.headers["x-address"]}`,
    });
    const statuses: number[] = [];
    for (const address of addresses) {
      statuses.push((await fetch(site.url + HANDSHAKE, { headers: { "x-address": address } })).status);
    }
    expect(statuses).toEqual(expected);
  });
});

describe("a server that closes", () => {
  it("opens no session while its adapters take their time", async () => {
    let close = (): void => {};
    const slow = new Promise<void>((resolve) => {
      close = resolve;
    });
    class SlowAdapter extends Adapter {
      override close(): Promise<void> {
        return slow;
      }
    }
    const site = await serve({ adapter: SlowAdapter });
    const closed = site.io.close();
    expect(await knock(site.port, "polling")).toBe(503);
    expect(await knock(site.port, "websocket")).toBe(503);
    expect(site.io.engine.clientsCount).toBe(0);
    close();
    site.http.closeAllConnections();
    await closed;
  });
});

describe("a namespace that is made on demand", () => {
  it("is made for nobody whose connection has ended meanwhile", async () => {
    const site = await serve({ cleanupEmptyChildNamespaces: true });
    const asked: (() => void)[] = [];
    site.io.of((_name: string, _auth: unknown, next: (error: Error | null, allow: boolean) => void) => {
      asked.push(() => next(null, true));
    });
    const before = site.io._nsps.size;
    const { wire } = await openSession(site.port);
    wire.send("40/made-1,", "40/made-2,");
    await until(() => asked.length === 2, "the app to be asked");
    wire.end();
    await until(() => site.io.engine.clientsCount === 0, "the session to end");
    for (const answer of asked) answer();
    await later();
    expect(site.io._nsps.size).toBe(before);
  });

  it("is made once for all who ask at the same time, and all are in it", async () => {
    const site = await serve({ cleanupEmptyChildNamespaces: true });
    const asked: (() => void)[] = [];
    site.io.of((_name: string, _auth: unknown, next: (error: Error | null, allow: boolean) => void) => {
      asked.push(() => next(null, true));
    });
    const made: string[] = [];
    site.io.on("new_namespace", ({ name }) => void made.push(name));
    const wires = await Promise.all(
      Array.from({ length: 5 }, async () => (await openSession(site.port)).wire),
    );
    for (const wire of wires) {
      atEnd(() => wire.end());
      wire.send("40/made,");
    }
    await until(() => asked.length === 5, "the app to be asked");
    for (const answer of asked) answer();
    await until(() => site.io._nsps.get("/made")?.sockets.size === 5, "all to join");
    expect(made).toEqual(["/made"]);
  });
});

describe("namespaces whose middlewares take their time", () => {
  it("count while they decide", async () => {
    const site = await serve({ limits: { maxNamespacesPerConnection: 3 } });
    let deciding = 0;
    for (let n = 0; n < 20; n++) site.io.of(`/n${n}`).use(() => void deciding++);
    const { wire } = await openSession(site.port);
    atEnd(() => wire.end());
    for (let n = 0; n < 20; n++) wire.send(`40/n${n},`);
    for (let n = 3; n < 20; n++) expect(await wire.nextMessage()).toContain("Too many namespaces");
    expect(deciding).toBe(3);
  });
});

describe("claims", () => {
  it("are granted, but what is kept is not sent again and again", async () => {
    const site = await serve();
    const client = await CountedClient.open(site.port);
    await client.send("0");
    await client.received(1);
    await client.tellCount();
    const [socket] = [...site.io.sockets.sockets.values()];
    if (socket === undefined) throw new Error("no socket");
    let sent = 0;
    socket.conn.on("flush", (batch) => {
      for (const { head } of batch) if (head.length > 900_000) sent += head.length;
    });
    socket.emit("much", "x".repeat(900_000));
    await client.received(2);
    const query = `EIO=4&transport=websocket&sid=${client.sid}&resume=claim`;
    for (let n = 0; n < 60; n++) {
      const wire = await openWire(site.port, query);
      atEnd(() => wire.end());
      wire.send(claimOf(client.sid, client.secret, 1));
      expect(String(await wire.next())).toMatch(/^0\{/);
    }
    expect(sent).toBeGreaterThan(900_000);
    expect(sent).toBeLessThan(6_000_000);
    expect(socket.connected).toBe(true);
    // The client itself comes back, acknowledges what it has, and gets what it has not.
    expect(await client.claim("polling")).toMatchObject({ status: 200 });
    socket.emit("more");
    expect((await client.received(3))[2]).toBe('2["more"]');
  });
});
