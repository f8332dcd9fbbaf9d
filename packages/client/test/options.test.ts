// Every option of the client acts, over real connections, and does what it does in socket.io-client 4.8: each row runs on both.
import { createPrivateKey } from "node:crypto";
import { Agent } from "node:https";
import * as msgpack from "socket.io-msgpack-parser";
import { afterEach, describe, expect, it } from "vitest";
import { PFX_PASSPHRASE, SELF_SIGNED, SELF_SIGNED_PFX } from "../../../test/support/certificate.js";
import { once } from "../../../test/support/wait.js";
import type { Options, Socket } from "../src/index.js";
import { CLIENTS, CountingAgent, type Site, Trial } from "./trial.js";

type Act = (trial: Trial) => Promise<void>;

/** An act that Socket.IO's client does not pass, and why. */
interface Own {
  readonly own: Act;
  readonly stock: string;
}

/** A reason why an option has no act here. */
type Elsewhere = string;

const WS = { transports: ["websocket"] };
const POLL = { transports: ["polling"] };
const WAYS = [WS, POLL];

const { cert, key } = SELF_SIGNED;
const pfx = Buffer.from(SELF_SIGNED_PFX, "base64");

/** The manager's own connection, without a URL. */
async function connectTo(trial: Trial, options: Options): Promise<void> {
  const manager = new trial.client.Manager({ reconnection: false, ...options });
  const socket = manager.socket("/");
  trial.defer(() => socket.disconnect());
  await once(socket as never, "connect");
}

/** The server's half of the one client there is. */
async function halfOf(site: Site) {
  const [half] = await site.io.fetchSockets();
  if (!half) throw new Error("nobody is connected");
  return site.io.sockets.sockets.get(half.id) as NonNullable<ReturnType<typeof site.io.sockets.sockets.get>>;
}

/** Milliseconds between two events, at least. */
async function between(socket: Socket, first: string, second: string): Promise<number> {
  const begun = once(socket.io as never, first).then(() => performance.now());
  const ended = once(socket.io as never, second).then(() => performance.now());
  return (await ended) - (await begun);
}

/** Over both transports, an option that TLS needs: refused without it, connected with it. */
function tlsRow(server: object, without: Options, option: Options): Act {
  return async (trial) => {
    const site = await trial.serve({ tls: server });
    for (const way of WAYS) {
      expect(await trial.outcome(site.url, { ...way, ...without })).toMatch(/error$|^timeout$/);
      expect(await trial.outcome(site.url, { ...way, ...without, ...option })).toBe("connect");
    }
  };
}

