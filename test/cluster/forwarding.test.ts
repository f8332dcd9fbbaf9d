// No sticky sessions: nodes behind a balancer that sends each request anywhere.
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { io as dialOwn } from "@sockeye/client";
import { EventSource } from "eventsource";
import { io as dialFour } from "socket.io-client";
import dialTwo from "socket.io-client-2";
import { io as dialThree } from "socket.io-client-3";
import { describe, expect, test } from "vitest";
import { once, until, within } from "../support/wait.js";
import { type BlindProxy, blindProxy } from "./blind-proxy.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

// Node.js has none.
Object.assign(globalThis, { EventSource });

/** What all clients have. */
interface AnyClient {
  connected: boolean;
  id?: string | undefined;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  close(): unknown;
}
type Dial = (url: string, options: object) => AnyClient;

async function site(options: object = {}): Promise<{ nodes: Node[]; proxy: BlindProxy }> {
  const nodes = await startNodes(["a", "b", "c"], memoryBuses(), { allowEIO3: true, ...options });
  for (const { io } of nodes) {
    io.on("connection", (socket) => {
      socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
    });
  }
  return { nodes, proxy: await blindProxy(nodes.map(({ port }) => port)) };
}

const CLIENTS: readonly (readonly [string, Dial])[] = [
  ["@sockeye/client", dialOwn as unknown as Dial],
  ["socket.io-client 4", dialFour as unknown as Dial],
  ["socket.io-client 3", dialThree as unknown as Dial],
  ["socket.io-client 2", dialTwo as unknown as Dial],
];
const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ["polling", ["polling"]],
  ["websocket", ["websocket"]],
  ["an upgrade", ["polling", "websocket"]],
];
const OWN_WAYS = [...WAYS, ["stream", ["stream"]], ["sse", ["sse"]]] as const;

async function talks(dial: Dial, transports: readonly string[]): Promise<BlindProxy> {
  const { proxy, nodes } = await site();
  const losses: unknown[] = [];
  const socket = dial(proxy.url, { transports, forceNew: true, reconnection: false });
  atEnd(() => socket.close());
  socket.on("disconnect", (reason) => losses.push(reason));
  await once(socket, "connect");
  for (let n = 0; n < 20; n++) {
    const value = { n, bytes: Buffer.from([n]), text: "x".repeat(n * 500) };
    const answer = new Promise((resolve) => socket.emit("echo", value, resolve));
    expect(await within(answer, `echo ${n}`)).toEqual(value);
  }
  nodes[0]?.io.emit("news", 1);
  await once(socket, "news");
  expect(losses).toEqual([]);
  expect(proxy.refused).toEqual([]);
  const sessions = nodes.map(({ io }) => io.engine.clientsCount);
  expect(sessions.sort()).toEqual([0, 0, 1]);
  return proxy;
}

describe("behind a blind balancer", () => {
  for (const [name, dial] of CLIENTS) {
    test.each(name === "@sockeye/client" ? OWN_WAYS : WAYS)(
      `${name} talks over %s`,
      async (way, transports) => {
        const { counts } = await talks(dial, transports);
        // Requests did go everywhere.
        if (way !== "websocket") expect(counts.size).toBeGreaterThan(1);
      },
    );
  }

  test("our client comes back to its session over any node, with what it missed", async () => {
    const { nodes, proxy } = await site();
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    const got: unknown[] = [];
    const losses: unknown[] = [];
    socket.on("x", (n) => void got.push(n));
    socket.on("disconnect", (reason) => void losses.push(reason));
    for (let round = 0; round < 6; round++) {
      nodes[round % 3]?.io.emit("x", round);
      // The connection breaks, without a word.
      expect(proxy.cut()).toBe(1);
      await until(() => got.length === round + 1, `event ${round}`);
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 5]);
    expect([losses, socket.id]).toEqual([[], id]);
  });

  test("the limits per address count at the owner, by the address of the client", async () => {
    const { nodes, proxy } = await site({
      limits: { maxHandshakesPerSecondPerAddress: 1000 },
      clientAddress: undefined,
    });
    const seen: unknown[] = [];
    for (const { io } of nodes) io.on("connection", ({ handshake }) => void seen.push(handshake.address));
    const socket = dialOwn(proxy.url, { transports: ["polling"], forceNew: true });
    atEnd(() => socket.close());
    await once(socket, "connect");
    expect(seen).toEqual(["127.0.0.1"]);
  });

  test("middlewares see each request once, and their headers reach the client", async () => {
    const { nodes, proxy } = await site();
    let calls = 0;
    for (const { io } of nodes) {
      io.engine.use((_req, res, next) => {
        calls += 1;
        res.setHeader("x-mine", "yes");
        next();
      });
    }
    const open = await get(`${proxy.url}/socket.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse(open.body.slice(1)) as { sid: string };
    const answers = [];
    for (let n = 0; n < 3; n++)
      answers.push(
        await get(`${proxy.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, n === 0 ? "40" : "42[1]"),
      );
    expect(answers.map(({ status, body, headers }) => [status, body, headers["x-mine"]])).toEqual(
      answers.map(() => [200, "ok", "yes"]),
    );
    expect(calls).toBe(4);
  });
});

