// What sockets keep may be anything. Adapters made for Socket.IO send it to other servers out of listeners of their own, where
// what they throw ends the process; Socket.IO itself has that too, so there is no control here.

import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { io as dial } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Site, startSite } from "../../support/servers.js";
import { eventually, once, until, within } from "../../support/wait.js";
import { Bus } from "./bus-adapter.js";
import type { MakeAdapter } from "./cluster.js";
import { findRedis, type Redis, startRedis } from "./redis-server.js";

const cycle: Record<string, unknown> = { name: "ben" };
cycle["self"] = cycle;

/** What the app keeps, and what the other server sees of it. */
const KEPT: readonly (readonly [title: string, kept: unknown, seen: unknown, isReported: boolean])[] = [
  ["a cycle", { user: cycle, room: 1 }, { user: { name: "ben" }, room: 1 }, true],
  ["a BigInt", { n: 10n, m: 1 }, { m: 1 }, true],
  ["a function", { f: () => 1, m: 1 }, { m: 1 }, false],
  [
    "a toJSON that throws",
    {
      bad: {
        toJSON: () => {
          throw new Error("no");
        },
      },
      m: 1,
    },
    { m: 1 },
    true,
  ],
];

const program = findRedis();
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

function suite(makeAdapter: MakeAdapter): void {
  let sites: Site[] = [];
  afterEach(async () => {
    process.off("unhandledRejection", note);
    for (const site of sites.splice(0)) await site.end();
    expect(unhandled.splice(0)).toEqual([]);
  });

  async function pair(): Promise<[Site, Site]> {
    process.on("unhandledRejection", note);
    sites = [
      await startSite("sockeye", { adapter: await makeAdapter() }),
      await startSite("sockeye", { adapter: await makeAdapter() }),
    ];
    await eventually(async () => {
      const counts = await Promise.all(sites.map(({ io }) => io.of("/").adapter.serverCount()));
      return counts.every((count) => count === 2);
    });
    return sites as [Site, Site];
  }

  it.each(KEPT)("a socket's data with %s", async (_title, kept, seen, isReported) => {
    const [here, there] = await pair();
    const errors: unknown[] = [];
    there.io.on("error" as never, ((error: Error) => errors.push(error)) as never);
    const ben = dial(there.url, { transports: ["websocket"], forceNew: true });
    await once(ben, "connect");
    await until(() => there.io.sockets.sockets.size === 1, "Ben");
    const [socket] = there.io.sockets.sockets.values();
    if (socket) socket.data = kept;
    for (let round = 0; round < 2; round++) {
      const found = await within(here.io.fetchSockets(), "the other server's answer");
      expect(found.map(({ data }) => data as unknown)).toEqual([seen]);
    }
    // Here it is what it was, and the socket itself.
    expect((await there.io.local.fetchSockets())[0]).toBe(socket);
    expect(socket?.data).toBe(kept);
    expect(errors).toHaveLength(isReported ? 1 : 0);
    if (isReported) expect(errors[0]).toMatchObject({ code: "ERR_UNENCODABLE" });
    ben.disconnect();
  });

  it.each<[string, unknown]>([
    ["a cycle", cycle],
    ["a BigInt", { n: 1n }],
  ])("serverSideEmit with %s throws at the caller", async (_title, arg) => {
    const [here] = await pair();
    expect(() => here.io.serverSideEmit("job", arg)).toThrow(
      expect.objectContaining({ code: "ERR_UNENCODABLE" }),
    );
  });
}

describe("an adapter of the app's own, over a bus", () => {
  let bus = new Bus();
  afterEach(() => {
    bus = new Bus();
  });
  suite(() => Promise.resolve(bus.adapter() as never));
});

describe.skipIf(program === undefined)("over Redis", () => {
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
    // What the adapters have asked it for is answered before: they do not wait for that themselves.
    disconnections.push(() => client.close());
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
    "classic, with ioredis": async () => createAdapter(ioredis(), ioredis()),
    "sharded, with redis": async () => createShardedAdapter(await nodeRedis(), await nodeRedis()),
    "streams, with ioredis": async () => createStreamsAdapter(ioredis()),
  };
  describe.each(Object.entries(adapters))("%s", (_name, makeAdapter) => suite(makeAdapter));

  it.each([['{"type":5}'], ['{"type":6,"opts":null}'], ["[]"], ["null"], ["{"], ["x"]])(
    "garbage on the bus is reported, and ends nobody: %s",
    async (garbage) => {
      process.on("unhandledRejection", note);
      const writer = await nodeRedis();
      const site = await startSite("sockeye", {
        adapter: createAdapter(await nodeRedis(), await nodeRedis()),
      });
      site.io.on("error" as never, (() => {}) as never);
      await eventually(async () => (await site.io.of("/").adapter.serverCount()) === 1);
      await writer.publish("socket.io-request#/#", garbage);
      await writer.publish("socket.io-response#/#", garbage);
      await writer.publish("socket.io#/#room#", garbage);
      // What came before has been handled once this is answered.
      await site.io.of("/").adapter.serverCount();
      await writer.ping();
      process.off("unhandledRejection", note);
      await site.end();
      expect(unhandled.splice(0)).toEqual([]);
    },
  );
});
