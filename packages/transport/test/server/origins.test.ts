import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { OriginPolicy } from "../../src/server/request/origins.js";
import { type GateServer, gateServer } from "./gate-server.js";
import { ask, askUpgrade, RawConnection, upgradeRequest } from "./raw-client.js";

const request = (origin: string | undefined, host: string | undefined): IncomingMessage =>
  ({ headers: { origin, host } }) as unknown as IncomingMessage;

describe("origins", () => {
  it.each<[origin: string | undefined, host: string | undefined, allowed: boolean]>([
    [undefined, "example.com", true],
    ["https://example.com", "example.com", true],
    ["https://example.com", "example.com:443", true],
    ["http://example.com", "example.com:80", true],
    ["http://example.com", "example.com:443", false],
    ["http://[::1]:3000", "[::1]:3000", true],
    ["http://[::1]:3000", "[::1]:3001", false],
    ["http://[::1]", "[::1]:80", true],
    ["http://[::2]:3000", "[::1]:3000", false],
    ["http://127.0.0.1:3000", "localhost:3000", false],
    // A proxy that ends TLS and passes Host on.
    ["https://example.com:8443", "example.com:8443", true],
    ["https://example.com:8443", "example.com", false],
    ["http://localhost:5173", "localhost:3000", false],
    ["https://EXAMPLE.com", "example.com", true],
    ["https://example.com.evil", "example.com", false],
    ["https://example.com@evil.com", "example.com", false],
    ["https://evil.com/https://example.com", "example.com", false],
    ["https://example.com, https://evil.com", "example.com", false],
    ["chrome-extension://example.com", "example.com", false],
    ["null", "null", false],
    ["file://", "example.com", false],
    ["https://example.com:443abc", "example.com", false],
    [`https://${"a".repeat(400)}`, "a".repeat(400), false],
    ["", "example.com", false],
    ["https://example.com", undefined, false],
  ])("%s at %s: %s", (origin, host, allowed) => {
    expect(new OriginPolicy().check(request(origin, host), undefined) === undefined).toBe(allowed);
  });

  it("of one request says nothing of the next", () => {
    const policy = new OriginPolicy();
    const allowed = (origin: string, host: string) =>
      policy.check(request(origin, host), undefined) === undefined;
    for (let time = 0; time < 2; time++) {
      expect(allowed("https://a.test", "a.test")).toBe(true);
      expect(allowed("https://b.test", "a.test")).toBe(false);
      expect(allowed("https://a.test", "b.test")).toBe(false);
      expect(allowed("https://b.test", "b.test")).toBe(true);
    }
  });

  it.each<[entry: string, origin: string, allowed: boolean]>([
    ["https://*.example.com", "https://a.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "https://a.b.example.com", false],
    ["https://*.example.com", "https://.example.com", false],
    ["https://*.example.com", "http://a.example.com", false],
    ["https://*.example.com", "https://a.example.com:8443", false],
    ["https://*.example.com", "https://a.example.com.evil", false],
    ["https://*.*.example.com", "https://a.b.example.com", true],
    ["https://example.com:443/", "https://example.com", true],
    ["https://b\u00fccher.example", "https://xn--bcher-kva.example", true],
    ["capacitor://localhost", "capacitor://localhost", true],
    ["null", "null", true],
    ["null", "file://", false],
    ["file://", "file://", true],
    ["*", "null", true],
    ["http://[::1]:5173", "http://[::1]:5173", true],
    ["http://[::1]:5173", "http://[::1]:5174", false],
    ["https://*.example.com:8443", "https://a.example.com:8443", true],
    ["http://localhost:*", "http://localhost:5174", true],
    ["http://localhost:*/", "http://localhost", true],
    ["http://localhost:*", "https://localhost:5174", false],
    ["http://localhost:*", "http://localhost.evil:5174", false],
    ["http://localhost:*", "http://evil:5174", false],
    ["https://*.example.com:*", "https://a.example.com:8443", true],
    ["https://*.example.com:*", "https://example.com:8443", false],
    ["http://[::1]:*", "http://[::1]:5174", true],
    ["https://*.example.com:8443", "https://a.example.com", false],
    ["https://*.example.com", `https://${"a".repeat(400)}.example.com`, false],
    ["https://*.example.com", "https://a/b.example.com", false],
  ])("%s lists %s: %s", (entry, origin, allowed) => {
    expect(new OriginPolicy([entry]).lists(origin)).toBe(allowed);
  });

  it("an authority of HTTP/2 is a host", () => {
    const req = {
      headers: { origin: "https://a.example", ":authority": "a.example" },
    } as unknown as IncomingMessage;
    expect(new OriginPolicy().check(req, undefined)).toBeUndefined();
    req.headers.origin = "https://b.example";
    expect(new OriginPolicy().check(req, undefined)).toMatchObject({ status: 403 });
  });

  it("headers of proxies are not believed", () => {
    const req = request("https://evil.example", "example.com");
    Object.assign(req.headers, { "x-forwarded-host": "evil.example", forwarded: "host=evil.example" });
    expect(new OriginPolicy().check(req, undefined)).toMatchObject({ status: 403 });
  });

  it.each(["example.com", "https://a*.example.com", "https://example.com/x", "https://u@example.com", ""])(
    "takes no %j",
    (entry) =>
      expect(() => new OriginPolicy([entry])).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" })),
  );
});

const PATH = "/engine.io/?EIO=4&transport=";
const APP = "https://app.example";
const EVIL = "https://evil.example";
const REFUSED = '{"code":40,"message":"Origin not allowed"}';
const REFUSED_UPGRADE =
  "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: 18\r\n\r\nOrigin not allowed";

/** A handshake, read until the id of the session has come. */
async function handshake(
  { port }: GateServer,
  transport: string,
  headers: Record<string, string> = {},
): Promise<RawConnection> {
  const all = { Host: `127.0.0.1:${port}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const connection = RawConnection.to(port);
  connection.write(`GET ${PATH}${transport} HTTP/1.1\r\n${lines.join("")}\r\n`);
  await connection.until("sid-1");
  return connection;
}

describe.each(["polling", "sse", "stream", "iframe&c=1"])("over %s", (transport) => {
  it.each(["handshake", "&sid=sid-1"])("a foreign page gets 403: %s", async (which) => {
    const server = await gateServer();
    const target = `${PATH}${transport}${which === "handshake" ? "" : which}`;
    for (const Origin of [EVIL, "null", `http://127.0.0.1:${server.port + 1}`]) {
      const answer = await ask(server.port, { target, headers: { Origin } });
      expect([answer.status, answer.body]).toEqual([403, REFUSED]);
      expect(server.acceptor.refusals.pop()).toMatchObject({
        code: 40,
        message: "Origin not allowed",
        context: { name: "FOREIGN_ORIGIN", origin: Origin },
      });
    }
    expect(server.acceptor.sessions.size).toBe(0);
  });

  it("later requests of a foreign page reach no session", async () => {
    const server = await gateServer();
    const { port, acceptor } = server;
    const connection = await handshake(server, transport);
    const target = `${PATH}${transport}&sid=sid-1`;
    const headers = { Origin: EVIL };
    for (const question of [{ target }, { target, method: "POST", body: "4mine" }]) {
      const answer = await ask(port, { ...question, headers });
      expect([answer.status, answer.body]).toEqual([403, REFUSED]);
    }
    const upgrade = `${PATH}websocket&sid=sid-1`;
    expect(await askUpgrade(port, upgrade, headers)).toBe(REFUSED_UPGRADE);
    const session = acceptor.session("sid-1");
    expect([session.frames, session.endings, session.candidate]).toEqual([[], [], undefined]);
    // The page that it belongs to goes on.
    const own = { Origin: `http://127.0.0.1:${port}` };
    expect((await ask(port, { target, method: "POST", body: "4mine", headers: own })).status).toBe(200);
    expect(session.frames).toEqual(["4mine"]);
    connection.reset();
  });

  it("a session belongs to the page that began it, among the allowed ones too", async () => {
    const server = await gateServer({ origins: [APP, "https://*.partner.example"] });
    const { port, acceptor } = server;
    const connection = await handshake(server, transport, { Origin: APP });
    const target = `${PATH}${transport}&sid=sid-1`;
    const other = "https://a.partner.example";
    const question = { target, method: "POST", body: "4a" };
    expect(await ask(port, { ...question, headers: { Origin: other } })).toMatchObject({
      status: 403,
      body: REFUSED,
    });
    expect(acceptor.refusals.pop()?.context).toEqual({ name: "ORIGIN_MISMATCH", origin: other });
    const upgrade = await askUpgrade(port, `${PATH}websocket&sid=sid-1`, { Origin: other });
    expect(upgrade).toBe(REFUSED_UPGRADE);
    expect(acceptor.session("sid-1").frames).toEqual([]);
    // Browsers leave the header out of some requests.
    expect((await ask(port, question)).status).toBe(200);
    expect((await ask(port, { ...question, headers: { Origin: APP } })).status).toBe(200);
    expect(acceptor.session("sid-1").frames).toEqual(["4a", "4a"]);
    connection.reset();
  });
});

