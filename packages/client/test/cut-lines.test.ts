import { PacketType } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import type { Manager } from "../src/manager.js";
import type { Socket } from "../src/socket.js";
import { eventsOf, FakeServer } from "./fake-server.js";

// Whatever the app does in whatever callback, after whatever end of a connection: there is one connection, and none after goodbye.

const CALLBACKS = [
  "connect_error",
  "disconnect",
  "error",
  "close",
  "reconnect_attempt",
  "reconnect_error",
  "reconnect_failed",
  "open",
  "reconnect",
  "connect",
  "ping",
  "auth",
  "open callback",
  "engine close",
] as const;

const ACTS: Readonly<Record<string, (stage: Stage) => unknown>> = {
  "connect()": ({ socket }) => socket.connect(),
  "disconnect()": ({ socket }) => socket.disconnect(),
  "disconnect() and connect()": ({ socket }) => socket.disconnect().connect(),
  "io.open()": ({ manager }) => manager.open(),
  "io.open(callback)": ({ manager }) => manager.open(() => {}),
  "io.disconnect()": ({ manager }) => manager.disconnect(),
  "io.disconnect() and connect()": ({ manager, socket }) => {
    manager.disconnect();
    socket.connect();
  },
  "io.disconnect() and io.open()": ({ manager }) => {
    manager.disconnect();
    manager.open();
  },
  "io.engine.close()": ({ manager }) => manager.engine.close(),
  "io.engine.close() and io.open()": ({ manager }) => {
    manager.engine.close();
    manager.open();
  },
  "io.reconnection(false)": ({ manager }) => manager.reconnection(false),
  "a new socket": ({ manager }) => manager.socket("/other").connect(),
};

const ENDINGS: Readonly<Record<string, (server: FakeServer) => void>> = {
  "a connect time-out": (server) => {
    server.silent = true;
    server.clock.advance(200);
    server.silent = false;
  },
  "a refusal": (server) => {
    server.reachable = [];
    server.clock.advance(60);
    server.reachable = ["polling"];
  },
  "a transport error": (server) => {
    server.settle();
    server.cut();
  },
  "a transport error before the namespace has answered": (server) => {
    const { admit } = server;
    server.admit = () => {};
    server.settle();
    server.admit = admit;
    server.cut();
  },
  "the server's goodbye": (server) => {
    server.settle();
    server.peer.session.close();
    server.settle();
  },
  "a parse error": (server) => {
    server.settle();
    server.peer.session.sendMessage("x", true);
    server.settle();
  },
  nothing: (server) => server.settle(),
};

interface Stage {
  readonly server: FakeServer;
  readonly manager: Manager;
  readonly socket: Socket;
}

/** Connections that the server still has. */
function alive(server: FakeServer): number {
  return server.peers.filter(({ session }) => session.state !== "closed").length;
}

const ways = [{}, { reconnection: false }, { reconnectionAttempts: 1 }];

describe.each(ways)("with %o", (options) => {
  describe.each(Object.keys(ENDINGS))("after %s", (ending) => {
    it.each(CALLBACKS.flatMap((callback) => Object.keys(ACTS).map((act) => [callback, act] as const)))(
      "in %s: %s",
      (callback, act) => {
        vi.spyOn(console, "error").mockImplementation(() => {});
        const server = new FakeServer();
        let acted = 0;
        const perform = (): void => {
          if (acted++ < 2) ACTS[act]?.(stage);
        };
        const manager = server.manager({
          autoConnect: false,
          randomizationFactor: 0,
          reconnectionDelay: 50,
          timeout: 150,
          ...options,
        });
        const socket = manager.socket("/", {
          auth: (tell) => {
            if (callback === "auth") perform();
            tell({});
          },
        });
        const stage = { server, manager, socket };
        const got: unknown[] = [];
        socket.on("x", (value: unknown) => got.push(value));
        socket.on(callback, perform);
        manager.on(callback as "open", perform);
        if (callback === "engine close") manager.engine.on("close", perform);
        if (callback === "open callback") manager.open(perform);
        socket.connect();
        ENDINGS[ending]?.(server);
        server.clock.advance(1000);

        // Now it shall be connected, whatever was decided before.
        acted = 2;
        if (!socket.connected) socket.connect();
        server.clock.advance(3000);
        expect(socket.connected).toBe(true);
        expect(alive(server)).toBe(1);
        server.peer.send({ type: PacketType.EVENT, data: ["x", 1] });
        socket.emit("y");
        server.settle();
        expect(got).toEqual([1]);
        expect(server.peers.flatMap(({ packets }) => eventsOf(packets))).toEqual([["y"]]);

        manager.disconnect();
        server.clock.advance(60_000);
        expect([alive(server), socket.connected, manager._readyState]).toEqual([0, false, "closed"]);
      },
    );
  });
});

it("a connection is neither lost nor refused by one before it", () => {
  const server = new FakeServer();
  server.silent = true;
  const manager = server.manager({ reconnection: false, timeout: 150 });
  const socket = manager.socket("/");
  const log: unknown[] = [];
  socket.on("connect", () => log.push("connect"));
  socket.on("disconnect", (reason) => log.push(reason));
  socket.on("connect_error", ({ message }) => {
    log.push(message);
    server.silent = false;
    socket.connect();
  });
  server.clock.advance(10_000);
  expect(log).toEqual(["timeout", "connect"]);
  expect([server.dials.length, alive(server)]).toEqual([2, 1]);
});

it("a line that was cut says nothing, whatever its transport still does", () => {
  const server = new FakeServer();
  const manager = server.manager({ reconnection: false });
  const socket = manager.socket("/");
  server.settle();
  const old = manager.engine;
  const log: unknown[] = [];
  manager.disconnect();
  for (const event of ["packet", "close", "error", "open", "ping"] as const)
    manager.on(event, () => log.push(event));
  socket.onAny((event) => log.push(event));
  server.peers[0]?.send({ type: PacketType.EVENT, data: ["late"] });
  server.cut();
  old.close();
  server.settle();
  expect(log).toEqual([]);
});
