// How a counted session comes back: when which transport is dialled, and what the app sees of it, which is nothing.

import { EncodedPacket, PacketType, type TransportSink } from "@sockeye/protocol";
import type { MemoryPair } from "@sockeye/transport/memory";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import { Manager } from "../src/lean/manager.js";
import { eventsOf, FakeServer } from "./fake-server.js";

const WINDOW_MS = 30_000;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A client that is connected over the first of the transports, and all that its app sees from then on. */
function connected(options: Options = {}, names: readonly string[] = ["websocket", "polling"]) {
  // In the middle of the jitter.
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const server = new FakeServer();
  server.window = WINDOW_MS;
  const manager = server.manager({ transports: server.transports(...names), resume: true, ...options });
  const socket = manager.socket("/");
  const log: string[] = [];
  socket.on("connect", () => log.push("connect"));
  socket.on("disconnect", (reason, description) =>
    log.push(`disconnect ${reason} ${Object(description).code}`),
  );
  manager.engine.on("suspend", (reason) => log.push(`suspend ${reason}`));
  manager.engine.on("resume", ({ name }) => log.push(`resume ${name}`));
  server.settle();
  expect(log.splice(0)).toEqual(["connect"]);
  const dials = (): string[] => server.dials.splice(0).map(({ name }) => name);
  dials();
  const last = (): MemoryPair => (server.dials.at(-1) as (typeof server.dials)[number]).pair;
  return { server, manager, socket, log, dials, last };
}

/** Breaks the transport of the client, which notices; the server does later. */
function cut({ manager, server }: ReturnType<typeof connected>): void {
  (manager.engine.transport as unknown as { cut(reason: string, cause: Error): void }).cut(
    "transport error",
    new Error("cut"),
  );
  server.clock.flush();
}

const LIVED_MS = 20_000;

describe("the app", () => {
  it("sees no interruption: events of both sides arrive once, in order, and acknowledgements too", () => {
    const all = connected();
    const { server, manager, socket, log } = all;
    const got: unknown[] = [];
    const acks: unknown[] = [];
    socket.onAny((...event) => got.push(event));
    const told: unknown[] = [];
    for (const name of ["close", "reconnect_attempt", "reconnect"] as const)
      manager.on(name, () => told.push(name));
    const n = { client: 0, server: 0 };
    const both = (): void => {
      socket.emit("c", n.client++, Uint8Array.of(1));
      socket.emit("ask", n.client++, (answer: unknown) => acks.push(answer));
      server.peer.send({ type: PacketType.EVENT, data: ["s", n.server++, Uint8Array.of(2)] });
    };
    const id = socket.id;
    for (let i = 0; i < 5; i++) {
      both();
      if (i % 2) server.settle();
      server.reachable = [];
      cut(all);
      expect([manager._readyState, manager.engine.readyState, manager.engine.suspended]).toEqual([
        "open",
        "open",
        true,
      ]);
      expect(socket.connected).toBe(true);
      both();
      server.clock.advance(1000);
      both();
      server.reachable = ["websocket", "polling"];
      server.clock.advance(3000);
      expect(manager.engine.suspended).toBe(false);
    }
    server.settle();
    const events = eventsOf(server.peer.packets);
    expect(events.map(([, number]) => number)).toEqual(Array.from({ length: n.client }, (_, i) => i));
    expect(got.map((event) => (event as unknown[])[1])).toEqual(
      Array.from({ length: n.server }, (_, i) => i),
    );
    for (const { type, id: ack } of server.peer.packets.filter((packet) => packet.id !== undefined)) {
      if (type === PacketType.EVENT)
        server.peer.send({ type: PacketType.ACK, id: ack, data: [ack] } as never);
    }
    server.settle();
    expect(acks).toHaveLength(n.client / 2);
    expect([told, socket.id, log.filter((line) => !/^(suspend|resume)/.test(line))]).toEqual([[], id, []]);
    expect(server.peers).toHaveLength(1);
  });

  it("can tell: suspend and resume", () => {
    const all = connected();
    cut(all);
    expect(all.log).toEqual(["suspend transport error", "resume websocket"]);
  });

  it("loses what is volatile, and acknowledgements time out", () => {
    const all = connected();
    const { server, socket, last } = all;
    server.reachable = [];
    cut(all);
    socket.volatile.emit("now or never");
    socket.emit("kept");
    const late = vi.fn();
    socket.timeout(500).emit("ask", late);
    server.clock.advance(600);
    expect(late).toHaveBeenCalledOnce();
    expect(late.mock.calls[0]?.[0]).toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    expect(last().a.writable).toBe(false);
    server.reachable = ["websocket"];
    server.clock.advance(2000);
    expect(eventsOf(server.peer.packets)).toEqual([["kept"]]);
  });

  it("is told what does not fit into the bound of what waits", () => {
    const all = connected();
    const { server, manager } = all;
    const socket = manager.socket("/small", { maxOutboundBytes: 1000 });
    server.settle();
    server.reachable = [];
    cut(all);
    const full = vi.fn();
    for (let i = 0; i < 20; i++) socket.timeout(60_000).emit("x", "y".repeat(100), full);
    expect(full.mock.calls.length).toBeGreaterThan(10);
    expect(full.mock.calls[0]?.[0]).toMatchObject({ code: "ERR_OUTBOUND_FULL" });
    expect(socket.bufferedBytes).toBeLessThan(1300);
  });

  it("hears of the loss once the window has passed, and the manager reconnects", () => {
    const all = connected({ reconnectionDelay: 1000, randomizationFactor: 0 });
    const { server, log, socket } = all;
    server.reachable = [];
    cut(all);
    server.clock.advance(WINDOW_MS - 100);
    expect(log).toEqual(["suspend transport error"]);
    server.clock.advance(150);
    expect(log.slice(1)).toEqual(["disconnect transport error undefined"]);
    server.reachable = ["websocket"];
    server.clock.advance(1000);
    expect(log.slice(2)).toEqual(["connect"]);
    expect(socket.connected).toBe(true);
    expect(server.peers).toHaveLength(2);
  });

  it("hears of it at once if the server does not have the session any more", () => {
    const all = connected({ reconnectionDelay: 1000, randomizationFactor: 0 });
    const { server, log, dials } = all;
    server.peers.splice(0);
    cut(all);
    expect(log).toEqual(["suspend transport error", "disconnect transport error undefined"]);
    expect(dials()).toEqual(["websocket"]);
    server.clock.advance(1000);
    expect(log.slice(2)).toEqual(["connect"]);
  });

  it("of which nobody hears any more is suspended, too, and not only by a timer", () => {
    const { server, socket, log } = connected();
    server.clock.jump(60_000);
    socket.emit("after sleep");
    expect(log).toEqual(["suspend ping timeout"]);
    server.settle();
    expect(log).toEqual(["suspend ping timeout", "resume websocket"]);
    expect(eventsOf(server.peer.packets)).toEqual([["after sleep"]]);
    expect(socket.sendBuffer).toEqual([]);
  });
});

