import type { Server } from "socket.io";
import { type Socket as ClientSocket, io as dial } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ServerName } from "../../support/servers.js";
import { type Site, startSite } from "../../support/servers.js";
import { collect, eventually, once, until, within } from "../../support/wait.js";

/** An adapter for a server, in any of the shapes in which Socket.IO takes it. */
export type MakeAdapter = () => Promise<NonNullable<Parameters<Server["adapter"]>[0]>>;

/** Two nodes of a cluster: which servers, and how each gets its adapter. */
export interface Pair {
  readonly nodes: readonly [ServerName, ServerName];
  readonly makeAdapter: MakeAdapter;
}

/** All that crosses nodes: the same for every adapter and for every mixture of servers. Ann is on the first, Ben on the second. */
export function clusterTests({ nodes, makeAdapter }: Pair): void {
  let sites: [Site, Site];
  let ann: ClientSocket;
  let ben: ClientSocket;

  beforeAll(async () => {
    sites = [await start(nodes[0]), await start(nodes[1])];
    await eventually(async () => {
      const counts = await Promise.all(sites.map(({ io }) => io.of("/").adapter.serverCount()));
      return counts.every((count) => count === 2);
    });
    ann = await enter(sites[0], "ann");
    ben = await enter(sites[1], "ben");
  });
  afterAll(async () => {
    ann?.disconnect();
    ben?.disconnect();
    for (const site of sites ?? []) await site.end();
  });

  async function start(name: ServerName): Promise<Site> {
    const site = await startSite(name, { adapter: await makeAdapter() });
    site.io.on("connection", (socket) => {
      const { name: user } = socket.handshake.auth as { name: string };
      socket.data.user = user;
      socket.join([`room of ${user}`, "all"]);
    });
    return site;
  }

  async function enter(site: Site, name: string): Promise<ClientSocket> {
    const client = dial(site.url, { transports: ["websocket"], forceNew: true, auth: { name } });
    await once(client, "connect");
    return client;
  }

  const first = (): Server => sites[0].io;

  test("a broadcast reaches both, in order, bytes included", async () => {
    const heard = Promise.all([collect(ann, "news", 3), collect(ben, "news", 3)]);
    first().emit("news", 1, { deep: [null, "ü"] });
    first().emit("news", 2, Buffer.from([1, 2, 3]));
    first().emit("news", 3);
    const expected = [[1, { deep: [null, "ü"] }], [2, Buffer.from([1, 2, 3])], [3]];
    for (const events of await heard) expect(events).toEqual(expected);
  });

  test("rooms and exceptions hold on the other node", async () => {
    const heard = Promise.all([collect(ann, "word", 2), collect(ben, "word", 2)]);
    first().to("room of ben").emit("word", "for Ben");
    first().except("room of ben").emit("word", "for others");
    first()
      .to("all")
      .except(ann.id as string)
      .emit("word", "not for Ann");
    first().to("room of ann").emit("word", "for Ann");
    const [forAnn, forBen] = await heard;
    expect(forAnn).toEqual([["for others"], ["for Ann"]]);
    expect(forBen).toEqual([["for Ben"], ["not for Ann"]]);
  });

  test("what a socket sends to others", async () => {
    const socket = first()
      .of("/")
      .sockets.get(ann.id as string);
    const heard = once(ben, "hello");
    socket?.broadcast.emit("hello", "from Ann");
    expect(await heard).toEqual(["from Ann"]);
  });

  test("a broadcast with an acknowledgement", async () => {
    ann.once("who?", (answer) => answer("Ann"));
    ben.once("who?", (answer) => answer("Ben"));
    const answers = (await first().timeout(4000).emitWithAck("who?")) as string[];
    expect(answers.sort()).toEqual(["Ann", "Ben"]);
  });

  test("fetchSockets, and acting on a socket of the other node", async () => {
    const sockets = await first().fetchSockets();
    expect(sockets.map(({ id }) => id).sort()).toEqual([ann.id, ben.id].sort());
    const remote = sockets.find(({ id }) => id === ben.id);
    expect(remote?.data).toEqual({ user: "ben" });
    expect(remote?.rooms).toEqual(new Set([ben.id, "room of ben", "all"]));
    expect(remote?.handshake.auth).toEqual({ name: "ben" });

    const heard = once(ben, "directly");
    remote?.emit("directly", 1);
    expect(await heard).toEqual([1]);

    const there = sites[1].io.of("/");
    remote?.join("guests");
    await until(
      () => there.adapter.rooms.get("guests")?.has(ben.id as string) === true,
      "Ben among the guests",
    );
    remote?.leave("guests");
    await until(() => !there.adapter.rooms.has("guests"), "no guests");
  });

  test("socketsJoin and socketsLeave", async () => {
    const there = sites[1].io.of("/").adapter;
    first().in("room of ben").socketsJoin(["one", "two"]);
    await until(() => there.rooms.has("one") && there.rooms.has("two"), "both rooms");
    expect(sites[0].io.of("/").adapter.rooms.has("one")).toBe(false);
    first().in("room of ben").socketsLeave("one");
    await until(() => !there.rooms.has("one"), "one room less");
    expect(there.rooms.has("two")).toBe(true);
  });

  test("serverSideEmit", async () => {
    const heard = once(sites[1].io as never, "job");
    first().serverSideEmit("job", { n: 1 }, "two");
    expect(await heard).toEqual([{ n: 1 }, "two"]);
  });

  test("serverSideEmit with answers", async () => {
    sites[1].io.once("load?", (unit: string, answer: (load: string) => void) => answer(`7 ${unit}`));
    expect(await within(first().serverSideEmitWithAck("load?", "%"), "answers")).toEqual(["7 %"]);
  });

  test("the same the other way", async () => {
    const second = sites[1].io;
    const heard = Promise.all([once(ann, "back"), once(sites[0].io as never, "job")]);
    second.to("room of ann").emit("back", Buffer.from([9]));
    second.serverSideEmit("job", 2);
    expect(await heard).toEqual([[Buffer.from([9])], [2]]);
    expect((await second.fetchSockets()).length).toBe(2);
    ann.once("who?", (answer) => answer("Ann"));
    ben.once("who?", (answer) => answer("Ben"));
    expect(((await second.timeout(4000).emitWithAck("who?")) as string[]).sort()).toEqual(["Ann", "Ben"]);
  });

  test("another namespace, made later", async () => {
    for (const { io } of sites) io.of("/later");
    await eventually(async () => {
      const counts = await Promise.all(sites.map(({ io }) => io.of("/later").adapter.serverCount()));
      return counts.every((count) => count === 2);
    });
    const guest = dial(`${sites[1].url}/later`, { transports: ["websocket"], forceNew: true });
    await once(guest, "connect");
    const heard = once(guest, "x");
    first().of("/later").emit("x", 1);
    expect(await heard).toEqual([1]);
    guest.disconnect();
  });

  test("disconnectSockets", async () => {
    const gone = once(ben, "disconnect");
    first().in("room of ben").disconnectSockets(true);
    await gone;
    expect(ann.connected).toBe(true);
  });
}

/** Becomes true at some time; asked again as long as it is not. */