describe("who has no session", () => {
  test("is refused, whatever tag the id has, and by nobody but the owner", async () => {
    const { nodes, proxy } = await site();
    const tag = await idOf(nodes[1] as Node);
    for (const sid of [`${"x".repeat(16)}${tag}`, "x".repeat(20), "__proto__", tag]) {
      for (let n = 0; n < 3; n++) {
        const { status, body } = await get(`${proxy.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`);
        expect([status, JSON.parse(body)]).toEqual([400, { code: 1, message: "Session ID unknown" }]);
      }
    }
  });

  test("of an owner that has died is refused at once, and begins anew", async () => {
    const { nodes, proxy } = await site();
    const socket = dialFour(proxy.url, { transports: ["polling"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const owner = nodes.find(({ io }) => io.engine.clientsCount === 1) as Node;
    const again = once(socket, "connect");
    proxy.ports = proxy.ports.filter((port) => port !== owner.port);
    await owner.io.close();
    await again;
    expect(nodes.map(({ io }) => io.engine.clientsCount).sort()).toEqual([0, 0, 1]);
  });
});

describe("the internal listener", () => {
  test("cuts what no node has signed, what is changed, and what comes twice", async () => {
    const nodes = await startNodes(["a", "b"]);
    const [a, b] = nodes as [Node, Node];
    const heads: string[] = [];
    const seen = spyOnListener(b, heads);
    const open = await get(`${b.url}/socket.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse(open.body.slice(1)) as { sid: string };
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    expect((await get(`${a.url}${path}`, "40")).status).toBe(200);
    const signature = seen.at(-1) ?? "";
    expect(signature).not.toBe("");
    const listener = addressOf(b);
    const by = (value: string, url = path): Promise<string> =>
      raw(
        listener,
        `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nx-sockeye-node: ${value}\r\n\r\n40`,
      );
    const [id, count, facts, mac] = signature.split(".");
    const tries = [
      by(""),
      by(signature),
      by([id, Number(count) + 1, facts, mac].join(".")),
      by([id, count, Buffer.from('["9.9.9.9",null]').toString("base64url"), mac].join(".")),
      by(signature, `${path}&t=1`),
      by("a.b.c.d.e"),
      raw(listener, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
      raw(listener, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
    ];
    expect(await Promise.all(tries)).toEqual(tries.map(() => ""));
  });

  test("what a client says of itself there is not passed on, and means nothing outside", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as [Node, Node];
    const open = await get(`${b.url}/socket.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse(open.body.slice(1)) as { sid: string };
    const said = { "x-sockeye-node": "a.1.W10.x" };
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    expect((await get(`${a.url}${path}`, "40", said)).status).toBe(200);
    expect((await get(`${b.url}${path}`, "42[1]", said)).status).toBe(200);
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

function get(url: string, post?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      url,
      { method: post === undefined ? "GET" : "POST", headers, agent: false },
      (res) => {
        let body = "";
        res.on("data", (chunk) => {
          body += String(chunk);
        });
        res.on("end", () => resolve({ status: res.statusCode, body, headers: res.headers }));
      },
    );
    req.on("error", reject);
    req.end(post);
  });
}

/** All that comes back for these bytes. */
function raw(address: string, text: string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(port), host, () => socket.write(text));
    socket.on("data", (chunk) => {
      got += String(chunk);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
  });
}

/** The tag of a node, out of an id. */
async function idOf({ url }: Node): Promise<string> {
  const { body } = await get(`${url}/socket.io/?EIO=4&transport=polling`);
  return (JSON.parse(body.slice(1)) as { sid: string }).sid.slice(-4);
}

/** Where a node's internal listener is, as it has told the others. */
const addresses = new WeakMap<Node["bus"], string>();
function addressOf({ bus }: Node): string {
  return addresses.get(bus) ?? "";
}

/** The signatures that a node's internal listener gets: in a test both ends are in this process. */
function spyOnListener(node: Node, _heads: string[]): string[] {
  const seen: string[] = [];
  const { emit } = node.http.constructor.prototype as { emit(event: string, ...args: unknown[]): boolean };
  const prototype = node.http.constructor.prototype as { emit: typeof emit };
  prototype.emit = function (this: unknown, event, ...args) {
    const [req] = args as [
      { headers?: Record<string, string>; socket?: { localAddress: string; localPort: number } },
    ];
    const signature = event === "request" ? req.headers?.["x-sockeye-node"] : undefined;
    if (signature !== undefined && req.socket) {
      seen.push(signature);
      addresses.set(node.bus, `${req.socket.localAddress}:${req.socket.localPort}`);
    }
    return emit.call(this, event, ...args);
  };
  atEnd(() => {
    prototype.emit = emit;
  });
  return seen;
}
