// Nodes that cannot reach each other: requests of sessions that another one has go over the bus.
import { io as dialOwn } from "@sockeye/client";
import type { MemoryBus } from "@sockeye/cluster/memory";
import { describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.js";
import { once, until } from "../support/wait.js";
import { blindProxy } from "./blind-proxy.js";
import { atEnd, type Node } from "./site.js";
import { PEERS, talkingNodes, talks } from "./talking.js";

/** A WebSocket has to reach its owner: behind such a balancer it cannot. */
const OVER_HTTP = PEERS.filter(([, way]) => ["polling", "stream", "sse"].includes(way));

describe.each(["has no listener for it", "cannot be reached"])("where the owner %s", (why) => {
  const site = async () => {
    const address =
      why === "cannot be reached" ? { address: `127.0.0.1:${await freePort()}` } : { listen: false };
    const { nodes, unknown } = await talkingNodes({ cluster: address });
    return { nodes, unknown, proxy: await blindProxy(nodes.map(({ port }) => port)) };
  };

  test.each(OVER_HTTP)(
    "%s talks over %s behind a blind balancer",
    async (_client, _way, dial, transports) => {
      const { nodes, proxy, unknown } = await site();
      await talks(proxy.url, nodes, dial, transports);
      expect([proxy.refused, unknown]).toEqual([[], []]);
      expect(proxy.counts.size).toBeGreaterThan(1);
    },
  );

  test("our client keeps its session while the bus breaks again and again", async () => {
    const { nodes, proxy } = await site();
    const [a, b] = nodes as [Node, Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["polling"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    const got: unknown[] = [];
    socket.on("x", (n) => void got.push(n));
    proxy.ports = [b.port];
    for (let round = 0; round < 5; round++) {
      expect(await socket.timeout(20_000).emitWithAck("echo", round)).toBe(round);
      for (const { bus } of [a, b]) (bus as MemoryBus).lose();
      a.io.emit("x", round);
      for (const { bus } of [a, b]) (bus as MemoryBus).restore();
      await until(() => got.length === round + 1, `event ${round}`, 20_000);
    }
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(socket.id).toBe(id);
  });
});
