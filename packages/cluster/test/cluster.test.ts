import { type MemoryBus, MemoryHub } from "@sockeye/cluster/memory";
import { ClusterNode, type ClusterNodeOptions, manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";

function world(options: readonly Partial<ClusterNodeOptions>[]) {
  const clock = manualClock();
  const hub = new MemoryHub({ clock });
  const buses: MemoryBus[] = [];
  const nodes = options.map((each, index) => {
    const bus = hub.bus();
    buses.push(bus);
    return new ClusterNode({ bus, clock, name: "abcdef".charAt(index), ...each }).start();
  });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      await new Promise(setImmediate);
    }
  };
  return { clock, hub, buses, nodes, pass };
}

describe("whom a node takes for one of its cluster", () => {
  it.each<[string, Partial<ClusterNodeOptions>, Partial<ClusterNodeOptions>]>([
    ["of another name on the same bus", { cluster: "shop" }, { cluster: "blog" }],
    ["of another secret", { secret: "hush" }, { secret: "loud" }],
    ["without the secret", { secret: "hush" }, {}],
  ])("none %s", async (_name, one, other) => {
    const { nodes, pass } = world([one, other]);
    await pass(3000);
    for (const node of nodes) {
      expect(node.seen).toBe(1);
      expect(node.cluster.isReady).toBe(true);
    }
  });

  it.each<[string, Partial<ClusterNodeOptions>, RegExp]>([
    ["speaks no version of ours", { versions: [2, 3] }, /a speaks versions 1 to 1 of the bus protocol/],
    ["writes packets otherwise", { codec: "msgpack" }, /a writes packets by another parser/],
  ])("a newcomer that %s leaves, and says why", async (_name, options, why) => {
    const { nodes, hub, clock, pass } = world([{}]);
    await pass(500);
    const [old] = nodes as [ClusterNode];
    const newcomer = new ClusterNode({ bus: hub.bus(), clock, name: "b", ...options }).start();
    await pass(500);
    await expect(newcomer.cluster.ready).rejects.toMatchObject({ code: "ERR_CLUSTER_MISMATCH" });
    expect(newcomer.failures.map(({ message }) => message)).toEqual([expect.stringMatching(why)]);
    expect([old.seen, old.failures]).toEqual([1, []]);
  });

  it("overlapping versions are enough", async () => {
    const { nodes, pass } = world([{}, { versions: [1, 2] }]);
    await pass(500);
    expect(nodes.map(({ seen }) => seen)).toEqual([2, 2]);
  });
});

