import { describe, expect, it } from "vitest";
import { type NodeSite, Nodes } from "./nodes.js";
import type { Client } from "./site.js";

// Rooms that remember on several nodes, in one thread: the buses are in memory, and time is moved by hand.

const ROOM = "doc:1";

function rules({ rooms }: NodeSite): void {
  rooms.declare("doc:+", { keep: { count: 5 }, authorize: () => true });
  rooms.declare("last", { keep: "last", authorize: () => true });
}

async function cluster(count = 2): Promise<{ nodes: Nodes; sites: NodeSite[] }> {
  const nodes = new Nodes();
  const sites = Array.from({ length: count }, () => nodes.start(rules));
  await nodes.run(100);
  return { nodes, sites };
}

/** Asks, and lets time pass until the answer is there. */
async function ask(nodes: Nodes, client: Client, event: string, argument: object): Promise<unknown> {
  let answer: unknown;
  let isThere = false;
  client.ask(event, argument).then((value) => {
    isThere = true;
    answer = value;
  });
  for (let tries = 0; !isThere && tries < 200; tries++) await nodes.run(50);
  expect(isThere).toBe(true);
  return answer;
}

const join = (nodes: Nodes, client: Client, since?: string, room = ROOM): Promise<unknown> =>
  ask(nodes, client, "sockeye:join", { room, ...(since ? { since } : {}) });

const said = (client: Client): unknown[] =>
  client.envelopes.map((envelope) => (envelope as { args: unknown[] }).args[0]);

