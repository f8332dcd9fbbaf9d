// Nodes that cannot reach each other: requests and WebSockets of sessions that another one has go over the bus.
import { io as dialOwn } from "@sockeye/client";
import type { MemoryBus } from "@sockeye/cluster/memory";
import { describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.js";
import { once, until, within } from "../support/wait.js";
import { blindProxy } from "./blind-proxy.js";
import { atEnd, type Node } from "./site.js";
import { PEERS, talkingNodes, talks } from "./talking.js";

/** Where the sessions of a node are now. */
function transportsOf({ io }: Node): string[] {
  return Object.values(io.engine.clients).map(({ transport }) => transport.name);
}

describe.each(["has no listener for it", "cannot be reached"])("where the owner %s", (why) => {
  const site = async () => {
    const address =
      why === "cannot be reached" ? { address: `127.0.0.1:${await freePort()}` } : { listen: false };
    const { nodes, unknown } = await talkingNodes({ cluster: address });
    return { nodes, unknown, proxy: await blindProxy(nodes.map(({ port }) => port)) };
  };

  test.each(PEERS)("%s talks over %s behind a blind balancer", async (_client, way, dial, transports) => {
    const { nodes, proxy, unknown } = await site();
    await talks(proxy.url, nodes, dial, transports);
    expect([proxy.refused, unknown]).toEqual([[], []]);
    if (way !== "websocket") expect(proxy.counts.size).toBeGreaterThan(1);
    if (way !== "an upgrade") return;
    await until(() => nodes.flatMap(transportsOf).join() === "websocket", "the upgrade, wherever it landed");
  });

  test("our client with nothing but WebSocket comes back over any node, with what it missed", async () => {
    const { nodes, proxy, unknown } = await site();
    const [a, b] = nodes as [Node, Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    const got: unknown[] = [];
    const losses: unknown[] = [];
    socket.on("x", (n) => void got.push(n));
    socket.on("disconnect", (reason) => void losses.push(reason));
    proxy.ports = [b.port];
    for (let round = 0; round < 4; round++) {
      a.io.emit("x", round);
      expect(proxy.cut()).toBe(1);
      await until(() => got.length === round + 1, `event ${round}`);
      expect(await socket.timeout(5000).emitWithAck("echo", "x".repeat(400_000))).toHaveLength(400_000);
    }
    expect([got, losses, socket.id, unknown]).toEqual([[0, 1, 2, 3], [], id, []]);
  });

  test.each(["polling", "websocket"] as const)(
    "our client keeps its session over %s while the bus breaks again and again",
    async (way) => {
      const { nodes, proxy } = await site();
      const [a, b] = nodes as [Node, Node, Node];
      proxy.ports = [a.port];
      const socket = dialOwn(proxy.url, { transports: [way], forceNew: true, reconnectionDelay: 10 });
      atEnd(() => socket.close());
      await once(socket, "connect");
      const { id } = socket;
      const got: unknown[] = [];
      socket.on("x", (n) => void got.push(n));
      proxy.ports = [b.port];
      proxy.cut();
      for (let round = 0; round < 5; round++) {
        expect(await socket.timeout(20_000).emitWithAck("echo", round)).toBe(round);
        for (const { bus } of [a, b]) (bus as MemoryBus).lose();
        a.io.emit("x", round);
        for (const { bus } of [a, b]) (bus as MemoryBus).restore();
        await until(() => got.length === round + 1, `event ${round}`, 20_000);
      }
      expect(got).toEqual([0, 1, 2, 3, 4]);
      expect(socket.id).toBe(id);
    },
  );

  test("the end of the owner, and that of a node in between, are no end of a client's attempts", async () => {
    const { nodes, proxy } = await site();
    const [a, b, c] = nodes as [Node, Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    proxy.ports = [b.port];
    proxy.cut();
    expect(await socket.timeout(5000).emitWithAck("echo", 1)).toBe(1);
    proxy.ports = [c.port];
    await within(b.io.close(), "the end of b");
    expect(await socket.timeout(5000).emitWithAck("echo", 2)).toBe(2);
    expect(socket.id).toBe(id);
    const again = once(socket, "connect");
    await within(a.io.close(), "the end of a");
    await again;
    expect(c.io.engine.clientsCount).toBe(1);
  });

  test("a client whose node neither listens nor answers starts over at another one", async () => {
    const { nodes, proxy } = await site();
    const [a, b] = nodes as [Node, Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    (a.bus as MemoryBus).lose();
    proxy.ports = [b.port];
    const back = once(socket, "connect", 15_000);
    expect(proxy.cut()).toBe(1);
    await back;
    expect(socket.id).not.toBe(id);
  });
});

test("a node without a listener that stands still for a while keeps its clients", async () => {
  const { nodes } = await talkingNodes({ cluster: { listen: false } });
  const [a, b] = nodes as [Node, Node, Node];
  const proxy = await blindProxy([a.port]);
  const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
  atEnd(() => socket.close());
  await once(socket, "connect");
  const { id } = socket;
  const bus = a.bus as MemoryBus;
  bus.freeze();
  proxy.ports = [b.port];
  const came = proxy.counts.get(b.port) ?? 0;
  expect(proxy.cut()).toBe(1);
  // It asks again and again.
  await until(() => (proxy.counts.get(b.port) ?? 0) > came + 1, "a second claim");
  bus.thaw();
  expect(await socket.timeout(10_000).emitWithAck("echo", 1)).toBe(1);
  expect(socket.id).toBe(id);
});
