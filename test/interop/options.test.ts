// What apps write as options, and how they call: the same on both. Each row was met by somebody whose value was empty.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { loadClient, loadServer, type ServerName } from "../support/servers.js";
import { once } from "../support/wait.js";
import { dial, ends, serve } from "./differ.js";

const SERVERS: readonly ServerName[] = ["socket.io 4", "sockeye"];
const CLIENTS = ["socket.io-client 4", "sockeye"] as const;

/** Where npm's server has no default for `null` either. */
const OURS_ALONE = ["transports", "wsEngine", "maxHttpBufferSize", "pingInterval", "pingTimeout"];

describe("an option of the server that is null was not given", () => {
  it.each([
    ...[
      "path",
      "cors",
      "cookie",
      "adapter",
      "parser",
      "allowRequest",
      "perMessageDeflate",
      "httpCompression",
    ],
    ...[
      "initialPacket",
      "connectTimeout",
      "upgradeTimeout",
      "connectionStateRecovery",
      "serveClient",
      "allowEIO3",
    ],
    ...["cleanupEmptyChildNamespaces", "addTrailingSlash", "destroyUpgrade", ...OURS_ALONE],
    ...[
      "origins",
      "limits",
      "resume",
      "overflow",
      "cluster",
      "contract",
      "codec",
      "clientAddress",
      "streams",
    ],
    ...["maxTurnMs", "ipv6Prefix"],
  ])(
    "%s",
    async (name) => {
      for (const server of SERVERS) {
        if (server !== "sockeye" && OURS_ALONE.includes(name)) continue;
        const { io, url } = await serve(server, { [name]: null } as object);
        const { io: open } = await loadClient("sockeye");
        const client = open(url, { forceNew: true, transports: ["polling"], upgrade: false });
        ends.push(() => client.disconnect());
        await once(client as never, "connect");
        expect(io.path()).toBe("/socket.io");
      }
    },
    60_000,
  );

  it("nor was an empty path", async () => {
    for (const server of SERVERS) {
      const site = await serve(server, { path: "" });
      expect(site.io.path()).toBe("/socket.io");
      await once((await dial(site)) as never, "connect");
    }
  });
});

describe("an option of the client that is null was not given", () => {
  const NAMES = [
    "query",
    "auth",
    "extraHeaders",
    "protocols",
    "parser",
    "transports",
    "path",
    "agent",
    "timeout",
  ];
  it.each(NAMES)("%s", async (name) => {
    const site = await serve("sockeye");
    for (const client of CLIENTS)
      await once(
        (await dial(site, client, { transports: ["polling"], [name]: null } as object)) as never,
        "connect",
      );
  });

  it("and so it is with all of them together", async () => {
    for (const name of CLIENTS) {
      const { io, Manager } = await loadClient(name);
      const all = io("http://127.0.0.1:1", null as never);
      all.disconnect();
      const manager = new Manager("http://127.0.0.1:1", { autoConnect: false });
      expect(manager.socket("/x", null as never)).toMatchObject({ nsp: "/x" });
    }
  });
});

describe("what is no HTTP server", () => {
  const koa = createRequire(import.meta.url)("koa") as new () => object;
  it.each<[string, unknown]>([
    ["an object", {}],
    ["null", null],
    ["an app of Koa", new koa()],
    ["an app of Fastify, whose server is another", { listen: () => {}, server: createServer() }],
  ])("%s is refused with what to do", async (_, given) => {
    const { Server } = await loadServer("sockeye");
    expect(() => new Server().attach(given as never)).toThrow(/This is no HTTP server\. Pass .*app\.server/);
  });
});

it("io.engine.opts tells the defaults, and the path", async () => {
  for (const server of SERVERS) {
    const { io } = await serve(server, {});
    const { path, httpCompression, allowUpgrades, pingTimeout } = io.engine.opts as Record<string, unknown>;
    expect({ path, httpCompression, allowUpgrades, pingTimeout }).toEqual({
      path: "/socket.io",
      httpCompression: { threshold: 1024 },
      allowUpgrades: true,
      pingTimeout: 20_000,
    });
  }
});

it("an app's own emit is what send calls, at both ends", async () => {
  for (const [at, client] of CLIENTS.entries()) {
    const site = await serve(SERVERS[at] as ServerName);
    const made = await dial(site, client);
    await once(made as never, "connect");
    const [socket] = site.io.sockets.sockets.values();
    const calls: unknown[] = [];
    for (const one of [made, socket, site.io.sockets])
      Object.assign(one as object, { emit: (...args: unknown[]) => calls.push(args) });
    made.send("a", 1);
    socket?.send("b").write("c");
    site.io.send("d");
    // Ours knows of a client that has left, and rejects: that goes another way.
    void made.emitWithAck("e").catch(() => {});
    if (client !== "sockeye") expect(calls.pop()).toEqual(["e", expect.any(Function)]);
    expect(calls).toEqual([
      ["message", "a", 1],
      ["message", "b"],
      ["message", "c"],
      ["message", "d"],
    ]);
  }
});

it("an app may put its own handshake and connected on a socket, as tests do", async () => {
  for (const server of SERVERS) {
    const site = await serve(server);
    await once((await dial(site)) as never, "connect");
    const [socket] = site.io.sockets.sockets.values();
    Object.assign(socket as object, { handshake: { auth: { token: "x" } }, connected: true });
    expect(socket?.handshake.auth).toEqual({ token: "x" });
  }
});

it("what is no name of a namespace becomes one", async () => {
  for (const server of SERVERS) {
    const { io } = await serve(server);
    expect([5, null, undefined].map((name) => io.of(name as never).name)).toEqual([
      "/5",
      "/null",
      "/undefined",
    ]);
  }
});
