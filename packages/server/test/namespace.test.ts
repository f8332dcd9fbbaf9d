import type { Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { collect, once } from "../../../test/support/wait.js";
import { dial, join, refused, roundTrip, serve } from "./site.js";

describe("middlewares of a namespace", () => {
  it("run in order, then the socket is let in, then the listeners hear of it", async () => {
    const site = await serve();
    const trail: unknown[] = [];
    for (const name of ["a", "b"]) {
      expect(
        site.io.use((socket, next) => {
          trail.push([name, socket.connected, site.io.sockets.sockets.has(socket.id)]);
          next();
        }),
      ).toBe(site.io);
    }
    site.io.on("connect", (socket) => trail.push(["connect", socket.connected]));
    site.io.on("connection", (socket) => trail.push(["connection", socket.connected]));
    await join(site);
    expect(trail).toEqual([
      ["a", false, false],
      ["b", false, false],
      ["connect", true],
      ["connection", true],
    ]);
  });

  it.each<{ name: string; refuse: () => unknown; got: { message: string; data?: unknown } }>([
    { name: "next(error)", refuse: () => new Error("no"), got: { message: "no" } },
    {
      name: "next(error) with data",
      refuse: () => Object.assign(new Error("no"), { data: { retry: [1] } }),
      got: { message: "no", data: { retry: [1] } },
    },
    {
      name: "a throw",
      refuse: () => {
        throw Object.assign(new Error("no"), { data: 0 });
      },
      got: { message: "no", data: 0 },
    },
    { name: "a rejection", refuse: () => Promise.reject(new Error("no")), got: { message: "no" } },
    {
      name: "data that is no JSON",
      refuse: () => Object.assign(new Error("no"), { data: circle() }),
      got: { message: "no" },
    },
  ])("refuse by $name, and leave nothing behind", async ({ refuse, got }) => {
    const site = await serve();
    site.io.on("error", () => {});
    site.io.use((socket, next) => {
      socket.join("room");
      const result = refuse();
      if (result instanceof Error) next(result);
      else return result;
      return undefined;
    });
    let connections = 0;
    site.io.on("connection", () => connections++);
    expect(await refused(dial(site))).toEqual(got);
    expect([connections, site.io.sockets.sockets.size, site.io.sockets.adapter.rooms.size]).toEqual([
      0, 0, 0,
    ]);
  });

  it("let a refused client try again on the same connection", async () => {
    const site = await serve();
    let tries = 0;
    site.io.use((_socket, next) => (++tries === 1 ? next(new Error("not yet")) : next()));
    const client = dial(site);
    await refused(client);
    client.connect();
    await once(client, "connect");
    expect(tries).toBe(2);
  });

  it("see a socket that has rooms, data and a handshake, and may emit before it is connected", async () => {
    const site = await serve();
    site.io.use(async (socket) => {
      await socket.join(["a", "b"]);
      socket.data.user = socket.handshake.auth["user"];
      socket.emit("early", 1);
    });
    const client = dial(site, "/", { auth: { user: "me" } });
    const early = collect(client as never, "early", 1);
    const order: string[] = [];
    client.on("connect", () => order.push("connect"));
    client.on("early", () => order.push("early"));
    const socket = (await once(site.io as never, "connection"))[0] as Socket;
    expect(await early).toEqual([[1]]);
    // A stock client keeps what comes early, and shows it right before it says that it is connected.
    expect(order).toEqual(["early", "connect"]);
    expect([...socket.rooms].sort()).toEqual(["a", "b", socket.id].sort());
    expect(socket.data).toEqual({ user: "me" });
    const toRoom = once(client as never, "toRoom");
    site.io.to("a").emit("toRoom");
    await toRoom;
  });

  it("do not let in a client that has gone meanwhile", async () => {
    const site = await serve();
    const asked = new Promise<() => void>((resolve) => site.io.use((_socket, next) => resolve(next)));
    let connections = 0;
    site.io.on("connection", () => connections++);
    site.io.engine.on("connection", (conn) => conn.on("close", () => closed()));
    let closed: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const client = dial(site);
    const next = await asked;
    client.disconnect();
    await gone;
    next();
    expect([connections, site.io.sockets.sockets.size, site.io.sockets.adapter.sids.size]).toEqual([0, 0, 0]);
  });

  it("of one namespace are not asked about another", async () => {
    const site = await serve();
    site.io.of("/open");
    site.io.use((_socket, next) => next(new Error("closed")));
    await join(site, "/open");
    expect(await refused(dial(site))).toEqual({ message: "closed" });
  });

  it("that are added while one decides count from the next client on", async () => {
    const site = await serve();
    let late = 0;
    site.io.use((_socket, next) => {
      site.io.use((_other, more) => {
        late++;
        more();
      });
      next();
    });
    await join(site);
    expect(late).toBe(0);
    await join(site);
    expect(late).toBe(1);
  });
});

describe("names of namespaces", () => {
  it("get a slash if they have none, and mean the same namespace again", async () => {
    const { io } = await serve();
    expect(io.of("admin")).toBe(io.of("/admin"));
    expect(io.of("/admin").name).toBe("/admin");
    expect([...io._nsps.keys()]).toEqual(["/", "/admin"]);
  });

  it.each(["/nowhere", "/__proto__", "/constructor", "/admin/", "/ADMIN"])("%s is refused", async (name) => {
    const site = await serve();
    site.io.of("/admin");
    expect(await refused(dial(site, name))).toEqual({ message: "Invalid namespace" });
    expect(site.io._nsps.size).toBe(2);
  });

  it("of() takes a connection listener", async () => {
    const site = await serve();
    const joined = new Promise<Socket>((resolve) => site.io.of("/x", resolve));
    const { socket } = await join(site, "/x");
    expect(await joined).toBe(socket);
    expect(socket.nsp).toBe(site.io.of("/x"));
  });

  it("new_namespace tells of each, once", async () => {
    const { io } = await serve();
    const told: unknown[] = [];
    io.on("new_namespace", (namespace) => told.push(namespace));
    io.of("/a");
    io.of("/a");
    io.of("/b");
    expect(told).toEqual([io.of("/a"), io.of("/b")]);
  });
});

describe("several namespaces on one connection", () => {
  it("have sockets of their own, and end one by one", async () => {
    const site = await serve();
    site.io.of("/x");
    const main = await join(site);
    const client = main.client.io.socket("/x");
    await once(client, "connect");
    const socket = site.io.of("/x").sockets.get(client.id as string) as Socket;
    expect(socket.id).not.toBe(main.socket.id);
    expect(socket.conn).toBe(main.socket.conn);
    expect(site.io.engine.clientsCount).toBe(1);
    const heard: string[] = [];
    main.client.on("news", () => heard.push("main"));
    client.on("news", () => heard.push("x"));
    site.io.of("/x").emit("news");
    await roundTrip(client, socket);
    expect(heard).toEqual(["x"]);
    const gone = once(client, "disconnect");
    socket.disconnect();
    expect((await gone)[0]).toBe("io server disconnect");
    await roundTrip(main.client, main.socket);
  });

  it("disconnect(true) ends them all", async () => {
    const site = await serve();
    site.io.of("/x");
    const main = await join(site);
    const client = main.client.io.socket("/x");
    await once(client, "connect");
    const socket = site.io.of("/x").sockets.get(client.id as string) as Socket;
    const reasons = [once(main.socket, "disconnect"), once(socket, "disconnect")];
    const left = [once(main.client, "disconnect"), once(client, "disconnect")];
    expect(socket.disconnect(true)).toBe(socket);
    expect((await Promise.all(reasons)).map(([reason]) => reason)).toEqual([
      "server namespace disconnect",
      "server namespace disconnect",
    ]);
    expect((await Promise.all(left)).map(([reason]) => reason)).toEqual([
      "io server disconnect",
      "io server disconnect",
    ]);
    expect(site.io.engine.clientsCount).toBe(0);
  });
});

function circle(): unknown {
  const self: Record<string, unknown> = {};
  self["self"] = self;
  return self;
}
