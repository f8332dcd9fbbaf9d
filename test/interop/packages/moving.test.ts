// A cluster of npm's servers on npm's adapter becomes one of ours, node by node, and goes back. After each step all that crosses nodes must work, and processes
// that only emit, with npm's emitter and with ours, are heard.

import { createAdapter } from "@socket.io/redis-adapter";
import { Emitter as StockEmitter } from "@socket.io/redis-emitter";
import { redis as redisBus } from "@sockeye/bus-redis";
import { Emitter } from "@sockeye/emitter";
import { createClient } from "redis";
import { type Socket as ClientSocket, io as dial } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerName, Site } from "../../support/servers.js";
import { startSite } from "../../support/servers.js";
import { collect, eventually, once, until } from "../../support/wait.js";
import { findRedis, type Redis, startRedis } from "./redis-server.js";

const program = findRedis();
if (program === undefined)
  console.log("redis: no redis-server of version 7 or later, so the tests of a moving cluster are skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

interface Place {
  site: Site;
  readonly client: ClientSocket;
  /** Ends what its adapter has used. */
  leave(): Promise<unknown>;
}

describe.skipIf(program === undefined)("a cluster on @socket.io/redis-adapter moves, node by node", () => {
  let redis: Redis;
  const places: Place[] = [];
  const ends: (() => unknown)[] = [];
  const emitters: Record<string, Pick<StockEmitter, "to" | "emit" | "serverSideEmit" | "in">> = {};

  const connect = async () => {
    const client = createClient({ url: `redis://127.0.0.1:${redis.port}` });
    client.on("error", () => {});
    await client.connect();
    return client;
  };

  async function start(server: ServerName, port = 0): Promise<Omit<Place, "client">> {
    const [pub, sub] = [await connect(), await connect()];
    const site = await startSite(server, { adapter: createAdapter(pub, sub) }, port);
    site.io.on("connection", (socket) => {
      socket.join(["all", `room of ${socket.handshake.auth["name"]}`]);
      socket.on("who?", (answer) => answer(server));
    });
    return { site, leave: () => Promise.all([pub.close(), sub.close()]) };
  }

  beforeAll(async () => {
    redis = await startRedis(program ?? "");
    for (const name of ["ann", "ben"]) {
      const { site, leave } = await start("socket.io 4");
      const options = {
        transports: ["websocket"],
        forceNew: true,
        reconnectionDelay: 10,
        reconnectionDelayMax: 30,
      };
      const client = dial(site.url, { ...options, auth: { name } });
      client.on("which?", (answer) => answer(name));
      await once(client, "connect");
      places.push({ site, leave, client });
    }
    const client = await connect();
    ends.push(() => client.destroy());
    emitters["npm's emitter"] = new StockEmitter(client);
    const like = createClient({ url: `redis://127.0.0.1:${redis.port}` }) as Parameters<typeof redisBus>[0];
    const own = new Emitter(redisBus(like, { prefix: "socket.io" }), { wire: "redis-emitter" });
    await own.ready;
    ends.push(() => own.close());
    emitters["our emitter"] = own as unknown as StockEmitter;
  });
  afterAll(async () => {
    for (const { site, client, leave } of places) {
      client.disconnect();
      await site.end();
      await leave();
    }
    for (const end of ends) await end();
    await redis?.stop();
  });

  async function move(place: Place | undefined, server: ServerName): Promise<void> {
    if (!place) throw new Error("no such place");
    const { port } = place.site;
    const gone = once(place.client, "disconnect");
    await place.site.close();
    await gone;
    await place.leave();
    Object.assign(place, await start(server, port));
    await until(() => place.client.connected, "the client's return");
    expect(await place.client.emitWithAck("who?")).toBe(server);
  }

  const STEPS: readonly (readonly [place: number, ServerName, what: string])[] = [
    [0, "socket.io 4", "before anything has moved"],
    [0, "sockeye", "one of ours beside one of npm's"],
    [1, "sockeye", "two of ours"],
    [0, "socket.io 4", "on the way back"],
    [1, "socket.io 4", "back again"],
  ];

  test.each(STEPS)("place %i has %s: %s", async (index, server, _what) => {
    await move(places[index], server);
    const [ann, ben] = places.map(({ client }) => client) as [ClientSocket, ClientSocket];
    const nodes = places.map(({ site }) => site.io);
    await eventually(async () => (await nodes[0]?.of("/").adapter.serverCount()) === 2);
    for (const io of nodes) {
      const heard = Promise.all([collect(ann, "news", 2), collect(ben, "news", 3)]);
      io.emit("news", "all", Buffer.from([1, 2]));
      io.to("room of ben").emit("news", "Ben");
      io.to("all").emit("news", "end");
      expect(await heard).toEqual([
        [["all", Buffer.from([1, 2])], ["end"]],
        [["all", Buffer.from([1, 2])], ["Ben"], ["end"]],
      ]);
      for (const client of [ann, ben]) client.off("news");
      expect((await io.timeout(5_000).to("all").emitWithAck("which?")).sort()).toEqual(["ann", "ben"]);
      expect((await io.fetchSockets()).map(({ id }) => id).sort()).toEqual([ann.id, ben.id].sort());
    }
    for (const [name, emitter] of Object.entries(emitters)) {
      const heard = Promise.all([
        once(ann, name),
        once(ben, name),
        ...nodes.map((io) => once(io as never, name)),
      ]);
      const at = new Date(86_400_000);
      emitter.to("all").emit(name, at, Buffer.from([3]));
      emitter.serverSideEmit(name, "servers");
      const [first, second, ...servers] = await heard;
      expect([first, second]).toEqual(Array(2).fill([at.toISOString(), Buffer.from([3])]));
      expect(servers).toEqual([["servers"], ["servers"]]);
      emitter.in("room of ben").socketsJoin(name);
      await until(() => nodes[1]?.of("/").adapter.rooms.has(name) === true, "Ben in a room");
      expect(nodes[0]?.of("/").adapter.rooms.has(name)).toBe(false);
    }
  });

  test("from the adapter to the option cluster: neither half hears the other, and an emitter of each kind reaches its half once", async () => {
    const makeBus = () =>
      redisBus(createClient({ url: `redis://127.0.0.1:${redis.port}` }) as Parameters<typeof redisBus>[0]);
    const options = { cluster: { bus: makeBus(), name: "moved" } } as object;
    const site = await startSite("sockeye", options);
    const client = dial(site.url, { transports: ["websocket"], forceNew: true });
    ends.unshift(
      () => client.disconnect(),
      () => site.end(),
    );
    await once(client, "connect");
    const emitter = new Emitter(makeBus(), { name: "moved" });
    ends.unshift(() => emitter.close());
    await emitter.ready;
    const [ann] = places;
    const heard = { old: [] as unknown[], moved: [] as unknown[] };
    ann?.client.on("news", (word) => void heard.old.push(word));
    client.on("news", (word) => void heard.moved.push(word));
    ann?.site.io.emit("news", "old nodes");
    site.io.emit("news", "moved nodes");
    for (const each of [emitter, emitters["our emitter"]]) each?.emit("news", "both");
    await until(() => heard.old.length > 1 && heard.moved.length > 1, "both");
    expect(heard).toEqual({ old: ["old nodes", "both"], moved: ["moved nodes", "both"] });
  });
});
