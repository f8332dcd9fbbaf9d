import { PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import type { Socket } from "../src/socket.js";
import { eventsOf, FakeServer } from "./fake-server.js";

afterEach(() => vi.restoreAllMocks());

function stage(options: Options): { server: FakeServer; socket: Socket } {
  const server = new FakeServer();
  const steady = { randomizationFactor: 0, reconnectionDelay: 100 };
  const socket = server.manager({ ...steady, ...options }).socket("/", options);
  server.settle();
  return { server, socket };
}

function arrived(server: FakeServer): unknown[][] {
  server.settle();
  return server.peers.flatMap(({ packets }) => eventsOf(packets));
}

function acknowledge(server: FakeServer, ...data: unknown[]): void {
  server.settle();
  const event = server.peer.packets.filter(({ type }) => type === PacketType.EVENT).at(-1);
  server.peer.send({ type: PacketType.ACK, id: event?.id as number, data });
  server.settle();
}

describe("retries", () => {
  it("send one event at a time, the next after its acknowledgement", () => {
    const { server, socket } = stage({ retries: 3, ackTimeout: 50 });
    const calls: unknown[][] = [];
    socket.emit("a", (...args: unknown[]) => calls.push(["a", ...args]));
    socket.emit("b", 1);
    socket.emit("c", (...args: unknown[]) => calls.push(["c", ...args]));
    expect(arrived(server)).toEqual([["a"]]);
    acknowledge(server, "x", "y");
    expect(arrived(server)).toEqual([["a"], ["b", 1]]);
    acknowledge(server);
    acknowledge(server, 2);
    expect(arrived(server)).toEqual([["a"], ["b", 1], ["c"]]);
    expect(calls).toEqual([
      ["a", null, "x", "y"],
      ["c", null, 2],
    ]);
  });

  it.each([1, 2, 5])("give up after one try and %i more, then go on", (retries) => {
    const { server, socket } = stage({ retries, ackTimeout: 50 });
    const calls: unknown[][] = [];
    socket.emit("a", (...args: unknown[]) => calls.push(args));
    socket.emit("b");
    server.clock.advance(50 * (retries + 1) - 1);
    expect(arrived(server)).toEqual(Array.from({ length: retries + 1 }, () => ["a"]));
    expect(calls).toEqual([]);
    server.clock.advance(1);
    expect(calls).toEqual([[expect.objectContaining({ code: "ERR_ACK_TIMEOUT" })]]);
    expect(arrived(server).at(-1)).toEqual(["b"]);
  });

  it("ignore an answer to an earlier try", () => {
    const { server, socket } = stage({ retries: 2, ackTimeout: 50 });
    const calls: unknown[][] = [];
    socket.emit("a", (...args: unknown[]) => calls.push(args));
    server.clock.advance(50);
    const ids = server.peer.packets.filter(({ type }) => type === PacketType.EVENT).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    server.peer.send({ type: PacketType.ACK, id: ids[0] as number, data: ["late"] });
    server.settle();
    expect(calls).toEqual([]);
    acknowledge(server, "right");
    expect(calls).toEqual([[null, "right"]]);
  });

  it("work without ackTimeout: ten seconds a try, and callbacks take an error first", () => {
    const { server, socket } = stage({ retries: 1 });
    const calls: unknown[][] = [];
    socket.emit("a", (...args: unknown[]) => calls.push(args));
    acknowledge(server, 1);
    expect([calls, arrived(server)]).toEqual([[[null, 1]], [["a"]]]);
    socket.emit("b", (...args: unknown[]) => calls.push(args));
    server.clock.advance(9_999);
    expect(arrived(server)).toHaveLength(2);
    server.clock.advance(1);
    expect(arrived(server)).toHaveLength(3);
  });

  it("keep the flags of each event", () => {
    const { server, socket } = stage({ retries: 1, ackTimeout: 1000 });
    const calls: unknown[][] = [];
    socket.emit("a");
    socket.timeout(20).emit("b", (...args: unknown[]) => calls.push(args));
    socket.emit("c");
    acknowledge(server);
    server.clock.advance(40);
    expect(calls).toHaveLength(1);
    expect(arrived(server)).toEqual([["a"], ["b"], ["b"], ["c"]]);
    server.clock.advance(100);
    expect(arrived(server)).toHaveLength(4);
  });

  it("leave volatile events out", () => {
    const { server, socket } = stage({ retries: 1, ackTimeout: 50 });
    socket.emit("a");
    socket.volatile.emit("v");
    expect(arrived(server)).toEqual([["a"], ["v"]]);
  });

  it("send the head again after a reconnection, which counts as a try", async () => {
    const { server, socket } = stage({ retries: 1, ackTimeout: 10_000 });
    const answer = socket.emitWithAck("a");
    socket.emit("b");
    server.settle();
    server.cut();
    expect(arrived(server)).toEqual([["a"]]);
    server.clock.advance(100);
    expect(arrived(server)).toEqual([["a"], ["a"]]);
    server.cut();
    await expect(answer).rejects.toMatchObject({ code: "ERR_ACK_DISCONNECTED" });
    server.clock.advance(100);
    expect(arrived(server)).toEqual([["a"], ["a"], ["b"]]);
  });

  it("wait while there is no connection", () => {
    const { server, socket } = stage({ retries: 1, ackTimeout: 50, autoConnect: false });
    socket.emit("a");
    socket.emit("b");
    server.clock.advance(1000);
    expect(socket.sendBuffer).toEqual([]);
    socket.connect();
    expect(arrived(server)).toEqual([["a"]]);
  });

  it("send an event once if the connection turns out to be stale", () => {
    const { server, socket } = stage({ retries: 1, ackTimeout: 10_000 });
    server.clock.jump(1e6);
    socket.emit("a");
    server.clock.advance(100);
    expect(arrived(server)).toEqual([["a"]]);
    acknowledge(server);
    socket.emit("b");
    expect(arrived(server)).toEqual([["a"], ["b"]]);
  });

  it("survive callbacks that throw, and arguments that go bad while they wait", () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const { server, socket } = stage({ retries: 1, ackTimeout: 50 });
    const bad: unknown[] = [];
    socket.emit("a", () => {
      throw new Error("oops");
    });
    socket.emit("b", bad);
    socket.emit("c");
    bad.push(1n);
    acknowledge(server);
    expect(arrived(server)).toEqual([["a"], ["c"]]);
    expect(reported.mock.calls.map(([error]) => (error as Error).message)).toEqual([
      "oops",
      expect.stringContaining("BigInt"),
    ]);
  });
});

