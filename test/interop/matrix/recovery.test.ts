import { expect } from "vitest";
import { pullThePlug, UNCOUNTED } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

matrix("connection state recovery", (behaves) => {
  const options = { ...UNCOUNTED, connectionStateRecovery: {} };

  behaves("brings back id, rooms, data and what was missed", "recovery", async (stage) => {
    const site = await stage.serve(options);
    const { client, socket } = await stage.connect(site, { autoConnect: true });
    expect([client.recovered, socket.recovered]).toEqual([false, false]);
    socket.data["name"] = "ann";
    socket.join("one");
    const first = once(client, "e");
    socket.emit("e", "before");
    await first;
    const heard: unknown[] = [];
    client.on("e", (text: string) => heard.push(text));
    client.on("connect", () => heard.push("connect"));
    const lost = once(socket, "disconnect");
    await pullThePlug(site, socket);
    await lost;
    // Nobody is there; the broadcasts are kept.
    site.io.to("one").emit("e", "to the room");
    site.io.to(socket.id).emit("e", "to the id");
    site.io.emit("e", "to all");
    site.io.to("two").emit("e", "not for it");
    const again = await stage.both(site, client);
    expect(again.socket.id).toBe(socket.id);
    expect([client.recovered, again.socket.recovered]).toEqual([true, true]);
    expect(again.socket.data).toEqual({ name: "ann" });
    expect([...again.socket.rooms].sort()).toEqual([socket.id, "one"].sort());
    expect(heard).toEqual(["to the room", "to the id", "to all", "connect"]);
    const more = once(client, "more");
    again.socket.emit("more");
    await more;
  });

  behaves("skips the middleware by default, not the connection handler", "recovery", async (stage) => {
    const site = await stage.serve(options);
    const steps: string[] = [];
    site.io.use((_socket, next) => {
      steps.push("use");
      next();
    });
    site.io.on("connection", (socket) => steps.push(`connection ${socket.recovered}`));
    const { client, socket } = await stage.connect(site);
    const first = once(client, "e");
    socket.emit("e", "x");
    await first;
    const again = once(client, "connect");
    await pullThePlug(site, socket);
    await again;
    await stage.both(site, client);
    expect(steps).toEqual(["use", "connection false", "connection true"]);
  });

  behaves("does not happen after a goodbye", "recovery", async (stage) => {
    const site = await stage.serve(options);
    const { client, socket } = await stage.connect(site);
    const first = once(client, "e");
    socket.emit("e", "x");
    await first;
    client.disconnect();
    client.connect();
    const again = await stage.both(site, client);
    expect(again.socket.id).not.toBe(socket.id);
    expect([client.recovered, again.socket.recovered]).toEqual([false, false]);
  });

  behaves("does not happen with a secret that the server does not know", "recovery", async (stage) => {
    const site = await stage.serve(options);
    const { client, socket } = await stage.connect(site, { auth: { pid: "made up", offset: "made up" } });
    expect([client.recovered, socket.recovered]).toEqual([false, false]);
    const heard = once(client, "e");
    socket.emit("e", 1);
    expect((await heard)[0]).toBe(1);
  });
});
