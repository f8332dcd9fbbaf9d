import { WebTransport as OwnWebTransport } from "@sockeye/client";
import { type MemorySession, memoryWebTransport } from "@sockeye/conformance";
import type { Server } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type ClientName,
  loadClient,
  type ServerName,
  type Site,
  serverHalf,
  startSite,
} from "../support/servers.js";
import { once, until } from "../support/wait.js";

// Every pair of ends over sessions of WebTransport in memory. HTTP, for polling, is real.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllGlobals();
});

/** Dials WebTransport sessions of this server, and keeps them. */
function platform(io: Server, streams: "break" | "stay"): MemorySession[] {
  const sessions: MemorySession[] = [];
  const engine = io.engine as unknown as { onWebTransportSession(session: unknown): unknown };
  vi.stubGlobal(
    "WebTransport",
    memoryWebTransport(
      (session) => {
        sessions.push(session);
        void engine.onWebTransportSession(session);
      },
      { streams },
    ),
  );
  return sessions;
}

interface Scene {
  readonly site: Site;
  readonly client: ClientSocket;
  readonly sessions: MemorySession[];
}

async function scene(server: ServerName, clientName: ClientName, names: readonly string[]): Promise<Scene> {
  const site = await startSite(server, { transports: ["polling", "websocket", "webtransport"] });
  ends.push(() => site.end());
  const sessions = platform(site.io, server === "sockeye" && clientName === "sockeye" ? "break" : "stay");
  const { io } = await loadClient(clientName);
  const transports = names.map((name) =>
    name === "webtransport" && clientName === "sockeye" ? OwnWebTransport : name,
  );
  const client = io(site.url, {
    transports: transports as string[],
    forceNew: true,
    reconnectionDelay: 10,
    reconnectionDelayMax: 30,
  });
  ends.push(() => client.disconnect());
  return { site, client, sessions };
}

const PAIRS: [ServerName, ClientName][] = [
  ["sockeye", "sockeye"],
  ["sockeye", "socket.io-client 4"],
  ["socket.io 4", "sockeye"],
  ["socket.io 4", "socket.io-client 4"],
];

describe.each(PAIRS)("WebTransport, %s and %s", (server, clientName) => {
  it("carries events, acknowledgements and bytes both ways", async () => {
    const { site, client } = await scene(server, clientName, ["webtransport"]);
    site.io.on("connection", (socket) => {
      socket.on("echo", (...args: unknown[]) => {
        const answer = args.pop() as (...args: unknown[]) => void;
        answer(...args);
      });
    });
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
    for (const args of [
      ["hello", 1],
      [{ deep: [bytes, "žluť 🐟"] }],
      ["x".repeat(500_000)],
      [Buffer.alloc(200_000, 7)],
    ]) {
      const back = await new Promise<unknown[]>((resolve) =>
        client.emit("echo", ...args, (...answer: unknown[]) => resolve(answer)),
      );
      expect(JSON.stringify(back)).toBe(JSON.stringify(plain(args)));
    }
    expect(client.io.engine.transport.name).toBe("webtransport");
    const half = await serverHalf(site, client);
    expect(half.conn.transport.name).toBe("webtransport");
    const got = once(client, "down");
    half.emit("down", bytes);
    expect([...((await got)[0] as Uint8Array)]).toEqual([...bytes]);
  });

  it("keeps the order of 10,000 messages each way", async () => {
    const { site, client } = await scene(server, clientName, ["webtransport"]);
    await once(client, "connect");
    const half = await serverHalf(site, client);
    const [up, down]: [number[], number[]] = [[], []];
    half.on("n", (n: number) => up.push(n));
    client.on("n", (n: number) => down.push(n));
    const all = Array.from({ length: 10_000 }, (_, n) => n);
    for (const n of all) {
      client.emit("n", n);
      half.emit("n", n);
    }
    await until(() => up.length === all.length && down.length === all.length, "all messages");
    expect(up).toEqual(all);
    expect(down).toEqual(all);
  });

  it("is what a session on polling changes to, before WebSocket", async () => {
    const { site, client } = await scene(server, clientName, ["polling", "websocket", "webtransport"]);
    await once(client, "connect");
    const heard: number[] = [];
    const half = await serverHalf(site, client);
    half.on("n", (n: number) => heard.push(n));
    const all = Array.from({ length: 50 }, (_, n) => n);
    for (const n of all) {
      client.emit("n", n);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => half.conn.transport.name === "webtransport", "the upgrade");
    await until(() => heard.length === all.length, "all messages");
    expect(heard).toEqual(all);
    expect(client.io.engine.transport.name).toBe("webtransport");
  });

  it("leaves it to WebSocket where no session comes about", async () => {
    const { site, client } = await scene(server, clientName, ["polling", "websocket", "webtransport"]);
    // UDP is swallowed: never ready, never closed.
    vi.stubGlobal(
      "WebTransport",
      class {
        readonly ready = new Promise(() => {});
        readonly closed = new Promise(() => {});
        close(): void {}
      },
    );
    await once(client, "connect");
    const half = await serverHalf(site, client);
    await until(() => half.conn.transport.name === "websocket", "the upgrade");
  });

  it.each(["client", "server"])("ends when the %s disconnects", async (side) => {
    const { site, client, sessions } = await scene(server, clientName, ["webtransport"]);
    await once(client, "connect");
    const half = await serverHalf(site, client);
    const reasons = Promise.all([once(client, "disconnect"), once(half, "disconnect")]);
    if (side === "client") client.disconnect();
    else half.disconnect(true);
    // Socket.IO's server closes the session before its client can have read why.
    const told = server === "sockeye" ? "io server disconnect" : "transport close";
    expect((await reasons).map(([reason]) => reason)).toEqual(
      side === "client"
        ? ["io client disconnect", "client namespace disconnect"]
        : [told, "server namespace disconnect"],
    );
    await until(() => sessions.every(({ over }) => over), "the end of the session");
  });
});

// The ends of npm do not catch the rejections of it.
it("WebTransport, sockeye and sockeye: comes back when the network breaks", async () => {
  const { client, sessions } = await scene("sockeye", "sockeye", ["webtransport"]);
  await once(client, "connect");
  const gone = once(client, "disconnect");
  sessions[0]?.cut(new Error("the network is gone"));
  expect((await gone)[0]).toBe("transport error");
  await once(client, "connect");
  expect(sessions).toHaveLength(2);
});

/** As JSON that came over the wire would be. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
