// @socket.io/redis-adapter, classic and sharded, on a real Redis: between two of our servers, and between one of ours and
// one of Socket.IO, which is how a cluster moves from one to the other.
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerName } from "../../support/servers.js";
import { clusterTests, type MakeAdapter } from "./cluster.js";
import { findRedis, type Redis, startRedis } from "./redis-server.js";

const program = findRedis();
if (program === undefined)
  console.log("redis: no redis-server of version 7 or later, so the tests of its adapter are skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

describe.skipIf(program === undefined)("@socket.io/redis-adapter", () => {
  let redis: Redis;
  const disconnections: (() => unknown)[] = [];

  beforeAll(async () => {
    redis = await startRedis(program ?? "");
  });
  afterAll(async () => {
    await Promise.all(disconnections.map((disconnect) => disconnect()));
    await redis?.stop();
  });

  async function nodeRedis(): Promise<ReturnType<typeof createClient>> {
    const client = createClient({ url: `redis://127.0.0.1:${redis.port}` });
    client.on("error", () => {});
    await client.connect();
    disconnections.push(() => client.destroy());
    return client as ReturnType<typeof createClient>;
  }

  function ioredis(): IoRedis {
    const client = new IoRedis(redis.port, "127.0.0.1");
    client.on("error", () => {});
    disconnections.push(() => client.disconnect());
    return client;
  }

  const adapters: Record<string, MakeAdapter> = {
    "classic, with redis": async () => createAdapter(await nodeRedis(), await nodeRedis()),
    "classic, with ioredis": async () =>
      createAdapter(ioredis(), ioredis(), { publishOnSpecificResponseChannel: true }),
    "sharded, with redis": async () => createShardedAdapter(await nodeRedis(), await nodeRedis()),
    "sharded, with ioredis, a channel for each room": async () =>
      createShardedAdapter(ioredis(), ioredis(), { subscriptionMode: "dynamic-private" }),
  };
  const pairs: readonly (readonly [ServerName, ServerName])[] = [
    ["sockeye", "sockeye"],
    ["sockeye", "socket.io 4"],
    ["socket.io 4", "sockeye"],
  ];

  for (const [name, makeAdapter] of Object.entries(adapters)) {
    describe.each(pairs)(`${name}, between %s and %s`, (...nodes) => {
      clusterTests({ nodes, makeAdapter });
    });
  }
});
