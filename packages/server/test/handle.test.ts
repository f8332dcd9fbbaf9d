import { RemoteSocket, Socket } from "@sockeye/server";
import { SocketEmitter } from "@sockeye/socket";
import { Socket as StockSocket } from "socket.io";
import { expect, it } from "vitest";
import { join, serve } from "./site.js";

// What stands on the app's handle: the names of Socket.IO, and those that the docs add to them. The machine is behind it.

const MACHINE = [
  ..."acks busy deliver deliverWithAck emitOut end enter expired exceeded notifyOutgoingListeners others pid".split(
    " ",
  ),
  ..."receive restored persist since phase".split(" "),
];

const ADDED = new Set([
  "call",
  "handle",
  "bufferedBytes",
  "drained",
  "expireAt",
  "save",
  "overflow",
  "overflowPolicy",
  "recovered",
  "reportError",
]);

function namesOf(object: object): Set<string> {
  const names = new Set<string>();
  for (let each = object; each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    for (const name of Object.getOwnPropertyNames(each)) names.add(name);
  }
  return names;
}

it("a socket has none of the machine's names", async () => {
  const { socket } = await join(await serve());
  const names = namesOf(socket);
  expect(MACHINE.filter((name) => names.has(name))).toEqual([]);
  // A beginner's guess fails at once.
  expect(() => (socket as unknown as { end(): void }).end()).toThrow(TypeError);
  expect(socket.connected).toBe(true);
});

it("a remote socket has none of them either", () => {
  expect(MACHINE.filter((name) => namesOf(RemoteSocket.prototype).has(name))).toEqual([]);
});

it("all public names are Socket.IO's, or documented", () => {
  const stock = namesOf(StockSocket.prototype);
  const fields = ["nsp", "client", "id", "data", "server", "adapter", "handshake", "connected"];
  const emitter = namesOf(SocketEmitter.prototype);
  const own = [...namesOf(Socket.prototype)].filter(
    (name) =>
      !(
        name.startsWith("_") ||
        stock.has(name) ||
        emitter.has(name) ||
        fields.includes(name) ||
        ADDED.has(name)
      ),
  );
  expect(own).toEqual([]);
});

it("server, adapter and leaveAll are there, as in Socket.IO", async () => {
  const site = await serve();
  const { socket } = await join(site);
  expect(socket.server).toBe(site.io);
  expect(socket.adapter).toBe(site.io.of("/").adapter);
  socket.join(["a", "b"]);
  expect(socket.rooms).toEqual(new Set([socket.id, "a", "b"]));
  socket.leaveAll();
  expect(socket.rooms).toEqual(new Set());
  expect(site.io.sockets.adapter.rooms.size).toBe(0);
  socket.join("a");
  expect(socket.rooms).toEqual(new Set(["a"]));
});
