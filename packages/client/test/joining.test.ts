import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PacketType } from "@sockeye/protocol";
import { Server } from "socket.io";
import * as stock from "socket.io-client";
import { describe, expect, it } from "vitest";
import { once } from "../../../test/support/wait.js";
import type { Options } from "../src/index.js";
import * as sockeye from "../src/index.js";
import { FakeServer } from "./fake-server.js";

// From OPEN to the answer to CONNECT the path may break in many ways. All of them are told as `connect_error`.

const BREAKS: Readonly<Record<string, [act: (server: FakeServer) => void, message: string]>> = {
  "the network is gone": [(server) => server.cut(), "cut"],
  "the server says goodbye": [(server) => server.peer.session.close(), "transport close"],
  "the server breaks the protocol": [
    (server) => server.peer.session.sendMessage("x", true),
    "a packet has an unknown type",
  ],
};

interface Log {
  readonly server: FakeServer;
  readonly socket: sockeye.Socket;
  readonly told: unknown[][];
}

function joining(options: Options = {}): Log {
  const server = new FakeServer();
  server.admit = () => {};
  const manager = server.manager({ randomizationFactor: 0, reconnectionDelay: 100, ...options });
  const socket = manager.socket("/") as unknown as sockeye.Socket;
  const told: unknown[][] = [];
  socket.on("connect_error", ({ message }) => told.push(["connect_error", message, socket.active]));
  socket.on("disconnect", (reason) => told.push(["disconnect", reason]));
  socket.io.on("reconnect_failed", () => told.push(["reconnect_failed", socket.active]));
  return { server, socket, told };
}

describe.each([undefined, 30_000])("with a server that keeps sessions for %s ms", (window) => {
  it.each(Object.keys(BREAKS))("%s: connect_error, not disconnect, and it is tried again", (name) => {
    const { server, socket, told } = joining();
    server.window = window;
    server.settle();
    const [act, message] = BREAKS[name] ?? [];
    act?.(server);
    server.settle();
    expect(told).toEqual([["connect_error", expect.stringContaining(message ?? ""), true]]);
    server.admit = new FakeServer().admit;
    server.clock.advance(100);
    expect([socket.connected, told.length]).toEqual([true, 1]);
  });

  it("waits longer each time, and gives up after reconnectionAttempts", () => {
    const { server, told } = joining({ reconnectionAttempts: 3 });
    server.window = window;
    for (const delayMs of [0, 100, 200, 400]) {
      server.clock.advance(delayMs);
      server.cut();
    }
    server.clock.advance(60_000);
    expect(told).toEqual([
      ["connect_error", "cut", true],
      ["connect_error", "cut", true],
      ["connect_error", "cut", true],
      ["connect_error", "cut", false],
      ["reconnect_failed", false],
    ]);
    expect(server.peers).toHaveLength(4);
  });

  it("a socket that was connected is told disconnect, and one beside it that was not, connect_error", () => {
    const { server, socket, told } = joining({ resume: false });
    server.window = window;
    server.admit = ({ nsp }, peer) => {
      if (nsp === "/") peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "s" } });
    };
    const other = socket.io.socket("/other");
    other.on("connect_error", ({ message }) => told.push(["other", message]));
    other.on("disconnect", () => told.push(["other", "disconnect"]));
    server.settle();
    server.cut();
    expect(told).toEqual([
      ["disconnect", "transport error"],
      ["other", "cut"],
    ]);
  });
});

it("a session in which nothing was joined does not come back, and the server is told", () => {
  const { server } = joining({ reconnection: false });
  server.window = 30_000;
  server.settle();
  server.cut();
  server.clock.advance(100);
  expect(server.peers.map(({ session }) => session.state)).toEqual(["closed"]);
});

it("a socket is active as long as it will be tried again", () => {
  const { server, socket, told } = joining({ reconnection: false, autoConnect: false });
  server.reachable = [];
  socket.connect();
  server.settle();
  expect(told).toEqual([["connect_error", expect.any(String), false]]);
  // The manager takes it along, as before.
  server.reachable = ["polling"];
  server.admit = new FakeServer().admit;
  socket.io.open();
  expect(socket.active).toBe(true);
  server.settle();
  expect(socket.connected).toBe(true);
});

describe.each(["sockeye", "socket.io-client"] as const)("%s, where POSTs are refused", (name) => {
  it("tells it by connect_error", { timeout: 15_000 }, async () => {
    const inner = createServer();
    const io = new Server(inner);
    await new Promise<void>((done) => inner.listen(0, "127.0.0.1", done));
    const { port } = inner.address() as AddressInfo;
    const path = createServer((req, res) => {
      if (req.method === "POST") {
        req.resume();
        res.writeHead(403).end("blocked");
        return;
      }
      const { url = "", headers } = req;
      const on = request({ host: "127.0.0.1", port, path: url, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(res);
      });
      on.on("error", () => res.destroy());
      req.pipe(on);
    });
    await new Promise<void>((done) => path.listen(0, "127.0.0.1", done));
    const client = (name === "sockeye" ? sockeye : stock) as typeof sockeye;
    const socket = client.io(`http://127.0.0.1:${(path.address() as AddressInfo).port}`, {
      transports: ["polling"],
      reconnectionDelay: 20,
      forceNew: true,
    });
    const [error] = (await once(socket, "connect_error")) as [Error & { description?: unknown }];
    expect(error).toMatchObject({ message: "xhr post error", description: 403 });
    socket.disconnect();
    io.close();
    path.closeAllConnections();
    path.close();
  });
});
