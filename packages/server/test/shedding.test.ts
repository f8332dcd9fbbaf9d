// When all connections together hold too much, the heaviest is ended, is told, and lets go of everything; the others notice nothing.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket as NetSocket } from "node:net";
import { io as dialSockeye } from "@sockeye/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { CountedClient } from "../../../test/support/counted.js";
import { joinMain, openSession } from "../../../test/support/rawsocket.js";
import { once, until } from "../../../test/support/wait.js";
import type { Diagnostics, Server, ServerOptions } from "../src/index.js";
import { Server as AnotherServer } from "../src/index.js";
import { atEnd, dial, join, refused, roundTrip, serve } from "./site.js";

const BUDGET = 1_000_000;
const LIMITS: ServerOptions = { limits: { maxProcessBytes: BUDGET }, perMessageDeflate: false };

let exceeded: Diagnostics["sockeye:limit"][] = [];
const note = (message: unknown): number => exceeded.push(message as Diagnostics["sockeye:limit"]);
beforeEach(() => {
  exceeded = [];
  subscribe("sockeye:limit", note);
});
afterEach(() => {
  unsubscribe("sockeye:limit", note);
});

const held = (io: Server): number => io.metrics().heldBytes;

/** Begins a message of so many bytes that does not end. What has come is kept in up to twice the memory. */
async function hog(port: number, bytes: number) {
  const { wire, sid } = await joinMain(port);
  atEnd(() => wire.end());
  const head = Buffer.alloc(14);
  head[0] = 0x82;
  head[1] = 0x80 | 127;
  head.writeUInt32BE(999_999, 6);
  const raw = (wire.ws as unknown as { _socket: NetSocket })._socket;
  const reason = new Promise<string>((resolve) =>
    wire.ws.once("close", (code, text) => resolve(`${code} ${text}`)),
  );
  raw.write(Buffer.concat([head, Buffer.alloc(bytes)]));
  return { wire, sid, raw, reason };
}

