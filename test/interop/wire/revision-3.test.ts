import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import { Server as EngineServer } from "engine.io";
import { afterEach, describe, expect, it } from "vitest";
import { type Answer, http, openWire, type Wire } from "../../support/rawsocket.js";
import { type ServerName, type Site, startSite } from "../../support/servers.js";

// Engine protocol revision 3, byte by byte. The same conversations with Socket.IO's server are the control.

const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(name: ServerName, options = {}): Promise<Site> {
  const site = await startSite(name, {
    allowEIO3: true,
    pingInterval: 7_000,
    pingTimeout: 3_000,
    ...options,
  });
  ends.push(() => site.end());
  site.io.on("connection", (socket) => {
    socket.on("echo", (...args) => socket.emit("echo", ...args));
  });
  return site;
}

async function wireTo(site: Site, query: string): Promise<Wire> {
  const wire = await openWire(site.port, query);
  ends.push(() => wire.end());
  return wire;
}

const QUERY = "transport=polling";
const OCTETS = { "Content-Type": "application/octet-stream" };

class OldPoller {
  sid = "";
  constructor(
    readonly site: Site,
    readonly query: string,
  ) {}

  get target(): string {
    return `/socket.io/?${this.query}&${QUERY}${this.sid === "" ? "" : `&sid=${this.sid}`}`;
  }

  poll(): Promise<Answer> {
    return http(this.site.port, { target: this.target });
  }

  post(
    body: string | Uint8Array,
    headers: Record<string, string> = { "Content-Type": "text/plain;charset=UTF-8" },
  ) {
    return http(this.site.port, { method: "POST", target: this.target, headers, body });
  }

  async open(): Promise<void> {
    const { body } = await this.poll();
    this.sid = /"sid":"([^"]+)"/.exec(body)?.[1] ?? "";
    while (!(await this.#joined(body))) {
      // The answer to the handshake carries CONNECT or not: that is timing, not protocol.
    }
  }

  async #joined(handshake: string): Promise<boolean> {
    return handshake.endsWith("2:40") || (await this.poll()).body === "2:40";
  }
}

/** The bytes of a body, which `Answer` keeps as the head does: one character each. */
function bytesOf({ text }: Answer): Buffer {
  return Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1");
}

