import { manualClock } from "@sockeye/conformance";
import { CORE } from "@sockeye/protocol";
import {
  Adapter,
  type BroadcastOperator,
  RemoteSocket,
  Server,
  type Socket,
  SockeyeError,
} from "@sockeye/server";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, expect, it } from "vitest";
import { once } from "../../../test/support/wait.js";
import { dial, half, join, roundTrip, type Site, serve } from "./site.js";

interface Member {
  readonly client: ClientSocket;
  readonly socket: Socket;
}

/** Three clients: 0 in room a, 1 in rooms a and b, 2 in none. */
async function three() {
  const site = await serve();
  const members: Member[] = [];
  for (const rooms of [["a"], ["a", "b"], []]) {
    const member = await join(site);
    member.socket.join(rooms);
    members.push(member);
  }
  const [zero, one, two] = members as [Member, Member, Member];
  return { site, members, zero, one, two };
}

/** Who has heard of "news" after the act. */
async function heard(members: readonly Member[], act: () => unknown): Promise<number[]> {
  const heard: number[] = [];
  members.forEach(({ client }, index) => {
    client.off("news");
    client.on("news", () => heard.push(index));
  });
  await act();
  for (const { client, socket } of members) await roundTrip(client, socket);
  return heard.sort();
}

type Act = (io: Server, socket: Socket, ids: readonly string[]) => unknown;

const WHO: readonly { name: string; act: Act; expected: number[] }[] = [
  { name: "io.emit", act: (io) => io.emit("news"), expected: [0, 1, 2] },
  { name: "io.to(a)", act: (io) => io.to("a").emit("news"), expected: [0, 1] },
  { name: "io.in(b)", act: (io) => io.in("b").emit("news"), expected: [1] },
  { name: "io.to(a).to(b)", act: (io) => io.to("a").to("b").emit("news"), expected: [0, 1] },
  { name: "io.to([a, b])", act: (io) => io.to(["a", "b"]).emit("news"), expected: [0, 1] },
  { name: "io.to(id)", act: (io, _, ids) => io.to(ids[2] as string).emit("news"), expected: [2] },
  { name: "io.except(b)", act: (io) => io.except("b").emit("news"), expected: [0, 2] },
  { name: "io.to(a).except([b])", act: (io) => io.to("a").except(["b"]).emit("news"), expected: [0] },
  { name: "io.to(none)", act: (io) => io.to("none").emit("news"), expected: [] },
  { name: "io.local", act: (io) => io.local.emit("news"), expected: [0, 1, 2] },
  {
    name: "io.compress(false).to(a)",
    act: (io) => io.compress(false).to("a").emit("news"),
    expected: [0, 1],
  },
  { name: "io.timeout(1).to(a)", act: (io) => io.timeout(1).to("a").emit("news"), expected: [0, 1] },
  { name: "io.volatile, all ready", act: (io) => io.volatile.emit("news"), expected: [0, 1, 2] },
  { name: "socket.broadcast", act: (_, socket) => socket.broadcast.emit("news"), expected: [1, 2] },
  { name: "socket.to(a)", act: (_, socket) => socket.to("a").emit("news"), expected: [1] },
  { name: "socket.in([a, b])", act: (_, socket) => socket.in(["a", "b"]).emit("news"), expected: [1] },
  { name: "socket.except(b)", act: (_, socket) => socket.except("b").emit("news"), expected: [2] },
  { name: "socket.local", act: (_, socket) => socket.local.emit("news"), expected: [1, 2] },
  { name: "socket.volatile.to(a)", act: (_, socket) => socket.volatile.to("a").emit("news"), expected: [1] },
  {
    name: "socket.compress(true).broadcast",
    act: (_, socket) => socket.compress(true).broadcast.emit("news"),
    expected: [1, 2],
  },
  {
    name: "socket.timeout(1).except(b)",
    act: (_, socket) => socket.timeout(1).except("b").emit("news"),
    expected: [2],
  },
  {
    name: "socket.to(own id): never to itself",
    act: (_, socket, ids) => socket.to(ids[0] as string).emit("news"),
    expected: [],
  },
  { name: "namespace.to(a)", act: (io) => io.of("/").to("a").emit("news"), expected: [0, 1] },
];

describe("a broadcast reaches", () => {
  it("whom it means", async () => {
    const { site, members, zero } = await three();
    const ids = members.map(({ socket }) => socket.id);
    for (const { name, act, expected } of WHO) {
      expect(await heard(members, () => act(site.io, zero.socket, ids)), name).toEqual(expected);
    }
  });

  it("rooms that are named by numbers, as apps without types do", async () => {
    const { site, members, two } = await three();
    two.socket.join(7 as never);
    expect(await heard(members, () => site.io.to(7 as never).emit("news"))).toEqual([2]);
    expect(await heard(members, () => site.io.except(7 as never).emit("news"))).toEqual([0, 1]);
  });

  it("nobody twice, and in the order of emits", async () => {
    const { site, one } = await three();
    const order: unknown[] = [];
    one.client.onAny((name) => order.push(name));
    one.socket.emit("1");
    site.io.to(["a", "b", one.socket.id]).emit("2");
    one.socket.emit("3");
    site.io.emit("4");
    await roundTrip(one.client, one.socket);
    expect(order).toEqual(["1", "2", "3", "4"]);
  });
});

