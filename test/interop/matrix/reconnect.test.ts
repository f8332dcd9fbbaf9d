import { once as onceEvent } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { Manager } from "socket.io-client";
import { expect } from "vitest";
import { pullThePlug, type Site, UNCOUNTED } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { collect, once, turn } from "../../support/wait.js";
import { DIFFERENCES, expectedOf } from "../differences.js";

type AnyManager = Pick<Manager, "on">;

/** What a manager tells, in order. */
function diary(manager: AnyManager): unknown[] {
  const told: unknown[] = [];
  manager.on("reconnect_attempt", (n) => told.push(["attempt", n]));
  manager.on("reconnect_error", (error) => told.push(["error", error instanceof Error]));
  manager.on("reconnect", (n) => told.push(["reconnect", n]));
  manager.on("reconnect_failed", () => told.push(["failed"]));
  return told;
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await onceEvent(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await onceEvent(server, "close");
  return port;
}

matrix("reconnecting", (behaves, row) => {
  const firstError = row.way.startsWith("polling") ? "xhr poll error" : `${row.way} error`;

  behaves("to a server that restarts on its port, and sends what was kept, in order", async (stage) => {
    // Who counts takes an end that it was not told for an outage.
    const site = await stage.serve(UNCOUNTED);
    const { client } = await stage.connect(site);
    const oldId = client.id;
    const told = diary(client.io);
    const lost = once(client, "disconnect");
    await site.close();
    await lost;
    expect(client.id).toBeUndefined();
    for (let n = 0; n < 50; n++) client.emit("kept", n, ...(n % 10 === 0 ? [Buffer.from([n])] : []));
    const answered = new Promise((resolve) => client.emit("question", resolve));
    client.on("connect", () => client.emit("kept", "at connect"));
    await once(client.io, "reconnect_attempt");
    const reborn = await stage.serve({}, site.port);
    const heard: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      reborn.io.on("connection", (socket) => {
        socket.on("question", (answer: (text: string) => void) => answer("42"));
        socket.on("kept", (n: unknown) => {
          heard.push(n);
          if (heard.length === 51) resolve();
        });
      });
    });
    await all;
    const kept = Array.from({ length: 50 }, (_, n) => n);
    // Since version 4 what was kept leaves before `connect` fires.
    const keptFirst = row.client !== "socket.io-client 3";
    expect(heard).toEqual(keptFirst ? [...kept, "at connect"] : ["at connect", ...kept]);
    expect(await answered).toBe("42");
    expect(client.id).toBeTypeOf("string");
    expect(client.id).not.toBe(oldId);
    expect(told[0]).toEqual(["attempt", 1]);
    const [last] = told.slice(-1) as [[string, number]];
    expect(last[0]).toBe("reconnect");
    expect(last[1]).toBe(told.filter((entry) => (entry as [string])[0] === "attempt").length);
  });

  behaves("tells of attempt and success on the manager", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site);
    const told = diary(client.io);
    const again = once(client, "connect");
    await pullThePlug(site, socket);
    await again;
    expect(told).toEqual([
      ["attempt", 1],
      ["reconnect", 1],
    ]);
  });

  behaves("brings every namespace back", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    site.io.of("/admin");
    const main = await stage.connect(site);
    const other = await stage.both(site, main.client.io.socket("/admin"));
    const back = Promise.all([once(main.client, "connect"), once(other.client, "connect")]);
    await pullThePlug(site, main.socket);
    await back;
    const again = await stage.both(site, other.client);
    const mainAgain = await stage.both(site, main.client);
    expect(again.socket.conn).toBe(mainAgain.socket.conn);
  });

  behaves("gives up after reconnectionAttempts", async (stage) => {
    const site: Site = { ...(await stage.serve()), url: `http://127.0.0.1:${await deadPort()}` };
    const client = await stage.dial(site, {
      reconnectionAttempts: 3,
      reconnectionDelay: 5,
      autoConnect: false,
    });
    const told = diary(client.io);
    const errors: Error[] = [];
    client.on("connect_error", (error: Error) => errors.push(error));
    const failed = once(client.io, "reconnect_failed");
    client.connect();
    await failed;
    // Socket.IO tells of the last error after the failure.
    await turn();
    const of = (name: string): unknown[] => told.filter((entry) => (entry as [string])[0] === name);
    expect(of("attempt")).toEqual([
      ["attempt", 1],
      ["attempt", 2],
      ["attempt", 3],
    ]);
    expect(of("error")).toHaveLength(3);
    expect(of("failed")).toHaveLength(1);
    expect(of("reconnect")).toHaveLength(0);
    expect(told.slice(0, 3)).toEqual([
      ["attempt", 1],
      ["error", true],
      ["attempt", 2],
    ]);
    expect(errors.map((error) => error.message)).toEqual([firstError, firstError, firstError, firstError]);
    expect(errors[0]).toMatchObject({ type: "TransportError" });
  });

  behaves("is not tried when it is off", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site, { reconnection: false });
    const told = diary(client.io);
    const lost = once(client, "disconnect");
    await pullThePlug(site, socket);
    await lost;
    for (let n = 0; n < 3; n++) await stage.connect(site);
    expect(told).toEqual([]);
    expect(client.connected).toBe(false);
    client.connect();
    await stage.both(site, client);
  });

  behaves("keeps a client active meanwhile", "active", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site);
    const lost = once(client, "disconnect");
    const again = once(client, "connect");
    await pullThePlug(site, socket);
    await lost;
    expect([client.active, client.connected]).toEqual([true, false]);
    await again;
    expect([client.active, client.connected]).toEqual([true, true]);
  });

  behaves("ends when the client disconnects meanwhile", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site, {
      reconnectionDelay: 60_000,
      reconnectionDelayMax: 60_000,
    });
    const told = diary(client.io);
    const lost = once(client, "disconnect");
    await pullThePlug(site, socket);
    await lost;
    client.disconnect();
    client.connect();
    await stage.both(site, client);
    expect(told).toEqual([]);
  });

  behaves("drops what is volatile meanwhile", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const heard = new Promise<unknown[]>((resolve) => {
      const list: unknown[] = [];
      site.io.on("connection", (half) => {
        half.onAny((name: string) => {
          list.push(name);
          if (name === "end") resolve(list);
        });
      });
    });
    const { client, socket } = await stage.connect(site);
    const lost = once(client, "disconnect");
    await pullThePlug(site, socket);
    await lost;
    client.volatile.emit("volatile");
    client.emit("kept");
    client.emit("end");
    const keepers: readonly string[] = expectedOf(DIFFERENCES.volatileWhileDisconnected, row.client);
    const keeps = keepers.includes(`${row.client} ${row.way}`);
    expect(await heard).toEqual(keeps ? ["volatile", "kept", "end"] : ["kept", "end"]);
  });

  behaves(
    "fails what waits too long for its acknowledgement meanwhile, and does not send it then",
    "timeout",
    async (stage) => {
      const site = await stage.serve(UNCOUNTED);
      const names: unknown[] = [];
      const ended = new Promise<void>((resolve) => {
        site.io.on("connection", (half) => {
          half.onAny((name: string) => {
            names.push(name);
            if (name === "end") resolve();
          });
        });
      });
      const { client, socket } = await stage.connect(site, {
        reconnectionDelay: 120,
        reconnectionDelayMax: 120,
        randomizationFactor: 0,
      });
      const lost = once(client, "disconnect");
      await pullThePlug(site, socket);
      await lost;
      const failed = new Promise<unknown>((resolve) => client.timeout(10).emit("stale", resolve));
      client.emit("end");
      expect(((await failed) as Error).message).toBe("operation has timed out");
      await ended;
      expect(names).toEqual(["end"]);
    },
  );

  behaves("answers to what was kept reach their callbacks", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    site.io.on("connection", (half) =>
      half.on("q", (n: number, answer: (n: number) => void) => answer(n * 2)),
    );
    const { client, socket } = await stage.connect(site);
    const lost = once(client, "disconnect");
    await pullThePlug(site, socket);
    await lost;
    const answers = [1, 2, 3].map((n) => new Promise((resolve) => client.emit("q", n, resolve)));
    expect(await Promise.all(answers)).toEqual([2, 4, 6]);
  });

  behaves("works again and again", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const { client, socket } = await stage.connect(site);
    const ids = new Set([socket.id]);
    let current = socket;
    for (let n = 0; n < 5; n++) {
      const again = once(client, "connect");
      await pullThePlug(site, current);
      await again;
      current = (await stage.both(site, client)).socket;
      ids.add(current.id);
    }
    expect(ids.size).toBe(6);
    const heard = collect(client, "e", 3);
    for (const n of [1, 2, 3]) current.emit("e", n);
    expect(await heard).toEqual([[1], [2], [3]]);
  });
});
