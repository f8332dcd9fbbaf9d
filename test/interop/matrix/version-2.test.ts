import { expect } from "vitest";
import { http } from "../../support/rawsocket.js";
import { matrix, type Row } from "../../support/stage.js";
import { collect, once, turn } from "../../support/wait.js";
import { DIFFERENCES, expectedOf } from "../differences.js";

// What socket.io-client 2 does, and later versions do otherwise or not at all.

const withVersion2 = (row: Row): boolean => row.client === "socket.io-client 2";

matrix(
  "version 2",
  (behaves, row) => {
    const last = row.way === "polling" ? "polling" : "websocket";

    behaves(
      "has the id of its connection in the main namespace, and one made of it elsewhere",
      async (stage) => {
        const site = await stage.serve();
        site.io.of("/admin");
        const main = await stage.connect(site);
        const admin = await stage.both(site, main.client.io.socket("/admin"));
        const id = main.socket.conn["id"] as string;
        expect(id).toMatch(/^[A-Za-z0-9_-]{20,22}$/);
        expect([main.socket.id, main.client.id]).toEqual([id, id]);
        expect([admin.socket.id, admin.client.id]).toEqual([`/admin#${id}`, `/admin#${id}`]);
        expect([...admin.socket.rooms]).toEqual([`/admin#${id}`]);
      },
    );

    behaves("shows revision 3 and its transport", async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      expect(socket.conn.protocol).toBe(3);
      expect(socket.conn.transport.name).toBe(last);
      expect(client.io.engine.transport.name).toBe(last);
      expect(socket.handshake.query).toMatchObject({ EIO: "3" });
    });

    behaves("is in the main namespace without having asked", async (stage) => {
      const site = await stage.serve();
      site.io.of("/admin");
      const client = await stage.dial(site, {}, "/admin");
      const joined = once(site.io, "connection");
      await once(client, "connect");
      const [socket] = (await joined) as [{ id: string }];
      expect(site.io.sockets.sockets.has(socket.id)).toBe(true);
      expect(site.io.engine.clientsCount).toBe(1);
    });

    behaves("says who it is in the query of its URL", async (stage) => {
      const site = await stage.serve();
      const { socket } = await stage.connect(site, { query: { token: "a b&c=ü" } });
      expect(socket.handshake.query).toMatchObject({ token: "a b&c=ü" });
      expect(socket.handshake.auth).toEqual({});
    });

    behaves("says who it is to a namespace in a query, which the server sees as auth", async (stage) => {
      const site = await stage.serve();
      const seen: unknown[] = [];
      site.io.of("/admin").use((socket, next) => {
        seen.push({ ...socket.handshake.auth });
        next();
      });
      const main = await stage.connect(site);
      const query = { token: "a b&c=ü,", __proto__x: "1" };
      const admin = main.client.io.socket("/admin", { query } as never);
      const { socket } = await stage.both(site, admin);
      expect(socket.nsp.name).toBe("/admin");
      expect(seen).toEqual([query]);
      const heard = once(socket, "e");
      admin.emit("e", 1);
      expect(await heard).toEqual([1]);
    });

    behaves("takes a query that is longer than a namespace's name may be", async (stage) => {
      const site = await stage.serve();
      site.io.of("/admin");
      const main = await stage.connect(site);
      const token = "x".repeat(8_000);
      const { socket } = await stage.both(
        site,
        main.client.io.socket("/admin", { query: { token } } as never),
      );
      expect(socket.handshake.auth["token"]).toBe(token);
    });

    behaves("is told why a middleware refuses, as an `error` event with a text", async (stage) => {
      const site = await stage.serve();
      site.io.use((_socket, next) => next(new Error("not you")));
      const client = await stage.dial(site, { reconnection: false });
      expect(await once(client, "error")).toEqual(["not you"]);
      expect(client.connected).toBe(false);
    });

    behaves("is told the data of a refusal, if there are any, instead of the text", async (stage) => {
      const site = await stage.serve();
      const { client } = await stage.connect(site);
      for (const data of [{ code: 7, deep: ["ü"] }, "a text", ["a", "list"]]) {
        const name = `/${JSON.stringify(data).length}`;
        site.io.of(name).use((_socket, next) => next(Object.assign(new Error("not you"), { data })));
        expect(await once(client.io.socket(name), "error")).toEqual([data]);
      }
      expect(client.connected).toBe(true);
    });

    behaves("is told that there is no such namespace", async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      const other = client.io.socket("/nowhere");
      expect(await once(other, "error")).toEqual([
        expectedOf(DIFFERENCES.invalidNamespaceInVersion2, row.server),
      ]);
      socket.on("q", (answer: () => void) => answer());
      await new Promise<void>((resolve) => client.emit("q", resolve));
    });

    behaves("leaves a namespace and comes back", async (stage) => {
      const site = await stage.serve();
      site.io.of("/admin");
      const main = await stage.connect(site);
      const admin = await stage.both(site, main.client.io.socket("/admin"));
      const left = once(admin.socket, "disconnect");
      admin.client.disconnect();
      expect((await left)[0]).toBe("client namespace disconnect");
      expect([main.client.connected, main.socket.connected]).toEqual([true, true]);
      // Socket.IO's server gets rid of the socket a turn later.
      await turn();
      admin.client.connect();
      const again = await stage.both(site, admin.client);
      expect(again.socket).not.toBe(admin.socket);
    });

    behaves("sends pings, which the server answers, and lives on them", async (stage) => {
      const site = await stage.serve({ pingInterval: 40, pingTimeout: 4000 });
      const { client, socket } = await stage.connect(site);
      const packets: unknown[] = [];
      socket.conn.on("packet", ({ type }) => packets.push(type));
      await Promise.all([collect(client, "pong", 5), collect(socket.conn, "heartbeat", 4)]);
      expect(packets).toContain("ping");
      expect(packets).not.toContain("pong");
      expect([client.connected, socket.connected]).toEqual([true, true]);
    });

    behaves("that pings no more is given up after both times together", async (stage) => {
      // Socket.IO forgets its timer with an upgrade, until the next ping.
      if (row.server === "socket.io 4" && row.way === "polling, then websocket") return;
      const site = await stage.serve({ pingInterval: 100, pingTimeout: 150 });
      const { client, socket } = await stage.connect(site);
      const engine = client.io.engine as unknown as {
        readonly pingIntervalTimer: NodeJS.Timeout;
        readonly pingTimeoutTimer: NodeJS.Timeout;
        off(event: "heartbeat"): void;
      };
      // It neither pings nor misses the answers.
      clearTimeout(engine.pingIntervalTimer);
      clearTimeout(engine.pingTimeoutTimer);
      engine.off("heartbeat");
      expect((await once(socket, "disconnect"))[0]).toBe("ping timeout");
    });

    behaves("carries bytes both ways, many and in order", async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      for (const [from, to] of [
        [client, socket],
        [socket, client],
      ] as const) {
        const all = collect(to, "bin", 20);
        for (let n = 0; n < 20; n++) {
          from.emit("bin", n, Buffer.alloc(n * 300, n), "ü€😀", { deep: [Buffer.from([n])] });
        }
        for (const [n, args] of (await all).entries()) {
          expect(args).toEqual([n, Buffer.alloc(n * 300, n), "ü€😀", { deep: [Buffer.from([n])] }]);
        }
      }
    });

    behaves("that wants bytes as base64 gets them so", async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site, { forceBase64: true });
      const atServer = once(socket, "bin");
      client.emit("bin", Buffer.from([1, 2, 255]));
      expect(await atServer).toEqual([Buffer.from([1, 2, 255])]);
      const atClient = once(client, "bin");
      socket.emit("bin", Buffer.from([1, 2, 255]));
      expect(await atClient).toEqual([Buffer.from([1, 2, 255])]);
    });

    behaves("is in a room with later versions", async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      const { io } = await import("socket.io-client");
      const later = io(site.url, { forceNew: true });
      stage.defer(() => later.disconnect());
      await once(later, "connect");
      const heard = Promise.all([once(client, "all"), once(later, "all")]);
      site.io.emit("all", "ü", Buffer.from([4]));
      expect(await heard).toEqual([
        ["ü", Buffer.from([4])],
        ["ü", Buffer.from([4])],
      ]);
      const answers = site.io.timeout(2_000).emitWithAck("q");
      for (const each of [client, later]) each.on("q", (answer: (n: number) => void) => answer(1));
      expect(await answers).toEqual([1, 1]);
      expect(socket.connected).toBe(true);
    });

    behaves("sees no offsets where others are recovered", async (stage) => {
      const site = await stage.serve({ connectionStateRecovery: {} });
      const { client } = await stage.connect(site);
      const heard = once(client, "e");
      site.io.emit("e", 1);
      const args = await heard;
      expect(args.length).toBe(expectedOf(DIFFERENCES.offsetsInVersion2, row.server));
      expect(args[0]).toBe(1);
    });

    behaves("is refused unless allowEIO3 is on", async (stage) => {
      const site = await stage.serve({ allowEIO3: false });
      for (const revision of ["EIO=3&", ""]) {
        const answer = await http(site.port, { target: `/socket.io/?${revision}transport=polling` });
        expect(answer.status).toBe(400);
        expect(JSON.parse(answer.body)).toEqual({ code: 5, message: "Unsupported protocol version" });
      }
      const client = await stage.dial(site, { reconnection: false });
      await once(client, "connect_error");
      expect(client.connected).toBe(false);
    });
  },
  withVersion2,
);
