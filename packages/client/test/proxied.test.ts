import { PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Socket as Engine } from "../src/engine.js";
import { Manager, Socket } from "../src/index.js";
import { eventsOf, FakeServer } from "./fake-server.js";

// Vue, Alpine and others put a Proxy around what is in their state, and hand out another one for each object in it.

const plain = <T extends object>(target: T): T => new Proxy(target, {});

const cache = new WeakMap<object, object>();

function deep<T extends object>(target: T): T {
  const known =
    cache.get(target) ??
    new Proxy(target, { get: (of, key, receiver) => seen(Reflect.get(of, key, receiver)) });
  cache.set(target, known);
  return known as T;
}

function seen(value: unknown): unknown {
  // Vue has Proxies of another kind for these.
  if (value instanceof Map || value instanceof Set) return value;
  return typeof value === "object" && value !== null ? deep(value) : value;
}

/** Vue 3 decides so whether it puts a Proxy around something. */
const vueWouldWrap = (value: object): boolean =>
  ["Object", "Array", "Map", "Set", "WeakMap", "WeakSet"].includes(
    Object.prototype.toString.call(value).slice(8, -1),
  );

afterEach(() => vi.restoreAllMocks());

/** All that a class has, with what it has inherited. */
function membersOf({ prototype }: { prototype: object }): string[] {
  const names = new Set<string>();
  for (let owner = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
    for (const name of Object.getOwnPropertyNames(owner)) names.add(name);
  names.delete("constructor");
  // For the manager alone, which has the socket itself.
  names.delete("receive");
  // They say that rooms are the server's.
  for (const name of ["join", "leave", "to", "in", "except"]) names.delete(name);
  return [...names];
}

/** What throws by itself, with whatever it is called. */
const NEEDS: Readonly<Record<string, readonly unknown[]>> = {
  emitOut: [{ event: "x", args: [], ack: undefined, ackTakesError: false, flags: {} }],
  sendNow: [{ event: "x", args: [], ack: undefined, ackTakesError: false, flags: {} }],
  socket: ["/other"],
  onAny: [() => {}],
  prependAny: [() => {}],
  onAnyOutgoing: [() => {}],
  prependAnyOutgoing: [() => {}],
  onFlush: [[]],
  onPacket: [{ type: "ping" }],
};

describe.each([
  ["a plain Proxy", plain],
  ["a deep Proxy", deep],
])("through %s", (_name, wrap) => {
  function connected(): { server: FakeServer; raw: Socket; socket: Socket } {
    const server = new FakeServer();
    const raw = server.manager({ reconnectionDelay: 10 }).socket("/") as unknown as Socket;
    const socket = wrap(raw);
    server.settle();
    return { server, raw, socket };
  }

  it("a socket does what it does otherwise", async () => {
    const { server, raw, socket } = connected();
    expect([socket.connected, socket.disconnected, socket.active, socket.id]).toEqual([
      true,
      false,
      true,
      "s1",
    ]);
    const got: unknown[] = [];
    const listener = (value: unknown): number => got.push(value);
    socket
      .on("x", listener)
      .once("x", listener)
      .onAny((name) => got.push(name));
    server.peer.send({ type: PacketType.EVENT, data: ["x", 1] });
    server.settle();
    expect(got).toEqual(["x", 1, 1]);
    socket.off("x", listener).offAny();
    expect(socket.hasListeners("x")).toBe(false);
    socket.emit("plain", 1);
    socket.send("text");
    socket.volatile.emit("volatile");
    socket.compress(false).emit("compressed");
    const answered = socket.emitWithAck("asked");
    const timed = socket.timeout(100).emitWithAck("timed");
    server.settle();
    expect(eventsOf(server.peer.packets).map(([name]) => name)).toEqual([
      "plain",
      "message",
      "volatile",
      "compressed",
      "asked",
      "timed",
    ]);
    server.peer.send({ type: PacketType.ACK, id: 0, data: ["yes"] });
    server.settle();
    await expect(answered).resolves.toBe("yes");
    server.clock.advance(100);
    await expect(timed).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    await expect(socket.drained()).resolves.toBe(true);
    socket.auth = { token: 2 };
    expect(raw.auth).toEqual({ token: 2 });
    socket.disconnect().connect();
    server.settle();
    expect([raw.connected, server.peer.packets[0]?.data]).toEqual([true, { token: 2 }]);
    expect(socket.close().connected).toBe(false);
  });

  it("its manager and engine do, too", () => {
    const { server, socket } = connected();
    const { io } = socket;
    const names: string[] = [];
    io.on("close", () => names.push("close")).on("open", () => names.push("open"));
    io.engine.on("close", () => names.push("engine close"));
    expect([io._readyState, io.engine.readyState, io.engine.id, io.engine.transport.name]).toEqual([
      "open",
      "open",
      "engine1",
      "polling",
    ]);
    expect(io.reconnectionDelay(20).reconnectionDelay()).toBe(20);
    expect(io.opts.reconnectionDelay).toBe(10);
    expect(io.socket("/other").io).toBe(io.socket("/").io);
    io.engine.close();
    server.clock.advance(100);
    expect(names).toEqual(["close", "engine close", "open"]);
    io.disconnect();
    expect(io._readyState).toBe("closed");
  });

  it.each(membersOf(Socket))("socket.%s can be had and called", (name) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { socket } = connected();
    const member: unknown = Reflect.get(socket, name, socket);
    if (typeof member === "function") Reflect.apply(member, socket, NEEDS[name] ?? ["x", () => {}]);
  });

  it.each(membersOf(Manager))("manager.%s can be had and called", (name) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const manager = wrap(new FakeServer().manager());
    const member: unknown = Reflect.get(manager, name, manager);
    if (typeof member === "function") Reflect.apply(member, manager, NEEDS[name] ?? [undefined, () => {}]);
    manager.disconnect();
  });

  it("an engine of one's own does", () => {
    const engine = wrap(new Engine("http://localhost:1", { transports: [] }));
    engine.on("message", () => {}).once("open", () => {});
    expect([engine.readyState, engine.id, engine.upgraded]).toEqual(["opening", "", false]);
    expect(() => engine.close()).not.toThrow();
  });
});

it("Vue leaves them alone", () => {
  const manager = new FakeServer().manager();
  expect([manager, manager.socket("/"), manager.engine].filter(vueWouldWrap)).toEqual([]);
  expect(String(manager.socket("/"))).toBe("[object Socket]");
});