describe.each(SERVERS)("revision 3 with %s", (name) => {
  it.each(["EIO=3", "x=1"])("begins with OPEN and the main namespace over polling (%s)", async (query) => {
    const site = await serve(name);
    const poller = new OldPoller(site, query);
    const { status, headers, body } = await poller.poll();
    expect([status, headers["content-type"]]).toEqual([200, "text/plain; charset=UTF-8"]);
    const [, length = "", json = ""] = /^(\d+):0(\{[^}]*\})/.exec(body) ?? [];
    expect(Number(length)).toBe(json.length + 1);
    expect(JSON.parse(json)).toEqual({
      sid: expect.stringMatching(/^[\w-]{20,22}$/),
      upgrades: ["websocket"],
      pingInterval: 7_000,
      pingTimeout: 3_000,
      maxPayload: 1e6,
    });
  });

  it("counts characters in text bodies, both ways", async () => {
    const site = await serve(name);
    const poller = new OldPoller(site, "EIO=3&b64=1");
    await poller.open();
    const event = '42["echo","ü€😀"]';
    const answer = await poller.post(`${event.length}:${event}1:2`);
    expect([answer.status, answer.headers["content-type"], answer.body]).toEqual([200, "text/html", "ok"]);
    let body = "";
    while (body.length < 23) body += (await poller.poll()).body;
    expect([`${event.length}:${event}1:3`, `1:3${event.length}:${event}`]).toContain(body);
  });

  it("sends bytes as base64 to a client that asked for it", async () => {
    const site = await serve(name);
    const poller = new OldPoller(site, "EIO=3&b64=1");
    await poller.open();
    const event = '451-["echo",{"_placeholder":true,"num":0}]';
    await poller.post(`${event.length}:${event}6:b4AQID`);
    const answer = await poller.poll();
    expect(answer.headers["content-type"]).toBe("text/plain; charset=UTF-8");
    expect(answer.body).toBe(`${event.length}:${event}6:b4AQID`);
  });

  it("sends and takes bodies of bytes otherwise", async () => {
    const site = await serve(name);
    const poller = new OldPoller(site, "EIO=3");
    await poller.open();
    const event = Buffer.from('451-["echo","ü",{"_placeholder":true,"num":0}]');
    const body = Buffer.concat([
      Buffer.from([0, ...Array.from(String(event.length), Number), 255]),
      event,
      Buffer.from([1, 4, 255, 4, 1, 2, 255]),
    ]);
    expect((await poller.post(body, OCTETS)).body).toBe("ok");
    const answer = await poller.poll();
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(bytesOf(answer)).toEqual(body);
  });

  it("ends a poll with CLOSE in its own form", async () => {
    const site = await serve(name);
    const poller = new OldPoller(site, "EIO=3");
    await poller.open();
    const last = poller.poll();
    const other = await http(site.port, { target: `/socket.io/?EIO=3&${QUERY}` });
    expect(other.status).toBe(200);
    site.io.disconnectSockets(true);
    let { body } = await last;
    if (!body.endsWith("1:1")) body += (await poller.poll()).body;
    // Socket.IO puts a NOOP before it.
    expect(body.replace("1:6", "")).toBe("2:411:1");
  });

  it("answers a client that says goodbye with NOOP", async () => {
    const site = await serve(name);
    const poller = new OldPoller(site, "EIO=3");
    await poller.open();
    const last = poller.poll();
    await http(site.port, { target: "/socket.io/?EIO=3&transport=nothing" });
    expect((await poller.post("1:1")).body).toBe("ok");
    expect((await last).body).toBe("1:6");
  });

  it("marks bytes on a WebSocket", async () => {
    const site = await serve(name);
    const wire = await wireTo(site, "EIO=3&transport=websocket");
    expect(await wire.next()).toMatch(/^0\{/);
    expect(await wire.next()).toBe("40");
    wire.send("2");
    expect(await wire.next()).toBe("3");
    wire.send('451-["echo",{"_placeholder":true,"num":0}]', Uint8Array.of(4, 1, 2, 255));
    expect(await wire.next()).toBe('451-["echo",{"_placeholder":true,"num":0}]');
    expect(await wire.next()).toEqual(Buffer.from([4, 1, 2, 255]));
  });

  it("sends them as base64 on a WebSocket that asked for it", async () => {
    const site = await serve(name);
    const wire = await wireTo(site, "EIO=3&transport=websocket&b64=1");
    await wire.next();
    await wire.next();
    wire.send('451-["echo",{"_placeholder":true,"num":0}]', "b4AQL/");
    expect(await wire.next()).toBe('451-["echo",{"_placeholder":true,"num":0}]');
    expect(await wire.next()).toBe("b4AQL/");
  });

  it("takes a query in CONNECT, and refuses with text", async () => {
    const site = await serve(name);
    site.io.of("/admin").use((socket, next) => {
      next(socket.handshake.auth["token"] === "a b" ? undefined : new Error("not you"));
    });
    const wire = await wireTo(site, "EIO=3&transport=websocket");
    await wire.next();
    await wire.next();
    wire.send("40/admin?token=b,");
    expect(await wire.next()).toBe('44/admin,"not you"');
    wire.send("40/admin?token=a%20b,");
    expect(await wire.next()).toBe("40/admin,");
  });

  it("keeps to the revision of the handshake", async () => {
    const site = await serve(name);
    const older = new OldPoller(site, "EIO=3");
    await older.open();
    const newer = new OldPoller(site, "EIO=4");
    newer.sid = /"sid":"([^"]+)"/.exec((await newer.poll()).body)?.[1] ?? "";
    for (const [poller, revision] of [
      [older, 4],
      [newer, 3],
    ] as const) {
      const target = `/socket.io/?EIO=${revision}&${QUERY}&sid=${poller.sid}`;
      const { status, body } = await http(site.port, { target });
      expect([status, JSON.parse(body)]).toEqual([400, { code: 3, message: "Bad request" }]);
    }
  });
});

describe("revision 3 with sockeye alone", () => {
  it.each<[string, string | Uint8Array, Record<string, string> | undefined]>([
    ["a body of revision 4", '42["echo"]', undefined],
    ["a length that does not fit", '9:42["e"]', undefined],
    ["a body of bytes that is cut short", Uint8Array.of(0, 9, 255, 0x34), OCTETS],
    ["bytes that are no message", Uint8Array.of(1, 2, 255, 2, 2), OCTETS],
  ])("refuses %s, and ends", async (_what, body, headers) => {
    const site = await serve("sockeye");
    const reasons: unknown[] = [];
    site.io.on("connection", (socket) => socket.on("disconnect", (reason) => reasons.push(reason)));
    const poller = new OldPoller(site, "EIO=3");
    await poller.open();
    expect((await poller.post(body, headers)).status).toBe(400);
    expect(reasons).toEqual(["parse error"]);
  });

  it("refuses a namespace whose name is too long without its query", async () => {
    const site = await serve("sockeye");
    const wire = await wireTo(site, "EIO=3&transport=websocket");
    wire.send(`40/${"n".repeat(600)}?a=1,`);
    expect(await wire.closed).toBe(1005);
  });
});

describe("revision 3 through another engine", () => {
  it("joins the main namespace by itself, with its own ids and refusals", async () => {
    const http = createServer();
    const io = new Server();
    const engine = new EngineServer({ allowEIO3: true } as never);
    engine.attach(http, { path: "/socket.io" });
    io.bind(engine as never);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    ends.push(
      () => io.close(),
      () => http.close(),
    );
    const wire = await openWire((http.address() as AddressInfo).port, "EIO=3&transport=websocket");
    ends.push(() => wire.end());
    const sid = /"sid":"([^"]+)"/.exec(String(await wire.next()))?.[1];
    expect(await wire.next()).toBe("40");
    expect([...io.sockets.sockets.keys()]).toEqual([sid]);
    wire.send("40/nowhere?a=1,");
    expect(await wire.next()).toBe('44/nowhere,"Invalid namespace"');
  });
});
