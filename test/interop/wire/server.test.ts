import { afterEach, describe, expect, it } from "vitest";
import {
  http,
  joinByPolling,
  joinMain,
  openPoller,
  openSession,
  openWire,
  type Wire,
} from "../../support/rawsocket.js";
import { type ServerName, type Site, serverHalf, startSite } from "../../support/servers.js";
import { once, until, within } from "../../support/wait.js";
import { DIFFERENCES, expectedOf } from "../differences.js";

// The protocol as another language's client sees it: every frame is written and compared by hand.

const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];
const ID = "[A-Za-z0-9_-]{20,22}";

const sites: Site[] = [];
const wires: Wire[] = [];

afterEach(async () => {
  for (const wire of wires.splice(0)) wire.end();
  await Promise.all(sites.splice(0).map((site) => site.end()));
});

/** Why the first socket of a site goes. To be asked before it comes: it may be gone before anybody looks. */
function firstDisconnect(site: Site): Promise<unknown> {
  const gone = new Promise((resolve) => {
    site.io.on("connection", (socket) => socket.on("disconnect", resolve));
  });
  return within(gone, "a socket to go");
}

function keep<T extends Wire>(wire: T): T {
  wires.push(wire);
  return wire;
}

describe.each(SERVERS)("the wire of %s", (server) => {
  const serve = async (options?: Parameters<typeof startSite>[1]): Promise<Site> => {
    const site = await startSite(server, options);
    sites.push(site);
    return site;
  };
  const join = async (site: Site): Promise<{ wire: Wire; sid: string }> => {
    const joined = await joinMain(site.port);
    keep(joined.wire);
    return joined;
  };

  describe("over a WebSocket", () => {
    it("opens with OPEN, its keys in this order and no others", async () => {
      const site = await serve();
      const wire = keep(await openWire(site.port));
      expect(await wire.next()).toMatch(
        new RegExp(
          `^0{"sid":"${ID}","upgrades":\\[\\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}$`,
        ),
      );
    });

    it("opens with the numbers that were configured", async () => {
      const site = await serve({ pingInterval: 1234, pingTimeout: 567, maxHttpBufferSize: 89_000 });
      const { wire, open } = await openSession(site.port);
      keep(wire);
      expect(open).toMatchObject({ pingInterval: 1234, pingTimeout: 567, maxPayload: 89_000 });
    });

    it("says nothing before the client joins, and answers CONNECT", async () => {
      const site = await serve();
      const { wire, open } = await openSession(site.port);
      keep(wire);
      wire.send("40");
      const answer = String(await wire.next());
      expect(answer).toMatch(new RegExp(`^40{"sid":"${ID}"}$`));
      expect(answer).not.toContain(open.sid);
    });

    it("answers CONNECT of another namespace, with auth", async () => {
      const site = await serve();
      const auths: unknown[] = [];
      site.io.of("/admin").on("connection", (socket) => auths.push(socket.handshake.auth));
      const { wire } = await openSession(site.port);
      keep(wire);
      wire.send('40/admin,{"token":"ü"}');
      expect(await wire.next()).toMatch(new RegExp(`^40/admin,{"sid":"${ID}"}$`));
      wire.send("41/admin,");
      await until(() => site.io.of("/admin").sockets.size === 0, "the goodbye");
      wire.send("40/admin,");
      expect(await wire.next()).toMatch(new RegExp(`^40/admin,{"sid":"${ID}"}$`));
      expect(auths).toEqual([{ token: "ü" }, {}]);
    });

    it("lets a client leave and join again in one breath", async () => {
      const site = await serve();
      const { wire } = await join(site);
      wire.send("41", "40");
      if (expectedOf(DIFFERENCES.rejoinAtOnce, server) === "joined") {
        expect(await wire.next()).toMatch(new RegExp(`^40{"sid":"${ID}"}$`));
      } else {
        await wire.closed;
      }
    });

    it("takes CONNECT of a namespace without the comma", async () => {
      const site = await serve();
      site.io.of("/admin");
      const { wire } = await openSession(site.port);
      keep(wire);
      wire.send("40/admin");
      expect(await wire.next()).toMatch(new RegExp(`^40/admin,{"sid":"${ID}"}$`));
    });

    it("refuses with CONNECT_ERROR", async () => {
      const site = await serve();
      site.io.of("/closed").use((_socket, next) => {
        next(Object.assign(new Error("not authorized"), { data: { code: 7 } }));
      });
      site.io.of("/plain").use((_socket, next) => next(new Error("no")));
      const { wire } = await openSession(site.port);
      keep(wire);
      wire.send("40/closed,");
      expect(await wire.next()).toBe('44/closed,{"message":"not authorized","data":{"code":7}}');
      wire.send("40/plain,");
      expect(await wire.next()).toBe('44/plain,{"message":"no"}');
      wire.send("40/nowhere,");
      expect(await wire.next()).toBe('44/nowhere,{"message":"Invalid namespace"}');
    });

    it("sends and takes events", async () => {
      const site = await serve();
      site.io.of("/admin");
      const { wire, sid } = await join(site);
      wire.send("40/admin,");
      await wire.next();
      const socket = await serverHalf(site, { id: sid } as never);
      socket.emit("hello", 1, "ü😀", null, { a: [true] });
      expect(await wire.next()).toBe('42["hello",1,"ü😀",null,{"a":[true]}]');
      site.io.of("/admin").emit("e");
      expect(await wire.next()).toBe('42/admin,["e"]');
      site.io.emit("all");
      expect(await wire.next()).toBe('42["all"]');
      const heard = once(socket, "up");
      wire.send('42["up", 1 ,{"b":"\\u00fc"}]');
      expect(await heard).toEqual([1, { b: "ü" }]);
    });

    it("asks for acknowledgements and gives them", async () => {
      const site = await serve();
      const { wire, sid } = await join(site);
      const socket = await serverHalf(site, { id: sid } as never);
      const answered = new Promise((resolve) => socket.emit("q", "x", (...args: unknown[]) => resolve(args)));
      const asked = String(await wire.next());
      expect(asked).toMatch(/^42\d+\["q","x"\]$/);
      const id = /^42(\d+)/.exec(asked)?.[1];
      wire.send(`43${id}["a",2]`);
      expect(await answered).toEqual(["a", 2]);
      socket.on("p", (n: number, answer: (...args: unknown[]) => void) => answer(n, "ok"));
      socket.on("none", (answer: () => void) => answer());
      wire.send('4217["p",5]', '420["none"]', '42456["none"]');
      expect(await wire.next()).toBe('4317[5,"ok"]');
      expect(await wire.next()).toBe("430[]");
      expect(await wire.next()).toBe("43456[]");
    });

    it("answers once, however often the app does", async () => {
      const site = await serve();
      const { wire, sid } = await join(site);
      const socket = await serverHalf(site, { id: sid } as never);
      socket.on("q", (answer: (n: number) => void) => {
        answer(1);
        answer(2);
        socket.emit("end");
      });
      wire.send('425["q"]');
      expect([await wire.next(), await wire.next()]).toEqual(["435[1]", '42["end"]']);
    });

    it("sends and takes binary", async () => {
      const site = await serve();
      const { wire, sid } = await join(site);
      const socket = await serverHalf(site, { id: sid } as never);
      socket.emit("bin", Buffer.from([1, 2]), { b: Uint8Array.of(3) }, "end");
      expect(await wire.next()).toBe(
        '452-["bin",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}},"end"]',
      );
      expect(await wire.next()).toEqual(Buffer.from([1, 2]));
      expect(await wire.next()).toEqual(Buffer.from([3]));
      socket.on("up", (a: Buffer, b: Buffer, answer?: (data: Buffer) => void) =>
        answer?.(Buffer.concat([b, a])),
      );
      wire.send(
        '452-12["up",{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]',
        Buffer.from([1]),
        Buffer.from([2]),
      );
      expect(await wire.next()).toBe('461-12[{"_placeholder":true,"num":0}]');
      expect(await wire.next()).toEqual(Buffer.from([1, 2]));
      site.io.of("/n");
      wire.send("40/n,");
      await wire.next();
      site.io.of("/n").emit("bin", Buffer.from([9]));
      expect(await wire.next()).toBe('451-/n,["bin",{"_placeholder":true,"num":0}]');
      expect(await wire.next()).toEqual(Buffer.from([9]));
      const answered = new Promise((resolve) => socket.emit("q", resolve));
      const id = /^42(\d+)\["q"\]$/.exec(String(await wire.next()))?.[1];
      wire.send(`461-${id}[{"_placeholder":true,"num":0}]`, Buffer.from([8]));
      expect(await answered).toEqual(Buffer.from([8]));
    });

    it("pings, and goes on as long as it is answered", async () => {
      const site = await serve({ pingInterval: 30, pingTimeout: 2000 });
      const { wire } = await openSession(site.port);
      keep(wire);
      wire.send("40");
      expect(await wire.next()).toMatch(/^40/);
      for (let n = 0; n < 4; n++) {
        expect(await wire.next("PING")).toBe("2");
        wire.send("3");
      }
      expect(wire.open).toBe(true);
    });

    it("drops who does not answer a ping", async () => {
      const site = await serve({ pingInterval: 80, pingTimeout: 120 });
      const reason = firstDisconnect(site);
      const { wire } = await join(site);
      expect(await reason).toBe("ping timeout");
      await wire.closed;
    });

    it("drops who freezes with the connection open", async () => {
      const site = await serve({ pingInterval: 80, pingTimeout: 120 });
      const reason = firstDisconnect(site);
      const { wire } = await join(site);
      wire.ws.pause();
      expect(await reason).toBe("ping timeout");
      expect(site.io.engine.clientsCount).toBe(0);
    });

    it("drops who joins nothing", async () => {
      const site = await serve({ connectTimeout: 40 });
      const reason = new Promise((resolve) => {
        site.io.engine.on(
          "connection",
          (conn: { once(event: string, heard: (reason: string) => void): void }) => {
            conn.once("close", resolve);
          },
        );
      });
      const { wire } = await openSession(site.port);
      keep(wire);
      expect(await wire.closed).toBe(1005);
      expect(await reason).toBe("forced close");
      expect(site.io.engine.clientsCount).toBe(0);
    });

    it("keeps who joined in time", async () => {
      const site = await serve({ connectTimeout: 40 });
      const { wire, sid } = await join(site);
      const idler = await openSession(site.port);
      keep(idler.wire);
      await idler.wire.closed;
      wire.send('420["echo"]');
      const socket = await serverHalf(site, { id: sid } as never);
      expect(socket.connected).toBe(true);
      expect(wire.open).toBe(true);
    });

    it("says DISCONNECT for a namespace, and closes for the connection", async () => {
      const site = await serve();
      site.io.of("/admin");
      const { wire, sid } = await join(site);
      wire.send("40/admin,");
      await wire.next();
      site.io.of("/admin").disconnectSockets();
      expect(await wire.next()).toBe("41/admin,");
      const socket = await serverHalf(site, { id: sid } as never);
      socket.disconnect();
      expect(await wire.next()).toBe("41");
      expect(wire.open).toBe(true);
      wire.send("40");
      const again = /"sid":"([^"]+)"/.exec(String(await wire.next()))?.[1] ?? "";
      (await serverHalf(site, { id: again } as never)).disconnect(true);
      expect(await wire.next()).toBe("41");
      expect(await wire.closed).toBe(1005);
    });

    it("takes DISCONNECT", async () => {
      const site = await serve();
      const { wire, sid } = await join(site);
      const socket = await serverHalf(site, { id: sid } as never);
      const gone = once(socket, "disconnect");
      wire.send("41");
      expect((await gone)[0]).toBe("client namespace disconnect");
      wire.send("40");
      expect(await wire.next()).toMatch(new RegExp(`^40{"sid":"${ID}"}$`));
    });

    it("knows a closed WebSocket", async () => {
      const site = await serve();
      const { wire, sid } = await join(site);
      const socket = await serverHalf(site, { id: sid } as never);
      const gone = once(socket, "disconnect");
      wire.ws.close();
      expect((await gone)[0]).toBe("transport close");
    });

    it("sends the initial packet right after OPEN", async () => {
      const site = await serve({ initialPacket: "welcome" } as never);
      const { wire } = await openSession(site.port);
      keep(wire);
      expect(await wire.next()).toBe("4welcome");
    });

    it("offers the secret of recovery when that is on", async () => {
      const site = await serve({ connectionStateRecovery: {} });
      const { wire } = await openSession(site.port);
      keep(wire);
      wire.send("40");
      const answer = String(await wire.next());
      expect(answer).toMatch(new RegExp(`^40{"sid":"${ID}","pid":"[A-Za-z0-9_-]{20,30}"}$`));
      site.io.emit("e", 1);
      expect(await wire.next()).toMatch(/^42\["e",1,"[^"]+"\]$/);
      site.io.volatile.emit("v", 1);
      expect(await wire.next()).toBe('42["v",1]');
    });
  });

  describe("over long-polling", () => {
    it("opens with OPEN and offers the upgrade", async () => {
      const site = await serve();
      const answer = await http(site.port, { target: "/socket.io/?EIO=4&transport=polling" });
      expect(answer.status).toBe(200);
      expect(answer.headers["content-type"]).toBe("text/plain; charset=UTF-8");
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(answer.headers["set-cookie"]).toBeUndefined();
      expect(answer.body).toMatch(
        new RegExp(
          `^0{"sid":"${ID}","upgrades":\\["websocket"\\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}$`,
        ),
      );
    });

    it("offers no upgrade when there is none", async () => {
      const site = await serve({ allowUpgrades: false });
      expect((await openPoller(site.port)).open.upgrades).toEqual([]);
    });

    it("answers a POST with ok", async () => {
      const site = await serve();
      const poller = await openPoller(site.port);
      const answer = await poller.post("40");
      expect([answer.status, answer.body]).toEqual([200, "ok"]);
      expect(answer.headers["content-type"]).toBe("text/html");
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect((await poller.packets())[0]).toMatch(new RegExp(`^40{"sid":"${ID}"}$`));
    });

    it("joins the packets of one turn, and takes several in one body", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      const heard: unknown[] = [];
      const second = new Promise<void>((resolve) => {
        socket.onAny((...args) => {
          heard.push(args);
          if (heard.length === 3) resolve();
        });
      });
      await poller.post(
        ['42["a",1]', '42["b","\u001eü"]'.replace("\u001e", "\\u001e"), '42["c"]'].join("\u001e"),
      );
      await second;
      expect(heard).toEqual([["a", 1], ["b", "\u001eü"], ["c"]]);
      socket.emit("x", "ü");
      socket.emit("y", "\u001e");
      expect((await poller.poll()).body).toBe('42["x","ü"]\u001e42["y","\\u001e"]');
    });

    it("holds a poll until there is something to say", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      const poll = poller.poll();
      await until(() => socket.conn.transport.writable, "the poll to wait");
      socket.emit("now");
      expect((await poll).body).toBe('42["now"]');
    });

    it("writes binary as b and base64", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      socket.emit("bin", Buffer.from([1, 2, 3]), Buffer.alloc(0));
      expect((await poller.packets()).join(" ")).toBe(
        '452-["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] bAQID b',
      );
      const heard = once(socket, "up");
      await poller.post('451-["up",{"_placeholder":true,"num":0}]\u001ebAQID');
      expect(await heard).toEqual([Buffer.from([1, 2, 3])]);
    });

    it("takes the end of the session as a packet, and frees the poll", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      const poll = poller.poll();
      await until(() => socket.conn.transport.writable, "the poll to wait");
      const gone = once(socket, "disconnect");
      expect((await poller.post("1")).body).toBe("ok");
      expect((await gone)[0]).toBe("transport close");
      expect((await poll).body).toBe("6");
      expect(await poller.poll()).toMatchObject({
        status: 400,
        body: '{"code":1,"message":"Session ID unknown"}',
      });
    });

    it("says the end of the session as a packet", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      socket.disconnect(true);
      const packets: string[] = [];
      while (!packets.includes("1")) packets.push(...(await poller.packets()));
      expect(packets).toEqual(["41", "1"]);
    });

    it("pings and is answered by POST", async () => {
      const site = await serve({ pingInterval: 30, pingTimeout: 2000 });
      const poller = await openPoller(site.port);
      for (let n = 0; n < 3; n++) {
        expect((await poller.poll()).body).toBe("2");
        expect((await poller.post("3")).body).toBe("ok");
      }
    });

    it("drops who does not poll any more", async () => {
      const site = await serve({ pingInterval: 80, pingTimeout: 120 });
      const reason = firstDisconnect(site);
      await (await openPoller(site.port)).post("40");
      expect(await reason).toBe("ping timeout");
    });

    it("sets the sticky cookie on the handshake only, if asked for", async () => {
      const site = await serve({ cookie: true } as never);
      const answer = await http(site.port, { target: "/socket.io/?EIO=4&transport=polling" });
      const { sid } = JSON.parse(answer.body.slice(1)) as { sid: string };
      expect(answer.headers["set-cookie"]).toBe(`io=${sid}; Path=/; HttpOnly; SameSite=Lax`);
    });
  });

  describe("from long-polling to a WebSocket", () => {
    it("is probed, frees the poll and switches", async () => {
      const site = await serve();
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      const upgraded = once(socket.conn, "upgrade");
      const poll = poller.poll();
      await until(() => socket.conn.transport.writable, "the poll to wait");
      const wire = keep(await openWire(site.port, `EIO=4&transport=websocket&sid=${poller.open.sid}`));
      wire.send("2probe");
      expect(await wire.next()).toBe("3probe");
      expect((await poll).body).toBe("6");
      socket.emit("between");
      wire.send("5");
      await upgraded;
      socket.emit("after");
      const frames = [await wire.next(), await wire.next()];
      expect(frames).toEqual(['42["between"]', '42["after"]']);
      const heard = once(socket, "up");
      wire.send('42["up",1]');
      expect(await heard).toEqual([1]);
      expect(await poller.poll()).toMatchObject({ status: 400, body: '{"code":3,"message":"Bad request"}' });
      expect(socket.conn.transport.name).toBe("websocket");
      expect(wire.open).toBe(true);
    });

    it("goes on over long-polling when the candidate never upgrades", async () => {
      const site = await serve({ upgradeTimeout: 60 });
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as never);
      const wire = keep(await openWire(site.port, `EIO=4&transport=websocket&sid=${poller.open.sid}`));
      wire.send("2probe");
      expect(await wire.next()).toBe("3probe");
      await wire.closed;
      socket.emit("still");
      expect(await poller.packets()).toEqual(['42["still"]']);
      const second = keep(await openWire(site.port, `EIO=4&transport=websocket&sid=${poller.open.sid}`));
      second.send("2probe");
      expect(await second.next()).toBe("3probe");
    });
  });
});
