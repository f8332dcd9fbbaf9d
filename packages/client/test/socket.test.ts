import { type AckError, CodecError, type Packet, PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../src/index.js";
import type { Manager } from "../src/manager.js";
import type { Socket } from "../src/socket.js";
import { eventsOf, FakeServer, lastEvent, PING_INTERVAL_MS, PING_TIMEOUT_MS } from "./fake-server.js";

const STEADY: Options = { randomizationFactor: 0, reconnectionDelay: 100, reconnectionDelayMax: 400 };

afterEach(() => vi.restoreAllMocks());

interface Stage {
  readonly server: FakeServer;
  readonly manager: Manager;
  readonly socket: Socket;
  /** Events that the socket emitted: names and first arguments. */
  readonly log: unknown[][];
}

function stage(options: Options = {}): Stage {
  const server = new FakeServer();
  const manager = server.manager({ ...STEADY, ...options });
  const socket = manager.socket("/", options);
  const log: unknown[][] = [];
  socket.on("connect", () => log.push(["connect", socket.id]));
  socket.on("connect_error", (error) => log.push(["connect_error", error.message, socket.active]));
  socket.on("disconnect", (reason) => log.push(["disconnect", reason, socket.active]));
  return { server, manager, socket, log };
}

function connected(options: Options = {}): Stage {
  const all = stage(options);
  all.server.settle();
  all.log.length = 0;
  return all;
}

/** What arrived at the server, without the packets of the connection itself. */
function arrived({ server }: Stage): Packet[] {
  server.settle();
  return server.peers.flatMap(({ packets }) => packets.filter(({ type }) => type !== PacketType.CONNECT));
}

describe("connecting", () => {
  it("joins the namespace as soon as the manager's connection stands", () => {
    const { server, socket, log } = stage();
    expect([socket.connected, socket.disconnected, socket.active, socket.id]).toEqual([
      false,
      true,
      true,
      undefined,
    ]);
    server.settle();
    expect(log).toEqual([["connect", "s1"]]);
    expect([socket.connected, socket.disconnected, socket.active, socket.id]).toEqual([
      true,
      false,
      true,
      "s1",
    ]);
    expect(server.peer.packets).toEqual([
      { type: PacketType.CONNECT, nsp: "/", id: undefined, data: undefined },
    ]);
  });

  it("waits until asked if autoConnect is off, and is harmless twice", () => {
    const { server, socket } = stage({ autoConnect: false });
    server.settle();
    expect([socket.active, server.dials.length]).toEqual([false, 0]);
    expect(socket.connect()).toBe(socket);
    socket.open();
    server.settle();
    socket.connect();
    server.settle();
    expect(server.peer.packets).toHaveLength(1);
    expect(socket.connected).toBe(true);
  });

  it("shares the connection with other namespaces, and returns the same socket for the same one", () => {
    const { server, manager, socket } = connected();
    const admin = manager.socket("/admin");
    server.settle();
    expect([server.peers.length, admin.connected, admin.nsp]).toEqual([1, true, "/admin"]);
    expect(manager.socket("/admin")).toBe(admin);
    admin.emit("x");
    socket.emit("y");
    server.settle();
    expect(server.peer.packets.slice(-2).map(({ nsp }) => nsp)).toEqual(["/admin", "/"]);
  });

  it("tells what `auth` is, or what it says when asked, at each connection", () => {
    const { server, socket } = stage({ auth: { token: 1 } });
    const told = (): unknown[] => server.peers.flatMap(({ packets }) => packets.map(({ data }) => data));
    server.settle();
    expect(told()).toEqual([{ token: 1 }]);
    let n = 1;
    socket.auth = (tell) => tell({ token: ++n });
    server.cut();
    server.clock.advance(100);
    server.cut();
    server.clock.advance(100);
    expect(told()).toEqual([{ token: 1 }, { token: 2 }, { token: 3 }]);
  });

  it("asks once, waits for the answer, and ignores one that comes too late or twice", () => {
    const answers: ((data: object) => void)[] = [];
    const { server, socket } = stage({ auth: (tell) => void answers.push(tell) });
    server.settle();
    expect(server.peer.packets).toEqual([]);
    server.cut();
    server.clock.advance(100);
    expect(answers).toHaveLength(2);
    answers[0]?.({ late: true });
    answers[1]?.({ right: true });
    answers[1]?.({ twice: true });
    server.settle();
    expect(server.peer.packets.map(({ data }) => data)).toEqual([{ right: true }]);
    expect(socket.connected).toBe(true);
  });

  it("fails with an auth that cannot be encoded, and does not try again", () => {
    const { server, socket, log } = stage({ auth: { big: 1n } });
    server.settle();
    expect(log).toEqual([["connect_error", expect.stringContaining("BigInt"), false]]);
    expect([socket.active, server.peer.packets]).toEqual([false, []]);
  });

  it("that a middleware refuses is over, and can be asked for again", () => {
    const all = stage();
    const { server, socket, log } = all;
    const { admit } = server;
    const errors: unknown[] = [];
    socket.on("connect_error", (error) => errors.push([error.data, (error as AckError).code]));
    server.admit = ({ nsp }, peer) =>
      peer.send({ type: PacketType.CONNECT_ERROR, nsp, data: { message: "no", data: { why: 1 } } });
    server.clock.advance(10_000);
    expect(log).toEqual([["connect_error", "no", false]]);
    expect(errors).toEqual([[{ why: 1 }, "ERR_CONNECT_REFUSED"]]);
    expect(server.peer.reason).toBe("transport close");
    server.admit = admit;
    socket.connect();
    server.settle();
    expect(log.at(-1)).toEqual(["connect", "s1"]);
  });

  it("to a namespace that does not exist has a code of its own, and leaves the others", () => {
    const { server, manager, socket } = connected();
    server.admit = ({ nsp }, peer) =>
      peer.send({ type: PacketType.CONNECT_ERROR, nsp, data: { message: "Invalid namespace" } });
    const other = manager.socket("/nowhere");
    const codes: unknown[] = [];
    other.on("connect_error", (error) => codes.push((error as AckError).code));
    server.settle();
    expect(codes).toEqual(["ERR_INVALID_NAMESPACE"]);
    expect([socket.connected, other.active]).toEqual([true, false]);
  });

  it("hears of a connection that cannot be made, and is tried again", () => {
    const { server, log } = (() => {
      const all = stage();
      all.server.dials[0]?.pair.a.cut("transport error", new Error("refused"));
      return all;
    })();
    server.settle();
    expect(log).toEqual([["connect_error", "refused", true]]);
    server.clock.advance(100);
    expect(log.at(-1)).toEqual(["connect", "s1"]);
  });

  it.each([undefined, {}, { sid: 5 }, { id: "x" }])("recognises a server of version 2 by %o", (data) => {
    const { server, log } = stage();
    server.admit = ({ nsp }, peer) => peer.send({ type: PacketType.CONNECT, nsp, data });
    server.settle();
    expect(log).toEqual([
      [
        "connect_error",
        expect.stringMatching(/^It seems you are trying to reach a Socket.IO server in v2/),
        true,
      ],
    ]);
  });

  it("survives a second answer to CONNECT", () => {
    const { server, socket } = connected();
    server.peer.send({ type: PacketType.CONNECT, data: { sid: "other" } });
    server.settle();
    expect(socket.id).toBe("s1");
  });
});

describe("disconnecting", () => {
  it("says goodbye, and closes the connection that nobody else uses", () => {
    const { server, manager, socket, log } = connected();
    socket.emit("last");
    expect(socket.disconnect()).toBe(socket);
    expect(log).toEqual([["disconnect", "io client disconnect", false]]);
    expect([socket.id, socket.connected, manager._readyState]).toEqual([undefined, false, "closed"]);
    server.clock.advance(10_000);
    expect(server.peer.packets.slice(1).map(({ type }) => type)).toEqual([
      PacketType.EVENT,
      PacketType.DISCONNECT,
    ]);
    expect([server.peer.reason, server.dials.length]).toEqual(["transport close", 1]);
    socket.close();
    expect(log).toHaveLength(1);
  });

  it("leaves the connection to other namespaces", () => {
    const { server, manager, socket } = connected();
    const admin = manager.socket("/admin");
    server.settle();
    socket.disconnect();
    server.settle();
    expect([admin.connected, server.peer.reason]).toEqual([true, undefined]);
    socket.connect();
    server.settle();
    expect([socket.id, server.peers.length]).toEqual(["s3", 1]);
  });

  it("before the answer to CONNECT leaves no ghost at the server", () => {
    const { server, manager } = connected();
    const { admit } = server;
    const held: (() => void)[] = [];
    server.admit = (packet, peer) => void held.push(() => admit(packet, peer));
    const admin = manager.socket("/admin");
    server.settle();
    admin.disconnect();
    for (const answer of held) answer();
    server.settle();
    server.settle();
    expect(admin.active).toBe(false);
    expect(server.peer.packets.at(-1)).toMatchObject({ type: PacketType.DISCONNECT, nsp: "/admin" });
  });

  it("and connecting before the answer asks once", () => {
    const { server, manager } = connected();
    const { admit } = server;
    const held: (() => void)[] = [];
    server.admit = (packet, peer) => void held.push(() => admit(packet, peer));
    const admin = manager.socket("/admin");
    server.settle();
    admin.disconnect();
    admin.connect();
    server.settle();
    expect(held).toHaveLength(1);
    for (const answer of held) answer();
    server.settle();
    expect([admin.connected, admin.id]).toEqual([true, "s2"]);
  });

  it("by the server is for good", () => {
    const { server, socket, log } = connected();
    server.peer.send({ type: PacketType.DISCONNECT });
    server.clock.advance(10_000);
    expect(log).toEqual([["disconnect", "io server disconnect", false]]);
    expect([socket.active, server.dials.length]).toEqual([false, 1]);
  });

  it("by the network is mended", () => {
    const { server, socket, log } = connected();
    const details: unknown[] = [];
    socket.on("disconnect", (_reason, description) => details.push(description));
    server.cut();
    expect(log).toEqual([["disconnect", "transport error", true]]);
    expect(details).toEqual([new Error("cut")]);
    server.clock.advance(100);
    expect(log.at(-1)).toEqual(["connect", "s2"]);
  });

  it("by the manager tells every socket", () => {
    const { manager, socket, log } = connected();
    manager.disconnect();
    // Nobody will connect again.
    expect(log).toEqual([["disconnect", "forced close", false]]);
    expect(socket.connected).toBe(false);
  });
});

describe("events to the server", () => {
  it("leave in order, with all their arguments", () => {
    const all = connected();
    all.socket.emit("a").emit("b", 1, { c: [null] });
    all.socket.send("hello", 2);
    all.socket.emit("bytes", Uint8Array.of(1, 2));
    expect(eventsOf(arrived(all))).toEqual([
      ["a"],
      ["b", 1, { c: [null] }],
      ["message", "hello", 2],
      ["bytes", Buffer.from([1, 2])],
    ]);
  });

  it("wait for the connection, and leave before `connect`, in order", () => {
    const all = stage();
    const { server, socket } = all;
    socket.emit("a", 1);
    socket.emit("b", 2);
    socket.on("connect", () => socket.emit("d"));
    socket.on("early", () => socket.emit("c"));
    server.admit = ({ nsp }, peer) => {
      peer.send({ type: PacketType.EVENT, nsp, data: ["early"] });
      peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "x" } });
    };
    expect(socket.sendBuffer.map(({ data }) => data)).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(eventsOf(arrived(all))).toEqual([["a", 1], ["b", 2], ["c"], ["d"]]);
    expect([socket.sendBuffer, socket.receiveBuffer]).toEqual([[], []]);
  });

  it("can be forgotten while they wait", () => {
    const all = stage();
    all.socket.emit("a");
    all.socket.sendBuffer = [];
    expect(eventsOf(arrived(all))).toEqual([]);
  });

  it("wait after a heartbeat that is overdue by the time of day, though no timer has noticed", () => {
    const all = connected();
    const { server, socket, log } = all;
    server.clock.jump(PING_INTERVAL_MS + PING_TIMEOUT_MS + 1);
    socket.emit("a");
    expect(log).toEqual([["disconnect", "ping timeout", true]]);
    expect(socket.sendBuffer).toHaveLength(1);
    server.clock.advance(100);
    expect(eventsOf(arrived(all))).toEqual([["a"]]);
  });

  it.each(["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])(
    "cannot be named %s",
    (name) => {
      const { socket } = connected();
      expect(() => socket.emit(name)).toThrow(`"${name}" is a reserved event name`);
    },
  );

  it("that cannot be encoded are refused, and leave nothing behind", () => {
    for (const options of [{}, { retries: 1 }]) {
      const all = connected(options);
      expect(() => all.socket.emit("a", 1n, () => {})).toThrow(CodecError);
      all.socket.emit("b");
      expect(eventsOf(arrived(all))).toEqual([["b"]]);
    }
  });

  it("that are volatile are dropped if they cannot leave", () => {
    const all = stage();
    const { server, socket } = all;
    socket.volatile.emit("too early");
    server.settle();
    socket.volatile.emit("arrives");
    server.settle();
    server.dials[0]?.pair.a.hold();
    socket.volatile.emit("held up");
    server.dials[0]?.pair.a.release();
    server.cut();
    socket.volatile.emit("too late");
    server.clock.advance(100);
    expect(eventsOf(arrived(all))).toEqual([["arrives"]]);
    expect(socket.sendBuffer).toEqual([]);
  });

  it("keep their flags to themselves", () => {
    const all = connected();
    const { volatile } = all.socket;
    all.socket.timeout(50).compress(false);
    all.server.cut();
    all.socket.emit("kept", () => {});
    volatile.emit("dropped");
    expect(all.socket.sendBuffer.map(({ data }) => data)).toEqual([["kept"]]);
    expect(all.server.clock.pendingTimers).toBe(1);
  });

  it("are asked to travel uncompressed", () => {
    const { socket, server } = connected();
    server.cut();
    socket.compress(false).emit("a");
    socket.emit("b");
    expect(socket.sendBuffer.map(({ encoded }) => encoded.compress)).toEqual([false, true]);
  });
});

