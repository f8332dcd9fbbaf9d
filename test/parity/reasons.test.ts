import type { Server, Socket } from "socket.io";
import { expect } from "vitest";
import { joinMain, type Wire } from "../support/rawsocket.js";
import { once, until } from "../support/wait.js";
import { ask, polled, pollingUrl } from "./http.js";
import { app, onClients, onServers, type Scene } from "./scene.js";

// Section 1.17: why a socket was disconnected, in the words that apps compare.

/** A server's socket whose client is a bare WebSocket. */
async function bare(scene: Scene, options: object = {}): Promise<{ io: Server; socket: Socket; wire: Wire }> {
  const site = await scene.serve(options);
  const connection = once(site.io, "connection");
  const { wire } = await joinMain(site.port);
  scene.defer(() => wire.end());
  return { io: site.io, socket: (await connection)[0] as Socket, wire };
}

onServers("reasons on the server", (test) => {
  const reasons: Readonly<Record<string, (stage: Awaited<ReturnType<typeof bare>>) => unknown>> = {
    "server namespace disconnect": ({ socket }) => socket.disconnect(),
    "client namespace disconnect": ({ wire }) => wire.send("41"),
    "server shutting down": ({ io }) => io.close(),
    "transport close": ({ wire }) => wire.ws.close(),
    // A reserved bit that no extension has asked for.
    "transport error": ({ wire }) =>
      (wire.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
        Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
      ),
    "parse error": ({ wire }) => wire.send("no packet"),
    "forced close": ({ socket }) => socket.conn.close(),
  };
  for (const [reason, end] of Object.entries(reasons)) {
    test(reason, async (scene) => {
      const stage = await bare(scene);
      const gone = once(stage.socket, "disconnect");
      await end(stage);
      expect((await gone)[0]).toBe(reason);
    });
  }

  test("forced server close", async (scene) => {
    const site = await scene.serve();
    const connection = once(site.io, "connection");
    const sid = await polled(site);
    const gone = once((await connection)[0] as Socket, "disconnect");
    // No poll waits, so that the end of the connection has to.
    await ask(pollingUrl(site, sid), { method: "POST", body: '42/never joined,["event"]' });
    expect((await gone)[0]).toBe("forced server close");
  });

  test("ping timeout", async (scene) => {
    const { socket } = await bare(scene, { pingInterval: 10, pingTimeout: 20 });
    expect((await once(socket, "disconnect"))[0]).toBe("ping timeout");
  });
});

onClients("reasons on the client", (test) => {
  test("io server disconnect", async (scene) => {
    const { client, socket } = await scene.pair({}, { reconnection: true });
    const end = once(client, "disconnect");
    socket.disconnect();
    expect([(await end)[0], client.active]).toEqual(["io server disconnect", false]);
  });

  test("io client disconnect", async (scene) => {
    const { client } = await scene.pair({}, { reconnection: true });
    const end = once(client, "disconnect");
    client.disconnect();
    expect([(await end)[0], client.active]).toEqual(["io client disconnect", false]);
  });

  test("transport close", async (scene) => {
    const { client, socket } = await scene.pair({}, { reconnection: true });
    const end = once(client, "disconnect");
    socket.conn.close();
    expect([(await end)[0], client.active]).toEqual(["transport close", true]);
  });

  test("transport error", async (scene) => {
    const { site, client, socket } = await scene.pair({}, { transports: ["polling"], reconnection: true });
    const end = once(client, "disconnect");
    await until(() => socket.conn.transport.writable, "a waiting poll");
    site.http.closeAllConnections();
    expect([(await end)[0], client.active]).toEqual(["transport error", true]);
  });

  test("parse error", async (scene) => {
    const { client, socket } = await scene.pair({}, { reconnection: true });
    const end = once(client, "disconnect");
    socket.conn.send("no packet");
    expect([(await end)[0], client.active]).toEqual(["parse error", true]);
  });

  test("ping timeout", async (scene) => {
    // A server that joins, and then never says anything again.
    const { WebSocketServer } = await import("ws");
    const http = app();
    const port = await scene.listen(http);
    const server = new WebSocketServer({ server: http });
    server.on("connection", (ws) => {
      ws.send('0{"sid":"s","upgrades":[],"pingInterval":20,"pingTimeout":20,"maxPayload":1000}');
      ws.on("message", () => ws.send('40{"sid":"x"}'));
    });
    scene.defer(() => {
      for (const ws of server.clients) ws.terminate();
    });
    const client = await scene.dial(`http://127.0.0.1:${port}`);
    expect((await once(client, "disconnect"))[0]).toBe("ping timeout");
  });
});
