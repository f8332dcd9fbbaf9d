import { ClusterRoom } from "@sockeye/cluster";
import { OWN_EVENTS, type SharedRoom } from "@sockeye/protocol";
import type { PresenceChange } from "@sockeye/rooms/client";
import { describe, expect, it } from "vitest";
import { drain, Link } from "./link.js";
import { type NodeSite, Nodes } from "./nodes.js";
import type { Client } from "./site.js";
import { There } from "./there.js";

// Who is there, over several nodes of a cluster in one thread. That it converges whatever breaks is shown by `nodes-faults.test.ts`.

const ROOM = "people";

async function cluster(count = 2, options = {}): Promise<{ nodes: Nodes; sites: NodeSite[] }> {
  // Who is there needs no log.
  const nodes = new Nodes({ keeps: false, ...options });
  const sites = Array.from({ length: count }, () => start(nodes));
  await nodes.run(100);
  return { nodes, sites };
}

function start(nodes: Nodes): NodeSite {
  return nodes.start(({ rooms }) =>
    rooms.declare(ROOM, { presence: ({ id }) => id.split("-")[0], authorize: () => true }),
  );
}

function shows(site: NodeSite, id: string, value: unknown): Client {
  const client = site.sockets.get(id) ?? site.enter(id);
  site.rooms.setPresence(ROOM, client as Client, value);
  return client as Client;
}

/** As `ann:1`, or `ann:1 away`. */
function seen({ rooms }: NodeSite): string[] {
  const page = rooms.presence(ROOM)?.page(10_000) ?? [];
  return page.map(({ key, value, state }) => `${key}:${String(value)}${state === "away" ? " away" : ""}`);
}

async function member(nodes: Nodes, name: string, site: NodeSite) {
  const link = new Link(name, nodes.clock);
  const there = new There();
  const changes: PresenceChange[] = [];
  link.room(ROOM).presence.on("change", (change) => {
    changes.push(change);
    there.apply(change);
  });
  void link.room(ROOM).join();
  link.connect(site);
  const go = async (ms = 300): Promise<void> => {
    for (let passed = 0; passed <= ms; passed += 100) {
      await nodes.run(100);
      await drain(link);
    }
  };
  await go();
  return { link, there, changes, go };
}

