// @socket.io/redis-streams-adapter on a real Redis: what crosses nodes, and recovery, also on another node than before.
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { Redis as IoRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CuttingProxy } from "../../resume/cutting-proxy.js";
import type { ClientName, ServerName, Site } from "../../support/servers.js";
import { loadClient, optionsFor, serverHalf, startSite } from "../../support/servers.js";
import { eventually, once, until } from "../../support/wait.js";
import { clusterTests, type MakeAdapter } from "./cluster.js";
import { recoveryTests } from "./recovery.js";
import { findRedis, type Redis, startRedis } from "./redis-server.js";

const program = findRedis();
if (program === undefined)
  console.log(
    "redis: no redis-server of version 7 or later, so the tests of its streams adapter are skipped",
  );

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

const NODES: readonly (readonly [ServerName, ServerName])[] = [
  ["socket.io 4", "socket.io 4"],
  ["sockeye", "sockeye"],
  ["sockeye", "socket.io 4"],
  ["socket.io 4", "sockeye"],
];
const ENDS: readonly (readonly [ServerName, ClientName])[] = [
  ["sockeye", "socket.io-client 4"],
  ["sockeye", "sockeye"],
  ["socket.io 4", "socket.io-client 4"],
];

describe.skipIf(program === undefined)("@socket.io/redis-streams-adapter", () => {
  let redis: Redis;
  const clients: IoRedis[] = [];
  let streams = 0;

  beforeAll(async () => {
    redis = await startRedis(program ?? "");
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await redis?.stop();
  });

  /** A cluster of its own. */
  function cluster(): MakeAdapter {
    const name = `cluster-${streams++}`;
    return async () => {
      const client = new IoRedis(redis.port, "127.0.0.1");
      client.on("error", () => {});
      clients.push(client);
      const before = await readers(client);
      const adapter = createAdapter(client, { streamName: name, channelPrefix: name, blockTimeInMs: 1000 });
      // It reads what comes from now on, once it does.
      await eventually(async () => [...(await readers(client))].some((id) => !before.has(id)));
      return adapter;
    };
  }

  /** The connections that read a stream. Those of nodes that have gone away may be among them for a while. */
  async function readers(client: IoRedis): Promise<Set<string | undefined>> {
    const list = String(await client.client("LIST")).split("\n");
    return new Set(
      list.filter((line) => line.includes("cmd=xread")).map((line) => /id=(\d+)/.exec(line)?.[1]),
    );
  }

  describe.each(NODES)("between %s and %s", (...nodes) => {
    clusterTests({ nodes, makeAdapter: cluster() });
  });

  test("a client that is led to another node while its own one waits for it is recovered there, and is one socket", async () => {
    const makeAdapter = cluster();
    const start = async (): Promise<Site> => {
      const adapter = await makeAdapter();
      const site = await startSite("sockeye", {
        adapter,
        connectionStateRecovery: { skipMiddlewares: true },
      });
      onTestFinished(() => site.end());
      return site;
    };
    const [a, b] = [await start(), await start()];
    const proxy = await CuttingProxy.start(a.port);
    onTestFinished(() => proxy.stop());
    const { io } = await loadClient("sockeye");
    const client = io(proxy.url, { ...optionsFor("websocket"), reconnectionDelay: 10 });
    onTestFinished(() => void client.disconnect());
    const got: unknown[] = [];
    client.on("news", (value) => got.push(value));
    await once(client, "connect");
    const first = await serverHalf(a, client);
    await first.join("room");
    first.data.who = "Ann";
    b.io.to("room").emit("news", 1);
    await until(() => got.length === 1, "the first");
    const { id } = client;
    const left = once(first, "disconnect");
    const back = once(client, "connect");
    proxy.upstream = b.port;
    proxy.down = true;
    proxy.cut();
    // Of our own server.
    await until(() => (first.conn as { suspended?: boolean }).suspended === true, "the outage to be seen");
    b.io.to("room").emit("news", 2);
    proxy.down = false;
    await back;
    // At once, and not when its window has passed.
    await left;
    b.io.to("room").emit("news", 3);
    await until(() => got.length === 3, "what it missed");
    expect({ id: client.id, recovered: client.recovered, got }).toEqual({
      id,
      recovered: true,
      got: [1, 2, 3],
    });
    expect((await serverHalf(b, client)).data).toEqual({ who: "Ann" });
    expect((await b.io.fetchSockets()).map((socket) => socket.id)).toEqual([id]);
    expect(a.io.sockets.sockets.size).toBe(0);
  });

  describe.each(ENDS)("recovery of a connection to %s of %s", (server, name) => {
    recoveryTests({ servers: [server, server], name, cluster, forgets: true });
  });
});
