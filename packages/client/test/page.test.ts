import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

// Node has no page: its events are handed in before the modules that listen to them are loaded.
const events = new Map<string, (event?: { persisted: boolean }) => void>();

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => events.set(name, listener));
  vi.stubGlobal("document", { hidden: false });
});

afterEach(() => {
  vi.unstubAllGlobals();
  events.clear();
});

async function connected(options: Record<string, unknown> = {}, url = "http://server", window?: number) {
  const { FakeServer } = await import("./fake-server.js");
  const { Manager } = await import("../src/standard/manager.js");
  const server = new FakeServer();
  server.window = window;
  const manager = new Manager(url, { transports: server.transports(), ...options }, server.clock);
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

  it.each(["online", "visibilitychange"])("ends the wait for the next attempt: %s", async (event) => {
    const { server, manager, socket } = await connected({
      reconnectionDelay: 60_000,
      reconnectionDelayMax: 60_000,
    });
    const attempts: number[] = [];
    manager.on("reconnect_attempt", (n) => attempts.push(n));
    server.cut();
    expect(socket.connected).toBe(false);
    vi.stubGlobal("document", { hidden: true });
    events.get("visibilitychange")?.();
    expect(server.dials).toHaveLength(1);
    vi.stubGlobal("document", { hidden: false });
    events.get(event)?.();
    server.settle();
    expect([socket.connected, attempts, server.dials.length]).toEqual([true, [1], 2]);
    server.clock.advance(100_000);
    expect(server.dials).toHaveLength(2);
  });

  it("that is seen again notices at once that it has slept for too long", async () => {
    const { server, log } = await connected();
    server.clock.jump(60_000);
    events.get("visibilitychange")?.();
    expect(log).toEqual([["ping timeout", undefined]]);
  });

  it.each([false, true])("that goes away tells the server, and nobody else; counted: %s", async (resume) => {
    const { server, log } = await connected({ resume }, undefined, resume ? 30_000 : undefined);
    events.get("pagehide")?.();
    server.settle();
    expect([server.peer.reason, log]).toEqual(["transport close", []]);
    events.get("pageshow")?.({ persisted: false });
    expect(log).toEqual([]);
  });

  it("that was put aside connects anew when it is back", async () => {
    const { server, socket, log } = await connected({ resume: true }, undefined, 30_000);
    events.get("pagehide")?.();
    server.settle();
    events.get("pageshow")?.({ persisted: true });
    expect(log).toEqual([["transport close", undefined]]);
    server.settle();
    expect([socket.connected, server.dials.length]).toEqual([true, 2]);
  });

  it("that was put aside does not connect what the app has closed", async () => {
    const { server, socket } = await connected();
    socket.disconnect();
    events.get("pagehide")?.();
    events.get("pageshow")?.({ persisted: true });
    events.get("online")?.();
    server.clock.advance(10_000);
    expect([socket.connected, server.dials.length]).toEqual([false, 1]);
  });

  it("whose network changes counts as online again, other changes of its connection do not", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    vi.stubGlobal("navigator", { connection, onLine: true });
    const { server } = await connected({ reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 });
    server.cut();
    connection.dispatchEvent(new Event("change"));
    expect(server.dials).toHaveLength(1);
    connection.type = "cellular";
    connection.dispatchEvent(new Event("change"));
    expect(server.dials).toHaveLength(2);
  });
});
