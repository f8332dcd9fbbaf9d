import { expect } from "vitest";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

matrix("connecting", (behaves, row) => {
  const [first = "", last = first] = row.way.split(", then ");
  // An EventSource has no headers of the app's.
  const withHeaders: typeof behaves = row.way === "sse" ? () => {} : behaves;

  behaves("gives both halves the same id, of 20 characters", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    // In version 2 it is the session's, which here has more.
    const most = row.client === "socket.io-client 2" ? 22 : 20;
    expect(client.id).toMatch(new RegExp(`^[A-Za-z0-9_-]{20,${most}}$`));
    expect(socket.id).toBe(client.id);
    expect([client.connected, client.disconnected]).toEqual([true, false]);
    expect([socket.connected, socket.disconnected]).toEqual([true, false]);
    expect(site.io.sockets.sockets.get(socket.id)).toBe(socket);
    expect(site.io.engine.clientsCount).toBe(1);
  });

  behaves("has no id before and after", async (stage) => {
    const site = await stage.serve();
    const client = await stage.dial(site, { autoConnect: false });
    expect(client.id).toBeUndefined();
    expect(client.connected).toBe(false);
    client.connect();
    await stage.both(site, client);
    expect(client.id).toBeTypeOf("string");
    client.disconnect();
    expect(client.id).toBeUndefined();
    expect([client.connected, client.disconnected]).toEqual([false, true]);
  });

  behaves("knows whether it is active", "active", async (stage) => {
    const site = await stage.serve();
    const client = await stage.dial(site, { autoConnect: false });
    expect(client.active).toBe(false);
    client.connect();
    expect(client.active).toBe(true);
    await stage.both(site, client);
    expect(client.active).toBe(true);
    client.disconnect();
    expect(client.active).toBe(false);
  });

  withHeaders("tells the server about the handshake", async (stage) => {
    const site = await stage.serve();
    const before = Date.now();
    const { socket } = await stage.connect(site, {
      auth: { token: "secret", deep: { list: [1, null] } },
      query: { room: "a b", sign: "1+1=2&ü" },
      extraHeaders: { "X-Custom": "a, b; c", Authorization: "Bearer x" },
    });
    const { handshake } = socket;
    expect(handshake.auth).toEqual({ token: "secret", deep: { list: [1, null] } });
    expect(handshake.query).toMatchObject({ room: "a b", sign: "1+1=2&ü", EIO: "4", transport: first });
    expect(handshake.headers).toMatchObject({ "x-custom": "a, b; c", authorization: "Bearer x" });
    expect(handshake.headers.host).toBe(`127.0.0.1:${site.port}`);
    expect(handshake.address).toBe("127.0.0.1");
    expect(handshake.url).toMatch(/^\/socket\.io\/\?.*EIO=4/);
    expect([handshake.secure, handshake.xdomain]).toEqual([false, false]);
    expect(handshake.issued).toBeGreaterThanOrEqual(before);
    expect(handshake.issued).toBeLessThanOrEqual(Date.now());
    expect(Math.abs(Date.parse(handshake.time) - handshake.issued)).toBeLessThanOrEqual(1000);
  });

  withHeaders("sees an Origin header as another domain", async (stage) => {
    const site = await stage.serve({ cors: { origin: "http://app.example" } });
    const { socket } = await stage.connect(site, { extraHeaders: { Origin: "http://app.example" } });
    expect(socket.handshake.xdomain).toBe(true);
  });

  behaves("has an empty auth when none was given", async (stage) => {
    const site = await stage.serve();
    const { socket } = await stage.connect(site);
    expect(socket.handshake.auth).toEqual({});
    expect(socket.data).toEqual({});
  });

  behaves("shows the engine on both sides", async (stage) => {
    const site = await stage.serve();
    const transports: unknown[] = [];
    site.io.on("connection", (socket) => transports.push(socket.conn.transport.name));
    const { client, socket } = await stage.connect(site);
    expect(transports).toEqual([first]);
    expect(socket.conn.transport.name).toBe(last);
    expect(client.io.engine.transport.name).toBe(last);
    expect(socket.conn.protocol).toBe(4);
    expect(socket.conn.remoteAddress).toBe("127.0.0.1");
    expect(socket.conn.readyState).toBe("open");
    expect(socket.conn["id"]).toMatch(/^[A-Za-z0-9_-]{20,22}$/);
    expect(socket.conn["id"]).not.toBe(socket.id);
    expect(client.io.engine.id).toBe(socket.conn["id"]);
    expect(socket.request.url).toMatch(/^\/socket\.io\/\?/);
    expect(socket.request.headers["host"]).toBe(`127.0.0.1:${site.port}`);
  });

  behaves("serves another path", async (stage) => {
    const site = await stage.serve({ path: "/custom/" });
    const { socket } = await stage.connect(site, { path: "/custom" });
    expect(socket.handshake.url).toMatch(/^\/custom\/\?/);
  });

  behaves("serves a path without a slash at its end", async (stage) => {
    const site = await stage.serve({ path: "/custom", addTrailingSlash: false });
    const { socket } = await stage.connect(site, { path: "/custom", addTrailingSlash: false });
    expect(socket.handshake.url).toMatch(/^\/custom\/?\?/);
  });

  behaves("fires `connection` and its alias `connect`, and the engine's `connection`", async (stage) => {
    const site = await stage.serve();
    const names: string[] = [];
    site.io.engine.on("connection", () => names.push("engine"));
    site.io.on("connection", () => names.push("connection"));
    site.io.on("connect", () => names.push("connect"));
    await stage.connect(site);
    expect(names[0]).toBe("engine");
    expect(names.slice(1).sort()).toEqual(["connect", "connection"]);
  });

  behaves("delivers what the connection handler sends at once", async (stage) => {
    const site = await stage.serve();
    site.io.on("connection", (socket) => {
      socket.emit("hello", socket.id);
      socket.emit("again");
    });
    const client = await stage.dial(site);
    const heard: unknown[] = [];
    client.on("connect", () => heard.push("connect"));
    client.on("hello", (id: string) => heard.push(id));
    await once(client, "again");
    expect(heard).toEqual(["connect", client.id]);
  });

  behaves("keeps what is emitted before the connection stands, in order", async (stage) => {
    const site = await stage.serve();
    const heard: unknown[] = [];
    site.io.on("connection", (socket) => {
      socket.onAny((...args) => heard.push(args));
      socket.on("end", (answer: () => void) => answer());
    });
    const client = await stage.dial(site);
    client.emit("one", 1);
    client.emit("two", 2, Buffer.from([2]));
    await new Promise<void>((resolve) => client.emit("end", resolve));
    expect(heard.slice(0, 2)).toEqual([
      ["one", 1],
      ["two", 2, Buffer.from([2])],
    ]);
  });

  behaves("refuses a client that allowRequest refuses", async (stage) => {
    const site = await stage.serve({ allowRequest: (_req, decide) => decide("not today", false) });
    const client = await stage.dial(site, { reconnection: false });
    const [error] = await once(client, "connect_error");
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe(first === "polling" ? "xhr poll error" : `${first} error`);
    expect(client.connected).toBe(false);
  });
});
