// socket.io-adapter's own classes, and classes derived from them, as `adapter`.
import { Adapter, SessionAwareAdapter } from "socket.io-adapter";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type ClientName,
  type ClientOptions,
  loadClient,
  type ServerName,
  type Site,
  serverHalf,
  startSite,
} from "../../support/servers.js";
import { collect, once, until } from "../../support/wait.js";
import { Bus } from "./bus-adapter.js";
import { clusterTests } from "./cluster.js";

/** The second is there to prove the tests: what they expect is what Socket.IO does. */
const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];

async function site(name: ServerName, options: Parameters<typeof startSite>[1]): Promise<Site> {
  const started = await startSite(name, options);
  onTestFinished(() => started.end());
  return started;
}

async function enter(
  { url }: Site,
  options: ClientOptions = {},
  name: ClientName = "socket.io-client 4",
): Promise<ClientSocket> {
  const { io: dial } = await loadClient(name);
  const client = dial(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 10,
    reconnectionDelayMax: 20,
    ...options,
  });
  onTestFinished(() => void client.disconnect());
  await once(client, "connect");
  return client;
}

describe.each(SERVERS)("on %s", (server) => {
  test("Adapter: rooms, broadcasts, acknowledgements, room events", async () => {
    const here = await site(server, { adapter: Adapter });
    const { io } = here;
    const { adapter } = io.of("/");
    expect(adapter).toBeInstanceOf(Adapter);
    expect(adapter.nsp).toBe(io.of("/"));
    const events: unknown[][] = [];
    for (const event of ["create-room", "join-room", "leave-room", "delete-room"]) {
      adapter.on(event, (...args) => events.push([event, ...args]));
    }
    const [ann, ben] = [await enter(here), await enter(here, { transports: ["polling"] })];
    const [annHere, benHere] = [await serverHalf(here, ann), await serverHalf(here, ben)];
    events.length = 0;
    benHere.join("b");
    expect([...benHere.rooms]).toEqual([ben.id, "b"]);
    expect(events).toEqual([
      ["create-room", "b"],
      ["join-room", "b", ben.id],
    ]);

    const outgoing: unknown[][] = [];
    annHere.onAnyOutgoing((...args) => outgoing.push(args));
    const heard = Promise.all([collect(ann, "x", 2), collect(ben, "x", 3)]);
    io.emit("x", "all", Buffer.from([1]));
    io.to("b").emit("x", "b");
    io.compress(false).emit("x", "last");
    expect(await heard).toEqual([
      [["all", Buffer.from([1])], ["last"]],
      [["all", Buffer.from([1])], ["b"], ["last"]],
    ]);
    expect(outgoing).toEqual([
      ["x", "all", Buffer.from([1])],
      ["x", "last"],
    ]);

    ann.on("q", (n, answer) => answer(n + 1));
    ben.on("q", (n, answer) => answer(n + 2, "more"));
    expect(((await io.timeout(2000).emitWithAck("q", 1)) as number[]).sort()).toEqual([2, 3]);
    expect(await annHere.emitWithAck("q", 5)).toBe(6);
    const sockets = await io.fetchSockets();
    expect(sockets.map(({ id }) => id).sort()).toEqual([ann.id, ben.id].sort());
    io.in("b").socketsLeave("b");
    expect(events.slice(2)).toEqual([
      ["leave-room", "b", ben.id],
      ["delete-room", "b"],
    ]);
    const gone = once(ben, "disconnect");
    io.in(ben.id as string).disconnectSockets();
    expect(await gone).toEqual(["io server disconnect", undefined].slice(0, (await gone).length));
  });

  test("Adapter: a broadcast with acknowledgements that does not get them all", async () => {
    const here = await site(server, { adapter: Adapter });
    const [ann, ben] = [await enter(here), await enter(here)];
    ann.on("q", (answer) => answer("Ann"));
    await serverHalf(here, ben);
    await expect(here.io.timeout(50).emitWithAck("q")).rejects.toMatchObject({
      message: "operation has timed out",
      responses: ["Ann"],
    });
  });

  test("Adapter: a volatile broadcast to a client that takes nothing at the moment", async () => {
    const here = await site(server, { adapter: Adapter });
    const ann = await enter(here);
    await serverHalf(here, ann);
    const words: unknown[] = [];
    ann.on("x", (word) => words.push(word));
    const last = once(ann, "last");
    here.io.volatile.emit("x", 1);
    here.io.emit("last");
    await last;
    expect(words).toEqual([1]);
  });

  test("a class of the app's own, and a function that makes one", async () => {
    class Counting extends Adapter {
      readonly sent: unknown[] = [];
      override broadcast(packet: { data: unknown }, options: Parameters<Adapter["broadcast"]>[1]): void {
        this.sent.push(packet.data);
        super.broadcast(packet, options);
      }
      greet(id: string): void {
        this.nsp.sockets.get(id).emit("greeting", this.nsp.name);
      }
    }
    // Socket.IO calls it with `new`, so no arrow function there.
    function makeCounting(nsp: unknown): Counting {
      return new Counting(nsp);
    }
    const shapes = [Counting, makeCounting as unknown];
    for (const adapter of shapes as (typeof Counting)[]) {
      const here = await site(server, { adapter });
      const ann = await enter(here);
      const made = here.io.of("/").adapter as Counting;
      const heard = Promise.all([once(ann, "x"), once(ann, "greeting")]);
      here.io.emit("x", 1);
      made.greet(ann.id as string);
      expect(await heard).toEqual([[1], ["/"]]);
      expect(made.sent).toEqual([["x", 1]]);
    }
  });

  test("io.adapter(…), and dynamic namespaces", async () => {
    const here = await site(server, {});
    here.io.adapter(Adapter);
    expect(here.io.of("/").adapter).toBeInstanceOf(Adapter);
    const parent = here.io.of(/^\/room-\d$/);
    const clients = await Promise.all(
      ["/room-1", "/room-2"].map((name) => enter({ ...here, url: here.url + name })),
    );
    expect(here.io.of("/room-1").adapter).toBeInstanceOf(Adapter);
    const heard = Promise.all(clients.map((client) => once(client, "x")));
    parent.emit("x", 1);
    expect(await heard).toEqual([[1], [1]]);
  });

  test.each(["socket.io-client 4", "sockeye"] as const)(
    "SessionAwareAdapter: %s comes back to its rooms and to what it has missed",
    async (name) => {
      const here = await site(server, { adapter: SessionAwareAdapter, connectionStateRecovery: {} as never });
      const { io } = here;
      expect(io.of("/").adapter).toBeInstanceOf(SessionAwareAdapter);
      io.on("connection", (socket) => void (socket.recovered || socket.join("r")));
      const patience = { reconnectionDelay: 200, reconnectionDelayMax: 200, randomizationFactor: 0 };
      const ann = await enter(here, patience, name);
      const { id } = ann;
      const socket = await serverHalf(here, ann);
      socket.data = { kept: true };
      const first = once(ann, "x");
      io.emit("x", 0);
      expect((await first)[0]).toBe(0);

      const gone = once(ann, "disconnect");
      const left = once(socket, "disconnect");
      ann.io.engine.close();
      await Promise.all([gone, left]);
      const missed = collect(ann, "x", 3);
      const back = once(ann, "connect");
      io.to("r").emit("x", 1);
      io.to(id as string).emit("x", 2);
      io.to("elsewhere").emit("x", "never");
      io.except("r").emit("x", "never");
      io.emit("x", 3, Buffer.from([1]));
      expect((await missed).map(([n]) => n)).toEqual([1, 2, 3]);
      await back;
      expect([ann.recovered, ann.id]).toEqual([true, id]);
      const again = await serverHalf(here, ann);
      expect([again.recovered, again.data, [...again.rooms].sort()]).toEqual([
        true,
        { kept: true },
        [id, "r"].sort(),
      ]);
    },
  );

  test("SessionAwareAdapter: a client with a secret that nobody knows is a new one", async () => {
    const here = await site(server, { adapter: SessionAwareAdapter, connectionStateRecovery: {} as never });
    const ann = await enter(here, { auth: { pid: "unknown", offset: "x" } });
    expect(ann.recovered).toBe(false);
    const heard = once(ann, "x");
    here.io.emit("x", 1);
    expect((await heard)[0]).toBe(1);
  });
});