describe("an emit whose signal aborts", () => {
  it.each([{ retries: 3 }, {}])("is not sent any more, nor again: %o", (options) => {
    const { server, socket } = stage(options);
    const calls: unknown[][] = [];
    const note = (...args: unknown[]): void => void calls.push(args);
    const [under, waits, stays] = [new AbortController(), new AbortController(), new AbortController()];
    socket.timeout(1000, { signal: under.signal }).emit("under way", note);
    expect(arrived(server)).toEqual([["under way"]]);
    socket.timeout(1000, { signal: waits.signal }).emit("waits", note);
    socket.timeout(1000, { signal: stays.signal }).emit("stays", note);
    waits.abort("b");
    under.abort("a");
    expect(calls).toEqual([["b"], ["a"]]);
    expect(arrived(server)).toEqual([["under way"], ["stays"]]);
    acknowledge(server, 1);
    stays.abort("c");
    expect(calls[2]).toEqual([null, 1]);
    expect(socket.bufferedBytes).toBe(0);
  });

  it("leaves the buffer of what waits for the connection", () => {
    const server = new FakeServer();
    const socket = server.manager({}).socket("/");
    const { signal, abort } = abortable();
    const rejected = socket
      .timeout(1000, { signal })
      .emitWithAck("x")
      .catch((error: unknown) => error);
    expect(socket.sendBuffer).toHaveLength(1);
    abort();
    expect(socket.sendBuffer).toEqual([]);
    expect(arrived(server)).toEqual([]);
    return expect(rejected).resolves.toMatchObject({ name: "AbortError" });
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
