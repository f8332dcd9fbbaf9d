// The dialling ends against the engine.io server of npm, which others have decided is right.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Side } from "@sockeye/conformance";
import { EncodedPacket, type Frame, type Transport, type TransportError } from "@sockeye/protocol";
import {
  PollingTransport,
  type Target,
  type TransportClass,
  WebSocketTransport,
} from "@sockeye/transport/client";
import { Server, type ServerOptions, type Socket } from "engine.io";
import { afterEach, describe, expect, it } from "vitest";
import { target } from "./target-of.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Dialled {
  readonly target: Target;
  readonly transport: Transport;
  readonly side: Side;
}

interface Connected extends Dialled {
  readonly socket: Socket;
  /** What the server got, as text or bytes. */
  readonly got: unknown[];
  /** Why the server's socket closed. */
  readonly closed: Promise<string>;
}

async function listen(options: ServerOptions = {}): Promise<{ engine: Server; url: string }> {
  const http = createServer();
  const engine = new Server(options);
  engine.attach(http, { path: "/engine.io/" });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    engine.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { engine, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/engine.io/` };
}

function dial(Class: TransportClass, changes: Partial<Target>): Dialled {
  const dialled = target(changes);
  const transport = new Class(dialled);
  cleanups.push(() => transport.close("dead"));
  const side = new Side();
  transport.bind(side);
  side.use(transport);
  return { target: dialled, transport, side };
}

/** Reads the OPEN packet, as a session does. */
function learn(dialled: Dialled): void {
  const { side } = dialled;
  side.onFrame = (frame) => {
    if (typeof frame !== "string" || !frame.startsWith("0{")) return;
    const terms = JSON.parse(frame.slice(1)) as { sid: string; maxPayload: number };
    dialled.target.sid = terms.sid;
    dialled.target.maxPayload = terms.maxPayload;
  };
}

async function connect(
  Class: TransportClass,
  changes?: Partial<Target>,
  options?: ServerOptions,
): Promise<Connected> {
  const { engine, url } = await listen(options);
  const accepted = new Promise<Socket>((resolve) => engine.once("connection", resolve));
  const dialled = dial(Class, { url, ...changes });
  learn(dialled);
  const socket = await accepted;
  const got: unknown[] = [];
  socket.on("message", (data: unknown) => got.push(data));
  const closed = new Promise<string>((resolve) => socket.once("close", resolve));
  await dialled.side.until(() => dialled.transport.writable && dialled.target.sid !== undefined, "OPEN");
  dialled.side.frames.length = 0;
  return { ...dialled, socket, got, closed };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const plain = (data: unknown): unknown => (data instanceof Uint8Array ? [...data] : data);

const classes: [name: string, Class: TransportClass][] = [
  ["PollingTransport", PollingTransport],
  ["WebSocketTransport", WebSocketTransport],
];

describe.each(classes)("%s", (name, Class) => {
  it("carries messages and bytes both ways", async () => {
    const { socket, side, got } = await connect(Class);
    const sent = ["hello", "žluť 🐟", "", Uint8Array.from({ length: 256 }, (_, i) => i), "x".repeat(200_000)];
    for (const data of sent) socket.send(data);
    side.send(sent.map((data) => new EncodedPacket(typeof data === "string" ? `4${data}` : data)));
    await side.received(sent.length);
    await until(() => got.length === sent.length);
    // It reads an empty message as undefined.
    expect(got.map((data) => plain(data ?? ""))).toEqual(sent.map(plain));
    expect(
      side.frames.map((frame: Frame) => (typeof frame === "string" ? frame.slice(1) : [...frame])),
    ).toEqual(sent.map(plain));
  });

  it("carries bytes as text with forceBase64", async () => {
    const { socket, side, got } = await connect(Class, { forceBase64: true });
    side.send([new EncodedPacket("4a"), new EncodedPacket(new Uint8Array([1, 2, 3]))]);
    await until(() => got.length === 2);
    expect(got.map(plain)).toEqual(["a", [1, 2, 3]]);
    socket.send(Buffer.from([1, 2, 3]));
    await side.received(1);
    expect(plain(side.frames[0])).toEqual(name === "PollingTransport" ? [1, 2, 3] : "bAQID");
  });

  it("keeps the bodies within maxHttpBufferSize", async () => {
    const { side, got } = await connect(Class, {}, { maxHttpBufferSize: 1000 });
    side.sendText(...Array.from({ length: 100 }, (_, i) => `4${String(i).padEnd(99)}`));
    await until(() => got.length === 100 || side.endings.length > 0);
    expect(got.map((text) => Number(text))).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("hands over the user's query and headers", async () => {
    const { socket } = await connect(Class, { query: { token: "a b&ž" }, headers: { "x-token": "abc" } });
    const request = socket.request as unknown as {
      _query: Record<string, string>;
      headers: Record<string, string>;
    };
    expect(request._query).toMatchObject({ token: "a b&ž", EIO: "4" });
    expect(request.headers["x-token"]).toBe("abc");
  });

  it("answers the heartbeat", async () => {
    const { side, closed } = await connect(Class, {}, { pingInterval: 40, pingTimeout: 1000 });
    let pings = 0;
    side.onFrame = (frame) => {
      if (frame !== "2") return;
      pings++;
      side.sendText("3");
    };
    await Promise.race([until(() => pings === 3), closed]);
    expect(pings).toBe(3);
  });

  it("says goodbye", async () => {
    const { transport, closed, side } = await connect(Class);
    transport.close("goodbye");
    expect(await closed).toBe("transport close");
    expect(side.endings).toEqual([]);
  });

  it("ends when the server closes the session", async () => {
    const { socket, side } = await connect(Class);
    socket.close();
    await side.end();
    expect(side.endings).toMatchObject([{ reason: "transport close" }]);
  });

  it("fails for an unknown session", async () => {
    const { url } = await listen();
    const { side } = dial(Class, { url, sid: "unknown" });
    await side.end();
    const cause = side.endings[0]?.cause as TransportError;
    expect(side.endings[0]?.reason).toBe("transport error");
    if (name === "PollingTransport") {
      expect(cause).toMatchObject({ message: "xhr poll error", description: 400 });
      expect(JSON.parse((cause.context as { responseText: string }).responseText)).toEqual({
        code: 1,
        message: "Session ID unknown",
      });
    } else {
      expect(cause).toMatchObject({ message: "websocket error", code: "ERR_TRANSPORT_OPEN" });
    }
  });

  it("fails where nobody listens", async () => {
    const { side } = dial(Class, { url: "http://127.0.0.1:1/engine.io/" });
    await side.end();
    expect(side.endings).toMatchObject([
      { reason: "transport error", cause: { code: "ERR_TRANSPORT_OPEN" } },
    ]);
  });
});

it("upgrades from polling to WebSocket, without a loss", async () => {
  const { target, transport: polling, side, socket, got } = await connect(PollingTransport);
  const upgraded = new Promise<void>((resolve) => socket.once("upgrade", () => resolve()));
  side.sendText("4before");
  const better = dial(WebSocketTransport, { url: target.url, sid: target.sid });
  better.side.sendText("2probe");
  await better.side.received(1);
  expect(better.side.frames).toEqual(["3probe"]);
  socket.send("while pausing");
  await new Promise<void>((resolve) => polling.pause(resolve));
  better.side.sendText("5", "4after");
  polling.close("dead");
  await upgraded;
  socket.send("down");
  await better.side.received(2);
  await until(() => got.length === 2);
  expect(got).toEqual(["before", "after"]);
  expect(side.frames).toEqual(["4while pausing"]);
  expect(better.side.frames).toEqual(["3probe", "4down"]);
});
