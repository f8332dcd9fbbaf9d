import { TransportError } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import type { Manager } from "../src/manager.js";
import { FakeServer, PING_INTERVAL_MS, PING_TIMEOUT_MS } from "./fake-server.js";

const STEADY: Options = { randomizationFactor: 0, reconnectionDelay: 100, reconnectionDelayMax: 400 };

afterEach(() => vi.restoreAllMocks());

/** What a manager emits, one line each. */
function record(manager: Manager): string[] {
  const log: string[] = [];
  manager.on("open", () => log.push("open"));
  manager.on("error", (error) => log.push(`error ${error.message}`));
  manager.on("close", (reason) => log.push(`close ${reason}`));
  manager.on("reconnect_attempt", (n) => log.push(`attempt ${n}`));
  manager.on("reconnect", (n) => log.push(`reconnect ${n}`));
  manager.on("reconnect_error", (error) => log.push(`reconnect_error ${error.message}`));
  manager.on("reconnect_failed", () => log.push("reconnect_failed"));
  return log;
}

/** What was logged since the last call. */
function taken(log: string[]): string[] {
  return log.splice(0);
}

describe("opening", () => {
  it("happens at once, or when asked for", () => {
    const server = new FakeServer();
    server.manager();
    expect(server.dials).toHaveLength(1);
    const lazy = server.manager({ autoConnect: false });
    expect(server.dials).toHaveLength(1);
    expect(lazy._readyState).toBe("closed");
    const log = record(lazy);
    lazy.connect();
    expect(lazy._readyState).toBe("opening");
    server.settle();
    expect(lazy._readyState).toBe("open");
    expect(log).toEqual(["open"]);
  });

  it("tells the transport what the server said, and what the options say", () => {
    const server = new FakeServer();
    server.manager({ query: { a: 1 }, extraHeaders: { x: "y" }, path: "/p" });
    server.settle();
    expect(server.dials[0]?.target).toMatchObject({
      url: "http://server:80/p/",
      query: { a: "1" },
      headers: { x: "y" },
      sid: "engine1",
      maxPayload: 1e6,
    });
  });

  it("calls every callback, also one that comes late", () => {
    const server = new FakeServer();
    const manager = server.manager({ autoConnect: false });
    const calls: unknown[] = [];
    manager.open((error) => calls.push(["first", error]));
    manager.open((error) => calls.push(["second", error]));
    expect(calls).toEqual([]);
    server.settle();
    manager.open((error) => calls.push(["third", error]));
    expect(calls).toEqual([
      ["first", undefined],
      ["second", undefined],
      ["third", undefined],
    ]);
    expect(server.dials).toHaveLength(1);
  });

  it("with a callback leaves a failure to it", () => {
    const server = new FakeServer();
    server.reachable = [];
    const manager = server.manager({ autoConnect: false });
    const log = record(manager);
    const errors: unknown[] = [];
    manager.open((error) => errors.push(error));
    server.clock.advance(60_000);
    expect(errors).toEqual([new Error("polling refused")]);
    expect(log).toEqual(["error polling refused"]);
    expect(manager._readyState).toBe("closed");
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("fails after the timeout, and the late answer counts no more", () => {
    const server = new FakeServer();
    server.silent = true;
    const manager = server.manager({ timeout: 250, reconnection: false });
    const log = record(manager);
    server.clock.advance(249);
    expect(log).toEqual([]);
    const failed = vi.fn();
    manager.on("error", failed);
    server.clock.advance(1);
    expect(log).toEqual(["error timeout"]);
    expect(failed.mock.calls[0]?.[0]).toMatchObject({ code: "ERR_CONNECT_TIMEOUT" });
    // A pipe that was closed takes nothing any more.
    expect(server.dials[0]?.pair.a.writable).toBe(false);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("has no timeout if that is switched off, and the timer ends with the attempt", () => {
    const server = new FakeServer();
    server.silent = true;
    const patient = server.manager({ timeout: false });
    server.clock.advance(1e7);
    expect(patient._readyState).toBe("opening");
    expect(server.clock.pendingTimers).toBe(0);
    server.silent = false;
    const other = server.manager({ timeout: 250 });
    const log = record(other);
    server.clock.advance(PING_INTERVAL_MS);
    expect(log).toEqual(["open"]);
  });

  it("fails if no transport exists here", () => {
    const server = new FakeServer();
    const manager = server.manager({ transports: ["pigeon"], reconnection: false });
    const errors: unknown[] = [];
    manager.on("error", (error) => errors.push(error));
    server.settle();
    expect(errors).toEqual([expect.objectContaining({ code: "ERR_TRANSPORT_UNKNOWN" })]);
    expect(manager._readyState).toBe("closed");
  });

  it("knows WebTransport by its class only", async () => {
    const { WebTransport } = await import("@sockeye/client");
    const server = new FakeServer();
    const errors: unknown[] = [];
    for (const transport of ["webtransport", WebTransport]) {
      const manager = server.manager({ transports: [transport], reconnection: false });
      manager.on("error", (error) => errors.push(error));
      await vi.waitFor(() => {
        server.settle();
        expect(manager._readyState).toBe("closed");
      });
    }
    expect(errors).toMatchObject([{ code: "ERR_TRANSPORT_UNKNOWN" }, { code: "ERR_TRANSPORT_OPEN" }]);
  });

  it("refuses two lists of transports", () => {
    const server = new FakeServer();
    const both = { transportImplementations: server.transports() };
    expect(() => server.manager(both)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });

  it("tells every socket of the server's PING", () => {
    const server = new FakeServer();
    const manager = server.manager();
    let pings = 0;
    manager.on("ping", () => pings++);
    server.clock.advance(PING_INTERVAL_MS * 2 + 200);
    expect(pings).toBe(2);
  });

  it("takes the query of its URL", () => {
    const server = new FakeServer();
    const manager = server.manager({ query: { a: "1" } });
    expect(manager.opts.query).toEqual({ a: "1" });
  });
});

describe("transports", () => {
  it("fall back in their order, if asked to", () => {
    const server = new FakeServer();
    server.reachable = ["c"];
    const manager = server.manager({ transports: server.transports("a", "b", "c"), tryAllTransports: true });
    const engine = manager.engine;
    const log = record(manager);
    server.settle();
    expect(server.dials.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(log).toEqual(["open"]);
    expect(manager.engine).toBe(engine);
    expect(engine.transport?.name).toBe("c");
  });

  it("fail with the last one's error", () => {
    const server = new FakeServer();
    server.reachable = [];
    const options = { transports: server.transports("a", "b"), tryAllTransports: true, reconnection: false };
    const log = record(server.manager(options));
    server.settle();
    expect(log).toEqual(["error b refused"]);
  });

  it("that say nothing are passed over after a while, but for the last", () => {
    const server = new FakeServer();
    server.reachable = ["a", "b", "c"];
    server.mute = ["a", "b", "c"];
    const options = {
      transports: server.transports("a", "b", "c"),
      tryAllTransports: true,
      reconnection: false,
    };
    const log = record(server.manager({ ...options, timeout: 15_000 }));
    const dialled = () => server.dials.map(({ name }) => name).join();
    server.clock.advance(4999);
    expect(dialled()).toBe("a");
    server.clock.advance(1);
    expect(dialled()).toBe("a,b");
    server.clock.advance(5000);
    expect(dialled()).toBe("a,b,c");
    server.clock.advance(4999);
    expect(log).toEqual([]);
    server.clock.advance(1);
    expect(log).toEqual(["error timeout"]);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("that say nothing are waited for if there is no other, or nobody asked for others", () => {
    for (const [names, tryAllTransports] of [
      [["a"], true],
      [["a", "b"], false],
    ] as const) {
      const server = new FakeServer();
      server.reachable = ["a", "b"];
      server.mute = ["a"];
      const transports = server.transports(...names);
      const log = record(
        server.manager({ transports, tryAllTransports, reconnection: false, timeout: false }),
      );
      server.clock.advance(60_000);
      expect([server.dials.length, log]).toEqual([1, []]);
      expect(server.clock.pendingTimers).toBe(0);
    }
  });

  it("that fail in time, or open, are not waited for any more", () => {
    const server = new FakeServer();
    server.reachable = ["b"];
    const transports = server.transports("a", "b", "c");
    const manager = server.manager({ transports, tryAllTransports: true, openTimeout: 100 });
    server.clock.advance(90);
    expect(manager.engine.transport?.name).toBe("b");
    server.clock.advance(900);
    expect(server.dials).toHaveLength(2);
  });

  it("are not tried in turn if nobody asked for it", () => {
    const server = new FakeServer();
    server.reachable = ["b"];
    const log = record(server.manager({ transports: server.transports("a", "b"), reconnection: false }));
    server.settle();
    expect(log).toEqual(["error a refused"]);
  });

  it("are upgraded to what the server offers", () => {
    const server = new FakeServer();
    server.upgrades = ["carrier", "websocket"];
    const manager = server.manager({ transports: server.transports("polling", "websocket") });
    const upgrades: unknown[] = [];
    manager.engine.on("upgrade", ({ name }) => upgrades.push(name));
    server.settle();
    expect(server.dials.map(({ name, target }) => [name, target.sid])).toEqual([
      ["polling", "engine1"],
      ["websocket", "engine1"],
    ]);
    expect(upgrades).toEqual(["websocket"]);
    expect([manager.engine.transport?.name, manager.engine.upgraded]).toEqual(["websocket", true]);
    expect(server.peer.session.transport?.name).toBe("websocket");
  });

  it.each([
    ["upgrades are off", { upgrade: false }, ["polling", "websocket"]],
    ["the app does not name it", {}, ["polling"]],
  ])("stay if %s", (_why, options, names) => {
    const server = new FakeServer();
    server.upgrades = ["websocket"];
    const manager = server.manager({ transports: server.transports(...names), ...options });
    server.settle();
    expect(server.dials).toHaveLength(1);
    expect(manager.engine.transport?.name).toBe("polling");
  });

  it("may have options of their own", () => {
    const server = new FakeServer();
    server.upgrades = ["websocket"];
    server.manager({
      transports: server.transports("polling", "websocket"),
      extraHeaders: { a: "1" },
      transportOptions: { websocket: { extraHeaders: { b: "2" }, forceBase64: true } },
    });
    server.settle();
    expect(server.dials.map(({ target }) => [target.headers, target.forceBase64])).toEqual([
      [{ a: "1" }, false],
      [{ b: "2" }, true],
    ]);
  });

  it("begin with WebSocket where that worked last, if asked to", () => {
    const server = new FakeServer();
    server.upgrades = ["websocket"];
    const options = { transports: server.transports("polling", "websocket"), rememberUpgrade: true };
    const dialled = (): string[] => server.dials.splice(0).map(({ name }) => name);
    server.manager({ ...options, rememberUpgrade: false, upgrade: false });
    server.settle();
    dialled();
    server.manager(options);
    server.settle();
    expect(dialled()).toEqual(["polling", "websocket"]);
    const manager = server.manager(options);
    server.settle();
    expect(dialled()).toEqual(["websocket"]);
    server.reachable = ["polling"];
    manager.disconnect();
    server.settle();
    manager.open();
    server.clock.advance(2000);
    expect(dialled().slice(0, 2)).toEqual(["websocket", "polling"]);
  });
});

describe("reconnection", () => {
  it("waits longer each time, and says what it does", () => {
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    const log = record(manager);
    server.settle();
    server.reachable = [];
    server.cut();
    expect(taken(log)).toEqual(["open", "close transport error"]);
    expect([manager._readyState, manager._reconnecting]).toEqual(["closed", true]);
    server.clock.advance(99);
    expect(taken(log)).toEqual([]);
    server.clock.advance(1);
    expect(taken(log)).toEqual(["attempt 1", "error polling refused", "reconnect_error polling refused"]);
    server.clock.advance(200);
    expect(taken(log)).toEqual(["attempt 2", "error polling refused", "reconnect_error polling refused"]);
    server.reachable = ["polling"];
    server.clock.advance(399);
    expect(taken(log)).toEqual([]);
    server.clock.advance(1);
    expect(taken(log)).toEqual(["attempt 3", "open", "reconnect 3"]);
    expect([manager._readyState, manager._reconnecting]).toEqual(["open", false]);
    server.cut();
    server.clock.advance(100);
    expect(taken(log)).toEqual(["close transport error", "attempt 1", "open", "reconnect 1"]);
  });

  it("strays by chance", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const server = new FakeServer();
    server.reachable = [];
    const log = record(server.manager({ ...STEADY, randomizationFactor: 0.5 }));
    server.clock.advance(49);
    expect(log).toEqual(["error polling refused"]);
    server.clock.advance(1);
    expect(log[1]).toBe("attempt 1");
  });

  it("follows a first attempt that failed, too", () => {
    const server = new FakeServer();
    server.reachable = [];
    const log = record(server.manager(STEADY));
    server.settle();
    server.reachable = ["polling"];
    server.clock.advance(100);
    expect(log).toEqual(["error polling refused", "attempt 1", "open", "reconnect 1"]);
  });

  it("ends when the attempts are used up, and can begin anew", () => {
    const server = new FakeServer();
    server.reachable = [];
    const manager = server.manager({ ...STEADY, reconnectionAttempts: 2 });
    const log = record(manager);
    server.clock.advance(60_000);
    const attempt = (n: number): string[] => [
      `attempt ${n}`,
      "error polling refused",
      "reconnect_error polling refused",
    ];
    expect(taken(log)).toEqual(["error polling refused", ...attempt(1), ...attempt(2), "reconnect_failed"]);
    expect([manager._readyState, manager._reconnecting]).toEqual(["closed", false]);
    expect(server.clock.pendingTimers).toBe(0);
    manager.open();
    server.clock.advance(100);
    expect(taken(log)).toEqual(["error polling refused", ...attempt(1)]);
  });

  it("does not happen if it is off", () => {
    const server = new FakeServer();
    const manager = server.manager({ reconnection: false });
    const log = record(manager);
    server.settle();
    server.cut();
    server.clock.advance(60_000);
    expect(log).toEqual(["open", "close transport error"]);
    expect([manager._readyState, manager._reconnecting]).toEqual(["closed", false]);
  });

  it.each<[string, (manager: Manager) => unknown]>([
    ["reconnection(false)", (manager) => manager.reconnection(false)],
    ["disconnect()", (manager) => manager.disconnect()],
  ])("ends with %s, whenever that comes", (_name, end) => {
    const moments: ((server: FakeServer, manager: Manager) => void)[] = [
      (_server, manager) => void manager.on("close", () => end(manager)),
      (_server, manager) => void manager.on("reconnect_attempt", () => end(manager)),
      (server, manager) => {
        server.cut();
        end(manager);
      },
    ];
    for (const prepare of moments) {
      const server = new FakeServer();
      const manager = server.manager(STEADY);
      const log = record(manager);
      server.settle();
      prepare(server, manager);
      server.cut();
      server.clock.advance(60_000);
      expect(log.filter((line) => line.startsWith("reconnect"))).toEqual([]);
      expect(manager._readyState).toBe("closed");
      expect(manager._reconnecting).toBe(false);
    }
  });

  it("does not wait if the app opens by itself", () => {
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    server.settle();
    server.cut();
    manager.open();
    const log = record(manager);
    server.settle();
    expect(log).toEqual(["open", "reconnect 1"]);
    server.clock.advance(500);
    expect(log).toEqual(["open", "reconnect 1"]);
  });

  it("opens a new attempt with the options of that moment", () => {
    const server = new FakeServer();
    const manager = server.manager({ ...STEADY, query: { token: "old" } });
    server.settle();
    manager.on("reconnect_attempt", () => {
      manager.opts.query = { token: "new" };
    });
    server.cut();
    server.clock.advance(100);
    expect(server.dials.map(({ target }) => target.query)).toEqual([{ token: "old" }, { token: "new" }]);
  });

  it("follows a server that fell silent", () => {
    const server = new FakeServer();
    const log = record(server.manager(STEADY));
    server.settle();
    server.dials[0]?.pair.b.drop();
    server.clock.advance(PING_INTERVAL_MS + PING_TIMEOUT_MS + 50);
    expect(log).toEqual(["open", "close ping timeout"]);
    server.clock.advance(100);
    expect(log.slice(2)).toEqual(["attempt 1", "open", "reconnect 1"]);
  });

  it("follows a server that talks nonsense", () => {
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    const closes: unknown[][] = [];
    manager.on("close", (...args) => closes.push(args));
    server.settle();
    server.peer.session.sendMessage("9nonsense", true);
    server.settle();
    expect(closes).toEqual([["parse error", expect.objectContaining({ code: "ERR_PACKET_MALFORMED" })]]);
  });

  it("follows the end of the engine, whoever asked for it", () => {
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    const log = record(manager);
    server.settle();
    manager.engine.close();
    server.clock.advance(100);
    expect(log).toEqual(["open", "close forced close", "attempt 1", "open", "reconnect 1"]);
  });
});

describe("the engine", () => {
  it("is there before the connection, and is a new one with each", () => {
    const server = new FakeServer();
    const manager = server.manager({ ...STEADY, autoConnect: false });
    const first = manager.engine;
    expect([first.id, first.readyState]).toEqual(["", "opening"]);
    manager.open();
    server.settle();
    expect(manager.engine).toBe(first);
    expect([first.id, first.readyState, first.transport?.name]).toEqual(["engine1", "open", "polling"]);
    server.cut();
    expect([manager.engine, first.readyState]).toEqual([first, "closed"]);
    server.clock.advance(100);
    expect(manager.engine).not.toBe(first);
    expect(manager.engine.id).toBe("engine2");
  });
});

describe("disconnect", () => {
  it("tells the server, and everybody here", () => {
    const server = new FakeServer();
    const manager = server.manager();
    const log = record(manager);
    server.settle();
    manager.disconnect();
    expect(log).toEqual(["open", "close forced close"]);
    server.settle();
    expect(server.peer.reason).toBe("transport close");
    expect(server.clock.pendingTimers).toBe(0);
    manager.disconnect();
    expect(log).toHaveLength(2);
  });

  it("ends an attempt", () => {
    const server = new FakeServer();
    server.silent = true;
    const manager = server.manager();
    const log = record(manager);
    manager.disconnect();
    server.clock.advance(60_000);
    expect(log).toEqual([]);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("reaches the server in the middle of an upgrade", () => {
    const server = new FakeServer();
    server.upgrades = ["websocket"];
    const manager = server.manager({ transports: server.transports("polling", "websocket") });
    manager.engine.on("upgrading", () => manager.disconnect());
    server.settle();
    expect(server.peer.reason).toBe("transport close");
    expect(server.clock.pendingTimers).toBe(0);
  });
});

describe("settings", () => {
  it("have Socket.IO's defaults", () => {
    const manager = new FakeServer().manager({ autoConnect: false });
    expect([
      manager.reconnection(),
      manager.reconnectionAttempts(),
      manager.reconnectionDelay(),
      manager.reconnectionDelayMax(),
      manager.randomizationFactor(),
      manager.timeout(),
    ]).toEqual([true, Number.POSITIVE_INFINITY, 1000, 5000, 0.5, 20_000]);
  });

  it("can be set, and read", () => {
    const manager = new FakeServer().manager({ autoConnect: false });
    expect(manager.reconnection(false)).toBe(manager);
    manager
      .reconnectionAttempts(1)
      .reconnectionDelay(2)
      .reconnectionDelayMax(3)
      .randomizationFactor(0)
      .timeout(false);
    expect([
      manager.reconnection(),
      manager.reconnectionAttempts(),
      manager.reconnectionDelay(),
      manager.reconnectionDelayMax(),
      manager.randomizationFactor(),
      manager.timeout(),
    ]).toEqual([false, 1, 2, 3, 0, false]);
  });
});

describe("listeners that throw", () => {
  it("harm nobody", () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    for (const event of ["open", "close", "reconnect_attempt", "reconnect"] as const) {
      manager.on(event, () => {
        throw new Error(event);
      });
    }
    server.settle();
    server.cut();
    server.clock.advance(100);
    expect(manager._readyState).toBe("open");
    expect(reported.mock.calls.map(([error]) => (error as Error).message)).toEqual([
      "open",
      "close",
      "reconnect_attempt",
      "open",
      "reconnect",
    ]);
  });
});

it("gives an error to those whose session ends before it began, without a word", () => {
  const server = new FakeServer();
  server.silent = true;
  const manager = server.manager({ reconnection: false });
  const errors: unknown[] = [];
  manager.on("error", (error) => errors.push(error));
  server.dials[0]?.pair.b.close("goodbye");
  server.settle();
  expect(errors).toEqual([expect.any(TransportError)]);
});
