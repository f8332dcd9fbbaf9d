// No sticky sessions: nodes behind a balancer that sends each request anywhere.
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { io as dialOwn } from "@sockeye/client";
import type { MemoryBus } from "@sockeye/cluster/memory";
import { io as dialFour } from "socket.io-client";
import { describe, expect, test } from "vitest";
import { claimOf } from "../support/counted.js";
import { once, until, within } from "../support/wait.js";
import { type BlindProxy, blindProxy } from "./blind-proxy.js";
import { atEnd, type Node, startNodes } from "./site.js";
import { PEERS, talkingNodes, talks } from "./talking.js";

async function site(options: object = {}): Promise<{ nodes: Node[]; proxy: BlindProxy; unknown: unknown[] }> {
  const { nodes, unknown } = await talkingNodes(options);
  return { nodes, unknown, proxy: await blindProxy(nodes.map(({ port }) => port)) };
}

describe("behind a blind balancer", () => {
  test.each(PEERS)("%s talks over %s", async (_client, way, dial, transports) => {
    const { nodes, proxy, unknown } = await site();
    await talks(proxy.url, nodes, dial, transports);
    expect([proxy.refused, unknown]).toEqual([[], []]);
    // Requests did go everywhere.
    if (way !== "websocket") expect(proxy.counts.size).toBeGreaterThan(1);
  });

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

  test("our client comes back over any node, though only its bus works again, and the owner's does not yet", async () => {
    const { nodes, proxy, unknown } = await site();
    const [a, b] = nodes as [Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    const got: unknown[] = [];
    socket.on("x", (n) => void got.push(n));
    for (const { bus } of nodes) (bus as MemoryBus).lose();
    const isSuspected = (node: Node): boolean =>
      node.io.cluster.nodes().filter(({ state }) => state === "suspect").length === nodes.length - 1;
    await until(() => nodes.every(isSuspected), "the suspicion", 15_000);
    (b.bus as MemoryBus).restore();
    await until(() => b.io.health().status !== "alone", "its bus");
    proxy.ports = [b.port];
    expect(proxy.cut()).toBe(1);
    a.io.emit("x", 1);
    await until(() => got.length === 1, "the event");
    expect([socket.id, unknown]).toEqual([id, []]);
  });

  test("a kick reaches whoever is away, from any node", async () => {
    const { nodes, proxy } = await site();
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const owner = nodes.find(({ io }) => io.engine.clientsCount === 1) as Node;
    const other = nodes.find((node) => node !== owner) as Node;
    const { ports } = proxy;
    proxy.ports = [];
    proxy.cut();
    await until(() => owner.io.health().suspended === 1, "the outage to be seen");
    const gone = once(socket, "disconnect");
    other.io.in(`${socket.id}`).disconnectSockets(true);
    await until(() => owner.io.sockets.sockets.size === 0, "the kick");
    proxy.ports = ports;
    expect((await gone)[0]).toBe("io server disconnect");
    await until(() => owner.io.engine.clientsCount === 0, "the end of the session");
    expect(await other.io.count()).toBe(0);
  });

  test("a node whose bus is down for long still passes requests on, over its links", async () => {
    const { nodes, proxy, unknown } = await site();
    const [a, b] = nodes as [Node, Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["polling"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    proxy.ports = [b.port];
    expect(await socket.timeout(5000).emitWithAck("echo", 0)).toBe(0);
    (b.bus as MemoryBus).lose();
    const seen = (): unknown => b.io.cluster.nodes().find(({ name }) => name === "a")?.state;
    await until(() => seen() === "suspect" || seen() === "down", "nobody to be heard", 20_000);
    for (let n = 1; n < 4; n++) expect(await socket.timeout(5000).emitWithAck("echo", n)).toBe(n);
    expect([socket.id, unknown, proxy.refused]).toEqual([id, [], []]);
  });

  test("where the owner cuts what is passed on a return is refused, and the owner's copy ends at once", async () => {
    const cutter = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    atEnd(() => cutter.close());
    await once(cutter, "listening");
    const { port } = cutter.address() as AddressInfo;
    const { nodes, proxy } = await site({ cluster: { address: `127.0.0.1:${port}` } });
    const [a, b] = nodes as [Node, Node];
    proxy.ports = [a.port];
    const socket = dialOwn(proxy.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const { id } = socket;
    const left = once([...a.io.sockets.sockets.values()][0] as never, "disconnect");
    // The window of a session is 30 seconds.
    const back = once(socket, "connect");
    proxy.ports = [b.port];
    proxy.cut();
    await Promise.all([back, left]);
    expect(socket.id).not.toBe(id);
    expect([a.io.engine.clientsCount, await b.io.count()]).toEqual([0, 1]);
  });

  test("nobody ends a session of which he knows the id alone", async () => {
    const { nodes } = await site({ cluster: { listen: false } });
    const [a, b] = nodes as [Node, Node];
    const socket = dialOwn(a.url, { transports: ["websocket"], forceNew: true });
    atEnd(() => socket.close());
    await once(socket, "connect");
    const [sid = ""] = Object.keys(a.io.engine.clients);
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}&resume=claim`;
    expect((await get(`${b.url}${path}`, claimOf(sid, "secret", 0))).status).toBe(400);
    // What b says to a goes in order.
    expect(await b.io.count()).toBe(1);
    expect(socket.connected).toBe(true);
    expect(a.io.engine.clientsCount).toBe(1);
  });

  test.each(["websocket", "polling"])(
    "a node that passes on %s ends all the same, and the client goes on over another",
    async (transport) => {
      const { nodes } = await site();
      const [a, b, c] = nodes as [Node, Node, Node];
      const proxy = await blindProxy([b.port]);
      const socket = dialOwn(proxy.url, { transports: [transport], forceNew: true, reconnectionDelay: 10 });
      atEnd(() => socket.close());
      await once(socket, "connect");
      const { id } = socket;
      // Back at the session by way of a.
      proxy.ports = [a.port];
      proxy.cut();
      await until(() => (proxy.counts.get(a.port) ?? 0) > 0 || transport === "polling", "the way over a");
      for (let n = 0; n < 3; n++) expect(await socket.timeout(5000).emitWithAck("echo", n)).toBe(n);
      expect(proxy.counts.get(a.port)).toBeGreaterThan(0);
      proxy.ports = [c.port];
      await within(a.io.close(), "the end of a");
      expect(await socket.timeout(5000).emitWithAck("echo", 3)).toBe(3);
      expect(socket.id).toBe(id);
    },
  );

  test.each([
    ["websocket", undefined],
    ["websocket", { drain: { deadlineMs: 50 } }],
    ["polling", undefined],
  ])(
    "the owner of a session that comes over another node by %s ends all the same, and tells its client (%j)",
    async (transport, options) => {
      const { nodes } = await site();
      const [a, b] = nodes as [Node, Node, Node];
      const proxy = await blindProxy([b.port]);
      const socket = dialOwn(proxy.url, { transports: [transport], forceNew: true, reconnectionDelay: 10 });
      atEnd(() => socket.close());
      await once(socket, "connect");
      proxy.ports = [a.port];
      proxy.cut();
      await until(() => (proxy.counts.get(a.port) ?? 0) > 0, "the way over a");
      expect(await socket.timeout(5000).emitWithAck("echo", 1)).toBe(1);
      // Something is under way, as long as the drain may take.
      for (const owned of await b.io.local.fetchSockets()) owned.emit("never answered", () => {});
      const again = once(socket, "connect");
      await within(b.io.close(options ?? {}), "the end of the owner", 5000);
      await again;
      expect(a.io.engine.clientsCount).toBe(1);
    },
  );

  test("the limits per address count at the owner, by the address of the client", async () => {
    const [a, b] = (await startNodes(["a", "b"], undefined, {
      limits: { maxHandshakesPerSecondPerAddress: 3 },
    })) as [Node, Node];
    const sid = `${"x".repeat(16)}${await idOf(b)}`;
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}&resume=claim`;
    const claim = async ({ url }: Node, localAddress: string): Promise<number | undefined> =>
      (await get(`${url}${path}`, claimOf(sid, "secret", 0), {}, localAddress)).status;
    // All within one second, sooner or later. Passed on, all of them come over the link from 127.0.0.1.
    let statuses: unknown[] = [];
    for (let n = 0; n < 20 && !statuses.includes(429); n++)
      statuses = await Promise.all([1, 2, 3, 4, 5, 6].map(() => claim(a, "127.0.0.2")));
    expect(statuses).toContain(429);
    expect(await claim(b, "127.0.0.1")).toBe(400);
    expect(await claim(a, "127.0.0.3")).toBe(400);
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

  test("a client that asks for a link by way of another node gets none", async () => {
    const [a, b] = (await startNodes(["a", "b"])) as [Node, Node];
    const open = await get(`${b.url}/socket.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse(open.body.slice(1)) as { sid: string };
    for (const path of [`/socket.io/?EIO=4&transport=websocket&sid=${sid}`, `/link?1-1&sid=${sid}`]) {
      const lines = ["Host: x", "Connection: Upgrade", "Upgrade: sockeye-link"].join("\r\n");
      const got = within(raw(`127.0.0.1:${a.port}`, `GET ${path} HTTP/1.1\r\n${lines}\r\n\r\n`), "an end");
      expect(await got).not.toContain("101");
    }
    // The session is as it was.
    expect((await get(`${a.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, "40")).status).toBe(200);
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

function get(
  url: string,
  post?: string,
  headers: Record<string, string> = {},
  localAddress?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      url,
      {
        method: post === undefined ? "GET" : "POST",
        headers,
        agent: false,
        ...(localAddress && { localAddress }),
      },
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
