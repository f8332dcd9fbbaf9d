import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import type { Manager } from "../src/manager.js";
import { FakeServer } from "./fake-server.js";

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
  server.upgrades = ["websocket"];
});
afterEach(() => vi.unstubAllGlobals());

/** A manager that holds a race of these; what it remembers is that of a server of its own, unless it is told otherwise. */
function racer(options: Options = {}, names = ["websocket", "polling"]): Manager {
  const transports = server.transports(...names);
  const manager = server.manager({
    transports,
    race: true,
    remember: false,
    reconnection: false,
    ...options,
  });
  manager.socket("/");
  return manager;
}

/** Names of the transports that were dialled so far, and those of the sessions that the server has. */
const dialled = (): string[] => server.dials.map(({ name }) => name);
const sessions = (): string[] =>
  server.peers.flatMap(({ session, reason }) => (reason ? [] : [session.transport?.name ?? "none"]));
const isOpen = (manager: Manager): boolean => manager._readyState === "open";

describe("a race", () => {
  it("is over at once if the best transport opens", () => {
    const manager = racer();
    server.clock.advance(0);
    expect([isOpen(manager), manager.engine.transport.name]).toEqual([true, "websocket"]);
    server.clock.advance(10_000);
    expect([dialled(), sessions()]).toEqual([["websocket"], ["websocket"]]);
  });

  it("dials the next after the delay, and takes it if it is first; then it moves up", async () => {
    server.delays = { websocket: 600, polling: 100 };
    const manager = racer();
    server.clock.advance(249);
    expect(dialled()).toEqual(["websocket"]);
    const first = new Promise((resolve) => {
      manager.on("open", () => resolve(manager.engine.transport.name));
    });
    server.clock.advance(101);
    expect(await first).toBe("polling");
    server.clock.advance(5000);
    expect(manager.engine.transport.name).toBe("websocket");
    // One was given up, one is the upgrade.
    expect(dialled()).toEqual(["websocket", "polling", "websocket"]);
    expect(sessions()).toEqual(["websocket"]);
    expect(server.peers.flatMap(({ packets }) => packets)).toHaveLength(1);
  });

  it("leaves no trace of the one that was too late", () => {
    server.delays = { websocket: 300, polling: 100 };
    const manager = racer();
    server.clock.advance(300);
    expect(manager.engine.transport.name).toBe("websocket");
    server.clock.advance(100);
    expect(server.peers.map(({ packets, reason }) => [packets.length, reason])).toEqual([
      [1, undefined],
      [0, "transport close"],
    ]);
    expect(server.clock.pendingTimers).toBeGreaterThan(0);
    manager.disconnect();
    server.clock.advance(0);
    expect(sessions()).toEqual([]);
    server.clock.advance(60_000);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it("dials the next at once if one fails", () => {
    server.reachable = ["polling"];
    const manager = racer();
    server.settle();
    expect([isOpen(manager), dialled()]).toEqual([true, ["websocket", "polling"]]);
  });

  it("goes on if the second fails, and takes the first when that opens", () => {
    server.reachable = ["websocket"];
    server.delays = { websocket: 1000 };
    const manager = racer();
    server.clock.advance(1000);
    expect([isOpen(manager), dialled()]).toEqual([true, ["websocket", "polling"]]);
  });

  it("goes on over the second if the first fails while both are under way", () => {
    server.delays = { polling: 1000 };
    server.mute = ["websocket"];
    const manager = racer();
    server.clock.advance(300);
    server.dials[0]?.pair.a.cut("transport error", new Error("cut"));
    server.clock.advance(200);
    expect([isOpen(manager), dialled()]).toEqual([false, ["websocket", "polling"]]);
    server.clock.advance(1000);
    expect([isOpen(manager), manager.engine.transport.name, sessions()]).toEqual([
      true,
      "polling",
      ["polling"],
    ]);
  });

  it("goes on over one that still runs, and not over one that has failed, if its own fails", () => {
    server.reachable = ["websocket", "stream"];
    server.mute = ["websocket"];
    server.delays = { stream: 1000 };
    const manager = racer({}, ["websocket", "polling", "stream"]);
    server.clock.advance(600);
    expect([isOpen(manager), dialled()]).toEqual([false, ["websocket", "polling", "stream"]]);
    const failed = server.dials[1]?.pair.a;
    const taken = failed && vi.spyOn(failed, "bind");
    server.dials[0]?.pair.a.cut("transport error", new Error("cut"));
    server.clock.advance(3000);
    expect(taken).not.toHaveBeenCalled();
    expect([isOpen(manager), sessions()]).toEqual([true, ["stream"]]);
  });

  it("is lost when all have failed, with the error of the last", () => {
    server.reachable = [];
    const errors: string[] = [];
    racer().on("error", ({ message }) => errors.push(message));
    server.clock.advance(5000);
    expect(errors).toEqual(["polling refused"]);
    expect(dialled()).toEqual(["websocket", "polling"]);
  });

  it("of three starts one after the other", () => {
    server.mute = ["websocket", "stream"];
    server.reachable = ["websocket", "stream", "polling"];
    const manager = racer({ race: { delayMs: 100 } }, ["websocket", "stream", "polling"]);
    server.clock.advance(199);
    expect(dialled()).toEqual(["websocket", "stream"]);
    server.clock.advance(1);
    expect([isOpen(manager), dialled()]).toEqual([true, ["websocket", "stream", "polling", "websocket"]]);
  });

  it("that the app ends leaves nothing behind", () => {
    server.delays = { websocket: 1000, polling: 1000 };
    const manager = racer();
    server.clock.advance(500);
    manager.disconnect();
    server.clock.advance(60_000);
    expect([sessions(), server.clock.pendingTimers]).toEqual([[], 0]);
  });
});

describe("the lookout for the best transport", () => {
  it("tries again after 30 s, then 60 s, and moves when it works", () => {
    server.reachable = ["polling"];
    const manager = racer();
    server.clock.advance(29_999);
    expect(dialled()).toEqual(["websocket", "polling"]);
    server.clock.advance(1);
    expect(dialled()).toHaveLength(3);
    server.clock.advance(59_999);
    expect(dialled()).toHaveLength(3);
    server.reachable = ["polling", "websocket"];
    server.clock.advance(1);
    expect([dialled().length, manager.engine.transport.name]).toEqual([4, "websocket"]);
    server.clock.advance(1_000_000);
    expect(dialled()).toHaveLength(4);
  });

  it("waits while the tab is in the background", () => {
    vi.stubGlobal("document", { hidden: true });
    server.reachable = ["polling"];
    racer();
    server.clock.advance(65_000);
    expect(dialled()).toEqual(["websocket", "polling"]);
    vi.stubGlobal("document", { hidden: false });
    server.clock.advance(25_000);
    expect(dialled()).toEqual(["websocket", "polling", "websocket"]);
  });

  it("tries anew even if the last try is stuck", () => {
    server.mute = ["websocket"];
    const manager = racer();
    server.clock.advance(30_250);
    expect(dialled()).toEqual(["websocket", "polling", "websocket", "websocket"]);
    server.mute = [];
    server.clock.advance(60_000);
    expect(manager.engine.transport.name).toBe("websocket");
  });
});

describe("what is remembered", () => {
  /** A manager of the next visit. */
  const again = (options: Options = {}): Manager => racer({ remember: true, ...options });

  beforeEach(() => {
    // A place of this test's own.
    const place = new Map<string, string>();
    vi.stubGlobal("document", { hidden: false });
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => place.get(key) ?? null,
      setItem: (key: string, value: string) => void place.set(key, value),
      removeItem: (key: string) => void place.delete(key),
    });
  });

  it("a transport that is not the best is dialled first, and the best one tried as an upgrade", () => {
    server.mute = ["websocket"];
    again().disconnect();
    server.clock.advance(1000);
    const first = again();
    server.clock.advance(1000);
    first.disconnect();
    server.dials.length = 0;
    const second = again();
    server.settle();
    expect([isOpen(second), dialled()]).toEqual([true, ["polling", "websocket"]]);
    second.disconnect();
    server.mute = [];
    const third = again();
    server.clock.advance(100);
    expect(third.engine.transport.name).toBe("websocket");
    third.disconnect();
    server.dials.length = 0;
    again();
    server.settle();
    expect(dialled()).toEqual(["websocket"]);
  });

  it("gives a slow way twice the time that it took, and no more than 3 s", () => {
    const rows = [
      [240, 480],
      [2000, 3000],
    ] as const;
    for (const [tookMs, patienceMs] of rows) {
      server.delays = { websocket: tookMs };
      again({ race: { delayMs: 5000 } });
      server.clock.advance(tookMs);
      server.delays = { websocket: 60_000 };
      server.dials.length = 0;
      again();
      server.clock.advance(patienceMs - 1);
      expect(dialled()).toEqual(["websocket"]);
      server.clock.advance(1);
      expect(dialled()).toContain("polling");
    }
  });

  it("is forgotten when it fails", () => {
    server.reachable = ["polling"];
    again().disconnect();
    const manager = again();
    server.settle();
    manager.disconnect();
    server.reachable = ["websocket"];
    again();
    server.clock.advance(300);
    server.dials.length = 0;
    again();
    server.settle();
    expect(dialled()).toEqual(["websocket"]);
  });

  it("is not what it was after half an hour, or after the time that the app says", () => {
    const rows: [Options["remember"], number][] = [
      [true, 1_800_000],
      [{ ttlMs: 1000 }, 1000],
    ];
    for (const [remember, ttlMs] of rows) {
      server.reachable = ["polling"];
      const manager = again({ remember: remember as never });
      server.settle();
      manager.disconnect();
      server.clock.jump(ttlMs - 1);
      server.dials.length = 0;
      again({ remember: remember as never }).disconnect();
      server.clock.jump(1);
      again({ remember: remember as never }).disconnect();
      expect(dialled()).toEqual(["polling", "websocket"]);
    }
  });
});
