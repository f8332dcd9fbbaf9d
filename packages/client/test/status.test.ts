// What an app can show of the connection, at the handles that it has, over any number of engines.
import { PacketType } from "@sockeye/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import { FakeServer } from "./fake-server.js";

beforeEach(() => {
  // In the middle of the jitter.
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const WINDOW_MS = 30_000;

function watched(options: Options = {}) {
  const server = new FakeServer();
  server.window = WINDOW_MS;
  const manager = server.manager({
    transports: server.transports("websocket", "polling"),
    resume: true,
    autoConnect: false,
    ...options,
  });
  const socket = manager.socket("/");
  const log: string[] = [];
  const end = socket.onStatus((status) => {
    expect(status).toBe(socket.status);
    log.push(status);
  });
  for (const event of ["suspend", "resume", "open", "close"] as const)
    manager.on(event, () => log.push(`${event}: ${manager.status}`));
  return { server, manager, socket, log, end };
}

function cut({ manager, server }: ReturnType<typeof watched>): void {
  (manager.engine.transport as unknown as { cut(reason: string, cause: Error): void }).cut(
    "transport error",
    new Error("cut"),
  );
  server.settle();
}

it("goes from offline over connecting to connected, and to offline after a disconnect", () => {
  const { server, manager, socket, log } = watched();
  expect([socket.status, manager.status, socket.suspended]).toEqual(["offline", "offline", false]);
  socket.connect();
  expect([socket.status, manager.status]).toEqual(["connecting", "connecting"]);
  server.settle();
  expect([socket.status, manager.status]).toEqual(["connected", "connected"]);
  socket.disconnect();
  expect([socket.status, manager.status]).toEqual(["offline", "offline"]);
  expect(log).toEqual(["connecting", "open: connected", "connected", "close: offline", "offline"]);
});

it("is suspended at once when the transport breaks, and connected when it is replaced, again and again", () => {
  const all = watched();
  const { server, manager, socket, log } = all;
  socket.connect();
  server.settle();
  log.splice(0);
  for (let round = 0; round < 3; round++) {
    server.reachable = [];
    cut(all);
    expect([socket.status, manager.status, socket.suspended, socket.connected]).toEqual([
      "suspended",
      "suspended",
      true,
      true,
    ]);
    expect(log.splice(0)).toEqual(["suspended", "suspend: suspended"]);
    server.reachable = ["polling", "websocket"];
    server.clock.advance(2000);
    expect(log.splice(0)).toEqual(["connected", "resume: connected"]);
  }
});

it("is told over engines: what is not resumed connects anew, and is watched still", () => {
  const all = watched({ reconnectionDelay: 1000 });
  const { server, manager, socket, log } = all;
  socket.connect();
  server.settle();
  const first = manager.engine;
  log.splice(0);
  server.peers.splice(0);
  cut(all);
  expect(log.splice(0)).toEqual(["suspended", "suspend: suspended", "connecting", "close: connecting"]);
  server.clock.advance(1000);
  expect(manager.engine).not.toBe(first);
  expect(log.splice(0)).toEqual(["open: connected", "connected"]);
  cut(all);
  expect(log).toEqual(["suspended", "suspend: suspended", "connected", "resume: connected"]);
});

it("is offline once nothing is tried any more", () => {
  const all = watched({ reconnectionAttempts: 1, resume: false });
  const { server, socket, log } = all;
  const seen: [string, string, boolean][] = [];
  socket.on("disconnect", () => seen.push(["disconnect", socket.status, socket.active]));
  socket.on("connect_error", () => seen.push(["connect_error", socket.status, socket.active]));
  socket.connect();
  server.settle();
  log.splice(0);
  server.reachable = [];
  cut(all);
  server.clock.advance(20_000);
  expect(log).toEqual(["connecting", "close: connecting", "offline"]);
  expect(seen).toEqual([
    ["disconnect", "connecting", true],
    ["connect_error", "offline", false],
  ]);
});

it.each<[string, (all: ReturnType<typeof watched>) => void]>([
  ["manager.disconnect()", ({ manager }) => manager.disconnect()],
  ["manager.reconnection(false)", ({ manager }) => manager.reconnection(false)],
  ["socket.disconnect()", ({ socket }) => void socket.disconnect()],
])("is offline after %s between two attempts", (_what, act) => {
  const all = watched();
  const { server, socket, log } = all;
  server.reachable = [];
  socket.connect();
  server.settle();
  expect(socket.status).toBe("connecting");
  act(all);
  expect([socket.status, log]).toEqual(["offline", ["connecting", "offline"]]);
  socket.connect();
  expect(log.at(-1)).toBe("connecting");
});

it("is each socket's: one that is refused is offline beside one that is connected", () => {
  const { server, manager, socket } = watched();
  const { admit } = server;
  server.admit = (packet, peer) => {
    if (packet.nsp === "/") admit(packet, peer);
    else
      peer.send({
        type: PacketType.CONNECT_ERROR,
        nsp: packet.nsp,
        data: { message: "no", data: undefined },
      });
  };
  const other = manager.socket("/other");
  const log: string[] = [];
  other.onStatus((status) => log.push(status));
  socket.connect();
  other.connect();
  server.settle();
  expect([socket.status, other.status, log]).toEqual(["connected", "offline", ["connecting", "offline"]]);
});

it("is not told any more after the end of a watch, and one that throws keeps nobody from it", () => {
  const { server, socket, log, end } = watched();
  const reported = vi.spyOn(console, "error").mockImplementation(() => {});
  const late: string[] = [];
  socket.onStatus(() => {
    throw new Error("of the app");
  });
  socket.onStatus((status) => late.push(status));
  end();
  end();
  socket.connect();
  server.settle();
  expect([log.filter((line) => !line.includes(":")), late]).toEqual([[], ["connecting", "connected"]]);
  expect(reported).toHaveBeenCalledTimes(2);
});

it("tells that it is connected after what waited has left", () => {
  const { server, socket } = watched();
  socket.emit("first");
  const end = socket.onStatus((status) => status === "connected" && socket.emit("second"));
  socket.connect();
  server.settle();
  end();
  const events = server.peer.packets.filter(({ type }) => type === PacketType.EVENT);
  expect(events.map(({ data }) => (data as unknown[])[0])).toEqual(["first", "second"]);
});

it("a port that refuses is asked ever less often", () => {
  const all = watched({ reconnection: false });
  const { server, socket } = all;
  socket.connect();
  server.settle();
  server.clock.advance(20_000);
  server.reachable = [];
  server.dials.splice(0);
  cut(all);
  server.clock.advance(WINDOW_MS + 1000);
  expect(socket.status).toBe("offline");
  // With a wait of at most 2 seconds, and with all transports each time, it was 48.
  expect(server.dials.length).toBeLessThanOrEqual(20);
  expect(server.dials.filter(({ name }) => name === "websocket").length).toBeGreaterThan(9);
});