describe("who is in a room on two nodes", () => {
  it("is the same at both, for the app and for clients: one for each key, with what was set last", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const ann = shows(a, "ann-1", 1);
    const { there, changes, link, go } = await member(nodes, "watcher", b);
    expect(there.page).toEqual([{ key: "ann", value: 1, state: "here" }]);
    expect(changes).toHaveLength(1);
    shows(b, "ann-2", 2);
    shows(b, "bob-1", 3);
    await go();
    expect([seen(a), seen(b)]).toEqual([
      ["ann:2", "bob:3"],
      ["ann:2", "bob:3"],
    ]);
    a.rooms.setAway("ann-1", true);
    b.rooms.setAway("bob-1", true);
    await go();
    expect(seen(a)).toEqual(["ann:2", "bob:3 away"]);
    a.rooms.setAway("ann-1", false);
    shows(a, "ann-1", 4);
    await go();
    expect([seen(a), seen(b)].map(([first]) => first)).toEqual(["ann:4", "ann:4"]);
    b.rooms.clearPresence(ROOM, "ann-2");
    ann.go();
    await go();
    expect([seen(a), seen(b)]).toEqual([["bob:3 away"], ["bob:3 away"]]);
    expect(there.page).toEqual([{ key: "bob", value: 3, state: "away" }]);
    expect(link.room(ROOM).presence.count).toBe(1);
    expect(
      changes.map(({ joined, updated, away, left }) => [joined, updated, away, left].map((l) => l.length)),
    ).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 1],
    ]);
    expect(nodes.errors.concat(a.errors, b.errors)).toEqual([]);
  });

  it("a client that comes back at a node where nobody was is told of nothing but what differs", async () => {
    const { nodes, sites } = await cluster(3);
    const [a, b, c] = sites as [NodeSite, NodeSite, NodeSite];
    for (let n = 0; n < 250; n++) shows(a, `p${n}-1`, n);
    const { there, changes, link, go } = await member(nodes, "watcher", b);
    await go(1000);
    expect(there.size).toBe(250);
    changes.length = 0;
    link.cut();
    a.rooms.clearPresence(ROOM, "p7-1");
    link.connect(c);
    await go(1000);
    expect(there.size).toBe(249);
    expect(changes).toEqual([{ joined: [], updated: [], away: [], left: ["p7"] }]);
  });

  it("a node that dies takes with it whom it alone had; one that says goodbye does so at once", async () => {
    const { nodes, sites } = await cluster(3);
    const [a, b, c] = sites as [NodeSite, NodeSite, NodeSite];
    shows(a, "ann-1", 1);
    await nodes.run(50);
    shows(b, "ann-2", 2);
    shows(b, "bob-1", 3);
    shows(c, "carl-1", 4);
    await nodes.run(500);
    expect(seen(a)).toEqual(["ann:2", "bob:3", "carl:4"]);
    void c.cluster.close();
    await nodes.run(200);
    expect(seen(a)).toEqual(["ann:2", "bob:3"]);
    nodes.kill(b);
    await nodes.run(8000);
    expect(seen(a)).toEqual(["ann:2", "bob:3"]);
    await nodes.run(4000);
    expect(seen(a)).toEqual(["ann:1"]);
  });

  it("a node that was taken to be dead and is back has all that it had and what it changed meanwhile", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    shows(a, "ann-1", 1);
    shows(b, "bob-1", 2);
    shows(b, "bert-1", 2);
    await nodes.run(500);
    nodes.hub.cut(b.bus, a.bus);
    b.rooms.clearPresence(ROOM, "bert-1");
    shows(b, "carl-1", 3);
    await nodes.run(12_000);
    expect([seen(a), seen(b)]).toEqual([["ann:1"], ["ann:1", "bob:2", "carl:3"]]);
    nodes.hub.heal();
    await nodes.run(4000);
    expect(seen(a)).toEqual(["ann:1", "bob:2", "carl:3"]);
  });

  it("a bus that was down for longer than anything waits for it loses nobody, and no ghost stays", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    shows(a, "ann-1", 1);
    shows(b, "bob-1", 2);
    await nodes.run(500);
    a.bus.lose();
    shows(a, "amy-1", 3);
    a.rooms.clearPresence(ROOM, "ann-1");
    b.rooms.clearPresence(ROOM, "bob-1");
    await nodes.run(4000);
    expect(seen(a)).toEqual(["amy:3", "bob:2"]);
    a.bus.restore();
    await nodes.run(1000);
    expect([seen(a), seen(b)]).toEqual([["amy:3"], ["amy:3"]]);
  });

  it("a list of many pages comes whole, also if the bus breaks in the middle of it", async () => {
    const { nodes, sites } = await cluster();
    const [a] = sites as [NodeSite, NodeSite];
    for (let n = 0; n < 2000; n++) shows(a, `p${n}-1`, "x".repeat(200));
    await nodes.run(500);
    nodes.hub.faults = { delayMs: 20 };
    const late = start(nodes);
    await nodes.run(2500);
    let isOpen = false;
    void late.rooms.open(ROOM)?.then(() => (isOpen = true));
    for (let n = 0; n < 10 && seen(late).length === 0; n++) await nodes.run(50);
    expect(seen(late).length).toBeLessThan(2000);
    expect(isOpen).toBe(false);
    late.bus.lose();
    late.bus.restore();
    await nodes.run(8000);
    expect(isOpen).toBe(true);
    expect(seen(late)).toEqual(seen(a));
  });

  it("a crowd costs another node ten messages a second, and nothing while nothing changes", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    for (const { rooms } of sites) void rooms.open(ROOM);
    await nodes.run(100);
    const idle = b.bus.received;
    await nodes.run(10_000);
    const beats = b.bus.received - idle;
    const before = b.bus.received;
    for (let n = 0; n < 1000; n++) {
      shows(a, `p${n}-1`, n);
      if (n % 50 === 49) await nodes.run(50);
    }
    await nodes.run(9000);
    expect(seen(b)).toHaveLength(1000);
    expect(b.bus.received - before).toBeLessThanOrEqual(beats + 20);
  });

  it("is let go of where nobody of this node is there", async () => {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    shows(a, "ann-1", 1);
    void b.rooms.open(ROOM);
    await nodes.run(200_000);
    const before = b.bus.received;
    for (let n = 0; n < 20; n++) {
      shows(a, "ann-1", n);
      await nodes.run(100);
    }
    expect(b.bus.received - before).toBeLessThan(8);
    b.rooms.presence(ROOM);
    await nodes.run(200);
    expect(seen(b)).toEqual(["ann:19"]);
  });
});