const ROWS: { readonly [name in keyof Options]-?: Act | Own | Elsewhere } = {
  host: async (trial) => {
    const site = await trial.serve();
    for (const way of WAYS) await connectTo(trial, { host: "127.0.0.1", port: site.port, ...way });
    // Both are named: this one wins.
    await connectTo(trial, { host: "127.0.0.1", hostname: "192.0.2.1", port: site.port });
  },
  hostname: async (trial) => {
    const site = await trial.serve();
    for (const way of WAYS) await connectTo(trial, { hostname: "127.0.0.1", port: site.port, ...way });
  },
  port: async (trial) => {
    const site = await trial.serve();
    for (const port of [site.port, String(site.port)]) await connectTo(trial, { host: "127.0.0.1", port });
  },
  secure: async (trial) => {
    const { port } = await trial.serve({ tls: {} });
    const options = { host: "127.0.0.1", port, secure: true, rejectUnauthorized: false };
    for (const way of WAYS) await connectTo(trial, { ...options, ...way });
  },
  path: async (trial) => {
    const site = await trial.serve({ path: "/my/own" });
    for (const way of WAYS) {
      for (const path of ["/my/own", "/my/own/"]) await trial.connect(site.url, { path, ...way });
    }
    expect(new Set(site.asked.map(({ path }) => path))).toEqual(new Set(["/my/own/"]));
  },
  addTrailingSlash: async (trial) => {
    const site = await trial.serve({ addTrailingSlash: false });
    for (const way of WAYS) await trial.connect(site.url, { addTrailingSlash: false, ...way });
    expect(new Set(site.asked.map(({ path }) => path))).toEqual(new Set(["/socket.io"]));
  },
  query: async (trial) => {
    const site = await trial.serve();
    for (const way of WAYS) {
      await trial.connect(site.url, { query: { a: "1 &=ü", EIO: "3", transport: "x" }, ...way });
      await trial.connect(`${site.url}?a=2`, { query: { a: "3" }, ...way });
      await trial.connect(site.url, { query: "a=4&b=5", ...way });
      const seen = (await site.io.fetchSockets()).slice(-3).map(({ handshake }) => handshake.query);
      expect(seen).toMatchObject([{ a: "1 &=ü", EIO: "4" }, { a: "2" }, { a: "4", b: "5" }]);
    }
  },
  transports: async (trial) => {
    const site = await trial.serve();
    for (const way of WAYS) {
      const before = site.asked.length;
      await trial.connect(site.url, way);
      const used = site.asked.slice(before).map(({ query }) => query.get("transport"));
      expect(new Set(used)).toEqual(new Set(way.transports));
    }
    const { NodeXHR, NodeWebSocket } = trial.client;
    const socket = await trial.connect(site.url, { transports: [NodeWebSocket] });
    expect(socket.io.engine.transport.name).toBe("websocket");
    await trial.upgrade(site.url, {});
    await trial.connect(site.url, { transports: [NodeXHR] });
  },
  transportImplementations: async (trial) => {
    const site = await trial.serve();
    const { NodeWebSocket, NodeXHR } = trial.client;
    for (const [Class, name] of [
      [NodeWebSocket, "websocket"],
      [NodeXHR, "polling"],
    ] as const) {
      const socket = await trial.connect(site.url, { transportImplementations: [Class] });
      expect(socket.io.engine.transport.name).toBe(name);
    }
    const both = { transportImplementations: [NodeWebSocket], transports: ["polling"] };
    expect(() => trial.dial(site.url, both)).toThrow();
  },
  tryAllTransports: async (trial) => {
    const site = await trial.serve({ transports: ["polling"] });
    const transports = ["websocket", "polling"];
    expect(await trial.outcome(site.url, { transports })).toBe("websocket error");
    expect(await trial.outcome(site.url, { transports, tryAllTransports: true })).toBe("connect");
  },
  race: "in race.test.ts and racing.test.ts, for Socket.IO has none",
  remember: "in race.test.ts, for Socket.IO has no race",
  upgrade: async (trial) => {
    const site = await trial.serve();
    await trial.upgrade(site.url);
    const before = site.of("websocket").length;
    const socket = await trial.connect(site.url, { upgrade: false });
    site.io.on("connection", () => {});
    expect(socket.io.engine.transport.name).toBe("polling");
    // The time of two more polls.
    for (let n = 0; n < 2; n++) {
      site.io.emit("n");
      await once(socket as never, "n");
    }
    expect(site.of("websocket")).toHaveLength(before);
  },
  rememberUpgrade: async (trial) => {
    const site = await trial.serve();
    for (const [remember, first] of [
      [false, "polling"],
      [true, "websocket"],
    ] as const) {
      await trial.upgrade(site.url);
      const before = site.asked.length;
      const options = { rememberUpgrade: remember, transports: ["polling", "websocket"] };
      await trial.connect(site.url, options);
      expect(site.asked[before]?.query.get("transport")).toBe(first);
    }
  },
  forceBase64: async (trial) => {
    const site = await trial.serve();
    site.io.on("connection", (socket) => socket.on("echo", (bytes, answer) => answer(bytes)));
    for (const way of WAYS) {
      const before = site.asked.length;
      const socket = await trial.connect(site.url, { forceBase64: true, ...way });
      expect(site.asked[before]?.query.get("b64")).toBe("1");
      const bytes = Buffer.of(0, 1, 255);
      expect(bytes.equals(await socket.emitWithAck("echo", bytes))).toBe(true);
    }
  },
  timestampParam: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { timestampParam: "when", ...POLL });
    const values = site.asked.map(({ query }) => query.get("when"));
    expect(new Set(values).size).toBe(values.length);
    expect(values).not.toContain(null);
    expect(site.asked.some(({ query }) => query.has("t"))).toBe(false);
  },
  timestampRequests: async (trial) => {
    const site = await trial.serve();
    for (const [timestampRequests, polling, websocket] of [
      [undefined, true, false],
      [true, true, true],
      [false, false, false],
    ] as const) {
      const before = site.asked.length;
      const options = timestampRequests === undefined ? {} : { timestampRequests };
      await trial.upgrade(site.url, options);
      for (const { query } of site.asked.slice(before)) {
        expect(query.has("t")).toBe(query.get("transport") === "polling" ? polling : websocket);
      }
    }
  },
  transportOptions: async (trial) => {
    const site = await trial.serve();
    const transportOptions = {
      polling: { extraHeaders: { "x-which": "p" } },
      websocket: { extraHeaders: { "x-which": "w" }, path: "/socket.io/" },
    };
    await trial.upgrade(site.url, { extraHeaders: { "x-which": "all" }, transportOptions });
    for (const { query, headers } of site.asked) {
      expect(headers["x-which"]).toBe(query.get("transport")?.[0]);
    }
  },
  resume: "in comeback.test.ts, for Socket.IO has none",
  maxOutboundBytes: "in outbound.test.ts, for Socket.IO has no bound",
  openTimeout: "in streaming.test.ts of packages/transport, for only those transports have it",
  requestTimeout: {
    own: async (trial) => {
      const url = await trial.silence();
      expect(await trial.outcome(url, { requestTimeout: 30, ...POLL })).toBe("xhr poll error");
    },
    stock: "xmlhttprequest-ssl has no timeout, so on Node.js nothing happens",
  },
  withCredentials: async (trial) => {
    const site = await trial.serve();
    site.io.engine.on("initial_headers", (headers: Record<string, string[]>) => {
      headers["set-cookie"] = ["lb=one; path=/; HttpOnly; samesite=None", "gone=1; MAX-AGE=0"];
    });
    await trial.upgrade(site.url, { withCredentials: true, extraHeaders: { "x-a": "1" } });
    const [first, ...others] = site.asked;
    expect(first?.headers.cookie).toBeUndefined();
    expect(others.length).toBeGreaterThan(1);
    for (const { headers } of others) expect(headers.cookie).toBe("lb=one");
    const before = site.asked.length;
    await trial.upgrade(site.url, {});
    for (const { headers } of site.asked.slice(before)) expect(headers.cookie).toBeUndefined();
  },
  extraHeaders: async (trial) => {
    const site = await trial.serve();
    const extraHeaders = { Authorization: "Bearer x", "x-a": "1" };
    await trial.upgrade(site.url, { extraHeaders });
    for (const { headers } of site.asked)
      expect(headers).toMatchObject({ authorization: "Bearer x", "x-a": "1" });
  },
  closeOnBeforeunload: "in page.test.ts, for it needs a page",
  useNativeTimers: "which clock a manager has: see test/interop/fake-timers.test.ts",
  autoUnref: "in node.test.ts, for it needs a process",
  protocols: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { protocols: ["a", "b"], ...WS });
    await trial.connect(site.url, { protocols: "c", ...WS });
    const offered = site.asked.map(({ headers }) => headers["sec-websocket-protocol"]);
    expect(offered).toEqual(["a,b", "c"]);
  },
  perMessageDeflate: async (trial) => {
    const site = await trial.serve({ perMessageDeflate: true });
    await trial.connect(site.url, { perMessageDeflate: { threshold: 10 }, ...WS });
    await trial.connect(site.url, { perMessageDeflate: false, ...WS });
    const offered = site.asked.map(({ headers }) => headers["sec-websocket-extensions"]);
    expect(offered).toEqual([expect.stringContaining("permessage-deflate"), undefined]);
  },
  agent: async (trial) => {
    const site = await trial.serve();
    for (const way of WAYS) {
      const agent = new CountingAgent();
      await trial.connect(site.url, { agent, ...way });
      expect(agent.opened).toBeGreaterThan(0);
    }
  },
  pfx: tlsRow(
    { requestCert: true, ca: cert },
    { rejectUnauthorized: false },
    { pfx, passphrase: PFX_PASSPHRASE },
  ),
  key: tlsRow({ requestCert: true, ca: cert }, { ca: cert }, { cert, key }),
  passphrase: tlsRow(
    { requestCert: true, ca: cert },
    {
      // Socket.IO's client never notices that the WebSocket could not be made.
      timeout: 500,
      ca: cert,
      cert,
      key: createPrivateKey(key).export({
        type: "pkcs8",
        format: "pem",
        cipher: "aes-256-cbc",
        passphrase: "p",
      }),
    },
    { passphrase: "p" },
  ),
  cert: tlsRow({ requestCert: true, ca: cert }, { ca: cert, key }, { cert }),
  ca: tlsRow({}, {}, { ca: cert }),
  ciphers: tlsRow(
    { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { ca: cert, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" },
    { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
  ),
  rejectUnauthorized: tlsRow({}, { rejectUnauthorized: true }, { rejectUnauthorized: false }),
  localAddress: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { localAddress: "127.0.0.2", ...WS });
    expect(site.asked[0]?.wire.remoteAddress).toBe("127.0.0.2");
  },
  protocolVersion: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { protocolVersion: 8, ...WS });
    expect(site.asked[0]?.headers["sec-websocket-version"]).toBe("8");
  },
  origin: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { origin: "http://o.example", ...WS });
    expect(site.asked[0]?.headers.origin).toBe("http://o.example");
  },
  maxPayload: async (trial) => {
    const site = await trial.serve();
    const socket = await trial.connect(site.url, { maxPayload: 1000, ...WS });
    const lost = once(socket as never, "disconnect");
    site.io.emit("big", "x".repeat(1001));
    expect((await lost)[0]).toMatch(/^transport (error|close)$/);
  },
  family: async (trial) => {
    const site = await trial.serve();
    const url = `http://localhost:${site.port}`;
    expect(await trial.outcome(url, { family: 4, ...WS })).toBe("connect");
    // Nobody listens there.
    expect(await trial.outcome(url, { family: 6, ...WS })).toBe("websocket error");
  },
  checkServerIdentity: async (trial) => {
    const site = await trial.serve({ tls: {} });
    const asked: unknown[] = [];
    const checks = (result: Error | undefined) => (host: string) => {
      asked.push(host);
      return result;
    };
    const outcome = (result: Error | undefined): Promise<string> =>
      trial.outcome(site.url, { ca: cert, checkServerIdentity: checks(result), ...WS });
    expect(await outcome(undefined)).toBe("connect");
    expect(await outcome(new Error("not you"))).toBe("websocket error");
    expect(asked).toHaveLength(2);
  },

  forceNew: async (trial) => {
    const site = await trial.serve();
    const first = await trial.connect(site.url, { forceNew: false });
    const again = trial.dial(`${site.url}/other`, { forceNew: false });
    expect(again.io).toBe(first.io);
    expect(trial.dial(`${site.url}/third`, { forceNew: true }).io).not.toBe(first.io);
  },
  multiplex: async (trial) => {
    const site = await trial.serve();
    const first = await trial.connect(site.url, { forceNew: false });
    expect(trial.dial(`${site.url}/other`, { forceNew: false, multiplex: false }).io).not.toBe(first.io);
  },
  autoConnect: async (trial) => {
    const site = await trial.serve();
    const socket = trial.dial(site.url, { autoConnect: false });
    await trial.connect(site.url, { query: { other: "1" }, ...WS });
    expect(site.asked.every(({ query }) => query.has("other"))).toBe(true);
    const connected = once(socket as never, "connect");
    socket.connect();
    await connected;
  },
  parser: async (trial) => {
    const site = await trial.serve({ parser: msgpack });
    const socket = await trial.connect(site.url, { parser: msgpack as never });
    const half = await halfOf(site);
    const heard = once(half as never, "n");
    socket.emit("n", { deep: [1, "ü", null] });
    expect(await heard).toEqual([{ deep: [1, "ü", null] }]);
  },
  reconnection: async (trial) => {
    const url = await trial.silence();
    const socket = trial.dial(url, { reconnection: true, timeout: 20, reconnectionDelay: 1 });
    await once(socket.io as never, "reconnect_attempt");
    const other = trial.dial(url, { reconnection: false, timeout: 20 });
    await once(other as never, "connect_error");
    expect(other.io._reconnecting).toBeFalsy();
  },
  reconnectionAttempts: async (trial) => {
    const options = { reconnection: true, timeout: 10, reconnectionDelay: 1, reconnectionDelayMax: 5 };
    const socket = trial.dial(await trial.silence(), { ...options, reconnectionAttempts: 2 });
    const attempts: unknown[] = [];
    socket.io.on("reconnect_attempt", (n) => attempts.push(n));
    await once(socket.io as never, "reconnect_failed");
    expect(attempts).toEqual([1, 2]);
  },
  reconnectionDelay: async (trial) => {
    const options = { reconnection: true, timeout: 10, reconnectionDelay: 120, randomizationFactor: 0 };
    const socket = trial.dial(await trial.silence(), options);
    expect(await between(socket, "error", "reconnect_attempt")).toBeGreaterThan(110);
  },
  reconnectionDelayMax: async (trial) => {
    const options = { reconnection: true, timeout: 10, reconnectionDelay: 60_000, reconnectionDelayMax: 10 };
    const socket = trial.dial(await trial.silence(), options);
    await once(socket.io as never, "reconnect_attempt");
  },
  randomizationFactor: async (trial) => {
    const socket = trial.dial(await trial.silence(), { randomizationFactor: 0.25 });
    expect(socket.io.randomizationFactor()).toBe(0.25);
  },
  timeout: async (trial) => {
    const url = await trial.silence();
    for (const way of WAYS) expect(await trial.outcome(url, { timeout: 20, ...way })).toBe("timeout");
  },
  auth: async (trial) => {
    const site = await trial.serve();
    await trial.connect(site.url, { auth: { token: 1 } });
    await trial.connect(site.url, { auth: (tell) => tell({ token: 2 }) });
    const tokens = (await site.io.fetchSockets()).map(({ handshake }) => handshake.auth["token"]);
    expect(tokens).toEqual([1, 2]);
  },
  retries: async (trial) => {
    const site = await trial.serve();
    let count = 0;
    site.io.on("connection", (socket) =>
      socket.on("n", (answer) => {
        if (++count === 3) answer("third");
      }),
    );
    const socket = await trial.connect(site.url, { retries: 5, ackTimeout: 30, ...WS });
    expect(await new Promise((resolve) => socket.emit("n", (...args: unknown[]) => resolve(args)))).toEqual([
      null,
      "third",
    ]);
  },
  ackTimeout: async (trial) => {
    const site = await trial.serve();
    const socket = await trial.connect(site.url, { ackTimeout: 20 });
    await expect(socket.emitWithAck("n")).rejects.toThrow("operation has timed out");
  },
};

const trials: Trial[] = [];
afterEach(async () => {
  for (const trial of trials.splice(0)) await trial.end();
});

describe.each(Object.entries(CLIENTS))("%s", (name, client) => {
  for (const [option, row] of Object.entries(ROWS)) {
    if (typeof row === "string" || (typeof row === "object" && name !== "sockeye")) continue;
    it(option, async () => {
      const trial = new Trial(client);
      trials.push(trial);
      await (typeof row === "object" ? row.own(trial) : row(trial));
    });
  }
});

it("an agent of HTTPS goes with HTTPS", async () => {
  for (const client of Object.values(CLIENTS)) {
    const trial = new Trial(client);
    trials.push(trial);
    const site = await trial.serve({ tls: {} });
    const agent = new Agent({ ca: cert, keepAlive: true });
    trial.defer(() => agent.destroy());
    await trial.upgrade(site.url, { agent });
    expect(await trial.outcome((await trial.serve()).url, { agent, ...POLL })).toBe("xhr poll error");
  }
});