describe("an operator is a value", () => {
  it("each call makes a new one, and none changes another", async () => {
    const { site, members } = await three();
    const { io } = site;
    const a = io.to("a");
    const derived: BroadcastOperator<never, unknown>[] = [];
    const chain = [a.to("b"), a.in("x"), a.except("b"), a.volatile, a.local, a.compress(false), a.timeout(1)];
    derived.push(...(chain as never[]));
    for (const each of chain) expect(each).not.toBe(a);
    expect(await heard(members, () => a.emit("news"))).toEqual([0, 1]);
    expect(await heard(members, () => io.emit("news"))).toEqual([0, 1, 2]);
    expect(await heard(members, () => chain[2]?.emit("news"))).toEqual([0]);
    expect(derived).toHaveLength(7);
  });
});

describe("acknowledgements of a broadcast", () => {
  it("come from everybody, by every way there is", async () => {
    const { site, members, zero } = await three();
    members.forEach(({ client }, index) => {
      client.on("ask", (question: string, back: (answer: string) => void) => back(`${question}${index}`));
    });
    const { io } = site;
    const ways = [
      [io.emitWithAck("ask", "q"), ["q0", "q1", "q2"]],
      [io.of("/").emitWithAck("ask", "q"), ["q0", "q1", "q2"]],
      [io.timeout(1000).emitWithAck("ask", "q"), ["q0", "q1", "q2"]],
      [io.to("a").emitWithAck("ask", "q"), ["q0", "q1"]],
      [zero.socket.broadcast.emitWithAck("ask", "q"), ["q1", "q2"]],
      [zero.socket.timeout(1000).to("b").emitWithAck("ask", "q"), ["q1"]],
      [io.to("nobody").emitWithAck("ask", "q"), []],
    ] as const;
    for (const [answers, expected] of ways) expect([...(await answers)].sort()).toEqual(expected);
    const called = new Promise<unknown[]>((resolve) =>
      io.emit("ask", "q", (...args: unknown[]) => resolve(args)),
    );
    expect((await called)[0]).toBeNull();
    expect(((await called)[1] as string[]).sort()).toEqual(["q0", "q1", "q2"]);
  });

  it("that do not all come in time: the error has those that did", async () => {
    const { site, members } = await three();
    members[0]?.client.on("ask", (back: (answer: string) => void) => back("here"));
    const wait = site.io.timeout(100).emitWithAck("ask");
    await expect(wait).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT", responses: ["here"] });
    const error = await wait.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SockeyeError);
    expect(error).toMatchObject({ message: "operation has timed out" });
    const called = new Promise<unknown[]>((resolve) =>
      site.io.timeout(100).emit("ask", (...args: unknown[]) => resolve(args)),
    );
    expect(await called).toMatchObject([{ code: "ERR_ACK_TIMEOUT" }, ["here"]]);
  });

  it("of a client that leaves meanwhile: the others' come with the error", async () => {
    const { site, members } = await three();
    for (const { client } of members.slice(1)) client.on("ask", (back: (answer: number) => void) => back(1));
    members[0]?.client.on("ask", () => members[0]?.client.disconnect());
    await expect(site.io.timeout(150).emitWithAck("ask")).rejects.toMatchObject({ responses: [1, 1] });
  });
});

/** A server with a clock that stands, and an adapter whose receivers the test plays. */
function alone(receivers: number) {
  const clock = manualClock();
  let answer: (...args: unknown[]) => void = () => {};
  class Played extends Adapter {
    override broadcastWithAck(...[, , counted, answered]: Parameters<Adapter["broadcastWithAck"]>): void {
      answer = answered;
      counted(receivers);
    }
  }
  const io = new Server({ adapter: Played });
  Object.defineProperty(io[CORE], "clock", { value: clock });
  return { io, clock, answer: (...args: unknown[]) => answer(...args) };
}

