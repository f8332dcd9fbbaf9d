import { Adapter, type BroadcastOperator, type Server, type Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { join, serve } from "./site.js";

// An empty list of rooms means nobody. Adapters take no room for everybody, so they must not be asked at all.

type Operator = BroadcastOperator<Record<string, (...args: unknown[]) => void>, unknown>;
type Choose = (io: Server, socket: Socket) => Operator;

/** What goes to the adapter of the main namespace. */
async function watched() {
  const calls: [name: string, rooms: readonly string[], except: readonly string[]][] = [];
  const noted = (
    name: string,
    options: { rooms: ReadonlySet<string>; except?: ReadonlySet<string> | undefined },
  ) => calls.push([name, [...options.rooms], [...(options.except ?? [])]]);
  class Watched extends Adapter {
    override broadcast(...args: Parameters<Adapter["broadcast"]>): void {
      noted("broadcast", args[1]);
    }
    override broadcastWithAck(...args: Parameters<Adapter["broadcastWithAck"]>): void {
      noted("broadcastWithAck", args[1]);
      args[2](0);
    }
    override fetchSockets(...args: Parameters<Adapter["fetchSockets"]>): ReturnType<Adapter["fetchSockets"]> {
      noted("fetchSockets", args[0]);
      return super.fetchSockets(...args);
    }
    override sockets(...args: Parameters<Adapter["sockets"]>): ReturnType<Adapter["sockets"]> {
      noted("sockets", { rooms: args[0] });
      return super.sockets(...args);
    }
    override addSockets(...args: Parameters<Adapter["addSockets"]>): void {
      noted("addSockets", args[0]);
    }
    override delSockets(...args: Parameters<Adapter["delSockets"]>): void {
      noted("delSockets", args[0]);
    }
    override disconnectSockets(...args: Parameters<Adapter["disconnectSockets"]>): void {
      noted("disconnectSockets", args[0]);
    }
  }
  const site = await serve({ adapter: Watched });
  const { socket } = await join(site);
  return { io: site.io, socket, calls };
}

const NOBODY: readonly [string, Choose][] = [
  ["io.to([])", (io) => io.to([])],
  ["io.in([])", (io) => io.in([])],
  ["io.to([]).to([])", (io) => io.to([]).to([])],
  ["io.to([]).in([])", (io) => io.to([]).in([])],
  ["io.to([]).except(a)", (io) => io.to([]).except("a")],
  ["io.except(a).to([])", (io) => io.except("a").to([])],
  ["io.local.to([])", (io) => io.local.to([])],
  ["io.volatile.in([])", (io) => io.volatile.in([])],
  ["io.timeout(9).to([])", (io) => io.timeout(9).to([])],
  ["io.of(/).to([])", (io) => io.of("/").to([])],
  ["io.sockets.in([])", (io) => io.sockets.in([])],
  ["socket.to([])", (_, socket) => socket.to([])],
  ["socket.in([])", (_, socket) => socket.in([])],
  ["socket.broadcast.to([])", (_, socket) => socket.broadcast.to([])],
  ["socket.except(a).to([])", (_, socket) => socket.except("a").to([])],
  ["socket.local.to([])", (_, socket) => socket.local.to([])],
  ["socket.volatile.to([])", (_, socket) => socket.volatile.to([])],
  ["socket.nsp.to([])", (_, socket) => socket.nsp.to([])],
];

const SOMEBODY: readonly [string, Choose, rooms: string[], except: string[]][] = [
  ["io.to([]).to(a)", (io) => io.to([]).to("a"), ["a"], []],
  ["io.to(a).to([])", (io) => io.to("a").to([]), ["a"], []],
  ["io.in([]).in([a, b])", (io) => io.in([]).in(["a", "b"]), ["a", "b"], []],
  ["io.except([])", (io) => io.except([]), [], []],
  ["io.except([]).to(a)", (io) => io.except([]).to("a"), ["a"], []],
  ["io.except(a).except([])", (io) => io.except("a").except([]), [], ["a"]],
  ["io.local", (io) => io.local, [], []],
];

describe("nobody is meant by", () => {
  it.each(NOBODY)("%s", async (_, pick) => {
    const { io, socket, calls } = await watched();
    calls.length = 0;
    const target = pick(io, socket);
    expect(target.emit("news", 1)).toBe(true);
    target.send("text").write("text");
    target.socketsJoin("b");
    target.socketsLeave(["a"]);
    target.disconnectSockets();
    target.disconnectSockets(true);
    expect(await target.fetchSockets()).toEqual([]);
    expect(await target.allSockets()).toEqual(new Set());
    expect(await target.emitWithAck("news")).toEqual([]);
    expect(await target.timeout(50).emitWithAck("news")).toEqual([]);
    const answer = await new Promise((resolve) => {
      target.emit("news", (...args: unknown[]) => resolve(args));
    });
    expect(answer).toEqual([null, []]);
    expect(calls).toEqual([]);
    expect(socket.connected).toBe(true);
  });
});

describe("an empty list changes nothing about", () => {
  it.each(SOMEBODY)("%s", async (_, pick, rooms, except) => {
    const { io, socket, calls } = await watched();
    calls.length = 0;
    const target = pick(io, socket);
    target.emit("news", 1);
    target.socketsJoin("b");
    target.socketsLeave("b");
    target.disconnectSockets();
    await target.fetchSockets();
    await target.allSockets();
    await target.emitWithAck("news");
    const names = ["broadcast", "addSockets", "delSockets", "disconnectSockets", "fetchSockets"];
    expect(calls).toEqual([
      ...names.map((name) => [name, rooms, except]),
      ["sockets", rooms, []],
      ["broadcastWithAck", rooms, except],
    ]);
  });
});

it("an error of the callback of an emit to nobody is reported", async () => {
  const { io } = await watched();
  const boom = new Error("boom");
  const reported = new Promise((resolve) =>
    io.on("error", (error, context) => resolve([error, context.event])),
  );
  io.to([]).emit("news", () => {
    throw boom;
  });
  expect(await reported).toEqual([boom, "news"]);
});