describe("acknowledgements", () => {
  const answer = (all: Stage, ...data: unknown[]): void => {
    const { id } = lastEvent(arrived(all));
    all.server.peer.send({ type: PacketType.ACK, id: id as number, data });
    all.server.settle();
  };

  it("call back", () => {
    const all = connected();
    const got: unknown[][] = [];
    all.socket.emit("e", (...args: unknown[]) => got.push(args));
    answer(all, 1, "b");
    answer(all, "again");
    expect(got).toEqual([[1, "b"]]);
  });

  it("with a timeout put an error first", () => {
    const all = connected();
    const got: unknown[][] = [];
    all.socket.timeout(50).emit("e", (...args: unknown[]) => got.push(args));
    answer(all, 1);
    all.socket.timeout(50).emit("e", (...args: unknown[]) => got.push(args));
    all.server.clock.advance(50);
    answer(all, "too late");
    const failure = { code: "ERR_ACK_TIMEOUT", message: "operation has timed out" };
    expect(got).toEqual([[null, 1], [expect.objectContaining(failure)]]);
  });

  it("take the timeout of the options", () => {
    const all = connected({ ackTimeout: 50 });
    const got: unknown[][] = [];
    all.socket.emit("e", (...args: unknown[]) => got.push(args));
    all.server.clock.advance(50);
    expect(got).toEqual([[expect.objectContaining({ code: "ERR_ACK_TIMEOUT" })]]);
  });

  it("can be awaited", async () => {
    const all = connected();
    const answered = all.socket.emitWithAck("e", 1);
    answer(all, "yes", "more");
    await expect(answered).resolves.toBe("yes");
    const timed = all.socket.timeout(50).emitWithAck("e");
    all.server.clock.advance(50);
    await expect(timed).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
  });

  it("fail with the connection, if they can; those of waiting events survive it", async () => {
    const all = connected();
    const { server, socket } = all;
    const calls: unknown[][] = [];
    const sent = socket.emitWithAck("sent");
    socket.emit("plain", (...args: unknown[]) => calls.push(["plain", ...args]));
    server.settle();
    server.cut();
    await expect(sent).rejects.toMatchObject({
      code: "ERR_ACK_DISCONNECTED",
      message: "socket has been disconnected",
    });
    socket.timeout(5000).emit("waiting", (...args: unknown[]) => calls.push(["waiting", ...args]));
    // The next connection is lost before the namespace has answered.
    const { admit } = server;
    server.admit = () => {};
    server.clock.advance(100);
    server.admit = admit;
    server.cut();
    expect(socket.sendBuffer).toHaveLength(1);
    // The server has answered nothing yet, so the wait has doubled.
    server.clock.advance(200);
    answer(all, 1);
    expect(calls).toEqual([["waiting", null, 1]]);
  });

  it("that time out while their event waits take it out of the buffer", () => {
    const all = stage();
    const got: unknown[][] = [];
    all.server.dials[0]?.pair.a.cut();
    all.socket.emit("first");
    all.socket.timeout(20).emit("e", (...args: unknown[]) => got.push(args));
    all.socket.emit("last");
    all.server.clock.advance(20);
    expect(got).toHaveLength(1);
    all.server.clock.advance(100);
    expect(eventsOf(arrived(all))).toEqual([["first"], ["last"]]);
  });

  it("of volatile events that were dropped do not stay pending", async () => {
    const { server, socket } = stage();
    const dropped = socket.volatile.emitWithAck("e");
    const timed = socket.volatile.timeout(30).emitWithAck("e");
    server.clock.advance(30);
    await expect(dropped).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    await expect(timed).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
  });

  it("that throw harm nobody", () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const all = connected();
    all.socket.emit("e", () => {
      throw new Error("oops");
    });
    answer(all);
    expect(reported).toHaveBeenCalledWith(new Error("oops"));
    expect(all.socket.connected).toBe(true);
  });
});