test("what cannot be encoded is told to the app, also where an adapter sends later", async () => {
  const bus = new Bus();
  const here = await site("sockeye", { adapter: bus.adapter() as unknown as typeof Adapter });
  const ann = await enter(here);
  const failed = once(here.io as never, "error");
  const cycle: unknown[] = [];
  cycle.push(cycle);
  here.io.local.emit("bad", cycle);
  expect(await failed).toEqual([
    expect.objectContaining({ code: "ERR_UNENCODABLE" }),
    expect.objectContaining({ event: "bad", namespace: "/" }),
  ]);
  const heard = once(ann, "good");
  here.io.emit("good", 1);
  expect(await heard).toEqual([1]);
});

test("a pending acknowledgement does not outlive its socket", async () => {
  const here = await site("sockeye", { adapter: Adapter });
  const ann = await enter(here);
  const socket = await serverHalf(here, ann);
  ann.on("q", () => {});
  const failed = expect(here.io.timeout(40).emitWithAck("q")).rejects.toThrow("timed out");
  ann.disconnect();
  await until(() => socket.disconnected, "the end of the socket");
  await failed;
});

const BUSSES: readonly (readonly [ServerName, ServerName])[] = [
  ["sockeye", "sockeye"],
  ["sockeye", "socket.io 4"],
  ["socket.io 4", "sockeye"],
];
describe.each(BUSSES)("a ClusterAdapter of the app's own, between %s and %s", (...nodes) => {
  const bus = new Bus();
  clusterTests({
    nodes,
    makeAdapter: () => Promise.resolve(bus.adapter() as unknown as typeof Adapter),
  });
});
