import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Adapter, type PersistedSession } from "@sockeye/adapter";
import type { ServerOptions, Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ask, CountedClient, RAW_TRANSPORTS, type RawTransport } from "../../../test/support/counted.js";
import { deferred, once, turn, until } from "../../../test/support/wait.js";
import { atEnd, type Site, serve } from "./site.js";

const ALL = ["polling", "websocket", "sse", "stream", "iframe", "jsonp"] as const;

/** A client in `/`, and the server's half of it. */
async function joined(
  site: Site,
  transport: RawTransport = "websocket",
): Promise<{ client: CountedClient; socket: Socket }> {
  const connected = once(site.io, "connection");
  const client = await CountedClient.open(site.port, transport);
  atEnd(() => client.cut());
  await client.send("0");
  const [socket] = (await connected) as [Socket];
  await client.received(1);
  return { client, socket };
}

async function suspend({ client, socket }: { client: CountedClient; socket: Socket }): Promise<void> {
  client.cut();
  await until(() => socket.conn.suspended, "the session to be suspended");
}

describe("a client that claims its session goes on", () => {
  const pairs = RAW_TRANSPORTS.flatMap((from) => RAW_TRANSPORTS.map((to) => [from, to] as const));

  it.each(pairs)("from %s over %s", async (from, to) => {
    const site = await serve({ transports: ALL });
    const half = await joined(site, from);
    const { client, socket } = half;
    const heard: unknown[] = [];
    socket.onAny((...args) => heard.push(args));
    await client.send('2["a"]');
    socket.emit("one", 1);
    await client.received(2);
    await suspend(half);
    socket.emit("two", Buffer.from("bytes"));
    client.sent.push('42["lost"]');
    expect((await client.claim(to)).first).toMatch(to === "websocket" ? /^0\{/ : /^ok$/);
    socket.emit("three");
    expect(await client.received(5)).toEqual([
      expect.stringMatching(/^0\{"sid"/),
      '2["one",1]',
      '51-["two",{"_placeholder":true,"num":0}]',
      Buffer.from("bytes"),
      '2["three"]',
    ]);
    await client.send('2["b"]');
    await until(() => heard.length >= 3, "what the client sent");
    expect(heard).toEqual([["a"], ["lost"], ["b"]]);
    expect(socket.conn.transport.name).toBe(to === "jsonp" ? "polling" : to);
    expect(socket.connected).toBe(true);
  });
});

describe("a session that is suspended", () => {
  it("keeps its sockets as they are: neither the app nor its rooms notice", async () => {
    const site = await serve();
    const half = await joined(site);
    const { client, socket } = half;
    const heard: string[] = [];
    for (const event of ["disconnecting", "disconnect"] as const) socket.on(event, () => heard.push(event));
    socket.conn.on("close", () => heard.push("close"));
    socket.conn.on("suspend", (reason) => heard.push(`suspend: ${reason}`));
    socket.conn.on("resume", ({ name }) => heard.push(`resume: ${name}`));
    site.io.on("connection", () => heard.push("connection"));
    socket.data["name"] = "Kim";
    await socket.join("room");
    const { id } = socket;
    await suspend(half);
    expect(socket.connected).toBe(true);
    expect(socket.conn.readyState).toBe("open");
    expect(socket.conn.transport).toMatchObject({ name: "websocket", writable: false });
    expect(Object.keys(site.io.engine.clients)).toEqual([client.sid]);
    site.io.to("room").emit("to the room");
    socket.volatile.emit("dropped");
    await client.claim("polling");
    socket.emit("last");
    await client.received(3);
    expect(client.messages.slice(1)).toEqual(['2["to the room"]', '2["last"]']);
    expect(socket).toMatchObject({ id, connected: true, data: { name: "Kim" } });
    expect([...socket.rooms].sort()).toEqual([id, "room"].sort());
    expect(heard).toEqual(["suspend: transport close", "resume: polling"]);
    expect(socket.conn.suspended).toBe(false);
  });

  it("is told by numbers and channels", async () => {
    const site = await serve();
    const told: string[] = [];
    for (const name of ["suspend", "resume", "close"]) {
      const channel = `sockeye:session:${name}`;
      const listener = (message: unknown): void => {
        const { conn, reason } = message as { conn: Socket["conn"]; reason?: string };
        told.push(`${name} ${conn.transport.name} ${reason}`);
      };
      subscribe(channel, listener);
      atEnd(() => unsubscribe(channel, listener));
    }
    const half = await joined(site);
    expect(site.io.metrics()).toMatchObject({ sessions: { websocket: 1 }, suspended: 0 });
    await suspend(half);
    expect(site.io.metrics()).toMatchObject({
      sessions: {},
      suspended: 1,
      sessionsSuspended: 1,
      sessionsResumed: 0,
      sockets: 1,
    });
    expect(site.io.health()).toMatchObject({ sessions: 1, suspended: 1 });
    expect(String(site.io.metrics())).toMatch(
      /^sockeye_sessions_suspended 1$.*^sockeye_sessions_transport_lost_total 1$.*^sockeye_sessions_resumed_total 0$/ms,
    );
    await half.client.claim("polling");
    expect(site.io.metrics()).toMatchObject({ sessions: { polling: 1 }, suspended: 0, sessionsResumed: 1 });
    half.socket.disconnect(true);
    expect(told).toEqual([
      "suspend websocket transport close",
      "resume polling undefined",
      "close polling forced server close",
    ]);
    expect(site.io.health()).toMatchObject({ suspended: 0 });
  });

  it("ends after the window, with the reason for which its transport was lost", async () => {
    const site = await serve({ resume: { windowMs: 50 } });
    const half = await joined(site);
    const ended = once(half.socket, "disconnect");
    half.client.cut();
    expect(await ended).toEqual(["transport close", expect.objectContaining({ code: "ERR_NOT_RESUMED" })]);
    expect(site.io.metrics()).toMatchObject({ suspended: 0, sessionsClosed: { "transport close": 1 } });
    expect(await half.client.claim("polling")).toMatchObject({ status: 400 });
  });

  it("can be recovered by connection state recovery when it has ended", async () => {
    const site = await serve({ resume: { windowMs: 50 }, connectionStateRecovery: {} });
    const half = await joined(site);
    const { client, socket } = half;
    await socket.join("room");
    socket.emit("one");
    await client.received(2);
    const ended = once(socket, "disconnect");
    client.cut();
    await until(() => socket.conn.suspended, "the session to be suspended");
    socket.emit("missed");
    await ended;
    site.io.to("room").emit("missed, too");
    expect((await client.claim("websocket")).status).toBe(400);
    const { pid } = JSON.parse(String(client.messages[0]).slice(1)) as { pid: string };
    const [, offset] = JSON.parse(String(client.messages[1]).slice(1)) as [string, string];
    const connected = once(site.io, "connection");
    const next = await CountedClient.open(site.port);
    atEnd(() => next.cut());
    await next.send(`0${JSON.stringify({ pid, offset })}`);
    const [recovered] = (await connected) as [Socket];
    expect(recovered).toMatchObject({ id: socket.id, recovered: true });
    await next.received(3);
    const events = next.messages.filter((text) => String(text).startsWith("2"));
    expect(events.map((text) => (JSON.parse(String(text).slice(1)) as string[])[0])).toEqual([
      "missed",
      "missed, too",
    ]);
  });

  it.each<[string, (socket: Socket) => unknown, string]>([
    ["conn.close()", (socket) => socket.conn.close(), "forced close"],
    ["conn.close(true)", (socket) => socket.conn.close(true), "forced close"],
  ])("ends at once by %s", async (_what, act, reason) => {
    const site = await serve();
    const half = await joined(site);
    await suspend(half);
    const ended = once(half.socket, "disconnect");
    act(half.socket);
    expect((await ended)[0]).toBe(reason);
    expect(site.io.engine.clientsCount).toBe(0);
    expect(await half.client.claim("polling")).toMatchObject({ status: 400 });
  });

  it("ends at once when the server closes", async () => {
    const site = await serve();
    const half = await joined(site);
    await suspend(half);
    const ended = once(half.socket, "disconnect");
    await site.io.close();
    expect(await ended).toEqual(["server shutting down", undefined]);
  });

  it("does not keep a server that drains, whatever it waits for", async () => {
    const site = await serve();
    const half = await joined(site);
    half.socket.emit("answer me", () => {});
    await suspend(half);
    const begun = Date.now();
    await site.io.close({ drain: { deadlineMs: 60_000, spreadMs: 60_000 } });
    expect(half.socket.connected).toBe(false);
    expect(Date.now() - begun).toBeLessThan(30_000);
  });

  it("is not kept if nothing was joined in it", async () => {
    const site = await serve();
    const client = await CountedClient.open(site.port);
    await client.send("0/nowhere,");
    await client.received(1);
    client.cut();
    await until(() => site.io.health().sessions === 0, "the end of the session");
    expect(site.io.metrics().sessionsClosed).toEqual({ "forced close": 1 });
  });

  it("ends when too much waits, and says so", async () => {
    const site = await serve({ resume: { maxBytes: 10_000 } });
    const half = await joined(site);
    await suspend(half);
    const ended = once(half.socket, "disconnect");
    for (let sent = 0; sent < 11; sent++) half.socket.emit("much", "x".repeat(1000));
    expect(await ended).toEqual([
      "forced server close",
      expect.objectContaining({ code: "ERR_SUSPENDED_FULL" }),
    ]);
    expect(site.io.engine.clientsCount).toBe(0);
  });

  it("counts what was not acknowledged among it", async () => {
    const site = await serve({ resume: { maxBytes: 10_000 } });
    const half = await joined(site);
    half.socket.emit("much", "x".repeat(8000));
    await half.client.received(2);
    await suspend(half);
    half.socket.emit("little", "x".repeat(1000));
    expect(half.socket.connected).toBe(true);
    const ended = once(half.socket, "disconnect");
    half.socket.emit("little", "x".repeat(1000));
    expect((await ended)[1]).toMatchObject({ code: "ERR_SUSPENDED_FULL" });
  });

  it("is still one session of its address, and a claim is none more", async () => {
    const site = await serve({ limits: { maxSessionsPerAddress: 1, maxHandshakesPerSecondPerAddress: 3 } });
    const half = await joined(site);
    await suspend(half);
    expect((await ask({ port: site.port, path: "EIO=4&transport=polling" })).status).toBe(429);
    expect(await half.client.claim("polling")).toMatchObject({ status: 200 });
    expect(await half.client.claim("polling")).toMatchObject({ status: 429 });
  });

  it("lets what was emitted with an acknowledgement be answered after the return", async () => {
    const site = await serve();
    const half = await joined(site);
    await suspend(half);
    const answer = half.socket.timeout(5000).emitWithAck("question");
    await half.client.claim("websocket");
    await half.client.received(2);
    await half.client.send('30["answer"]');
    expect(await answer).toBe("answer");
  });
});

describe("a kick of somebody who is away", () => {
  it.each([true, false])(
    "holds: it is the first that the client hears when it is back (connection too: %s)",
    async (close) => {
      const site = await serve({ connectTimeout: 50, resume: { windowMs: 5000 } });
      const half = await joined(site);
      await suspend(half);
      const gone = once(half.socket, "disconnect");
      site.io.in(half.socket.id).disconnectSockets(close);
      expect((await gone)[0]).toBe("server namespace disconnect");
      expect(site.io.sockets.sockets.size).toBe(0);
      await half.client.claim("websocket");
      expect((await half.client.received(2))[1]).toBe("1");
      await until(() => site.io.engine.clientsCount === 0, "the end of the session");
    },
  );

  it("is forgotten with the window", async () => {
    const site = await serve({ resume: { windowMs: 100 } });
    const half = await joined(site);
    await suspend(half);
    site.io.disconnectSockets(true);
    expect(site.io.engine.clientsCount).toBe(1);
    await until(() => site.io.engine.clientsCount === 0, "the end of the session");
  });
});

describe("with an adapter that other nodes share", () => {
  it("the others know of whoever is away, and only for so long", async () => {
    const kept: unknown[] = [];
    class Shared extends Adapter {
      override persistSession({ sid, rooms, data, expires }: PersistedSession): void {
        kept.push(expires === 0 ? "revoked" : [sid, rooms, data]);
      }
    }
    const site = await serve({ adapter: Shared, connectionStateRecovery: {} });
    const half = await joined(site);
    const { socket } = half;
    socket.join("room");
    socket.data = "Ann";
    await suspend(half);
    const record = [socket.id, [socket.id, "room"], "Ann"];
    expect(kept).toEqual([record]);
    await half.client.claim("websocket");
    expect(kept).toEqual([record, "revoked"]);
    await suspend(half);
    socket.disconnect(true);
    expect(kept).toEqual([record, "revoked", record, "revoked"]);
  });
});

describe("a claim of a session whose pipe lives", () => {
  it("moves it, and the old WebSocket is closed with 4001", async () => {
    const site = await serve();
    const { client, socket } = await joined(site);
    const heard: string[] = [];
    socket.conn.on("suspend", () => heard.push("suspend"));
    socket.conn.on("resume", () => heard.push("resume"));
    expect(await client.claim("polling")).toMatchObject({ status: 200 });
    await until(() => client.closeCode !== undefined, "the end of the old WebSocket");
    expect(client.closeCode).toBe(4001);
    expect(heard).toEqual(["resume"]);
    socket.emit("here");
    expect((await client.received(2))[1]).toBe('2["here"]');
  });

  it("goes on in the middle of a binary event, in both directions", async () => {
    const site = await serve();
    const { client, socket } = await joined(site);
    const heard = deferred<unknown[]>("the event");
    socket.on("files", (...files) => heard.resolve(files));
    const event = '452-["files",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    const [first, second] = [Buffer.from("one"), Buffer.from("two")];
    await client.raw(event, first);
    client.sent.push(event, first, second);
    socket.emit("photos", first, second);
    await client.received(4);
    // It pretends to have lost the last attachment on its way.
    client.messages.length = 3;
    await client.claim("websocket");
    expect(await heard.promise).toEqual([first, second]);
    expect((await client.received(4)).slice(1)).toEqual([expect.stringMatching(/^52-/), first, second]);
  });

  it("may be followed by an upgrade as any other", async () => {
    const site = await serve();
    const { client, socket } = await joined(site);
    await client.claim("polling");
    expect(client.terms?.upgrades).toEqual(["websocket"]);
    const upgraded = once(socket.conn, "upgrade");
    const ws = new WebSocket(
      `ws://127.0.0.1:${site.port}/socket.io/?EIO=4&transport=websocket&sid=${client.sid}`,
    );
    atEnd(() => ws.terminate());
    await once(ws, "open");
    ws.send("2probe");
    expect(String((await once(ws, "message"))[0])).toBe("3probe");
    ws.send("5");
    await upgraded;
    client.cut();
    socket.emit("here");
    expect(String((await once(ws, "message"))[0])).toBe('42["here"]');
    expect(socket.conn).toMatchObject({ upgraded: true, suspended: false });
  });

  it("may be one that polls", async () => {
    const site = await serve();
    const { client, socket } = await joined(site, "polling");
    expect(await client.claim("polling")).toMatchObject({ status: 200 });
    socket.emit("here");
    expect((await client.received(2))[1]).toBe('2["here"]');
    expect(site.io.engine.clientsCount).toBe(1);
  });
});

describe("who does not count", () => {
  it.each<[string, ServerOptions, string]>([
    ["because the client did not offer it", {}, ""],
    ["because the server has it off", { resume: false }, "resume=offer"],
  ])("%s ends with the transport", async (_why, options, query) => {
    const site = await serve(options);
    const connected = once(site.io, "connection");
    const client = await CountedClient.open(site.port, "websocket", query);
    expect(client.terms?.resume).toBeUndefined();
    await client.send("0");
    const [socket] = (await connected) as [Socket];
    const ended = once(socket, "disconnect");
    client.cut();
    expect((await ended)[0]).toBe("transport close");
  });

  it("learns nothing of it", async () => {
    const site = await serve();
    const { client, socket } = await joined(site);
    expect(client.terms).toMatchObject({ resume: { window: 30_000, bytes: 1_048_576 } });
    expect(socket.handshake.query).toEqual({ EIO: "4", transport: "websocket" });
  });

  it("and does not resume is told the limits alone, and the app sees nothing of that", async () => {
    const site = await serve();
    const connected = once(site.io, "connection");
    const client = await CountedClient.open(site.port, "websocket", "resume=without");
    expect([client.terms?.resume, typeof client.terms?.limits?.maxAttachments]).toEqual([
      undefined,
      "number",
    ]);
    await client.send("0");
    const [socket] = (await connected) as [Socket];
    expect(socket.handshake.query).toEqual({ EIO: "4", transport: "websocket" });
    client.cut();
  });
});

it("a session that is closed while the client owes acknowledgements ends as soon as the rest has left", async () => {
  const site = await serve({ resume: { maxBytes: 2000 } });
  const { client, socket } = await joined(site);
  for (let sent = 0; sent < 6; sent++) socket.emit("much", "x".repeat(1000));
  await client.received(3);
  socket.conn.close();
  const begun = Date.now();
  for (let told = 3; told < 7; told++) {
    await client.tellCount();
    if (told < 6) await client.received(told + 1);
  }
  await until(() => client.closeCode !== undefined, "the end of the WebSocket");
  expect(client.messages).toHaveLength(7);
  expect(Date.now() - begun).toBeLessThan(20_000);
});

describe("a client that acknowledges nothing", () => {
  it("cannot make the server keep more than its bounds", async () => {
    const maxOutboundBytes = 1_000_000;
    const site = await serve({ resume: { maxBytes: 100_000 }, limits: { maxOutboundBytes } });
    const { client, socket } = await joined(site);
    client.answersPings = false;
    const ended = once(socket, "disconnect");
    let most = 0;
    let sent = 0;
    while (socket.connected && sent < 5000) {
      socket.emit("much", "x".repeat(1000));
      sent++;
      most = Math.max(most, socket.bufferedBytes);
      if (sent % 100 === 0) await turn();
    }
    expect((await ended)[1]).toMatchObject({ code: "ERR_OUTBOUND_FULL" });
    expect(most).toBeLessThanOrEqual(maxOutboundBytes);
    // What it has read itself it was sent within the other bound.
    expect(client.messages.length).toBeLessThan(110);
  });

  it("and answers heartbeats loses its transport", async () => {
    const site = await serve({ pingInterval: 100 });
    const { client, socket } = await joined(site);
    client.answersPings = false;
    socket.emit("unacknowledged");
    await until(() => client.pings.length > 0, "a PING");
    const suspended = once(socket.conn, "suspend");
    await client.raw("3");
    expect(await suspended).toEqual([
      "transport error",
      expect.objectContaining({ code: "ERR_NOT_ACKNOWLEDGED" }),
    ]);
    await until(() => client.closeCode !== undefined, "the end of the WebSocket");
    expect(client.closeCode).toBe(4001);
  });
});

describe("a page that goes away", () => {
  const OVER_HTTP = RAW_TRANSPORTS.filter((name) => name !== "websocket");
  const rows = OVER_HTTP.flatMap((name) => [[name, false] as const, [name, true] as const]);

  it.each(rows)("over %s is gone at once, suspended: %s", async (transport, isSuspended) => {
    const site = await serve({ transports: ALL });
    const half = await joined(site, transport);
    const { client, socket } = half;
    const left = once(socket, "disconnect");
    if (isSuspended) await suspend(half);
    const name = transport === "jsonp" ? "polling" : transport;
    const path = `EIO=4&transport=${name}&sid=${client.sid}&resume=leave`;
    expect(await ask({ port: site.port, path, body: "1" })).toEqual({ status: 200, body: "" });
    expect((await left)[0]).toBe("transport close");
    expect(site.io.engine.clientsCount).toBe(0);
    expect((await ask({ port: site.port, path, body: "1" })).status).toBe(400);
  });

  it("does not end a session by a GET, nor over another transport", async () => {
    const site = await serve();
    const { client, socket } = await joined(site);
    const path = `EIO=4&transport=polling&sid=${client.sid}&resume=leave`;
    expect((await ask({ port: site.port, path })).status).toBe(400);
    expect((await ask({ port: site.port, path, body: "1" })).status).toBe(400);
    expect(socket.connected).toBe(true);
  });
});
