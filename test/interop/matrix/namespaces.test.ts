import type { Namespace, Socket } from "socket.io";
import { expect } from "vitest";
import { loadClient } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { once, until } from "../../support/wait.js";

matrix("namespaces", (behaves, row) => {
  behaves("share one connection", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site);
    const adminClient = main.client.io.socket("/admin");
    const admin = await stage.both(site, adminClient);
    expect(site.io.engine.clientsCount).toBe(1);
    expect(admin.socket.conn).toBe(main.socket.conn);
    expect(admin.socket.client).toBe(main.socket.client);
    expect(admin.client.id).not.toBe(main.client.id);
    expect([main.socket.nsp.name, admin.socket.nsp.name]).toEqual(["/", "/admin"]);
    const heard = Promise.all([once(main.client, "who"), once(admin.client, "who")]);
    main.socket.emit("who", "main");
    admin.socket.emit("who", "admin");
    expect(await heard).toEqual([["main"], ["admin"]]);
  });

  behaves("share one Manager through io(), unless the namespace is in use", async (stage) => {
    const site = await stage.serve();
    site.io.of("/a");
    site.io.of("/b");
    const { io } = await loadClient(row.client);
    const options = { transports: ["websocket"], reconnection: false, path: `/socket.io/` };
    const a = io(`${site.url}/a`, options);
    const b = io(`${site.url}/b`, options);
    const again = io(`${site.url}/a`, options);
    const alone = io(`${site.url}/b`, { ...options, multiplex: false });
    stage.defer(() => {
      for (const client of [a, b, again, alone]) client.disconnect();
    });
    await Promise.all([a, b, again, alone].map((client) => once(client, "connect")));
    expect(b.io).toBe(a.io);
    expect(again.io).not.toBe(a.io);
    expect(alone.io).not.toBe(b.io);
    expect(site.io.engine.clientsCount).toBe(3);
  });

  behaves("have any name", async (stage) => {
    const site = await stage.serve();
    for (const name of [
      "/chat",
      "/a/b/c",
      "/with-dash_and.dot",
      "/__proto__",
      "/constructor",
      "/0",
      "/12[",
    ]) {
      site.io.of(name);
      const client = await stage.dial(site, { autoConnect: false });
      const named = client.io.socket(name);
      named.connect();
      const { socket } = await stage.both(site, named);
      expect(socket.nsp.name).toBe(name);
      const got = new Promise((resolve) => socket.on("e", (...args) => resolve(args)));
      named.emit("e", name);
      expect(await got).toEqual([name]);
      named.disconnect();
    }
  });

  behaves("get their slash when it is missing", async (stage) => {
    const site = await stage.serve();
    const nsp = site.io.of("admin");
    expect(nsp.name).toBe("/admin");
    expect(site.io.of("/admin")).toBe(nsp);
    expect(site.io.of("/")).toBe(site.io.sockets);
    const { socket } = await stage.connect(site, {}, "/admin");
    expect(socket.nsp).toBe(nsp);
  });

  behaves("leave the query to the connection", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const { socket } = await stage.connect(site, {}, "/admin?token=abc&x=1");
    expect(socket.nsp.name).toBe("/admin");
    expect(socket.handshake.query).toMatchObject({ token: "abc", x: "1" });
  });

  behaves("keep their events apart", async (stage) => {
    const site = await stage.serve();
    const admin = site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const heard: string[] = [];
    main.client.on("e", (from: string) => heard.push(`main heard ${from}`));
    other.client.on("e", (from: string) => heard.push(`admin heard ${from}`));
    const end = Promise.all([once(main.client, "end"), once(other.client, "end")]);
    admin.emit("e", "admin");
    site.io.emit("e", "main");
    admin.emit("end");
    site.io.emit("end");
    await end;
    expect(heard.sort()).toEqual(["admin heard admin", "main heard main"]);
  });

  behaves("count their acknowledgements apart", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    main.socket.on("who", (answer: (name: string) => void) => answer("main"));
    other.socket.on("who", (answer: (name: string) => void) => answer("admin"));
    const answers = await Promise.all(
      [main.client, other.client].map((client) => new Promise((resolve) => client.emit("who", resolve))),
    );
    expect(answers).toEqual(["main", "admin"]);
  });

  behaves("that do not exist are refused, and nothing else is", async (stage) => {
    const site = await stage.serve();
    const main = await stage.connect(site);
    const nowhere = main.client.io.socket("/nowhere");
    const [error] = await once(nowhere, "connect_error");
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe("Invalid namespace");
    expect(nowhere.connected).toBe(false);
    main.socket.on("echo", (answer: () => void) => answer());
    await new Promise<void>((resolve) => main.client.emit("echo", resolve));
    expect(main.client.connected).toBe(true);
  });

  behaves("that come to exist later can be joined then", async (stage) => {
    const site = await stage.serve();
    const client = await stage.dial(site, {}, "/later");
    await once(client, "connect_error");
    site.io.of("/later");
    client.connect();
    await stage.both(site, client);
  });

  behaves("are left one at a time", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const left = once(other.socket, "disconnect");
    other.client.disconnect();
    expect((await left)[0]).toBe("client namespace disconnect");
    expect([main.client.connected, main.socket.connected]).toEqual([true, true]);
    expect(site.io.of("/admin").sockets.size).toBe(0);
    const oldId = other.socket.id;
    other.client.connect();
    const again = await stage.both(site, other.client);
    expect(again.socket.id).not.toBe(oldId);
    expect(again.socket.conn).toBe(main.socket.conn);
  });

  behaves("are made from a regular expression", async (stage) => {
    const site = await stage.serve();
    const parent = site.io.of(/^\/room-\d+$/);
    const made: string[] = [];
    site.io.on("new_namespace", (nsp) => made.push(nsp.name));
    const steps: string[] = [];
    parent.use((socket, next) => {
      steps.push(`use ${socket.nsp.name}`);
      next();
    });
    parent.on("connection", (socket) => {
      steps.push(`connection ${socket.nsp.name}`);
      socket.emit("welcome", socket.nsp.name);
    });
    const client = await stage.dial(site, {}, "/room-7");
    const [welcome] = await once(client, "welcome");
    expect(welcome).toBe("/room-7");
    expect(steps).toEqual(["use /room-7", "connection /room-7"]);
    expect(made).toEqual(["/room-7"]);
    const second = await stage.connect(site, {}, "/room-7");
    expect(second.socket.nsp.sockets.size).toBe(2);
    expect(made).toEqual(["/room-7"]);
    const wrong = await stage.dial(site, {}, "/room-x");
    expect(((await once(wrong, "connect_error"))[0] as Error).message).toBe("Invalid namespace");
  });

  behaves("are made by a function that sees name and auth", async (stage) => {
    const site = await stage.serve();
    const asked: unknown[] = [];
    site.io.of((name, auth, next) => {
      asked.push([name, auth]);
      setImmediate(() => next(null, auth["token"] === "good"));
    });
    const { socket } = await stage.connect(site, { auth: { token: "good" } }, "/dynamic");
    expect(socket.nsp.name).toBe("/dynamic");
    expect(asked).toEqual([["/dynamic", { token: "good" }]]);
    const bad = await stage.dial(site, { auth: { token: "bad" } }, "/other");
    expect(((await once(bad, "connect_error"))[0] as Error).message).toBe("Invalid namespace");
  });

  behaves("are refused by a function that fails", async (stage) => {
    const site = await stage.serve();
    site.io.of((_name, _auth, next) => next(new Error("database is down"), true));
    const client = await stage.dial(site, {}, "/dynamic");
    expect(((await once(client, "connect_error"))[0] as Error).message).toBe("Invalid namespace");
  });

  behaves("of one parent are reached through it", async (stage) => {
    const site = await stage.serve();
    const parent = site.io.of(/^\/p-/);
    const one = await stage.connect(site, {}, "/p-1");
    const two = await stage.connect(site, {}, "/p-2");
    const outside = await stage.connect(site);
    const strays: unknown[] = [];
    outside.client.on("news", (text: string) => strays.push(text));
    const heard = Promise.all([once(one.client, "news"), once(two.client, "news")]);
    parent.emit("news", "to all");
    expect(await heard).toEqual([["to all"], ["to all"]]);
    const fence = once(outside.client, "fence");
    site.io.emit("fence");
    await fence;
    expect(strays).toEqual([]);
  });

  behaves("that match a parent and are named become its children", async (stage) => {
    const site = await stage.serve();
    const seen: string[] = [];
    site.io.of(/^\/p-/).on("connection", (socket: Socket) => seen.push(socket.nsp.name));
    const child: Namespace = site.io.of("/p-named");
    const { socket } = await stage.connect(site, {}, "/p-named");
    expect(socket.nsp).toBe(child);
    expect(seen).toEqual(["/p-named"]);
  });

  behaves("made for one client go with it when asked to", async (stage) => {
    const site = await stage.serve({ cleanupEmptyChildNamespaces: true });
    site.io.of(/^\/p-/);
    const { client, socket } = await stage.connect(site, {}, "/p-1");
    const first = socket.nsp;
    client.disconnect();
    await until(() => site.io._nsps.has("/p-1") === false, "the empty namespace to go");
    const again = await stage.connect(site, {}, "/p-1");
    expect(again.socket.nsp).not.toBe(first);
  });
});