describe("what is dialled", () => {
  it("is the transport that broke, then the others of the list", () => {
    const all = connected({}, ["websocket", "polling", "stream"]);
    all.server.reachable = [];
    all.server.clock.advance(LIVED_MS);
    cut(all);
    expect(all.dials()).toEqual(["websocket", "polling", "stream"]);
  });

  it("is the transport last that died young twice in a row", () => {
    const all = connected();
    const { server, dials, log } = all;
    cut(all);
    expect(dials()).toEqual(["websocket"]);
    cut(all);
    server.clock.advance(99);
    expect(dials()).toEqual([]);
    server.clock.advance(1);
    expect(dials()).toEqual(["polling"]);
    expect(log.at(-1)).toBe("resume polling");
    server.clock.advance(LIVED_MS);
    cut(all);
    expect(dials()).toEqual(["polling"]);
  });

  it("goes on in rounds, with waits that double up to 5 seconds, until the window has passed", () => {
    const all = connected({ reconnection: false });
    const { server, log } = all;
    server.clock.advance(LIVED_MS);
    server.reachable = [];
    const at: number[] = [];
    const begun = server.clock.now();
    cut(all);
    let seen = 0;
    for (let ms = 0; ms < WINDOW_MS + 5000; ms += 50) {
      if (server.dials.length > seen) at.push(server.clock.now() - begun);
      seen = server.dials.length;
      server.clock.advance(50);
    }
    expect(at.slice(0, 7)).toEqual([0, 100, 300, 700, 1500, 3100, 6300]);
    expect(seen).toBeLessThanOrEqual(20);
    expect(log.at(-1)).toBe("disconnect transport error undefined");
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("is one transport at a time, for as long as the last took to open and some more; longer with each round", () => {
    const all = connected({}, ["websocket"]);
    const { server, dials } = all;
    server.clock.advance(LIVED_MS);
    server.mute = ["websocket"];
    cut(all);
    expect(dials()).toEqual(["websocket"]);
    server.clock.advance(999);
    expect(dials()).toEqual([]);
    server.clock.advance(101);
    expect(dials()).toEqual(["websocket"]);
    server.clock.advance(1999);
    expect(dials()).toEqual([]);
    server.clock.advance(300);
    expect(dials()).toEqual(["websocket"]);
    // Not longer than the option `openTimeout`.
    server.clock.advance(4500);
    expect(dials()).toEqual(["websocket"]);
    server.clock.advance(4900);
    expect(dials()).toEqual([]);
    server.clock.advance(1000);
    expect(dials()).toEqual(["websocket"]);
  });

  it("is given up without goodbye, so that the server keeps the session", () => {
    const all = connected({}, ["websocket"]);
    const { server, log } = all;
    server.clock.advance(LIVED_MS);
    // The server agrees, and the answer gets lost.
    server.answerClaims = (target, pair) => {
      pair.b.drop();
      server.peer.end.acceptClaim(pair.b, JSON.parse(String(target.claim?.head).slice(1)));
    };
    cut(all);
    server.clock.advance(900);
    server.answerClaims = undefined;
    server.clock.advance(300);
    expect(log).toEqual(["suspend transport error", "resume websocket"]);
    expect(server.peer.reason).toBeUndefined();
  });

  it.each<[string, string[], string]>([
    ["the page of a captive portal", ["<html>"], "resume websocket"],
    ["a message before OPEN", ['42["x"]'], "resume websocket"],
    [
      "a session that is another one",
      [
        '0{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":1,"resume":{"secret":"s","window":1,"bytes":1,"received":0}}',
      ],
      "disconnect parse error ERR_PROTOCOL_VIOLATION",
    ],
    ["an OPEN packet that breaks the table", ["0{}"], "disconnect parse error ERR_HANDSHAKE"],
  ])("may meet %s", (_what, frames, expected) => {
    const all = connected({ reconnection: false });
    const { server, log } = all;
    server.clock.advance(LIVED_MS);
    server.answerClaims = (_target, pair) => {
      server.answerClaims = undefined;
      pair.b.send(frames.map((frame) => new EncodedPacket(frame)));
    };
    cut(all);
    server.clock.advance(200);
    expect(log.at(-1)?.replace("polling", "websocket")).toBe(expected);
  });

  it("may meet a captive portal whose page cannot even be split into frames", () => {
    const all = connected({ reconnection: false });
    const { server, log } = all;
    server.clock.advance(LIVED_MS);
    const bind = vi.spyOn(Object.getPrototypeOf(all.manager.engine.transport), "bind");
    server.answerClaims = (_target, { a }) => {
      server.answerClaims = undefined;
      const [sink] = bind.mock.calls[0] as [TransportSink];
      sink.ended(a, "closed", "parse error", new Error("malformed"));
    };
    cut(all);
    server.clock.advance(200);
    expect(log.at(-1)).toBe("resume polling");
  });

  it("upgrades again where the server offers that", () => {
    const all = connected({}, ["polling", "websocket"]);
    const { server, manager, log } = all;
    server.upgrades = ["websocket"];
    server.clock.advance(LIVED_MS);
    cut(all);
    expect(log).toEqual(["suspend transport error", "resume polling"]);
    server.settle();
    expect(manager.engine.transport.name).toBe("websocket");
  });
});

describe("a disconnect while the session is suspended", () => {
  it.each(["manager", "socket", "engine"] as const)("of the %s ends it at once", (who) => {
    const all = connected({ reconnection: false });
    const { server, manager, socket, log } = all;
    server.reachable = [];
    cut(all);
    if (who === "engine") manager.engine.close();
    else ({ manager, socket })[who].disconnect();
    expect(log.at(-1)).toMatch(/^disconnect (forced close|io client disconnect)/);
    expect(socket.connected).toBe(false);
    // The server waits, too.
    server.clock.advance(2 * WINDOW_MS);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("tells the server, if it can be reached", () => {
    const all = connected();
    const { server, socket, log } = all;
    server.clock.advance(LIVED_MS);
    server.reachable = [];
    cut(all);
    server.reachable = ["websocket", "polling"];
    socket.disconnect();
    server.settle();
    expect(server.peer.reason).toBe("transport close");
    expect(log.at(-1)).toBe("disconnect io client disconnect undefined");
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("makes one attempt at most", () => {
    const all = connected();
    const { server, socket, dials } = all;
    server.reachable = [];
    cut(all);
    dials();
    socket.disconnect();
    server.clock.advance(WINDOW_MS);
    expect(dials().length).toBeLessThanOrEqual(1);
  });
});

describe("the offer", () => {
  it.each<[string, Options, boolean | undefined]>([
    ["is made", {}, true],
    ["is not made if the app does not want it", { resume: false }, false],
    [
      "is not made beside an app's own parameter, of which nothing is said then",
      { query: { resume: "yes" } },
      undefined,
    ],
    ["is not made beside an app's own number", { query: { n: 1 } }, false],
  ])("%s", (_what, options, expected) => {
    const server = new FakeServer();
    server.window = WINDOW_MS;
    const manager = server.manager({ resume: true, ...options });
    manager.socket("/");
    server.settle();
    expect(server.dials[0]?.target.offersResume).toBe(expected);
    server.cut();
    expect(manager._readyState).toBe(expected ? "open" : "closed");
  });

  it("is not made by the lean client, and a server that counts all the same is not believed", () => {
    const server = new FakeServer();
    server.window = WINDOW_MS;
    const manager = new Manager(
      "http://server",
      { transports: server.transports(), resume: true },
      server.clock,
    );
    server.settle();
    expect(server.dials[0]?.target.offersResume).toBe(false);
    server.cut();
    expect(manager._readyState).toBe("closed");
    manager.disconnect();
  });

  it("that the server does not take leaves all as it was", () => {
    const all = connected();
    all.server.window = undefined;
    all.manager.disconnect();
    all.manager.open();
    all.socket.connect();
    all.server.settle();
    cut(all);
    expect(all.socket.connected).toBe(false);
  });
});
