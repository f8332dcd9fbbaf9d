import type { IncomingMessage } from "node:http";
import { manualClock } from "@sockeye/conformance";
import { FirstRequest } from "@sockeye/engine/server";
import {
  AckError,
  CORE,
  EncodedPacket,
  type EventPacket,
  type Packet,
  PacketType,
  PEER,
  type SockeyeError,
} from "@sockeye/protocol";
import { Server, Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import type { SocketConnection } from "../src/socket.js";

/** The connection under a socket, with no network: what is sent is kept. */
class FakeConnection implements SocketConnection {
  readonly id = "session";
  readonly request = {
    headers: { origin: "https://a.example" },
    url: "/socket.io/?a=1",
    socket: { remoteAddress: "1.2.3.4" },
  } as unknown as IncomingMessage;
  readonly first = new FirstRequest({ req: this.request, protocol: 4 }, true);
  readonly conn = {} as SocketConnection["conn"];
  ready = true;
  readonly bufferedBytes = 0;
  readonly group = "1.2.3.4";
  readonly sent: (Packet & { compress?: boolean | undefined })[] = [];
  readonly calls: string[] = [];
  readonly #packets = new Map<EncodedPacket, Packet & { compress?: boolean | undefined }>();

  encode(packet: Packet, compress: boolean | undefined): EncodedPacket {
    const encoded = new EncodedPacket("");
    this.#packets.set(encoded, compress === undefined ? packet : { ...packet, compress });
    return encoded;
  }
  send(encoded: EncodedPacket): void {
    this.sent.push(this.#packets.get(encoded) as Packet);
  }
  drained(): Promise<boolean> {
    return Promise.resolve(true);
  }
  exceeded(error: SockeyeError): void {
    this.calls.push(error.code);
  }
  left(namespace: string): void {
    this.calls.push(`left ${namespace}`);
  }
  readonly delaying = false;
  delays(): boolean {
    return false;
  }
  rested(): void {}
  keep(): void {}
  hold(): boolean {
    return true;
  }
  release(): void {}
  disconnect(): void {
    this.calls.push("disconnect");
  }
}

function connected(auth: Record<string, unknown> = {}) {
  const clock = manualClock();
  const io = new Server();
  Object.defineProperty(io[CORE], "clock", { value: clock });
  const errors: unknown[] = [];
  io.on("error", (error, context) => errors.push([error, context.event]));
  const connection = new FakeConnection();
  const socket = new Socket(io.sockets, connection, { auth, restored: undefined });
  io.sockets.sockets.set(socket.id, socket);
  socket[PEER].enter();
  connection.sent.length = 0;
  return { clock, io, errors, connection, socket };
}

const event = (data: [string, ...unknown[]], id?: number): Packet => ({
  type: PacketType.EVENT,
  nsp: "/",
  id,
  data,
});
const answer = (id: number, ...data: unknown[]): Packet => ({ type: PacketType.ACK, nsp: "/", id, data });
const disconnect: Packet = { type: PacketType.DISCONNECT, nsp: "/", id: undefined, data: undefined };

describe("a socket of the server", () => {
  it("enters: is in its own room, and the client is told its id", () => {
    const io = new Server();
    const connection = new FakeConnection();
    const socket = new Socket(io.sockets, connection, { auth: {}, restored: undefined });
    expect([socket.connected, socket.disconnected, socket.rooms.size]).toEqual([false, true, 0]);
    socket[PEER].enter();
    expect([socket.connected, socket.disconnected]).toEqual([true, false]);
    expect(socket.rooms).toEqual(new Set([socket.id]));
    expect(connection.sent).toEqual([
      { type: PacketType.CONNECT, nsp: "/", id: undefined, data: { sid: socket.id } },
    ]);
    expect(socket.id).toMatch(/^[\w-]{20}$/);
    expect(socket.id).not.toBe(connection.id);
    expect(socket.recovered).toBe(false);
  });

  it("describes its handshake, once", () => {
    const before = Date.now();
    const { socket, connection } = connected({ token: "t" });
    const { handshake } = socket;
    expect(handshake).toEqual({
      headers: connection.request.headers,
      time: new Date(handshake.issued).toString(),
      address: "1.2.3.4",
      xdomain: true,
      secure: false,
      issued: handshake.issued,
      url: "/socket.io/?a=1",
      query: { a: "1" },
      auth: { token: "t" },
    });
    expect(handshake.issued).toBeGreaterThanOrEqual(before);
    expect(handshake.issued).toBeLessThanOrEqual(Date.now());
    expect(socket.handshake).toBe(handshake);
    expect([socket.request, socket.conn]).toEqual([connection.request, connection.conn]);
  });

  it("has data of the app's: an object that is its own until the app puts in another", () => {
    const [one, two] = [connected().socket, connected().socket];
    one.data.x = 1;
    expect([one.data, two.data]).toEqual([{ x: 1 }, {}]);
    one.data = "text";
    expect(one.data).toBe("text");
  });

  it("joins and leaves rooms, and no more once it has left", () => {
    const { io, socket } = connected();
    socket.join("a");
    socket.join(["b", "c"]);
    socket.leave("b");
    expect(socket.rooms).toEqual(new Set([socket.id, "a", "c"]));
    socket.disconnect();
    expect(socket.rooms).toEqual(new Set());
    socket.join("late");
    expect(socket.rooms).toEqual(new Set());
    expect(io.sockets.adapter.rooms.size).toBe(0);
  });
});

describe("what a socket sends", () => {
  it("emits, sends, writes", () => {
    const { socket, connection } = connected();
    expect(socket.emit("x", 1, { a: 2 })).toBe(true);
    expect(socket.send("text")).toBe(socket);
    expect(socket.write()).toBe(socket);
    expect(connection.sent).toEqual([
      event(["x", 1, { a: 2 }]),
      event(["message", "text"]),
      event(["message"]),
    ]);
  });

  it("drops what is volatile while the connection is not ready, and nothing else", () => {
    const { socket, connection } = connected();
    connection.ready = false;
    socket.volatile.emit("dropped");
    socket.volatile.emit("dropped", () => {});
    socket.emit("kept");
    connection.ready = true;
    socket.volatile.emit("volatile");
    expect(connection.sent.map(({ data }) => data)).toEqual([["kept"], ["volatile"]]);
  });

  it("passes on whether to compress, for that emit alone", () => {
    const { socket, connection } = connected();
    const kept = socket.compress(false);
    socket.emit("plain");
    kept.emit("small");
    socket.emit("plain");
    expect(connection.sent.map((packet) => packet.compress)).toEqual([undefined, false, undefined]);
  });

  it("refuses reserved names, and sends nothing", () => {
    const { socket, connection } = connected();
    expect(() => socket.emit("disconnect")).toThrow(/reserved/);
    expect(() => socket.volatile.emit("connect")).toThrow(/reserved/);
    expect(() => socket.to("a").emit("disconnecting")).toThrow(/reserved/);
    expect(connection.sent).toEqual([]);
  });

  it("shows it to outgoing catch-all listeners, without the acknowledgement", () => {
    const { socket, errors } = connected();
    const seen: unknown[] = [];
    const listener = (...args: unknown[]): void => void seen.push(args);
    expect(socket.onAnyOutgoing(listener)).toBe(socket);
    socket.prependAnyOutgoing(() => {
      throw new Error("boom");
    });
    socket.emit("x", 1, () => {});
    expect(seen).toEqual([["x", 1]]);
    expect(errors).toHaveLength(1);
    expect(socket.listenersAnyOutgoing()).toHaveLength(2);
    socket.offAnyOutgoing(listener).emit("x");
    expect(socket.offAnyOutgoing().listenersAnyOutgoing()).toEqual([]);
    expect(seen).toHaveLength(1);
  });
});

describe("acknowledgements that a socket waits for", () => {
  it("come with the id of the packet, once", () => {
    const { socket, connection } = connected();
    const got: unknown[] = [];
    socket.emit("x", (...args: unknown[]) => got.push(args));
    socket.emit("y", (...args: unknown[]) => got.push(args));
    expect(connection.sent).toEqual([event(["x"], 0), event(["y"], 1)]);
    socket[PEER].receive(answer(1, "b", 2));
    socket[PEER].receive(answer(1, "again"));
    socket[PEER].receive(answer(0));
    socket[PEER].receive(answer(99, "stranger"));
    expect(got).toEqual([["b", 2], []]);
  });

  it("get an error first with a timeout, and then nothing more", () => {
    const { socket, clock } = connected();
    const got: unknown[][] = [];
    socket.timeout(50).emit("x", (...args: unknown[]) => got.push(args));
    socket.timeout(50).emit("y", (...args: unknown[]) => got.push(args));
    socket[PEER].receive(answer(0, "yes"));
    clock.advance(50);
    socket[PEER].receive(answer(1, "late"));
    expect(got).toHaveLength(2);
    expect(got[0]).toEqual([null, "yes"]);
    expect(got[1]?.[0]).toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("reject when the client leaves, and at once afterwards", async () => {
    const { socket, clock } = connected();
    const waits = [socket.emitWithAck("x"), socket.timeout(1000).emitWithAck("x")];
    socket[PEER].receive(disconnect);
    waits.push(socket.emitWithAck("late"), socket.volatile.emitWithAck("late"));
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: "ERR_ACK_DISCONNECTED" });
    for (const wait of waits) await expect(wait).rejects.toBeInstanceOf(AckError);
    expect(clock.pendingTimers).toBe(0);
  });

  it("of a volatile packet that was dropped end by time or with the connection, never never", async () => {
    const { socket, connection, clock } = connected();
    connection.ready = false;
    const timed = socket.volatile.timeout(10).emitWithAck("x");
    const endless = socket.volatile.emitWithAck("x");
    expect(connection.sent).toEqual([]);
    clock.advance(10);
    await expect(timed).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    socket.disconnect();
    await expect(endless).rejects.toMatchObject({ code: "ERR_ACK_DISCONNECTED" });
  });

  it("of a broadcast are not waited for beyond their time", () => {
    const { socket, clock, connection } = connected();
    const answered: unknown[] = [];
    for (const id of [5, 6]) {
      const packet = { ...event(["x"], id), id } as EventPacket;
      socket[PEER].deliverWithAck(packet, connection.encode(packet, undefined), { timeout: 20 }, (args) =>
        answered.push(args),
      );
    }
    socket[PEER].receive(answer(5, "in time"));
    expect(clock.pendingTimers).toBe(1);
    clock.advance(20);
    socket[PEER].receive(answer(6, "late"));
    expect(answered).toEqual([["in time"]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("whose callback throws, are reported and stop nothing", () => {
    const { socket, errors } = connected();
    socket.emit("x", () => {
      throw new Error("boom");
    });
    socket[PEER].receive(answer(0));
    expect(errors).toMatchObject([[{ message: "boom" }, "x"]]);
  });
});

describe("what a socket receives", () => {
  it("goes to catch-all listeners, then to the listeners", () => {
    const { socket } = connected();
    const seen: unknown[] = [];
    socket.on("x", (...args) => seen.push(["on", ...args]));
    expect(socket.onAny((...args) => seen.push(["any", ...args]))).toBe(socket);
    socket.prependAny((...args) => seen.push(["first", ...args]));
    socket[PEER].receive(event(["x", 1]));
    expect(seen).toEqual([
      ["first", "x", 1],
      ["any", "x", 1],
      ["on", 1],
    ]);
    expect(socket.listenersAny()).toHaveLength(2);
    expect(socket.offAny().listenersAny()).toEqual([]);
  });

  it("is answered once by the acknowledgement, and not after the end", () => {
    const { socket, connection } = connected();
    const answers: ((...args: unknown[]) => void)[] = [];
    socket.on("x", (...args) => answers.push(args.at(-1) as never));
    socket[PEER].receive(event(["x", 1], 7));
    socket[PEER].receive(event(["x"], 0));
    answers[0]?.("a", 2);
    answers[0]?.("again");
    expect(connection.sent).toEqual([answer(7, "a", 2)]);
    socket.disconnect();
    connection.sent.length = 0;
    answers[1]?.("late");
    expect(connection.sent).toEqual([]);
  });

  it("passes the socket's middlewares first, which may change or refuse it", () => {
    const { socket, errors } = connected();
    const seen: unknown[] = [];
    const refusals: unknown[] = [];
    expect(
      socket.use((packet, next) => {
        if (packet[0] === "bad") next(new Error("refused"));
        else if (packet[0] === "worse") throw new Error("thrown");
        else {
          packet[1] += 1;
          next();
        }
      }),
    ).toBe(socket);
    socket.on("good", (n) => seen.push(n));
    socket.on("bad", () => seen.push("bad"));
    socket.on("worse", () => seen.push("worse"));
    socket.onAny((name) => seen.push(name));
    socket[PEER].receive(event(["bad"]));
    expect(refusals).toEqual([]);
    socket.on("error", (error) => refusals.push(error.message));
    socket[PEER].receive(event(["good", 1]));
    socket[PEER].receive(event(["bad"]));
    socket[PEER].receive(event(["worse"]));
    expect(seen).toEqual(["good", 2]);
    expect(refusals).toEqual(["refused", "thrown"]);
    expect(errors).toEqual([]);
  });

  it("is dropped if the socket leaves while a middleware decides", () => {
    const { socket } = connected();
    const nexts: (() => void)[] = [];
    const seen: unknown[] = [];
    socket.use((_packet, next) => void nexts.push(next));
    socket.on("x", () => seen.push("x"));
    socket[PEER].receive(event(["x"]));
    socket.disconnect();
    nexts[0]?.();
    expect(seen).toEqual([]);
  });
});

describe("the end of a socket", () => {
  it.each(["client", "server"] as const)(
    "by the %s: disconnecting with rooms, then disconnect without",
    (side) => {
      const { io, socket, connection } = connected();
      socket.join("a");
      const trail: unknown[] = [];
      const look = (name: string) => (reason: string) =>
        trail.push([name, reason, socket.rooms.size, socket.connected, io.sockets.sockets.has(socket.id)]);
      socket.on("disconnecting", look("disconnecting"));
      socket.on("disconnect", look("disconnect"));
      if (side === "client") socket[PEER].receive(disconnect);
      else expect(socket.disconnect()).toBe(socket);
      const reason = `${side} namespace disconnect`;
      expect(trail).toEqual([
        ["disconnecting", reason, 2, true, true],
        ["disconnect", reason, 0, false, false],
      ]);
      expect(connection.calls).toEqual(["left /"]);
      expect(connection.sent).toEqual(side === "server" ? [disconnect] : []);
      socket.disconnect().disconnect(true);
      socket[PEER].end("transport close");
      expect(trail).toHaveLength(2);
      expect(connection.calls).toHaveLength(1);
    },
  );

  it("by the connection has its reason and what lies underneath", () => {
    const { socket } = connected();
    const cause = new Error("reset");
    const got: unknown[] = [];
    socket.on("disconnect", (...args) => got.push(args));
    socket[PEER].end("transport error", cause);
    expect(got).toEqual([["transport error", cause]]);
  });

  it("cannot be ended again by a disconnecting listener", () => {
    const { socket, errors } = connected();
    let calls = 0;
    socket.on("disconnecting", () => {
      calls++;
      socket.disconnect();
      socket.disconnect(true);
    });
    socket.disconnect();
    expect([calls, errors, socket.connected]).toEqual([1, [], false]);
  });

  it("lets a disconnecting listener say good-bye to the rooms", () => {
    const { io, socket } = connected();
    const other = new FakeConnection();
    const neighbour = new Socket(io.sockets, other, { auth: {}, restored: undefined });
    io.sockets.sockets.set(neighbour.id, neighbour);
    neighbour[PEER].enter();
    neighbour.join("a");
    socket.join("a");
    let encoded = 0;
    neighbour[PEER].deliver = () => void encoded++;
    socket.on("disconnecting", () => socket.to([...socket.rooms]).emit("bye"));
    socket.disconnect();
    expect(encoded).toBe(1);
  });

  it("of the whole connection is the connection's business", () => {
    const { socket, connection } = connected();
    socket.disconnect(true);
    expect(connection.calls).toEqual(["disconnect"]);
  });

  it("after it nothing is sent", () => {
    const { socket, connection } = connected();
    socket.disconnect();
    connection.sent.length = 0;
    socket.emit("x");
    socket.volatile.emit("x", () => {});
    expect(connection.sent).toEqual([]);
  });

  it("of one that was never let in goes without a word", () => {
    const io = new Server();
    const connection = new FakeConnection();
    const socket = new Socket(io.sockets, connection, { auth: {}, restored: undefined });
    const heard: string[] = [];
    socket.on("disconnecting", () => heard.push("disconnecting"));
    socket.on("disconnect", () => heard.push("disconnect"));
    socket.join("a");
    expect(socket.disconnect()).toBe(socket);
    socket[PEER].end("forced close");
    expect([heard, connection.sent, io.sockets.adapter.rooms.size]).toEqual([[], [], 0]);
  });
});
