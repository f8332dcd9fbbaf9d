import { PacketType } from "@sockeye/protocol";
import type { Server, Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { dial, half, join, type Site, serve } from "./site.js";

// How work grows, by counting: every look into a map or set, every item of one that is walked, and the length of every
// array that is searched or copied. No clock, so no machine is too slow for it. What it costs in time is measured by
// `npm run bench -- --curves`.

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Prototype = Record<string, Method>;

/** Deadlines that happen to fall into the same slot of the timer wheel are a step more or less. */
const SLACK = 4;

const ONE_STEP: readonly (readonly [prototype: object, names: readonly string[]])[] = [
  [Map.prototype, ["get", "set", "has", "delete"]],
  [Set.prototype, ["add", "has", "delete"]],
  [Object.getPrototypeOf(new Map().keys()) as object, ["next"]],
  [Object.getPrototypeOf(new Set().keys()) as object, ["next"]],
];
const AS_MANY_AS_ITEMS: readonly (readonly [prototype: object, names: readonly string[]])[] = [
  [Map.prototype, ["forEach"]],
  [Set.prototype, ["forEach"]],
  [
    Array.prototype,
    [
      "filter",
      "map",
      "flatMap",
      "find",
      "findIndex",
      "indexOf",
      "includes",
      "some",
      "every",
      "forEach",
      "slice",
      "splice",
    ],
  ],
];

function stepsOf(act: () => void): number {
  let steps = 0;
  const undo: (() => void)[] = [];
  const count = (prototype: object, name: string, weigh: (self: unknown) => number): void => {
    const methods = prototype as Prototype;
    const original = methods[name] as Method;
    methods[name] = function (...args) {
      steps += weigh(this);
      return original.apply(this, args);
    };
    undo.push(() => {
      methods[name] = original;
    });
  };
  for (const [prototype, names] of ONE_STEP) for (const name of names) count(prototype, name, () => 1);
  for (const [prototype, names] of AS_MANY_AS_ITEMS) {
    for (const name of names) {
      count(prototype, name, (self) => (self as unknown[]).length ?? (self as Set<unknown>).size);
    }
  }
  try {
    act();
  } finally {
    for (const restore of undo) restore();
  }
  return steps;
}

/** Rooms that somebody else is in. */
function fill(io: Server, rooms: number): void {
  const { adapter } = io.sockets;
  for (let holder = 0; holder < 10; holder++) {
    const names = Array.from({ length: rooms / 10 }, (_, index) => `filler${holder}.${index}`);
    adapter.addAll(`holder${holder}`, new Set(names));
  }
}

const OPERATIONS: readonly { readonly name: string; readonly act: (io: Server, socket: Socket) => void }[] = [
  { name: "join of a new room", act: (_io, socket) => void socket.join("new") },
  { name: "join of a room that others are in", act: (_io, socket) => void socket.join("open") },
  { name: "leave", act: (_io, socket) => void socket.leave("mine") },
  { name: "to(room).emit", act: (io) => void io.to("shared").emit("news") },
  {
    name: "socket.to(room).except(room).emit",
    act: (_io, socket) => void socket.to("shared").except("mine").emit("news"),
  },
  { name: "disconnect", act: (_io, socket) => void socket.disconnect() },
  { name: "disconnect of the whole connection", act: (_io, socket) => void socket.disconnect(true) },
];

async function stepsWithRooms(rooms: number, act: (io: Server, socket: Socket) => void): Promise<number> {
  const site = await serve();
  const { socket } = await join(site);
  const { socket: other } = await join(site);
  fill(site.io, rooms);
  socket.join(["mine", "shared"]);
  other.join(["open", "shared"]);
  return stepsOf(() => act(site.io, socket));
}

describe("in a server of many rooms", () => {
  it.each(OPERATIONS)("$name takes as many steps as in one of few", async ({ act }) => {
    const few = await stepsWithRooms(10, act);
    const many = await stepsWithRooms(10_000, act);
    expect(few).toBeGreaterThan(0);
    expect(Math.abs(many - few)).toBeLessThanOrEqual(SLACK);
  });
});

/** A site with so many clients, two of them in a room. */
async function crowded(clients: number): Promise<{ site: Site; socket: Socket }> {
  const site = await serve();
  const dialled = Array.from({ length: clients }, () => dial(site));
  const sockets = await Promise.all(dialled.map((client) => half(site, client)));
  for (const socket of sockets.slice(0, 2)) socket.join("pair");
  return { site, socket: sockets[0] as Socket };
}

describe("in a server of many clients", () => {
  it.each<{ name: string; act: (io: Server, socket: Socket) => void }>([
    { name: "to(room).emit", act: (io) => void io.to("pair").emit("news") },
    { name: "emit to one socket", act: (_io, socket) => void socket.emit("news") },
    { name: "disconnect of one", act: (_io, socket) => void socket.disconnect(true) },
  ])("$name takes as many steps as in one of few", async ({ act }) => {
    const [few, many] = [await crowded(3), await crowded(30)];
    const steps = stepsOf(() => act(few.site.io, few.socket));
    expect(steps).toBeGreaterThan(0);
    expect(Math.abs(stepsOf(() => act(many.site.io, many.socket)) - steps)).toBeLessThanOrEqual(SLACK);
  });
});

describe("on a connection with many namespaces", () => {
  async function stepsToJoin(namespaces: number): Promise<number> {
    const site = await serve();
    site.io.of(/^\/n\d+$/);
    site.io.of("/one-more");
    const { socket } = await join(site);
    const connection = socket.client as unknown as { packet(packet: object): void };
    const connect = (nsp: string): void =>
      connection.packet({ type: PacketType.CONNECT, nsp, id: undefined, data: undefined });
    for (let n = 0; n < namespaces; n++) connect(`/n${n}`);
    return stepsOf(() => connect("/one-more"));
  }

  it("joining one more takes as many steps as on one with few", async () => {
    expect(Math.abs((await stepsToJoin(100)) - (await stepsToJoin(3)))).toBeLessThanOrEqual(SLACK);
  });
});

describe("the counting itself", () => {
  it("sees a walk over a map, a set and an array", () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const set = new Set(numbers);
    const map = new Map(numbers.map((number) => [number, number]));
    expect(stepsOf(() => [...set])).toBeGreaterThanOrEqual(100);
    expect(stepsOf(() => [...map.values()])).toBeGreaterThanOrEqual(100);
    expect(stepsOf(() => numbers.filter(Boolean))).toBe(100);
    expect(stepsOf(() => set.forEach(() => {}))).toBe(100);
  });
});