describe("the heaviest of all is ended", () => {
  it("with a reason, a code, a count and an event; the light ones stay", async () => {
    const { io, port, url } = await serve(LIMITS);
    const { client, socket } = await join({ io, port, url } as never);
    const left: unknown[] = [];
    io.on("connection", (each) => {
      each.on("disconnect", (reason, cause) => left.push([reason, (cause as { code?: string })?.code]));
    });
    const lighter = await hog(port, 100_000);
    await until(() => held(io) >= 100_000, "the lighter one to count");
    const heavier = await hog(port, 900_000);
    expect(await heavier.reason).toBe("1008 ERR_MEMORY_BUDGET (maxProcessBytes)");
    expect(left).toEqual([["forced server close", "ERR_MEMORY_BUDGET"]]);
    expect(io.metrics().limitsExceeded).toEqual({ maxProcessBytes: 1 });
    expect(exceeded.map(({ limit, error, conn }) => [limit, error.code, conn !== undefined])).toEqual([
      ["maxProcessBytes", "ERR_MEMORY_BUDGET", true],
    ]);
    expect(lighter.wire.open).toBe(true);
    await roundTrip(client, socket);
    await until(() => held(io) < 0.9 * BUDGET, "it to let go");
  });

  it("over polling too, in the middle of its body", async () => {
    const { io, port, url } = await serve({ ...LIMITS, resume: false });
    const { client, socket } = await join({ io, port, url } as never);
    const poller = await CountedClient.open(port, "polling");
    atEnd(() => poller.cut());
    const { Line } = await import("../../../test/support/rawsocket.js");
    const line = new Line(port);
    atEnd(() => line.end());
    const head = `POST /socket.io/?EIO=4&transport=polling&sid=${poller.sid} HTTP/1.1\r\nHost: a\r\n`;
    line.write(`${head}Content-Length: 1000000\r\n\r\n${"4".repeat(700_000)}`);
    await until(() => held(io) >= 700_000, "the body to count");
    await hog(port, 300_000);
    await until(() => line.ended, "the connection of the body to end");
    await until(() => held(io) < BUDGET, "it to let go");
    await roundTrip(client, socket);
    expect(exceeded.map(({ error }) => error.code)).toEqual(["ERR_MEMORY_BUDGET"]);
  });

  it("over another WebSocket engine", async () => {
    const { io, port } = await serve({ ...LIMITS, wsEngine: WebSocketServer as never });
    await hog(port, 400_000);
    await until(() => held(io) >= 300_000, "the lighter one to count");
    const heavier = await hog(port, 900_000);
    expect(await heavier.reason).toMatch(/^(1008 ERR_MEMORY_BUDGET|1006)/);
    await until(() => held(io) < BUDGET, "it to let go");
  });

  it("although it does not read: what waits for it is gone at once, and not after 30 s", async () => {
    const { io, port } = await serve({ limits: { maxProcessBytes: 8e6, maxOutboundBytes: 1e9 } });
    const { wire, sid } = await joinMain(port);
    atEnd(() => wire.end());
    wire.ws.pause();
    const chunk = Buffer.alloc(100_000);
    for (let n = 0; n < 400 && exceeded.length === 0; n++) {
      io.in(sid).emit("fill", chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(exceeded.map(({ error }) => error.code)).toEqual(["ERR_MEMORY_BUDGET"]);
    expect(held(io)).toBe(0);
    expect(io.engine.clientsCount).toBe(0);
  });

  it("while it is away", async () => {
    const { io, port } = await serve({ limits: { maxProcessBytes: 500_000 } });
    const away: CountedClient[] = [];
    for (let n = 0; n < 3; n++) {
      const client = await CountedClient.open(port, "websocket");
      const connected = once(io, "connection");
      await client.send("0");
      await connected;
      await client.received(1);
      client.cut();
      away.push(client);
    }
    await until(() => io.metrics().suspended === 3, "all to be away");
    // One packet for all of them is no more than one packet.
    io.emit("all", Buffer.alloc(300_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(io.metrics().suspended).toBe(3);
    const [first] = [...io.sockets.sockets.values()];
    first?.emit("own", Buffer.alloc(300_000));
    await until(() => io.metrics().suspended === 2, "one to be ended");
    expect(first?.connected).toBe(false);
  });

  it("of all servers of the process", async () => {
    const one = await serve({ limits: { maxProcessBytes: 700_000 } });
    const two = await serve(LIMITS);
    const heavier = await hog(one.port, 500_000);
    await until(() => held(one.io) >= 500_000, "the first to count");
    expect(held(two.io)).toBe(held(one.io));
    const lighter = await hog(two.port, 200_000);
    expect(await heavier.reason).toContain("ERR_MEMORY_BUDGET");
    expect(lighter.wire.open).toBe(true);
  });

  it("unless there is no limit: then nothing is counted", async () => {
    const { io, port } = await serve({ limits: { maxProcessBytes: Number.POSITIVE_INFINITY } });
    const { wire } = await hog(port, 900_000);
    wire.ws.ping();
    await once(wire.ws, "pong").catch(() => {});
    expect(held(io)).toBe(0);
  }, 30_000);

  it.each([0, -1, Number.NaN, "1"])("and it must be a number above 0: %s", (maxProcessBytes) => {
    expect(() => new AnotherServer({ limits: { maxProcessBytes: maxProcessBytes as number } })).toThrow(
      /maxProcessBytes must be a number above 0/,
    );
  });
});

describe("a client that says too much of itself when it joins", () => {
  const large = { token: "x".repeat(20_000) };
  const TOLD = { message: "Auth payload too large", data: { code: "ERR_AUTH_TOO_LARGE" } };

  it.each([["websocket"], ["polling"]])("is told by %s, and may try again", async (transport) => {
    const site = await serve();
    const client = dial(site, "/", { auth: large, transports: [transport as "polling"] });
    expect(await refused(client)).toEqual(TOLD);
    client.auth = { token: "small" };
    client.connect();
    await once(client, "connect");
    expect(exceeded.map(({ limit }) => limit)).toEqual(["maxAuthBytes"]);
  });

  it("is told if it is Sockeye's, and its other namespaces go on", async () => {
    const site = await serve();
    site.io.of("/other");
    const client = dialSockeye(site.url, { auth: { token: "small" } });
    atEnd(() => client.disconnect());
    await once(client, "connect");
    const other = client.io.socket("/other", { auth: large });
    other.connect();
    const [error] = (await once(other, "connect_error")) as [{ message: string; data: unknown }];
    expect({ message: error.message, data: error.data }).toEqual(TOLD);
    expect(client.connected).toBe(true);
  });

  it("may be let in by a higher limit", async () => {
    const site = await serve({ limits: { maxAuthBytes: 30_000 } });
    const { socket } = await join(site, "/", { auth: large });
    expect(socket.handshake.auth).toEqual(large);
  });

  it("costs no objects: a megabyte of them per namespace, on twenty connections", async () => {
    const { usedBytes } = await import("../../../test/support/memory.js");
    const site = await serve();
    site.io.of(/^\/n/).use((_socket, _next) => {});
    const before = await usedBytes();
    const auth = `{"a":[${"{},".repeat(333_000)}{}]}`;
    const wires = await Promise.all(Array.from({ length: 20 }, () => openSession(site.port)));
    for (const { wire } of wires) atEnd(() => wire.end());
    for (const [n, { wire }] of wires.entries()) {
      wire.send(`40/n${n},${auth}`);
      expect(await wire.nextMessage()).toBe(
        `44/n${n},{"message":"Auth payload too large","data":{"code":"ERR_AUTH_TOO_LARGE"}}`,
      );
    }
    expect((await usedBytes()) - before).toBeLessThan(20e6);
  });

  it("of Socket.IO 2 is told as well, for a namespace with a query", async () => {
    const site = await serve({ allowEIO3: true });
    site.io.of("/other");
    const { openWire } = await import("../../../test/support/rawsocket.js");
    const wire = await openWire(site.port, "EIO=3&transport=websocket");
    atEnd(() => wire.end());
    expect(String(await wire.next())).toMatch(/^0/);
    expect(await wire.next()).toBe("40");
    wire.send(`40/other?${"a=1&".repeat(200_000)},`);
    expect(await wire.next()).toBe('44/other,{"code":"ERR_AUTH_TOO_LARGE"}');
    wire.send("40/other?a=1,");
    expect(await wire.next()).toMatch(/^40\/other/);
  });
});

it("half a binary event costs no objects: a megabyte of them on twenty connections", async () => {
  const { usedBytes } = await import("../../../test/support/memory.js");
  const site = await serve();
  const before = await usedBytes();
  const json = `451-["e",{"_placeholder":true,"num":0},[${"{},".repeat(330_000)}{}]]`;
  for (let n = 0; n < 20; n++) {
    const { wire } = await joinMain(site.port);
    atEnd(() => wire.end());
    wire.send(json);
  }
  await until(() => held(site.io) >= 19e6, "all to count");
  expect((await usedBytes()) - before).toBeLessThan(60e6);
});