describe("the wait for acknowledgements", () => {
  it("takes 5 s unless told otherwise", async () => {
    const { io, clock } = alone(1);
    const wait = io.emitWithAck("x");
    wait.catch(() => {});
    clock.advance(4999);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await expect(wait).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT", responses: [] });
    expect(clock.pendingTimers).toBe(0);
  });

  it("leaves no timer behind once all have answered", async () => {
    const { io, clock, answer } = alone(2);
    const wait = io.timeout(50).emitWithAck("x");
    await Promise.resolve();
    answer("a");
    answer("b");
    await expect(wait).resolves.toEqual(["a", "b"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is over when it is over: a late answer changes nothing", async () => {
    const { io, clock, answer } = alone(2);
    const calls: unknown[][] = [];
    io.timeout(50).emit("x", (...args: unknown[]) => calls.push(args));
    await Promise.resolve();
    answer("a");
    clock.advance(50);
    answer("late");
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[1]).toEqual(["a"]);
  });

  it("is not begun for what cannot be encoded", async () => {
    const clock = manualClock();
    const io = new Server();
    Object.defineProperty(io[CORE], "clock", { value: clock });
    const circle: unknown[] = [];
    circle.push(circle);
    await expect(io.emitWithAck("x", circle)).rejects.toMatchObject({ code: "ERR_UNENCODABLE" });
    expect(() => io.emit("x", circle, () => {})).toThrow(SockeyeError);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("acting on sockets", () => {
  it("socketsJoin, socketsLeave, fetchSockets, allSockets", async () => {
    const { site, members, zero, one } = await three();
    const { io } = site;
    const ids = members.map(({ socket }) => socket.id);
    expect((await io.fetchSockets()).map(({ id }) => id)).toEqual(ids);
    expect(await io.allSockets()).toEqual(new Set(ids));
    expect(await io.in("b").fetchSockets()).toEqual([one.socket]);
    expect(await io.in("a").allSockets()).toEqual(new Set(ids.slice(0, 2)));
    io.in("a").except("b").socketsJoin(["c", "d"]);
    expect([...zero.socket.rooms]).toEqual([ids[0], "a", "c", "d"]);
    io.socketsLeave("a");
    expect(await io.in("a").fetchSockets()).toEqual([]);
    zero.socket.broadcast.socketsJoin("e");
    expect((await io.in("e").fetchSockets()).map(({ id }) => id)).toEqual(ids.slice(1));
  });

  it.each([false, true])("disconnectSockets(%s)", async (close) => {
    const { site, zero, two } = await three();
    const gone = once(zero.client, "disconnect");
    site.io.in("a").disconnectSockets(close);
    expect((await gone)[0]).toBe("io server disconnect");
    expect([...site.io.sockets.sockets.keys()]).toEqual([two.socket.id]);
    if (close) expect(site.io.engine.clientsCount).toBe(1);
  });

  it("a RemoteSocket is a snapshot, and a handle: one answer, not a list", async () => {
    const { site, zero } = await three();
    const { adapter } = site.io.sockets;
    const { id, handshake } = zero.socket;
    const details = { id, handshake, rooms: ["a", id], data: { x: 1 } };
    const remote = new RemoteSocket<Record<string, (...args: never[]) => void>, unknown>(adapter, details);
    expect([remote.id, remote.handshake, remote.rooms, remote.data]).toEqual([
      id,
      handshake,
      new Set(["a", id]),
      { x: 1 },
    ]);
    zero.client.on("ask", (back: (answer: string) => void) => back("yes"));
    expect(await remote.emitWithAck("ask")).toBe("yes");
    expect(await remote.timeout(1000).emitWithAck("ask")).toBe("yes");
    const plain = new Promise((resolve) =>
      remote.emit("ask", ((...args: unknown[]) => resolve(args)) as never),
    );
    expect(await plain).toEqual(["yes"]);
    await expect(remote.timeout(30).emitWithAck("nobody")).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    remote.join("n");
    remote.leave("a");
    expect([...zero.socket.rooms]).toEqual([id, "n"]);
    const gone = once(zero.client, "disconnect");
    expect(remote.disconnect()).toBe(remote);
    await gone;
  });

  it("an adapter that knows sockets of other nodes gives RemoteSockets for them", async () => {
    class Wide extends Adapter {
      override fetchSockets(): Promise<never[]> {
        return Promise.resolve([{ id: "far", handshake: {}, rooms: ["r"], data: 1 }] as never[]);
      }
    }
    const [far] = await new Server({ adapter: Wide }).fetchSockets();
    expect(far).toBeInstanceOf(RemoteSocket);
    expect(far?.rooms).toEqual(new Set(["r"]));
  });
});

describe("events between servers", () => {
  it("in memory there are no others: an acknowledgement gets no answers, at once", async () => {
    const io = new Server();
    let heard = 0;
    io.on("ping", () => heard++);
    expect(io.serverSideEmit("ping", 1)).toBe(true);
    expect(await io.serverSideEmitWithAck("ping", 1)).toEqual([]);
    expect(await io.of("/x").serverSideEmitWithAck("ping", 1)).toEqual([]);
    expect(heard).toBe(0);
  });

  it.each(["connect", "connection", "new_namespace"])("cannot be called %s", (name) => {
    expect(() => new Server().serverSideEmit(name)).toThrow(/reserved/);
  });
});

it("volatile drops for receivers that are not ready, and only for them", async () => {
  const site: Site = await serve();
  const client = dial(site, "/", { transports: ["polling"] });
  const slow = await half(site, client);
  const quick = await join(site);
  const got: string[] = [];
  client.on("news", () => got.push("slow"));
  quick.client.on("news", () => got.push("quick"));
  const socket = slow.client as unknown as { ready: boolean };
  Object.defineProperty(socket, "ready", { value: false });
  site.io.volatile.emit("news");
  await roundTrip(client, slow);
  await roundTrip(quick.client, quick.socket);
  expect(got).toEqual(["quick"]);
});
