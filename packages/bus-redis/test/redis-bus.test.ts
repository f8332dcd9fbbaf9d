// Against a real Redis of the tests' own, which is stopped, killed and frozen, with both client packages.

import { type RedisBusOptions, redis } from "@sockeye/bus-redis";
import { busSuite, type ClusterBench, clusterSuite, keepingBusSuite } from "@sockeye/conformance";
import type { Bus } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it, test } from "vitest";
import { findRedis, type Redis, startRedis } from "../../../test/interop/packages/redis-server.js";
import { until } from "../../../test/support/wait.js";

const program = findRedis();
if (program === undefined)
  console.log("bus-redis: no redis-server of version 7 or later, so its tests are skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 10_000 };

type MakeClient = (port: number) => Parameters<typeof redis>[0];
const CLIENTS: Readonly<Record<string, MakeClient>> = {
  redis: (port) =>
    createClient({ socket: { host: "127.0.0.1", port, reconnectStrategy: 20 } }) as unknown as Parameters<
      typeof redis
    >[0],
  ioredis: (port) => new IoRedis({ host: "127.0.0.1", port, lazyConnect: true, retryStrategy: () => 20 }),
};

async function bench(makeClient: MakeClient, options: RedisBusOptions): Promise<ClusterBench> {
  let server: Redis = await startRedis(program ?? "");
  const { port } = server;
  return {
    clock: nativeClock,
    // It keeps nothing on disk.
    forgets: true,
    makeBus: () => redis(makeClient(port), options),
    until: (condition, what) => until(condition, what),
    breakDown: () => server.stop(),
    repair: async () => {
      server = await startRedis(program ?? "", port);
    },
    close: () => server.stop(),
  };
}

describe.skipIf(program === undefined)("bus-redis", () => {
  for (const [name, makeClient] of Object.entries(CLIENTS)) {
    for (const sharded of [false, true]) {
      const title = `Redis by ${name}, ${sharded ? "sharded" : "classic"}`;
      busSuite(title, () => bench(makeClient, { sharded }));
      clusterSuite(title, () => bench(makeClient, { sharded }));
      keepingBusSuite(title, () => bench(makeClient, { sharded }));
      clusterSuite(title, () => bench(makeClient, { sharded }), KEEP);
    }
  }

  it.each(Object.entries(CLIENTS))(
    "%s: a subscriber that Redis cuts, since it reads too slowly, is told of a gap",
    async (_name, make) => {
      const server = await startRedis(program ?? "");
      const admin = createClient({ socket: { host: "127.0.0.1", port: server.port } });
      await admin.connect();
      const bus: Bus = redis(make(server.port));
      const states: string[] = [];
      const heard: number[] = [];
      bus.subscribe(["{x}one"]);
      await bus.open({
        message: (_topic, bytes) => void heard.push(bytes.length),
        subscribed: () => {},
        up: (gap) => void states.push(gap ? "up, gap" : "up"),
        down: () => void states.push("down"),
      });
      await admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
      await until(() => states.length === 2, "down and up");
      expect(states).toEqual(["down", "up, gap"]);
      bus.publish("{x}one", new Uint8Array(5));
      await until(() => heard.length === 1, "a message");
      await bus.close();
      admin.destroy();
      await server.stop();
    },
  );

  it("what waits for a Redis that is busy leaves once it is not, however short a time the client gives to commands", async () => {
    const server = await startRedis(program ?? "");
    const socket = { host: "127.0.0.1", port: server.port };
    const admin = createClient({ socket });
    await admin.connect();
    const client = createClient({ socket, commandOptions: { timeout: 20 } });
    const bus: Bus = redis(client as unknown as Parameters<typeof redis>[0]);
    const states: string[] = [];
    const heard: unknown[] = [];
    bus.subscribe(["{x}one"]);
    await bus.open({
      message: (_topic, bytes) => void heard.push(bytes[0]),
      subscribed: () => {},
      up: () => void states.push("up"),
      down: () => void states.push("down"),
    });
    const busy = admin.eval("for n = 1, 20000000 do end");
    // More than the connection takes before somebody reads.
    const sent = Array.from({ length: 100 }, (_, n) => n);
    for (const n of sent) bus.publish("{x}one", new Uint8Array(200_000).fill(n));
    await busy;
    await until(() => heard.length === sent.length, "all of them");
    expect([heard, states]).toEqual([sent, []]);
    await bus.close();
    admin.destroy();
    await server.stop();
  });

  it("takes nothing but a client", () => {
    expect(() => redis({} as never)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});
