import { request } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { readClaim } from "../../src/server/request/claim.js";
import { type GateServer, gateServer } from "./gate-server.js";
import { ask, askUpgrade, clientFrame, RawConnection, upgradeRequest } from "./raw-client.js";

const claim = { sid: "sid-1", secret: "s", received: 3 };
const CLAIM = `0${JSON.stringify(claim)}`;
const ALL = ["polling", "websocket", "sse", "stream", "iframe", "jsonp"];
const OVER_HTTP = [
  ["polling", "transport=polling"],
  ["sse", "transport=sse"],
  ["stream", "transport=stream"],
  ["iframe", "transport=iframe"],
] as const;
const REFUSED = { status: 400, body: '{"code":1,"message":"Session ID unknown"}' };

/** What is no claim, whatever the session. */
const NO_CLAIMS: readonly [what: string, frame: string][] = [
  ["nothing", ""],
  ["OPEN without data", "0"],
  ["no JSON", "0{"],
  ["a list", "0[]"],
  ["no secret", '0{"sid":"sid-1","received":3}'],
  ["no count", '0{"sid":"sid-1","secret":"s"}'],
  ["no sid", '0{"secret":"s","received":3}'],
  ["a secret that is a number", '0{"sid":"sid-1","secret":1,"received":3}'],
  ["a sid that is a list", '0{"sid":["sid-1"],"secret":"s","received":3}'],
  ["a count below 0", '0{"sid":"sid-1","secret":"s","received":-1}'],
  ["a count with a fraction", '0{"sid":"sid-1","secret":"s","received":1.5}'],
  ["a count that is text", '0{"sid":"sid-1","secret":"s","received":"3"}'],
  ["a count beyond 2^53", '0{"sid":"sid-1","secret":"s","received":9007199254740993}'],
  ["another packet", '4{"sid":"sid-1","secret":"s","received":3}'],
  ["PING", "2probe"],
  ["space before it", ` ${CLAIM}`],
  ["far too much", `0${JSON.stringify({ ...claim, more: "x".repeat(10_000) })}`],
];

async function serverWithSession(options: Parameters<typeof gateServer>[0] = {}): Promise<GateServer> {
  const server = await gateServer({ transports: ALL, ...options });
  await ask(server.port, { target: "/engine.io/?EIO=4&transport=polling&resume=offer" });
  return server;
}

function claimTarget(query: string, sid = "sid-1"): string {
  return `/engine.io/?EIO=4&${query}&sid=${sid}&resume=claim`;
}

/** What comes back over a WebSocket whose first frame this is: all frames, as bytes. */
async function claimByWebSocket(port: number, frame: string, sid?: string): Promise<string> {
  const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket", sid)));
  await connection.until("\r\n\r\n");
  connection.write(longFrame(frame));
  await connection.over;
  return connection.received.slice(connection.received.indexOf("\r\n\r\n") + 4);
}

function longFrame(text: string): Buffer {
  if (text.length <= 125) return clientFrame(0x81, Buffer.from(text));
  const head = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0]);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** CLOSE, then a close frame without a code. */
const GOODBYE = "\x81\x011\x88\x00";

describe("readClaim", () => {
  it("reads a claim", () => {
    expect(readClaim(CLAIM)).toEqual(claim);
    expect(readClaim('0{"received":0,"more":1,"secret":"","sid":""}')).toEqual({
      sid: "",
      secret: "",
      received: 0,
    });
  });

  it.each(NO_CLAIMS)("refuses %s", (_what, frame) => {
    expect(readClaim(frame)).toBeUndefined();
  });

  it("refuses bytes, and nothing", () => {
    expect(readClaim(Buffer.from(CLAIM))).toBeUndefined();
    expect(readClaim(undefined)).toBeUndefined();
  });
});