describe("events from the server", () => {
  const say = ({ server }: Stage, ...data: [string, ...unknown[]]): void => {
    server.peer.send({ type: PacketType.EVENT, data });
    server.settle();
  };

  it("reach their listeners, and the catch-all listeners first", () => {
    const all = connected();
    const heard: unknown[] = [];
    all.socket.on("e", (...args) => heard.push(["on", ...args]));
    all.socket.onAny((...args) => heard.push(["any", ...args]));
    all.socket.prependAny((...args) => heard.push(["first", ...args]));
    say(all, "e", 1, [2]);
    expect(heard).toEqual([
      ["first", "e", 1, [2]],
      ["any", "e", 1, [2]],
      ["on", 1, [2]],
    ]);
  });

  it("are answered once, and only over their own connection", () => {
    const all = connected();
    const answers: ((...args: unknown[]) => void)[] = [];
    all.socket.on("e", (tell: (...args: unknown[]) => void) => answers.push(tell));
    const ask = (id: number): void => {
      all.server.peer.send({ type: PacketType.EVENT, id, data: ["e"] });
      all.server.settle();
    };
    ask(7);
    answers[0]?.("a", 1);
    answers[0]?.("twice");
    ask(8);
    all.server.cut();
    all.server.clock.advance(100);
    answers[1]?.("too late");
    expect(arrived(all)).toEqual([{ type: PacketType.ACK, nsp: "/", id: 7, data: ["a", 1] }]);
  });

  it("that come before the answer to CONNECT wait for it", () => {
    const { server, socket } = stage();
    const heard: unknown[] = [];
    socket.on("e", (n: number) => heard.push([n, socket.connected]));
    socket.on("connect", () => heard.push("connect"));
    server.admit = ({ nsp }, peer) => {
      peer.send({ type: PacketType.EVENT, nsp, data: ["e", 1] });
      peer.send({ type: PacketType.EVENT, nsp, data: ["e", 2] });
      peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "x" } });
    };
    server.settle();
    expect(heard).toEqual([[1, true], [2, true], "connect"]);
  });

  it("that came before the answer may end it all", () => {
    const { server, socket, log } = stage();
    socket.on("e", () => socket.disconnect());
    server.admit = ({ nsp }, peer) => {
      peer.send({ type: PacketType.EVENT, nsp, data: ["e"] });
      peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "x" } });
    };
    server.settle();
    expect(log).toEqual([["disconnect", "io client disconnect", false]]);
  });

  it("that came before an answer that never came are not delivered over the next connection", () => {
    const { server, socket } = stage();
    const { admit } = server;
    const heard: unknown[] = [];
    socket.on("e", (n: number) => heard.push(n));
    server.admit = ({ nsp }, peer) => peer.send({ type: PacketType.EVENT, nsp, data: ["e", 1] });
    server.settle();
    expect(socket.receiveBuffer).toEqual([["e", 1]]);
    server.admit = admit;
    server.cut();
    server.clock.advance(100);
    expect([socket.connected, heard]).toEqual([true, []]);
  });

  it("are dropped after the disconnection, and for namespaces that nobody asked for", () => {
    const all = connected();
    const other = all.manager.socket("/other");
    all.server.settle();
    const heard: unknown[] = [];
    all.socket.onAny((...args) => heard.push(args));
    all.server.peer.send({ type: PacketType.EVENT, nsp: "/nobody", data: ["e"] });
    all.socket.disconnect();
    say(all, "e");
    expect([heard, other.connected]).toEqual([[], true]);
  });

  it("go on when a listener throws or rejects", async () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const all = connected();
    const heard: unknown[] = [];
    all.socket.on("e", () => {
      throw new Error("thrown");
    });
    all.socket.on("e", async () => {
      throw new Error("rejected");
    });
    all.socket.on("e", (n: number) => heard.push(n));
    say(all, "e", 1);
    await Promise.resolve();
    expect([heard, all.socket.connected]).toEqual([[1], true]);
    expect(reported.mock.calls.map(([error]) => (error as Error).message)).toEqual(["thrown", "rejected"]);
  });

  it("report what listeners throw to the platform, where it can take it", () => {
    const report = vi.fn();
    vi.stubGlobal("reportError", report);
    const all = connected();
    all.socket.on("e", () => {
      throw new Error("thrown");
    });
    say(all, "e");
    vi.unstubAllGlobals();
    expect(report).toHaveBeenCalledExactlyOnceWith(new Error("thrown"));
  });
});