describe("what is no message", () => {
  it.each<[string, number[]]>([
    ["nothing", []],
    ["text", [...Buffer.from("hello")]],
    ["half a frame", [1, ...Buffer.from("abcdefgh"), 1, 0, 1, 50, 7]],
    ["a hello of nobody", [1, ...Buffer.from("abcdefgh"), 1, 0, 1, 1, 0xc0]],
    ["an event that is cut off", [1, ...Buffer.from("abcdefgh"), 1, 0, 6, 2, 0, 200]],
    ["a question without words", [1, ...Buffer.from("abcdefgh"), 1, 0, 8, 1, 0x90]],
    ["an act without words", [1, ...Buffer.from("abcdefgh"), 1, 0, 7, 1, 0x01]],
  ])("is refused, and told: %s", async (_name, bytes) => {
    const { hub, nodes, pass } = world([{}]);
    await pass(100);
    const stranger = hub.bus();
    await stranger.open({ message() {}, subscribed() {}, up() {}, down() {} });
    const [node] = nodes;
    for (const topic of ["{test}*", "{test/}*"]) stranger.publish(topic, Uint8Array.from(bytes));
    await pass(100);
    expect(node?.failures.length).toBeGreaterThan(0);
    expect(node?.failures.every(({ code }) => code === "ERR_CLUSTER_INPUT")).toBe(true);
    expect(node?.seen).toBe(1);
  });

  it.each([undefined, "hush"])("a frame that comes again means nothing (secret: %s)", async (secret) => {
    const { hub, nodes, pass } = world([{ secret }, { secret }]);
    await pass(500);
    const stranger = hub.bus();
    const heard: [topic: string, bytes: Uint8Array][] = [];
    const message = (topic: string, bytes: Uint8Array): void => void heard.push([topic, bytes]);
    await stranger.open({ message, subscribed() {}, up() {}, down() {} });
    stranger.subscribe(["{test/}*"]);
    await pass(100);
    const socket = nodes[1]?.join();
    nodes[0]?.emit([], "once");
    await pass(100);
    expect(heard.length).toBeGreaterThan(0);
    for (const [topic, bytes] of [...heard]) stranger.publish(topic, bytes);
    await pass(100);
    expect(socket?.got).toEqual(["once"]);
  });

  it.each<[how: string, secret: string | undefined, silentMs: number, leaves: boolean]>([
    ["has said goodbye", "hush", 100, true],
    ["has said goodbye a long time ago", "hush", 200_000, true],
    ["has died a long time ago", "hush", 200_000, false],
    ["has died a long time ago, and nothing is signed", undefined, 200_000, false],
  ])("frames of a node that %s mean nothing, and wake no ghost", async (_how, secret, silentMs, leaves) => {
    const { hub, buses, nodes, pass } = world([{ secret }, { secret }]);
    await pass(500);
    const stranger = hub.bus();
    const heard: [topic: string, bytes: Uint8Array][] = [];
    const message = (topic: string, bytes: Uint8Array): void => void heard.push([topic, bytes]);
    await stranger.open({ message, subscribed() {}, up() {}, down() {} });
    stranger.subscribe(["{test/}*", "{test}*"]);
    await pass(100);
    const [gone, here] = nodes as [ClusterNode, ClusterNode];
    const socket = here.join();
    gone.emit([], "once");
    await pass(3000);
    // Only what was said of itself by the one that goes.
    const said = heard.filter(([, bytes]) => Buffer.from(bytes).toString("latin1", 1, 9) === gone.cluster.id);
    expect(said.length).toBeGreaterThan(1);
    if (leaves) await gone.cluster.close();
    else hub.cut(buses[0] as MemoryBus, buses[1] as MemoryBus);
    await pass(silentMs);
    expect(here.seen).toBe(1);
    for (let round = 0; round < 3; round++) {
      for (const [topic, bytes] of said) stranger.publish(topic, bytes);
      await pass(500);
    }
    expect([socket.got, here.seen, here.failures]).toEqual([["once"], 1, []]);
  });

  it("a kind that is not known yet is ignored", async () => {
    const { hub, nodes, pass } = world([{}]);
    const stranger = hub.bus();
    await stranger.open({ message() {}, subscribed() {}, up() {}, down() {} });
    stranger.publish("{test}*", Uint8Array.from([1, ...Buffer.from("abcdefgh"), 1, 0, 99, 0]));
    await pass(100);
    expect(nodes[0]?.failures).toEqual([]);
  });
});

describe("a bus that is in trouble", () => {
  it("what waits for it leaves once it is back, if it is not too old; the rest is a gap, told to all", async () => {
    const { buses, nodes, pass } = world([{}, {}]);
    await pass(200);
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    const socket = b.join();
    buses[0]?.lose();
    a.emit([], "old");
    await pass(2500);
    a.emit([], "young");
    buses[0]?.restore();
    await pass(200);
    expect(socket.got).toEqual(["young"]);
    expect(a.cluster.stats).toMatchObject({ dropped: expect.any(Number), waitingBytes: 0 });
    expect([a.told.filter((line) => line.startsWith("gap")), b.told.includes("gap of a")]).toEqual([
      ["gap of all"],
      true,
    ]);
  });

  it("keeps 1 MiB at most", async () => {
    const { buses, nodes, pass } = world([{}]);
    await pass(200);
    buses[0]?.lose();
    for (let n = 0; n < 20; n++) nodes[0]?.emit([], "x".repeat(100_000));
    expect(nodes[0]?.cluster.stats.waitingBytes).toBeLessThanOrEqual(1_048_576);
    expect(nodes[0]?.cluster.stats.dropped).toBe(10);
  });

  it("a message beyond what it takes is told, and not sent", async () => {
    const { nodes, pass } = world([{}, {}]);
    await pass(200);
    nodes[0]?.emit([], "x".repeat(1_048_576));
    await pass(200);
    expect(nodes[0]?.failures).toMatchObject([{ code: "ERR_BUS_TOO_LARGE" }]);
  });

  it("a path that brings nothing is noticed by this node's own silence, and made anew", async () => {
    const { hub, buses, nodes, pass } = world([{}, {}]);
    await pass(200);
    const [first, second] = buses as [MemoryBus, MemoryBus];
    hub.cut(first, first);
    hub.cut(second, first);
    await pass(9000);
    expect(first.restarts).toBe(1);
    expect(nodes[0]?.told).toContain("gap of all");
    await pass(60_000);
    // The pauses double.
    expect(first.restarts).toBeLessThan(6);
    hub.heal();
    await pass(5000);
    expect(nodes.map(({ seen }) => seen)).toEqual([2, 2]);
  });

  it("silence of the bus from the beginning keeps nobody waiting for more than 2 s", async () => {
    const { hub, buses, nodes, pass } = world([{}]);
    const [bus] = buses as [MemoryBus];
    hub.cut(bus, bus);
    await pass(2100);
    expect(nodes[0]?.cluster.isReady).toBe(true);
  });
});

