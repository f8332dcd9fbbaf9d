import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

// Node has no page: its events are handed in before the modules that listen to them are loaded.
const events = new Map<string, () => void>();

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => events.set(name, listener));
});

afterEach(() => {
  vi.unstubAllGlobals();
  events.clear();
});

async function connected(options: Record<string, unknown> = {}, url = "http://server", window?: number) {
  const { FakeServer } = await import("./fake-server.js");
  const { Manager } = await import("../src/standard/manager.js");
  const { timingOn } = await import("../src/timing.js");
  const server = new FakeServer();
  server.window = window;
  const manager = new Manager(url, { transports: server.transports(), ...options }, timingOn(server.clock));
  const socket = manager.socket("/");
  const log: unknown[] = [];
  socket.on("disconnect", (...args) => log.push(args));
  server.settle();
  expect(socket.connected).toBe(true);
  return { server, manager, socket, log };
}

describe("the page", () => {
  it("that is offline ends the connection at once", async () => {
    const { server, socket, log } = await connected();
    events.get("offline")?.();
    expect(log).toEqual([
      [
        "transport close",
        expect.objectContaining({ code: "ERR_OFFLINE", description: "network connection lost" }),
      ],
    ]);
    expect(socket.active).toBe(true);
    server.clock.advance(2000);
    expect(socket.connected).toBe(true);
  });

  it("that is offline suspends a session that is counted, which comes back when it is online", async () => {
    const { server, manager, socket, log } = await connected({ resume: true }, undefined, 30_000);
    vi.stubGlobal("navigator", { onLine: false });
    events.get("offline")?.();
    events.get("offline")?.();
    expect([socket.connected, manager.engine.suspended, log]).toEqual([true, true, []]);
    server.clock.advance(20_000);
    expect(server.dials).toHaveLength(1);
    vi.stubGlobal("navigator", { onLine: true });
    events.get("online")?.();
    events.get("online")?.();
    server.settle();
    expect([socket.connected, manager.engine.suspended, log]).toEqual([true, false, []]);
    expect(server.dials).toHaveLength(2);
  });

  it("that is online again cuts the wait short", async () => {
    const { server, manager } = await connected({ resume: true }, undefined, 30_000);
    server.reachable = [];
    server.cut();
    server.clock.advance(10_000);
    server.reachable = ["polling"];
    const before = server.dials.length;
    events.get("online")?.();
    server.settle();
    expect([server.dials.length, manager.engine.suspended]).toEqual([before + 1, false]);
    events.get("online")?.();
    expect(server.dials).toHaveLength(before + 1);
  });

  it("that is offline ends an attempt, too", async () => {
    const { server, manager } = await connected();
    manager.disconnect();
    server.silent = true;
    const errors: unknown[] = [];
    manager.on("error", (error) => errors.push(error));
    manager.open();
    events.get("offline")?.();
    expect(errors).toEqual([expect.objectContaining({ code: "ERR_OFFLINE" })]);
  });

  it("that is offline still reaches localhost", async () => {
    const { socket, log } = await connected({}, "http://localhost:3000");
    events.get("offline")?.();
    expect([socket.connected, log]).toEqual([true, []]);
  });

  it("means nothing to a manager that is closed", async () => {
    const { manager, log } = await connected();
    manager.disconnect();
    log.length = 0;
    events.get("offline")?.();
    events.get("beforeunload")?.();
    expect(log).toEqual([]);
  });

  it("that goes away takes the connection along without an event, if asked to", async () => {
    const { server, log } = await connected({ closeOnBeforeunload: true });
    events.get("beforeunload")?.();
    server.settle();
    expect([server.peer.reason, log]).toEqual(["transport close", []]);
  });

  it("that goes away leaves the connection alone otherwise", async () => {
    const { server } = await connected();
    events.get("beforeunload")?.();
    server.settle();
    expect(server.peer.reason).toBeUndefined();
  });
});