describe("over WebSocket", () => {
  /** The first line of the answer to an upgrade. */
  async function upgrade(port: number, Origin: string, Host = `127.0.0.1:${port}`): Promise<string> {
    const connection = RawConnection.to(port).write(upgradeRequest(`${PATH}websocket`, { Origin, Host }));
    const received = await connection.until("\r\n");
    connection.reset();
    return received.slice(0, received.indexOf("\r\n"));
  }
  const LET_IN = "HTTP/1.1 101 Switching Protocols";
  const KEPT_OUT = "HTTP/1.1 403 Forbidden";

  it("a foreign page gets 403", async () => {
    const { port, acceptor } = await gateServer();
    for (const Origin of [EVIL, "null", "file://", `http://127.0.0.1:${port + 1}`]) {
      expect(await askUpgrade(port, `${PATH}websocket`, { Origin }), Origin).toBe(REFUSED_UPGRADE);
      expect(acceptor.refusals.pop()).toMatchObject({ code: 40, context: { name: "FOREIGN_ORIGIN" } });
    }
    expect(acceptor.sessions.size).toBe(0);
  });

  it("the server's own pages get in, behind a proxy that ends TLS too", async () => {
    const { port } = await gateServer();
    expect(await upgrade(port, `http://127.0.0.1:${port}`)).toBe(LET_IN);
    expect(await upgrade(port, "https://chat.example", "chat.example")).toBe(LET_IN);
    expect(await upgrade(port, "https://chat.example:8443", "chat.example:8443")).toBe(LET_IN);
    expect(await upgrade(port, "http://[::1]:3000", "[::1]:3000")).toBe(LET_IN);
    // A proxy that puts its own idea in place of Host.
    expect(await upgrade(port, "https://chat.example")).toBe(KEPT_OUT);
  });

  it.each<[name: string, cors: unknown, origin: string, answer: string]>([
    ["a string", { origin: APP }, APP, LET_IN],
    ["a string", { origin: APP }, EVIL, KEPT_OUT],
    ["an array", { origin: [APP, /\.partner\.example$/] }, "https://a.partner.example", LET_IN],
    ["an array", { origin: [APP, /\.partner\.example$/] }, EVIL, KEPT_OUT],
    ["a RegExp", { origin: /^https:\/\/app\./ }, APP, LET_IN],
    ["a RegExp", { origin: /^https:\/\/app\./ }, EVIL, KEPT_OUT],
    ["a star", { origin: "*" }, EVIL, LET_IN],
    ["true as origin", { origin: true }, EVIL, LET_IN],
    ["true", true, "null", LET_IN],
    ["no origin", { methods: ["GET"] }, EVIL, LET_IN],
    ["false as origin", { origin: false }, EVIL, KEPT_OUT],
    ["false", false, EVIL, KEPT_OUT],
    ["a function", { origin: (own: string, tell: Tell) => tell(null, own === APP) }, APP, LET_IN],
    ["a function", { origin: (own: string, tell: Tell) => tell(null, own === APP) }, EVIL, KEPT_OUT],
    ["a delegate", (_req: IncomingMessage, tell: Tell) => tell(null, { origin: APP }), APP, LET_IN],
    ["a delegate", (_req: IncomingMessage, tell: Tell) => tell(null, { origin: APP }), EVIL, KEPT_OUT],
  ])("who may read answers by cors, may open one: %s", async (_name, cors, origin, answer) => {
    const { port } = await gateServer({ cors: cors as never });
    expect(await upgrade(port, origin)).toBe(answer);
    const status = answer === LET_IN ? 200 : 403;
    expect((await ask(port, { target: `${PATH}polling`, headers: { Origin: origin } })).status).toBe(status);
  });

  it("the option origins opens nothing over CORS", async () => {
    const { port } = await gateServer({ origins: APP });
    expect(await upgrade(port, APP)).toBe(LET_IN);
    const { status, headers } = await ask(port, { target: `${PATH}polling`, headers: { Origin: APP } });
    expect([status, headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });
});

type Tell = (error: null, value: unknown) => void;

it("preflights are answered as ever", async () => {
  const { port } = await gateServer({ cors: { origin: APP, maxAge: 600 } });
  const preflight = (Origin: string) =>
    ask(port, {
      method: "OPTIONS",
      target: `${PATH}polling&sid=x`,
      headers: {
        Origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-token,content-type",
      },
    });
  const { status, headers } = await preflight(APP);
  expect(status).toBe(204);
  expect(headers).toMatchObject({
    "access-control-allow-origin": APP,
    "access-control-allow-headers": "x-token,content-type",
    "access-control-max-age": "600",
  });
  expect((await preflight(EVIL)).headers["access-control-allow-origin"]).toBe(APP);
});