describe("a claim over HTTP", () => {
  it.each(OVER_HTTP)("by %s moves the session there", async (name, query) => {
    const { port, acceptor } = await serverWithSession();
    const target = claimTarget(query);
    expect(await ask(port, { method: "POST", target, body: CLAIM })).toMatchObject({
      status: 200,
      body: "ok",
    });
    expect(acceptor.claims).toEqual([claim]);
    expect(acceptor.session("sid-1").transport.name).toBe(name);
    expect(acceptor.refusals).toEqual([]);
  });

  it("reads the body as every other: as a form, or as frames in a stream of bytes", async () => {
    const { port, acceptor } = await serverWithSession();
    const form = {
      method: "POST",
      target: claimTarget("transport=polling&j=1"),
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `d=${encodeURIComponent(CLAIM)}`,
    };
    expect((await ask(port, form)).status).toBe(200);
    const bytes = {
      method: "POST",
      target: claimTarget("transport=stream"),
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.concat([Buffer.from([CLAIM.length]), Buffer.from(CLAIM)]),
    };
    expect((await ask(port, bytes)).status).toBe(200);
    expect(acceptor.claims).toEqual([claim, claim]);
  });

  it("numbers the requests that follow from its own number on, and lets those of the transport before do no harm", async () => {
    const { port, acceptor } = await serverWithSession();
    await ask(port, { method: "POST", target: `${claimTarget("transport=polling")}&n=7`, body: CLAIM });
    const at = (n: number): string => `/engine.io/?EIO=4&transport=polling&sid=sid-1&n=${n}`;
    for (const n of [1, 7]) {
      expect(await ask(port, { method: "POST", target: at(n), body: "4late" })).toMatchObject({
        status: 400,
        body: "",
      });
      expect(await ask(port, { target: at(n) })).toMatchObject({ status: 400, body: "" });
    }
    const { frames, endings } = acceptor.session("sid-1");
    expect({ frames, endings }).toEqual({ frames: [], endings: [] });
    expect((await ask(port, { method: "POST", target: at(8), body: "4a" })).status).toBe(200);
    expect((await ask(port, { method: "POST", target: at(8), body: "4a" })).status).toBe(200);
    expect(frames).toEqual(["4a"]);
  });

  it("sets no cookie and is no handshake", async () => {
    const { port, acceptor } = await serverWithSession({ cookie: true });
    const initials: boolean[] = [];
    acceptor.onHeaders = (_headers, initial) => initials.push(initial);
    await ask(port, { method: "POST", target: claimTarget("transport=polling"), body: CLAIM });
    const poll = ask(port, { target: "/engine.io/?EIO=4&transport=polling&sid=sid-1&n=1" });
    await vi.waitFor(() => expect(acceptor.session("sid-1").transport.writable).toBe(true));
    acceptor.session("sid-1").send("4x");
    expect((await poll).headers["set-cookie"]).toBeUndefined();
    expect(initials).toEqual([false, false]);
  });

  it.each<readonly [string, string, string]>([
    [
      "for a session that does not exist",
      claimTarget("transport=polling", "other"),
      CLAIM.replace("sid-1", "other"),
    ],
    ["for another session than the request's", claimTarget("transport=polling", "other"), CLAIM],
    ["of two frames", claimTarget("transport=polling"), `${CLAIM}\x1e${CLAIM}`],
    ...NO_CLAIMS.map(
      ([what, frame]) => [`that is ${what}`, claimTarget("transport=polling"), frame] as const,
    ),
  ])("%s is refused, and always alike", async (_what, target, body) => {
    const { port, acceptor } = await serverWithSession();
    expect(await ask(port, { method: "POST", target, body })).toMatchObject(REFUSED);
    expect(acceptor.session("sid-1").endings).toEqual([]);
    expect(acceptor.refusals).toMatchObject([{ code: 1, context: { name: "CLAIM_REFUSED" } }]);
  });

  it("that the session does not grant is refused with the same answer", async () => {
    const { port, acceptor } = await serverWithSession();
    acceptor.agrees = () => false;
    const target = claimTarget("transport=polling");
    expect(await ask(port, { method: "POST", target, body: CLAIM })).toMatchObject(REFUSED);
    expect(acceptor.session("sid-1").endings).toEqual([]);
  });

  it("that does not come in time is refused, and its connection does not stay", async () => {
    const { port, clock, connections } = await serverWithSession({ upgradeTimeout: 500 });
    const before = connections.size;
    const answer = new Promise<number | undefined>((resolve, reject) => {
      const req = request({
        port,
        host: "127.0.0.1",
        method: "POST",
        path: claimTarget("transport=polling"),
        headers: { "content-length": "1000" },
      });
      req.on("response", (res) => {
        res.resume();
        resolve(res.statusCode);
      });
      req.on("error", reject);
      req.write("0{");
    });
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    clock.advance(500);
    expect(await answer).toBe(400);
    await vi.waitFor(() => expect(connections.size).toBeLessThanOrEqual(before));
    expect(clock.pendingTimers).toBe(0);
  });

  it("that breaks off leaves nothing", async () => {
    const { port, clock, acceptor } = await serverWithSession();
    const req = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      path: claimTarget("transport=polling"),
      headers: { "content-length": "1000" },
    });
    req.on("error", () => {});
    req.write("0{");
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    req.destroy();
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
    expect(acceptor.claims).toEqual([]);
  });

  it.each([
    ["by revision 3", "EIO=3&transport=polling", 5],
    ["over an unknown transport", "EIO=4&transport=pigeon", 0],
    ["over WebSocket", "EIO=4&transport=websocket", 3],
    ["by a script whose name is none", "EIO=4&transport=polling&j=alert(1)", 3],
  ])("%s is refused before it is read", async (_what, query, code) => {
    const { port, acceptor } = await serverWithSession();
    const target = `/engine.io/?${query}&sid=sid-1&resume=claim`;
    const { body } = await ask(port, { method: "POST", target, body: CLAIM });
    expect(JSON.parse(body)).toMatchObject({ code });
    expect(acceptor.claims).toEqual([]);
  });
});