describe("what comes over the bus", () => {
  const good = ["s", 1, "ann", JSON.stringify([OWN_EVENTS.presence, { joined: [{ value: 1 }] }]), false, 1];
  const page = (...entries: unknown[]): unknown[] => [2, 1, 1, entries, 0, true];

  async function scene(): Promise<{ nodes: Nodes; a: NodeSite; liar: SharedRoom }> {
    const { nodes, sites } = await cluster();
    const [a, b] = sites as [NodeSite, NodeSite];
    const nothing = { began() {}, kept() {}, said() {}, gone() {}, missed() {} };
    const liar = new ClusterRoom(b.cluster, { nsp: "/", room: ROOM }, undefined, nothing);
    shows(a, "zoe-1", 0);
    await nodes.run(300);
    return { nodes, a, liar };
  }

  it.each<[string, unknown[]]>([
    ["nothing", []],
    ["another kind", [9, 1, 1, []]],
    ["no numbers", [0, "1", {}, []]],
    ["a number that cannot be counted on from", [2, 1, 2 ** 53 - 1, [], 0, true]],
    ["less than nothing", [1, -1]],
    ["a change to no version", [3, 1, 0, []]],
    ["no list", [2, 1, 1, "entries", 0, true]],
    ["more entries than there may be", page(...new Array(100_001).fill(["s", 1]))],
    ["more nodes than there may be", [0, 1, 1, new Array(10_001).fill(["n", 1, 1])]],
    ["an entry that is none", page(good, "entry")],
    ["a socket without a name", page(good, ["", 1])],
    ["a key that is too long", page(good, ["t", 1, "k".repeat(4097), good[3], false, 1])],
    ["a key that is none", page(good, ["t", 1, 7, good[3], false, 1])],
    ["a value that is none", page(good, ["t", 1, "bob", 7, false, 1])],
    ["a turn that is none", page(good, ["t", 1, "bob", good[3], false, "now"])],
  ])("that is %s is told, and nothing of it is taken", async (_what, value) => {
    const { nodes, a, liar } = await scene();
    liar.say(value);
    await nodes.run(100);
    expect(nodes.errors).toMatchObject([{ code: "ERR_CLUSTER_INPUT" }]);
    expect(seen(a)).toEqual(["zoe:0"]);
    liar.say(page(good));
    await nodes.run(100);
    expect(seen(a)).toEqual(["ann:1", "zoe:0"]);
  });

  it.each([
    ["too large", JSON.stringify([OWN_EVENTS.presence, { joined: [{ value: "x".repeat(5000) }] }])],
    ["none", "{"],
    ["another one", JSON.stringify(["joined"])],
  ])("and has a value that is %s is told and left out, and no other", async (_what, head) => {
    const { nodes, a, liar } = await scene();
    liar.say(page(good, ["t", 1, "bob", head, false, 1]));
    await nodes.run(100);
    expect(seen(a)).toEqual(["ann:1", "zoe:0"]);
    expect(a.errors).toHaveLength(1);
  });

  it("cannot change or take away whom another node shows", async () => {
    const { nodes, a, liar } = await scene();
    liar.say(page(["zoe-1", 1]));
    liar.say([3, 1, 2, [["zoe-1", 2]]]);
    liar.say([2, 9, 5, [], 0, true]);
    await nodes.run(300);
    expect(seen(a)).toEqual(["zoe:0"]);
  });

  it("of a node that says more than there may be is told, and nothing beyond it is kept", async () => {
    const { nodes, a, liar } = await scene();
    for (let piece = 0; piece < 11; piece++) {
      const entries = Array.from({ length: 10_000 }, (_, n) => [`s${piece}-${n}`, piece + 1]);
      // As long as the first change is missing, it has to be known who is gone.
      liar.say([3, 1, piece + 2, entries]);
      await nodes.run();
    }
    expect(a.errors.length).toBe(10_000);
    expect(seen(a)).toEqual(["zoe:0"]);
  });
});
