import { expect } from "vitest";
import { pullThePlug, serverHalf, UNCOUNTED } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";
import { DIFFERENCES, expectedOf } from "../differences.js";

matrix("disconnecting", (behaves, row) => {
  const overPolling = row.way === "polling";

  behaves("by the client", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const engine = once(socket.conn, "close");
    const atServer = once(socket, "disconnect");
    const before = once(socket, "disconnecting");
    const atClient = once(client, "disconnect");
    client.disconnect();
    expect((await atClient)[0]).toBe("io client disconnect");
    expect((await before)[0]).toBe("client namespace disconnect");
    expect((await atServer)[0]).toBe("client namespace disconnect");
    expect([client.connected, socket.connected, socket.disconnected]).toEqual([false, false, true]);
    // Nobody else uses the connection, so it goes too.
    await engine;
    expect(site.io.engine.clientsCount).toBe(0);
    expect(site.io.sockets.sockets.size).toBe(0);
  });

  behaves("by the server, of one namespace", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const atClient = once(other.client, "disconnect");
    const atServer = once(other.socket, "disconnect");
    other.socket.disconnect();
    expect((await atServer)[0]).toBe("server namespace disconnect");
    expect((await atClient)[0]).toBe("io server disconnect");
    expect([main.client.connected, main.socket.connected]).toEqual([true, true]);
  });

  behaves("by the server does not bring the client back by itself", async (stage) => {
    const site = await stage.serve();
    let connections = 0;
    site.io.on("connection", () => {
      connections += 1;
    });
    const { client, socket } = await stage.connect(site);
    const attempts: unknown[] = [];
    client.io.on("reconnect_attempt", (n) => attempts.push(n));
    const atClient = once(client, "disconnect");
    socket.disconnect();
    expect((await atClient)[0]).toBe("io server disconnect");
    for (let n = 0; n < 3; n++) await stage.connect(site);
    expect(connections).toBe(4);
    expect(attempts).toEqual([]);
    client.connect();
    await stage.both(site, client);
  });

  behaves("by the server, of the whole connection", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const engine = once(main.socket.conn, "close");
    const gone = Promise.all([main.client, other.client].map((client) => once(client, "disconnect")));
    const left = Promise.all([main.socket, other.socket].map((socket) => once(socket, "disconnect")));
    main.socket.disconnect(true);
    expect((await left).map(([reason]) => reason)).toEqual([
      "server namespace disconnect",
      "server namespace disconnect",
    ]);
    expect((await gone).map(([reason]) => reason)).toEqual(["io server disconnect", "io server disconnect"]);
    await engine;
    expect(site.io.engine.clientsCount).toBe(0);
  });

  behaves("delivers what was sent just before", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const heard: unknown[] = [];
    client.on("last", (n: number) => heard.push(n));
    const atClient = once(client, "disconnect");
    for (let n = 0; n < 20; n++) socket.emit("last", n);
    socket.disconnect(true);
    await atClient;
    expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  behaves("by the client delivers what it sent just before", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const heard: unknown[] = [];
    socket.on("last", (n: number) => heard.push(n));
    const atServer = once(socket, "disconnect");
    const sent = Array.from({ length: 20 }, (_, n) => n);
    for (const n of sent) client.emit("last", n);
    client.disconnect();
    await atServer;
    if (expectedOf(DIFFERENCES.eventsBeforeGoodbye, row.server) === "all") expect(heard).toEqual(sent);
    else expect(heard).toEqual(sent.slice(0, heard.length));
  });

  behaves("by a lost network is noticed by both, and mended", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site);
    const atServer = once(socket, "disconnect");
    const atClient = once(client, "disconnect");
    const again = once(client, "connect");
    await pullThePlug(site, socket);
    expect((await atServer)[0]).toBe(overPolling ? "transport error" : "transport close");
    expect((await atClient)[0]).toBe(overPolling ? "transport error" : "transport close");
    await again;
    const mended = await stage.both(site, client);
    expect(mended.socket.id).not.toBe(socket.id);
  });

  behaves("comes with details of the lost network", "disconnect details", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site);
    const atClient = once(client, "disconnect");
    await pullThePlug(site, socket);
    const [, details] = (await atClient) as [string, Record<string, unknown> | undefined];
    expect(details).toBeDefined();
    if (overPolling) expect(details).toMatchObject({ message: "xhr poll error", type: "TransportError" });
    else if (row.way === "stream" || row.way === "sse")
      expect(details).toMatchObject({ message: `${row.way} connection closed`, type: "TransportError" });
    else
      expect(details).toMatchObject({ description: "websocket connection closed", context: { code: 1006 } });
  });

  behaves("by closing the client's engine comes back by itself", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const atServer = once(socket, "disconnect");
    const atClient = once(client, "disconnect");
    const again = once(client, "connect");
    client.io.engine.close();
    expect((await atClient)[0]).toBe("forced close");
    expect((await atServer)[0]).toBe("transport close");
    await again;
  });

  behaves("by closing the server's engine comes back by itself", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const atServer = once(socket, "disconnect");
    const atClient = once(client, "disconnect");
    const again = once(client, "connect");
    socket.conn.close();
    expect((await atServer)[0]).toBe("forced close");
    expect((await atClient)[0]).toBe("transport close");
    await again;
  });

  behaves("of all by io.close()", async (stage) => {
    // Who counts takes an end that it was not told for an outage.
    const site = await stage.serve(UNCOUNTED);
    site.io.of("/admin");
    const main = await stage.connect(site, { reconnection: false });
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const second = await stage.connect(site, { reconnection: false });
    const left = Promise.all([main, other, second].map(({ socket }) => once(socket, "disconnect")));
    const gone = Promise.all([main, other, second].map(({ client }) => once(client, "disconnect")));
    await site.close();
    for (const [reason] of await left) expect(reason).toBe("server shutting down");
    // `transport error` when the poll that would have told it was not waiting.
    for (const [reason] of await gone) expect(reason).toMatch(/^transport (close|error)$/);
    expect(site.http.listening).toBe(false);
    expect(site.io.engine.clientsCount).toBe(0);
  });

  behaves("stops dispatch: what comes later is not heard", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const heard: unknown[] = [];
    socket.on("e", (n: number) => {
      heard.push(n);
      if (n === 1) socket.disconnect();
    });
    const atClient = once(client, "disconnect");
    for (let n = 0; n < 5; n++) client.emit("e", n);
    await atClient;
    expect(heard).toEqual([0, 1]);
  });

  behaves("twice is once", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const reasons: unknown[] = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    client.on("disconnect", (reason) => reasons.push(reason));
    const atClient = once(client, "disconnect");
    expect(socket.disconnect()).toBe(socket);
    socket.disconnect(true);
    await atClient;
    expect(client.disconnect()).toBe(client);
    client.disconnect();
    expect(reasons).toEqual(["server namespace disconnect", "io server disconnect"]);
  });

  behaves("before it is connected connects nobody", async (stage) => {
    const site = await stage.serve();
    const abandoned = await stage.dial(site);
    abandoned.disconnect();
    const kept = await stage.connect(site);
    expect(site.io.sockets.sockets.size).toBe(1);
    expect(site.io.sockets.sockets.has(kept.socket.id)).toBe(true);
    abandoned.connect();
    await once(abandoned, "connect");
    await serverHalf(site, abandoned);
  });
});