describe("catch-all listeners", () => {
  it("see outgoing events when they leave, and no acknowledgements", () => {
    const all = stage();
    const seen: unknown[] = [];
    all.socket.onAnyOutgoing((...args) => seen.push(["second", ...args]));
    all.socket.prependAnyOutgoing((...args) => seen.push(["first", ...args]));
    all.socket.emit("a", 1, () => {});
    expect(seen).toEqual([]);
    all.server.settle();
    all.server.peer.send({ type: PacketType.EVENT, id: 1, data: ["e"] });
    all.socket.on("e", (answer: () => void) => answer());
    all.server.settle();
    expect(seen).toEqual([
      ["first", "a", 1],
      ["second", "a", 1],
    ]);
  });

  it("can be listed and taken off", () => {
    const { socket } = connected();
    const [a, b] = [() => {}, () => {}];
    socket.onAny(a).onAny(b).onAny(a).onAnyOutgoing(b);
    expect([socket.listenersAny(), socket.listenersAnyOutgoing()]).toEqual([[a, b, a], [b]]);
    socket.offAny(a);
    expect(socket.listenersAny()).toEqual([b, a]);
    socket.offAny();
    socket.offAnyOutgoing(b);
    expect([socket.listenersAny(), socket.listenersAnyOutgoing()]).toEqual([[], []]);
  });
});