describe("queries", () => {
  it("settle as soon as a node is suspected, say who is missing and what the others said", async () => {
    const { buses, nodes, pass } = world([{}, {}, {}]);
    await pass(200);
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    b.join();
    buses[2]?.lose();
    let error: unknown;
    const asked = a.adapter.fetchSockets({ rooms: new Set(), flags: { timeout: 60_000 } });
    asked.catch((reason: unknown) => {
      error = reason;
    });
    await pass(4000);
    expect(error).toBeUndefined();
    await pass(4000);
    expect(error).toMatchObject({
      code: "ERR_NODES_MISSING",
      message: "timeout reached: only 1 responses received out of 2",
      missing: ["c"],
      responses: [{ handshake: { address: "b" } }],
    });
  });

  it("ask nobody who is suspected", async () => {
    const { buses, nodes, pass } = world([{}, {}]);
    await pass(200);
    buses[1]?.lose();
    await pass(7000);
    let count: number | undefined;
    nodes[0]?.adapter.count({ rooms: new Set() }).then((counted) => {
      count = counted;
    });
    await pass(100);
    expect(count).toBe(0);
  });
});

describe("who gets messages of a room", () => {
  it("nodes without members get none, private rooms cost none, and 100 nodes are no trouble", async () => {
    const { buses, clock, nodes, pass } = world(Array.from({ length: 100 }, (_, n) => ({ name: `n${n}` })));
    await pass(1000);
    expect(nodes.every(({ seen }) => seen === 100)).toBe(true);
    const subscribed: string[] = [];
    for (const bus of buses) {
      const { subscribe } = bus;
      bus.subscribe = (topics) => {
        subscribed.push(...topics);
        subscribe.call(bus, topics);
      };
    }
    for (const node of nodes) node.join();
    expect(subscribed).toEqual([]);
    const members = nodes.slice(0, 10).map((node) => node.join("room"));
    await pass(100);
    const before = buses.map(({ received }) => received);
    nodes[50]?.emit(["room"], "hello");
    clock.flush();
    clock.flush();
    expect(members.map(({ got }) => got)).toEqual(members.map(() => ["hello"]));
    expect(buses.filter(({ received }, index) => received > (before[index] ?? 0)).length).toBe(
      members.length,
    );
    expect(subscribed).toEqual(members.map(() => "{test/}#room"));
  });

  it("a room that was left is unsubscribed from a second later, unless it was joined again", async () => {
    const { buses, nodes, pass } = world([{}]);
    await pass(200);
    const left: string[] = [];
    const bus = buses[0] as MemoryBus;
    bus.unsubscribe = (topics) => left.push(...topics);
    const socket = nodes[0]?.join("x", "y");
    socket?.leave("x");
    socket?.leave("y");
    socket?.join("y");
    await pass(500);
    expect(left).toEqual([]);
    await pass(1000);
    expect(left).toEqual(["{test/}#x"]);
  });
});

describe("tags", () => {
  it("are of four characters, each node's own; whoever comes to one that is taken chooses again", async () => {
    const { nodes, hub, clock, pass } = world([{}]);
    await pass(200);
    const [old] = nodes as [ClusterNode];
    const { tag } = old.cluster;
    expect(tag).toMatch(/^[\w-]{4}$/);
    const newcomer = new ClusterNode({ bus: hub.bus(), clock, name: "b", tag }).start();
    expect(newcomer.cluster.tag).toBe(tag);
    await pass(500);
    expect(old.cluster.tag).toBe(tag);
    expect(newcomer.cluster.tag).not.toBe(tag);
    expect(old.cluster.members.byTag(newcomer.cluster.tag)?.name).toBe("b");
  });
});
