// Rooms that remember, spoken by hand: by npm's client and by ours, over each transport that they share.
import type { Server } from "@sockeye/server";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { type ClientName, loadClient, optionsFor, type Site, startSite } from "../support/servers.js";
import { once, until } from "../support/wait.js";

interface Envelope {
  readonly room: string;
  readonly position: string;
  readonly event: string;
  readonly args: readonly unknown[];
  readonly from?: string;
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: object = {}): Promise<{ io: Server; site: Site }> {
  const site = await startSite("sockeye", options);
  ends.push(() => site.end());
  const io = site.io as unknown as Server;
  io.room("doc:+", {
    keep: { count: 100, age: "1h" },
    presence: (socket) => (socket.handshake.auth as { name?: string }).name,
    authorize: (_socket, { room }) => room !== "doc:secret",
  });
  return { io, site };
}

const PEERS: readonly (readonly [ClientName, "websocket" | "polling"])[] = [
  ["sockeye", "websocket"],
  ["sockeye", "polling"],
  ["socket.io-client 4", "websocket"],
  ["socket.io-client 4", "polling"],
];

describe.each(PEERS)("%s over %s", (name, way) => {
  async function dial(site: Site, auth: object = {}): Promise<ClientSocket> {
    const { io } = await loadClient(name);
    const client = io(site.url, { ...optionsFor(way), auth, forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    return client;
  }
  const eventsOf = (client: ClientSocket): Envelope[] => {
    const got: Envelope[] = [];
    client.on("sockeye:event", (envelope: Envelope) => got.push(envelope));
    return got;
  };
  const ask = (client: ClientSocket, event: string, argument: object): Promise<unknown> =>
    new Promise((resolve) => client.emit(event, argument, (...args: unknown[]) => resolve(args)));

  it("joins, catches up, hears what comes, and reads the history: bytes and all", async () => {
    const { io, site } = await serve();
    for (let n = 1; n <= 3; n++) io.to("doc:1").emit("edit", { n, bytes: Buffer.from([n]) });
    const client = await dial(site);
    const got = eventsOf(client);
    const [joined] = (await ask(client, "sockeye:join", { room: "doc:1", since: "last:2" })) as [
      { complete: boolean; position: string },
    ];
    io.to("doc:1").emit("edit", { n: 4, bytes: Buffer.from([4]) });
    await until(() => got.length === 3, "the events");
    expect(joined).toEqual({
      room: "doc:1",
      complete: true,
      position: io.room("doc:1").position?.replace(/4$/, "3"),
      members: [],
      count: 0,
    });
    expect(got.map(({ args }) => (args[0] as { n: number }).n)).toEqual([2, 3, 4]);
    expect(got.map(({ args }) => [...new Uint8Array((args[0] as { bytes: Uint8Array }).bytes)])).toEqual([
      [2],
      [3],
      [4],
    ]);
    const [page] = (await ask(client, "sockeye:history", {
      room: "doc:1",
      limit: 1,
      before: joined.position,
    })) as [{ events: Envelope[] }];
    expect(page.events).toMatchObject([{ event: "edit", args: [{ n: 2 }] }]);
    expect(io.room("doc:1").history({ limit: 1 })).toMatchObject([{ event: "edit", args: [{ n: 4 }] }]);
  });

  it("publishes once however often, and others hear it", async () => {
    const { io, site } = await serve();
    const [one, other] = [await dial(site), await dial(site)];
    const got = eventsOf(other);
    await ask(other, "sockeye:join", { room: "doc:1" });
    const publication = { room: "doc:1", event: "edit", args: [1], id: "a1" };
    const [first] = (await ask(one, "sockeye:publish", publication)) as [{ position: string }];
    expect(await ask(one, "sockeye:publish", publication)).toEqual([{ ...first, repeated: true }]);
    await until(() => got.length === 1, "the event");
    expect(got).toEqual([
      { room: "doc:1", position: first.position, event: "edit", args: [1], id: "a1", from: one.id },
    ]);
    expect(io.room("doc:1").history()).toHaveLength(1);
  });

  it("is refused in words that any client understands, and the app's handlers hear nothing of it", async () => {
    const { io, site } = await serve();
    const heard: unknown[] = [];
    io.on("connection", (socket) => socket.onAny((event) => heard.push(event)));
    const client = await dial(site);
    for (const room of ["doc:secret", "unknown"]) {
      expect(await ask(client, "sockeye:join", { room })).toEqual([
        null,
        { $error: { code: "ERR_ROOM_FORBIDDEN", message: expect.any(String) } },
      ]);
    }
    expect(await ask(client, "sockeye:join", { room: 7 })).toMatchObject([
      null,
      { $error: { code: "ERR_ROOM_REQUEST" } },
    ]);
    expect(heard).toEqual([]);
  });

  it("shows who is there, and who has gone", async () => {
    const { io, site } = await serve();
    const [ann, bob] = [await dial(site, { name: "ann" }), await dial(site, { name: "bob" })];
    const changes: { joined: { key: string }[]; left: string[] }[] = [];
    ann.on("sockeye:presence", (change) => changes.push(change));
    for (const client of [ann, bob]) {
      await ask(client, "sockeye:join", { room: "doc:1" });
      await ask(client, "sockeye:presence", { room: "doc:1", set: { cursor: 1 } });
    }
    await until(() => changes.flatMap(({ joined }) => joined).length === 2, "who came");
    expect(
      io
        .room("doc:1")
        .presence()
        .map(({ key }) => key),
    ).toEqual(["ann", "bob"]);
    bob.disconnect();
    await until(() => changes.some(({ left }) => left.includes("bob")), "who went");
    expect(io.room("doc:1").presenceCount).toBe(1);
  });
});

it("a dynamic namespace begins with the rules of its parent", async () => {
  const { io, site } = await serve();
  io.of(/^\/team-/).room("doc:+", { keep: "last", authorize: () => true });
  const { io: dialled } = await loadClient("sockeye");
  const client = dialled(`${site.url}/team-1`, { forceNew: true });
  ends.push(() => client.disconnect());
  await once(client, "connect");
  io.of("/team-1").to("doc:1").emit("edit", 1);
  const got = once(client, "sockeye:event");
  client.emit("sockeye:join", { room: "doc:1" });
  expect(await got).toMatchObject([{ event: "edit", args: [1] }]);
});

it("plain members and everybody else are served as ever", async () => {
  const { io, site } = await serve();
  io.on("connection", (socket) => void socket.join("doc:1"));
  const { io: dialled } = await loadClient("sockeye");
  const client = dialled(site.url, { forceNew: true });
  ends.push(() => client.disconnect());
  const got: unknown[] = [];
  client.onAny((...event: unknown[]) => got.push(event));
  await once(client, "connect");
  io.to("doc:1").emit("edit", 1);
  io.to("free").emit("edit", 2);
  io.emit("all", 3);
  await until(() => got.length === 2, "the events");
  expect(got).toEqual([
    ["edit", 1],
    ["all", 3],
  ]);
});
