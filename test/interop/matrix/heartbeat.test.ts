import { expect } from "vitest";
import { timedMatrix } from "../../support/stage.js";
import { collect } from "../../support/wait.js";

timedMatrix("the heartbeat", (behaves) => {
  behaves("keeps an idle connection", async (stage) => {
    const site = await stage.serve({ pingInterval: 40, pingTimeout: 3_000 });
    const { client, socket } = await stage.connect(site);
    const ends: unknown[] = [];
    client.on("disconnect", (reason) => ends.push(reason));
    socket.on("disconnect", (reason) => ends.push(reason));
    await collect(socket.conn, "heartbeat", 4);
    expect(ends).toEqual([]);
    expect(client.connected).toBe(true);
  });

  behaves("is told on the manager", "ping event", async (stage) => {
    const site = await stage.serve({ pingInterval: 30, pingTimeout: 3_000 });
    const { client } = await stage.connect(site);
    await collect(client.io, "ping", 3);
  });

  behaves("keeps a busy connection", async (stage) => {
    const site = await stage.serve({ pingInterval: 40, pingTimeout: 3_000 });
    const { client, socket } = await stage.connect(site);
    socket.on("q", (answer: () => void) => answer());
    let beats = 0;
    socket.conn.on("heartbeat", () => {
      beats += 1;
    });
    while (beats < 4) await new Promise<void>((resolve) => client.emit("q", resolve));
    expect([client.connected, socket.connected]).toEqual([true, true]);
  });
});
