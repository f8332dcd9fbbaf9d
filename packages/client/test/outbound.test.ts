import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocketServer } from "ws";
import { once, until } from "../../../test/support/wait.js";
import { io, type Options } from "../src/index.js";
import { FakeServer } from "./fake-server.js";

// What waits for a server that reads too slowly, or that cannot be reached.

const CHUNK = "x".repeat(10_000);

afterEach(() => vi.restoreAllMocks());

function stage(options: Options = {}) {
  const server = new FakeServer();
  const socket = server
    .manager({ reconnectionDelay: 100, randomizationFactor: 0, ...options })
    .socket("/", options);
  const reported = vi.spyOn(console, "error").mockImplementation(() => {});
  const events = () =>
    server.peers.flatMap(({ packets }) => packets.filter(({ type }) => type === PacketType.EVENT));
  return { server, socket, reported, events };
}

describe("offline", () => {
  it("counts what waits, and nothing once it has left", () => {
    const { server, socket } = stage();
    const before = socket.bufferedBytes;
    socket.emit("a", CHUNK);
    socket.emit("b", new Uint8Array(5000));
    expect(socket.bufferedBytes - before).toBeGreaterThan(15_000);
    expect(socket.bufferedBytes - before).toBeLessThan(15_400);
    server.settle();
    expect(socket.bufferedBytes).toBe(0);
  });

  it("counts nothing of what the app has thrown away, or what was not waited for any longer", async () => {
    const { server, socket } = stage({ autoConnect: false });
    const late = socket.timeout(50).emitWithAck("a", CHUNK).catch(String);
    expect(socket.bufferedBytes).toBeGreaterThan(10_000);
    server.clock.advance(50);
    expect(await late).toMatch(/timed out/);
    expect(socket.bufferedBytes).toBe(0);
    socket.emit("b", CHUNK);
    socket.sendBuffer = [];
    expect(socket.bufferedBytes).toBe(0);
  });

  it("drops what is emitted beyond maxOutboundBytes, and says so; what waited arrives in order", async () => {
    const { server, socket, reported, events } = stage({ maxOutboundBytes: 25_000 });
    for (let n = 0; n < 3; n++) socket.emit("kept", n, CHUNK);
    expect(reported).not.toHaveBeenCalled();
    socket.emit("dropped");
    expect(reported.mock.calls.flat()).toMatchObject([{ code: "ERR_OUTBOUND_FULL" }]);
    await expect(socket.timeout(100).emitWithAck("dropped")).rejects.toMatchObject({
      code: "ERR_OUTBOUND_FULL",
    });
    expect(reported).toHaveBeenCalledTimes(1);
    expect(socket.sendBuffer).toHaveLength(3);
    server.settle();
    socket.emit("after");
    server.settle();
    expect(events().map((packet) => "data" in packet && (packet.data as unknown[]).slice(0, 2))).toEqual([
      ["kept", 0],
      ["kept", 1],
      ["kept", 2],
      ["after"],
    ]);
  });

  it.each<[string, Options]>([
    ["ackTimeout", { ackTimeout: 1000 }],
    ["retries", { retries: 1 }],
  ])("tells an acknowledgement that takes an error by %s", (_name, options) => {
    const { socket, reported } = stage({ maxOutboundBytes: 10_000, autoConnect: false, ...options });
    const answers: unknown[] = [];
    socket.emit("kept", CHUNK);
    socket.emit("dropped", (error: unknown) => answers.push(error));
    expect(answers).toMatchObject([{ code: "ERR_OUTBOUND_FULL" }]);
    expect(reported).not.toHaveBeenCalled();
  });

  it("counts what retries keep until it is acknowledged", () => {
    const { server, socket } = stage({ retries: 1 });
    server.settle();
    socket.emit("a", CHUNK);
    server.settle();
    expect(socket.bufferedBytes).toBeGreaterThan(10_000);
    const [event] = server.peer.packets.slice(-1) as { id: number }[];
    server.peer.send({ type: PacketType.ACK, nsp: "/", id: event?.id ?? -1, data: [] });
    server.settle();
    expect(socket.bufferedBytes).toBe(0);
  });
});

describe("drained", () => {
  it("waits for the connection and for what waits for it", async () => {
    const { server, socket } = stage();
    socket.emit("a", CHUNK);
    const told = vi.fn();
    const drained = socket.drained().then(told);
    await Promise.resolve();
    expect(told).not.toHaveBeenCalled();
    server.settle();
    await drained;
    expect([told.mock.calls, socket.bufferedBytes]).toEqual([[[true]], 0]);
    expect(await socket.drained()).toBe(true);
  });

  it("is false for a socket that does not want to be connected, or not any more", async () => {
    const { server, socket } = stage({ autoConnect: false });
    socket.disconnect();
    expect(await socket.drained()).toBe(false);
    socket.connect();
    const waiting = socket.drained();
    socket.disconnect();
    expect(await waiting).toBe(false);
    socket.connect();
    server.admit = (packet, peer) =>
      peer.send({ type: PacketType.CONNECT_ERROR, nsp: packet.nsp, data: { message: "no" } });
    const refused = socket.drained();
    server.settle();
    expect(await refused).toBe(false);
  });

  it("is false if the connection breaks, and waits for the next one", async () => {
    const { server, socket } = stage();
    server.settle();
    socket.emit("a", CHUNK);
    const lost = socket.drained();
    server.cut();
    expect(await lost).toBe(false);
    const next = socket.drained();
    server.clock.advance(100);
    server.settle();
    expect(await next).toBe(true);
  });
});

it("a WebSocket server that stops to read costs the client its bound, and whoever waits goes on later", async () => {
  const http = createServer();
  const ws = new WebSocketServer({ server: http });
  let received = 0;
  const wires: import("ws").WebSocket[] = [];
  ws.on("connection", (wire) => {
    wires.push(wire);
    wire.send('0{"sid":"a","upgrades":[],"pingInterval":60000,"pingTimeout":60000,"maxPayload":1000000}');
    wire.on("message", (data) => {
      if (String(data) !== "40") {
        received++;
        return;
      }
      wire.send('40{"sid":"b"}');
      wire.pause();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const socket = io(url, { transports: ["websocket"], maxOutboundBytes: 2_000_000 });
  try {
    await once(socket as never, "connect");
    let kept = 0;
    let dropped = 0;
    const big = "x".repeat(100_000);
    // The kernel takes some megabytes.
    for (let n = 0; n < 1000 && dropped < 50; n++) {
      await new Promise((resolve) => setImmediate(resolve));
      kept++;
      socket.timeout(60_000).emit("a", big, (error: { code?: string } | null) => {
        if (error?.code !== "ERR_OUTBOUND_FULL") return;
        kept--;
        dropped++;
      });
      expect(socket.bufferedBytes).toBeLessThan(2_000_000 + 2 * big.length);
    }
    expect(dropped).toBe(50);
    const before = socket.bufferedBytes;
    for (let n = 0; n < 100; n++) socket.volatile.emit("never", big);
    expect(socket.bufferedBytes).toBe(before);
    const drained = socket.drained();
    for (const wire of wires) wire.resume();
    expect(await drained).toBe(true);
    await until(() => received === kept, "all that was kept to arrive");
  } finally {
    socket.disconnect();
    for (const wire of wires) wire.terminate();
    ws.close();
    http.close();
  }
});