describe("a claim over WebSocket", () => {
  it("moves the session there", async () => {
    const { port, acceptor } = await serverWithSession();
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    connection.write(longFrame(CLAIM)).write(longFrame("4hello"));
    await connection.until('"again":true');
    await vi.waitFor(() => expect(acceptor.session("sid-1").frames).toEqual(["4hello"]));
    expect(acceptor.session("sid-1").transport.name).toBe("websocket");
    connection.reset();
  });

  it.each<readonly [string, string, string]>([
    ["for a session that does not exist", CLAIM.replace("sid-1", "other"), "other"],
    ["for another session than the request's", CLAIM, "other"],
    ...NO_CLAIMS.map(([what, frame]) => [`that is ${what}`, frame, "sid-1"] as const),
  ])("%s is refused, and always alike", async (_what, frame, sid) => {
    const { port, acceptor, clock } = await serverWithSession();
    const answer = claimByWebSocket(port, frame, sid);
    // The peer of this test does not answer the close frame.
    await vi.waitFor(() => expect(acceptor.refusals).toHaveLength(1));
    clock.advance(30_000);
    expect(await answer).toBe(GOODBYE);
    expect(acceptor.session("sid-1").endings).toEqual([]);
    expect(acceptor.refusals).toMatchObject([{ code: 1, context: { name: "CLAIM_REFUSED" } }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("that does not come in time is refused alike", async () => {
    const { port, clock } = await serverWithSession({ upgradeTimeout: 500 });
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    clock.advance(500);
    await connection.until(GOODBYE);
    clock.advance(30_000);
    await connection.over;
    expect(clock.pendingTimers).toBe(0);
  });

  it("that breaks off leaves nothing, and is nobody's refusal", async () => {
    const { port, clock, acceptor } = await serverWithSession();
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    expect(clock.pendingTimers).toBe(1);
    connection.reset();
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
    expect(acceptor.refusals).toEqual([]);
  });

  it("may be read by the package ws as well", async () => {
    const { port, acceptor } = await serverWithSession({ webSockets: "ws" });
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    connection.write(longFrame(CLAIM));
    await connection.until('"again":true');
    expect(acceptor.claims).toEqual([claim]);
    connection.reset();
  });

  it("does not keep the gate from closing", async () => {
    const { port, gate, clock } = await serverWithSession();
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    gate.close();
    await connection.until(GOODBYE);
    expect(await askUpgrade(port, claimTarget("transport=websocket"))).toMatch(/^HTTP\/1\.1 503 /);
    clock.advance(30_000);
    await connection.over;
  });
});

describe("every claim", () => {
  const origin = { Origin: "http://elsewhere.example" };

  it("must come from an origin that is let in", async () => {
    const { port, acceptor } = await serverWithSession();
    const over = { method: "POST", target: claimTarget("transport=polling"), body: CLAIM, headers: origin };
    expect(await ask(port, over)).toMatchObject({ status: 403, body: expect.stringContaining("40") });
    expect(await askUpgrade(port, claimTarget("transport=websocket"), origin)).toMatch(/^HTTP\/1\.1 403 /);
    expect(acceptor.claims).toEqual([]);
  });

  it("must come from the origin of the handshake, if that had one over HTTP", async () => {
    const { port, acceptor } = await gateServer({ transports: ALL, origins: "*" });
    const target = "/engine.io/?EIO=4&transport=polling&resume=offer";
    await ask(port, { target, headers: { Origin: "http://one.example" } });
    const over = { method: "POST", target: claimTarget("transport=polling"), body: CLAIM };
    expect(await ask(port, { ...over, headers: origin })).toMatchObject(REFUSED);
    expect(acceptor.claims).toEqual([]);
    expect((await ask(port, { ...over, headers: { Origin: "http://one.example" } })).status).toBe(200);
  });

  it("goes through the middlewares, and is not asked of allowRequest", async () => {
    let asked = 0;
    const { port, gate } = await serverWithSession({
      allowRequest: (_req, callback) => {
        asked++;
        callback(null, true);
      },
    });
    const seen: string[] = [];
    gate.use((req, _res, next) => {
      seen.push(`${req.method}`);
      next();
    });
    await ask(port, { method: "POST", target: claimTarget("transport=polling"), body: CLAIM });
    const connection = RawConnection.to(port).write(upgradeRequest(claimTarget("transport=websocket")));
    await connection.until("\r\n\r\n");
    connection.reset();
    expect(seen).toEqual(["POST", "GET"]);
    expect(asked).toBe(1);
  });

  it("counts against the limits of handshakes", async () => {
    const { port, acceptor } = await serverWithSession();
    const asked: string[] = [];
    Object.assign(acceptor, {
      exceeds: (_req: unknown, what: string) => {
        asked.push(what);
        return Object.assign(new Error("too often"), { code: "ERR_TOO_MANY_HANDSHAKES" });
      },
    });
    const over = { method: "POST", target: claimTarget("transport=polling"), body: CLAIM };
    expect((await ask(port, over)).status).toBe(429);
    expect(await askUpgrade(port, claimTarget("transport=websocket"))).toMatch(/^HTTP\/1\.1 429 /);
    expect(asked).toEqual(["resume", "resume"]);
    expect(acceptor.claims).toEqual([]);
  });
});

describe("a session that is suspended", () => {
  it("is let alone by every request but a claim", async () => {
    const { port, acceptor } = await serverWithSession();
    const session = acceptor.session("sid-1");
    session.suspended = true;
    const target = "/engine.io/?EIO=4&transport=polling&sid=sid-1";
    const bad = { status: 400, body: '{"code":3,"message":"Bad request"}' };
    expect(await ask(port, { target })).toMatchObject(bad);
    expect(await ask(port, { method: "POST", target, body: "4x" })).toMatchObject(bad);
    expect(await askUpgrade(port, "/engine.io/?EIO=4&transport=websocket&sid=sid-1")).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(acceptor.refusals.map(({ context }) => context["name"])).toEqual(Array(3).fill("TRANSPORT_LOST"));
    expect(session.frames).toEqual([]);
    expect(
      (await ask(port, { method: "POST", target: claimTarget("transport=polling"), body: CLAIM })).status,
    ).toBe(200);
  });
});

describe("the offer to count", () => {
  it.each([
    ["EIO=4&transport=polling&resume=offer", true, true],
    ["EIO=4&transport=polling&resume=without", false, true],
    ["EIO=4&transport=polling&resume=claim", false, false],
    ["EIO=4&transport=polling", false, false],
    ["EIO=3&transport=polling&resume=offer", false, false],
    ["EIO=3&transport=polling&resume=without", false, false],
  ])("in %s: %s; by a client of ours: %s", async (query, counts, isOurs) => {
    const { port, acceptor } = await gateServer({ allowEIO3: true });
    await ask(port, { target: `/engine.io/?${query}` });
    expect(acceptor.session("sid-1").handshake).toMatchObject({ counts, isOurs });
  });

  it("is made over WebSocket in the same way", async () => {
    const { port, acceptor } = await gateServer();
    const connection = RawConnection.to(port).write(
      upgradeRequest("/engine.io/?EIO=4&transport=websocket&resume=offer"),
    );
    await connection.until('0{"sid"');
    expect(acceptor.session("sid-1").handshake.counts).toBe(true);
    connection.reset();
  });
});