describe("recovery", () => {
  it("offers the private id and the position of the last event, and believes the server", () => {
    const { server, socket } = stage({ auth: { token: 1 } });
    const admit = (pid: string): void => {
      server.admit = ({ nsp }, peer) => peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "x", pid } });
    };
    admit("p1");
    server.settle();
    expect(socket.recovered).toBe(false);
    server.peer.send({ type: PacketType.EVENT, data: ["e", 1, "o1"] });
    server.peer.send({ type: PacketType.EVENT, data: ["only-a-name"] });
    server.settle();
    server.cut();
    server.clock.advance(100);
    expect(socket.recovered).toBe(true);
    expect(server.peer.packets[0]?.data).toEqual({ pid: "p1", offset: "o1", token: 1 });
    admit("p2");
    server.cut();
    server.clock.advance(100);
    expect(socket.recovered).toBe(false);
  });

  it("hides the positions of a Sockeye server, and takes nothing else for one", () => {
    const { server, socket } = stage();
    const pid = "epoch678-and-a-long-secret";
    server.admit = ({ nsp }, peer) => peer.send({ type: PacketType.CONNECT, nsp, data: { sid: "x", pid } });
    const heard: unknown[] = [];
    socket.onAny((...args) => heard.push(["any", ...args]));
    socket.on("e", (...args) => heard.push(args));
    server.settle();
    server.peer.send({ type: PacketType.EVENT, data: ["e", 1, "epoch678.5"] });
    server.peer.send({ type: PacketType.EVENT, data: ["e", "text"] });
    server.settle();
    expect(heard).toEqual([["any", "e", 1], [1], ["any", "e", "text"], ["text"]]);
    server.cut();
    server.clock.advance(100);
    expect(server.peer.packets[0]?.data).toEqual({ pid, offset: "epoch678.5" });
  });
});