describe("a room that keeps events on two nodes", () => {
  it("has one order and one position for all, wherever an event comes from", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const [ann, bob, old] = [a.enter("ann"), b.enter("bob"), b.enter("old")];
    old.join([ROOM]);
    expect(await join(nodes, ann)).toMatchObject({ complete: true });
    expect(await join(nodes, bob)).toMatchObject({ complete: true });
    a.emit(ROOM, "said", 1);
    b.emit(ROOM, "said", 2);
    expect(
      await ask(nodes, ann, "sockeye:publish", { room: ROOM, event: "said", args: [3], id: "x" }),
    ).toEqual({
      room: ROOM,
      position: ann.positions[2],
    });
    await nodes.run();
    expect(said(ann)).toEqual([1, 2, 3]);
    expect(ann.envelopes).toEqual(bob.envelopes);
    // Members by plain `join` get the event itself, once.
    expect(old.got).toEqual([1, 2, 3].map((n) => ["said", n]));
    expect(nodes.errors).toEqual([]);
  });

  it("catches up at any node, also at one that has just begun to follow it; `complete` counts", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const ann = a.enter("ann");
    await join(nodes, ann);
    for (let n = 1; n <= 8; n++) a.emit(ROOM, "said", n);
    await nodes.run();
    const bob = b.enter("bob");
    expect(await join(nodes, bob, ann.positions[4] as string)).toMatchObject({
      complete: true,
      position: ann.positions[7],
    });
    expect(said(bob)).toEqual([6, 7, 8]);
    const carl = b.enter("carl");
    expect(await join(nodes, carl, ann.positions[1] as string)).toMatchObject({ complete: false });
    expect(said(carl)).toEqual([4, 5, 6, 7, 8]);
    expect(
      await ask(nodes, carl, "sockeye:history", { room: ROOM, before: ann.positions[6], limit: 2 }),
    ).toMatchObject({ events: [{ args: [5] }, { args: [6] }] });
    expect(await join(nodes, b.enter("dan"), "nowhere.3")).toMatchObject({ complete: false });
  });

  it("keeps the last value for all nodes, and stores a name once, whichever node hears it", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    a.emit("last", "state", 1);
    a.emit("last", "state", 2);
    await nodes.run();
    const bob = b.enter("bob");
    await join(nodes, bob, undefined, "last");
    expect(said(bob)).toEqual([2]);
    const publication = { room: ROOM, event: "said", args: [1], id: "one" };
    const ann = a.enter("ann");
    const both = await Promise.all([
      ask(nodes, ann, "sockeye:publish", publication),
      ask(nodes, bob, "sockeye:publish", publication),
    ]);
    const again = await ask(nodes, bob, "sockeye:publish", publication);
    expect(both.filter((answer) => (answer as { repeated?: true }).repeated)).toHaveLength(1);
    expect(again).toMatchObject({ repeated: true, position: (both[0] as { position: string }).position });
    await a.rooms.open(ROOM);
    expect(a.rooms.history(ROOM)).toHaveLength(1);
  });

  it("waits for a bus that is down, in order; whoever asks for what cannot be had is told so", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const [ann, bob] = [a.enter("ann"), b.enter("bob")];
    await join(nodes, ann);
    await join(nodes, bob);
    a.bus.lose();
    for (let n = 1; n <= 3; n++) a.emit(ROOM, "said", n);
    b.emit(ROOM, "said", 4);
    await nodes.run(1000);
    expect([said(ann), said(bob)]).toEqual([[], [4]]);
    expect(await join(nodes, a.enter("new"), undefined, "doc:2")).toBe("ERR_ROOM_LIMIT");
    a.bus.restore();
    await nodes.run(2000);
    expect(said(ann)).toEqual([4, 1, 2, 3]);
    expect(ann.envelopes).toEqual(bob.envelopes);
    a.bus.lose();
    for (let n = 0; n < 3; n++) a.emit(ROOM, "said", "x".repeat(500_000));
    await nodes.run();
    expect(a.errors).toMatchObject([{ code: "ERR_BUS_DOWN" }]);
  });

  it("begins anew where the engine has lost it: nobody is told that nothing is missing", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const [ann, bob] = [a.enter("ann"), b.enter("bob")];
    await join(nodes, ann);
    await join(nodes, bob);
    for (let n = 1; n <= 3; n++) a.emit(ROOM, "said", n);
    await nodes.run();
    const [, , before] = ann.positions as [string, string, string];
    nodes.hub.logs.clear();
    b.emit(ROOM, "said", 4);
    await nodes.run(2000);
    expect(said(ann)).toEqual([1, 2, 3, 4]);
    expect((ann.positions[3] as string).split(".")[0]).not.toBe(before.split(".")[0]);
    expect(await join(nodes, a.enter("carl"), before)).toMatchObject({ complete: false });
    expect(await join(nodes, b.enter("dan"), before)).toMatchObject({ complete: false });
  });

  it("answers a publication also if the engine loses it before anybody has heard it", async () => {
    const { nodes, sites } = await cluster();
    const [a] = sites as [NodeSite];
    const ann = a.enter("ann");
    await join(nodes, ann);
    nodes.hub.faults = { delayMs: 40 };
    const { carry } = nodes.hub;
    nodes.hub.carry = () => {};
    const answer = ask(nodes, ann, "sockeye:publish", { room: ROOM, event: "said", args: [1], id: "x" });
    await nodes.run(200);
    nodes.hub.carry = carry;
    nodes.hub.logs.clear();
    expect(await answer).toEqual({ room: ROOM });
  });

  it("is cleared at all nodes, and let go of where nobody needs it", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const ann = a.enter("ann");
    await join(nodes, ann);
    b.emit(ROOM, "said", 1);
    await nodes.run();
    const [at] = ann.positions as [string];
    b.rooms.clear(ROOM);
    await nodes.run(100);
    expect(a.rooms.history(ROOM)).toEqual([]);
    expect(await join(nodes, a.enter("bob"), at)).toMatchObject({ complete: false });
    const received = b.bus.received;
    await nodes.run(200_000);
    const idle = b.bus.received - received;
    for (let n = 0; n < 50; n++) a.emit(ROOM, "said", n);
    await nodes.run();
    expect(a.bus.received).toBeGreaterThan(b.bus.received);
    expect(b.bus.received - received - idle).toBeLessThan(10);
    expect(a.errors.concat(b.errors, nodes.errors)).toEqual([]);
  });

  it("answers whoever asks while it is being read as soon as that is done", async () => {
    const { nodes, sites } = await cluster();
    const [a] = sites as [NodeSite];
    nodes.hub.faults = { delayMs: 40 };
    a.rooms.clear(ROOM);
    await nodes.run(50);
    const began = nodes.clock.now();
    expect(await join(nodes, a.enter("ann"))).toMatchObject({ complete: true });
    expect(nodes.clock.now() - began).toBeLessThan(1000);
  });

  it("cannot be where the bus keeps nothing", () => {
    const nodes = new Nodes({ keeps: false });
    expect(() => nodes.start(rules)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});
