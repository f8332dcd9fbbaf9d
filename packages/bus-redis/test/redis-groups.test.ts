// Against a Redis Cluster and a master that Sentinel watches, by the clients that both packages have for them. Masters are killed.
import { redis } from "@sockeye/bus-redis";
import {
  busSuite,
  type ClusterBench,
  ClusterNode,
  clusterSuite,
  keepingBusSuite,
} from "@sockeye/conformance";
import type { Bus } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import { Cluster as IoCluster, Redis as IoRedis } from "ioredis";
import { createCluster, createSentinel } from "redis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findRedis } from "../../../test/interop/packages/redis-server.js";
import {
  MASTER,
  type RedisGroup,
  startRedisCluster,
  startSentinel,
} from "../../../test/support/redis-groups.js";
import { until } from "../../../test/support/wait.js";
import { slotOf } from "../src/slot.js";

const program = findRedis();
if (program === undefined)
  console.log(
    "bus-redis: no redis-server of version 7 or later, so its tests of several servers are skipped",
  );

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 10_000 };
const host = "127.0.0.1";
/** A failover takes seconds, and longer on a busy machine. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: 3 * PATIENCE_MS });

type Client = Parameters<typeof redis>[0];
interface Kind {
  start(): Promise<RedisGroup>;
  readonly clients: Readonly<Record<string, (ports: readonly number[]) => Client>>;
}
const KINDS: Readonly<Record<string, Kind>> = {
  "a Redis Cluster": {
    start: () => startRedisCluster(program ?? "", slotOf("{test/}")),
    clients: {
      redis: (ports) => createCluster({ rootNodes: ports.map((port) => ({ socket: { host, port } })) }),
      ioredis: (ports) =>
        new IoCluster(
          ports.map((port) => ({ host, port })),
          { lazyConnect: true },
        ),
    },
  },
  Sentinel: {
    start: () => startSentinel(program ?? ""),
    clients: {
      redis: ([port = 0]) => createSentinel({ name: MASTER, sentinelRootNodes: [{ host, port }] }),
      ioredis: ([port = 0]) =>
        new IoRedis({
          name: MASTER,
          sentinels: [{ host, port }],
          lazyConnect: true,
          retryStrategy: () => 50,
        }),
    },
  },
};

describe.skipIf(program === undefined).each(Object.entries(KINDS))("%s", (kind, { start, clients }) => {
  let group: RedisGroup;
  let prefixes = 0;
  beforeAll(async () => {
    group = await start();
  });
  afterAll(() => group?.stop());

  for (const [name, makeClient] of Object.entries(clients)) {
    const bench = (): ClusterBench => {
      const prefix = `${name}${prefixes++}:`;
      return {
        clock: nativeClock,
        makeBus: () => redis(makeClient(group.ports), { prefix }),
        until: (condition, what) => until(condition, what, PATIENCE_MS),
      };
    };
    const title = `${kind} by ${name}`;
    busSuite(title, bench);
    keepingBusSuite(title, bench);
    // Sentinel leads to one server, as a client of one server does.
    if (kind !== "Sentinel") clusterSuite(title, bench, KEEP);

    it(`${title}: after a failover nodes hear each other again, are told of a gap, and nobody is recovered who was away`, async () => {
      const { makeBus, clock, until: wait } = bench();
      const [a, b] = await Promise.all(
        ["a", "b"].map(async (node) =>
          new ClusterNode({ bus: await makeBus(), clock, name: node, keep: KEEP }).start(),
        ),
      );
      if (!a || !b) throw new Error("no nodes");
      await wait(
        () => [a, b].every(({ seen, adapter }) => seen === 2 && adapter.position() !== null),
        "both nodes",
      );
      const [here, away] = [b.join("x"), b.join("x")];
      a.emit([], "before");
      await wait(() => here.got.length === 1 && away.got.length === 1, "an event");
      b.lose(away);
      await group.failOver();
      await wait(
        () => [a, b].every(({ told }) => told.includes("bus up") && told.includes("gap of all")),
        "the gap",
      );
      await wait(() => [a, b].every(({ adapter }) => adapter.position() !== null), "the log");
      a.emit([], "after");
      await wait(() => here.got.at(-1) === "after", "an event after it");
      expect(here.got).toEqual(["before", "after"]);
      expect(await a.comesBack(away)).toBeUndefined();
      expect([...a.failures, ...b.failures]).toEqual([]);
      await Promise.all([a.stop(), b.stop()]);
      await group.comesBack();
    });
  }
});

describe("a client of a Redis Cluster", () => {
  it.each(Object.entries(KINDS["a Redis Cluster"]?.clients ?? {}))(
    "of %s takes no classic pub/sub",
    (_name, make) => {
      const refused = expect.objectContaining({ code: "ERR_BAD_OPTION" });
      expect((): Bus => redis(make([1]), { sharded: false })).toThrow(refused);
    },
  );
});

describe("slotOf", () => {
  // By CLUSTER KEYSLOT.
  it.each([
    ["123456789", 12739],
    ["foo", 12182],
    ["{foo}bar", 12182],
    ["x{foo}{bar}", 12182],
    ["foo{}{bar}", 8363],
    ["foo{{bar}}zap", 4015],
    ["", 0],
  ])("%j is in %i", (key, slot) => expect(slotOf(key)).toBe(slot));
});
