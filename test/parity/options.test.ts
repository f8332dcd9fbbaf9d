import { existsSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Adapter } from "socket.io-adapter";
import * as msgpackParser from "socket.io-msgpack-parser";
import { expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { once, until, within } from "../support/wait.js";
import { ask, polled, pollingUrl, websocket } from "./http.js";
import { onServers, type Scene, type Test } from "./scene.js";

// Sections 1.1 and 1.2 of the feature map: the options of a server.

const BUNDLES = fileURLToPath(new URL("../../packages/server/dist/client", import.meta.url));
const LONG = "x".repeat(4000);

/** The encoding of the poll that brings an event with this argument. */
async function encodingOfPoll(
  scene: Scene,
  httpCompression: object | boolean,
  text: string,
): Promise<unknown> {
  const site = await scene.serve({ httpCompression });
  const sid = await polled(site);
  const poll = ask(pollingUrl(site, sid), { headers: { "accept-encoding": "gzip" } });
  site.io.emit("text", text);
  return (await poll).headers["content-encoding"];
}

/** Resolves when an upgrade request for another path was ended. */
function strayUpgrade(
  scene: Scene,
  port: number,
): { readonly ended: Promise<unknown>; readonly open: () => boolean } {
  const socket = connect(port, "127.0.0.1");
  scene.defer(() => socket.destroy());
  socket.on("error", () => {});
  socket.write("GET /other/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.resume();
  const ended = within(new Promise((resolve) => socket.once("close", resolve)), "the upgrade to be ended");
  ended.catch(() => {});
  return { ended, open: () => !socket.destroyed };
}

onServers("engine options", (test) => {
  test("path", async (scene) => {
    const site = await scene.serve({ path: "/live/" });
    expect((await ask(`${site.url}/live/?EIO=4&transport=polling`)).status).toBe(200);
    expect((await ask(`${site.url}/live/below/it?EIO=4&transport=polling`)).status).toBe(200);
    expect((await ask(pollingUrl(site))).text).toBe("the app");
  });

  test("addTrailingSlash", async (scene) => {
    const site = await scene.serve({ addTrailingSlash: false });
    expect((await ask(`${site.url}/socket.io?EIO=4&transport=polling`)).status).toBe(200);
  });

  test("destroyUpgrade, destroyUpgradeTimeout", async (scene) => {
    const gone = await scene.serve({ destroyUpgradeTimeout: 20 });
    const kept = await scene.serve({ destroyUpgradeTimeout: 20, destroyUpgrade: false });
    const stays = strayUpgrade(scene, kept.port);
    await strayUpgrade(scene, gone.port).ended;
    expect(stays.open()).toBe(true);
  });

  test("maxHttpBufferSize", async (scene) => {
    const site = await scene.serve({ maxHttpBufferSize: 1000 });
    const { text } = await ask(pollingUrl(site));
    const open = JSON.parse(text.slice(1)) as { sid: string; maxPayload: number };
    expect(open.maxPayload).toBe(1000);
    const post = ask(pollingUrl(site, open.sid), { method: "POST", body: `42["${LONG}"]` });
    expect((await post).status).toBe(413);
    const ws = (await websocket(site.url)) as WebSocket;
    const closed = once(ws, "close");
    ws.send(`42["${LONG}"]`);
    expect((await closed)[0]).toBe(1009);
  });

  test("allowRequest", async (scene) => {
    const site = await scene.serve({
      allowRequest: (req, callback) => {
        const answer = new URL(req.url ?? "", "http://x").searchParams.get("answer");
        setImmediate(() => {
          if (answer === "text") callback("not today", false);
          else callback(null, answer === "yes");
        });
      },
    });
    const yes = await ask(`${pollingUrl(site)}&answer=yes`);
    const no = await ask(`${pollingUrl(site)}&answer=no`);
    const text = await ask(`${pollingUrl(site)}&answer=text`);
    expect([yes.status, no.status, text.status]).toEqual([200, 403, 403]);
    expect(JSON.parse(no.text)).toEqual({ code: 4, message: "Forbidden" });
    expect(JSON.parse(text.text)).toEqual({ code: 4, message: "not today" });
    expect(await websocket(site.url)).toBe(400);
  });

  test("transports", async (scene) => {
    const site = await scene.serve({ transports: ["websocket"] });
    expect((await ask(pollingUrl(site))).status).toBe(400);
    expect(await websocket(site.url)).toBeInstanceOf(WebSocket);
  });

  test("allowUpgrades", async (scene) => {
    const offers = async (allowUpgrades: boolean): Promise<unknown> => {
      const { text } = await ask(pollingUrl(await scene.serve({ allowUpgrades })));
      return (JSON.parse(text.slice(1)) as { upgrades: unknown }).upgrades;
    };
    expect(await offers(true)).toEqual(["websocket"]);
    expect(await offers(false)).toEqual([]);
  });

  test("perMessageDeflate", async (scene) => {
    const extensions = async (perMessageDeflate: object | boolean): Promise<string> => {
      const site = await scene.serve({ perMessageDeflate });
      const ws = (await websocket(site.url, { perMessageDeflate: true })) as WebSocket;
      scene.defer(() => ws.terminate());
      return ws.extensions;
    };
    expect(await extensions(false)).toBe("");
    expect(await extensions(true)).toContain("permessage-deflate");
    expect(await extensions({ threshold: 10 })).toContain("permessage-deflate");
  });

  test("perMessageDeflate carries messages", async (scene) => {
    const { site, client, socket } = await scene.pair({ perMessageDeflate: { threshold: 10 } });
    socket.on("up", (text: string, done: (length: number) => void) => done(text.length));
    const down = once(client, "down");
    site.io.emit("down", LONG, Buffer.from(LONG));
    expect(await down).toEqual([LONG, Buffer.from(LONG)]);
    expect(await client.emitWithAck("up", LONG)).toBe(LONG.length);
  });

  test("httpCompression", async (scene) => {
    expect(await encodingOfPoll(scene, true, LONG)).toBe("gzip");
    expect(await encodingOfPoll(scene, false, LONG)).toBe(undefined);
    expect(await encodingOfPoll(scene, { threshold: 100_000 }, LONG)).toBe(undefined);
    expect(await encodingOfPoll(scene, { threshold: 10 }, "a text that is not long")).toBe("gzip");
  });

  test("wsEngine", async (scene) => {
    let taken = 0;
    class Counting extends WebSocketServer {
      override handleUpgrade(...args: Parameters<WebSocketServer["handleUpgrade"]>): void {
        taken += 1;
        super.handleUpgrade(...args);
      }
    }
    const { client, socket } = await scene.pair({ wsEngine: Counting });
    socket.on("ask", (bytes: Buffer, done: (bytes: Buffer) => void) => done(bytes));
    expect(await client.emitWithAck("ask", Buffer.from([1, 2]))).toEqual(Buffer.from([1, 2]));
    expect(taken).toBe(1);
  });

  test("initialPacket", async (scene) => {
    const site = await scene.serve({ initialPacket: "hello" });
    expect((await ask(pollingUrl(site))).text.split("\x1e")[1]).toBe("4hello");
  });

  test("cookie", async (scene) => {
    const cookieOf = async (cookie: object | boolean): Promise<string | undefined> =>
      (await ask(pollingUrl(await scene.serve({ cookie: cookie as never })))).headers["set-cookie"]?.[0];
    expect(await cookieOf(false)).toBe(undefined);
    expect(await cookieOf(true)).toMatch(/^io=[\w-]{20,22}; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(await cookieOf({ name: "node", path: "/a", httpOnly: false, sameSite: "strict" })).toMatch(
      /^node=[\w-]{20,22}; Path=\/a; SameSite=Strict$/,
    );
  });

  test("cors", async (scene) => {
    const origin = "https://app.example";
    const allowed = { origin, methods: ["GET"], credentials: true, allowedHeaders: ["x-a"], maxAge: 5 };
    const site = await scene.serve({ cors: allowed });
    const get = await ask(pollingUrl(site), { headers: { origin } });
    expect(get.headers["access-control-allow-origin"]).toBe(origin);
    expect(get.headers["access-control-allow-credentials"]).toBe("true");
    const preflight = await ask(pollingUrl(site), { method: "OPTIONS", headers: { origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      "access-control-allow-methods": "GET",
      "access-control-allow-headers": "x-a",
      "access-control-max-age": "5",
    });
  });

  test("cors, as a function", async (scene) => {
    const site = await scene.serve({
      cors: (_req, callback) => callback(null, { origin: "https://asked.example" }),
    });
    const { headers } = await ask(pollingUrl(site), { headers: { origin: "https://asked.example" } });
    expect(headers["access-control-allow-origin"]).toBe("https://asked.example");
  });
});

onServers("Socket.IO options", (test, name) => {
  test("serveClient", async (scene) => {
    const site = await scene.serve({ serveClient: false });
    const { status, text } = await ask(`${site.url}/socket.io/socket.io.js`);
    expect([status, text]).toEqual([400, '{"code":0,"message":"Transport unknown"}']);
  });

  const built = name !== "sockeye" || process.env["CI"] === "true" || existsSync(BUNDLES);
  if (!built) console.log("Sockeye's files for browsers are not tested: npm run build makes them.");
  const files: Test = built ? test : (title) => it.skip(title, () => {});
  files("the files for browsers", async (scene) => {
    const site = await scene.serve();
    for (const file of [
      "socket.io.js",
      "socket.io.min.js",
      "socket.io.msgpack.min.js",
      "socket.io.esm.min.js",
    ]) {
      const path = `${site.url}/socket.io/${file}`;
      const { status, headers, text } = await ask(path);
      expect([file, status, headers["content-type"]]).toEqual([
        file,
        200,
        "application/javascript; charset=utf-8",
      ]);
      expect(headers["cache-control"]).toBe("public, max-age=0");
      expect(text.length).toBeGreaterThan(10_000);
      const again = await ask(path, { headers: { "If-None-Match": String(headers.etag) } });
      expect([file, again.status, again.text]).toEqual([file, 304, ""]);
    }
  });

  files("source maps of the files for browsers", async (scene) => {
    const site = await scene.serve();
    for (const file of ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js"]) {
      const { text } = await ask(`${site.url}/socket.io/${file}`);
      const map = await ask(`${site.url}/socket.io/${file}.map`);
      const has = name !== "sockeye";
      expect([file, text.includes("sourceMappingURL"), map.status]).toEqual([file, has, has ? 200 : 404]);
    }
  });

  files("the files for browsers, compressed", async (scene) => {
    const site = await scene.serve();
    for (const [accepted, encoding] of [
      ["br, gzip, deflate", "br"],
      ["gzip, deflate", "gzip"],
      ["deflate", "deflate"],
      ["gzip;q=0.5, deflate", "deflate"],
      ["br;q=0", undefined],
    ] as const) {
      const { headers } = await ask(`${site.url}/socket.io/socket.io.min.js`, {
        headers: { "Accept-Encoding": accepted },
      });
      expect([accepted, headers["content-encoding"]]).toEqual([accepted, encoding]);
    }
  });

  test("adapter, as a class or a function", async (scene) => {
    // Ours is made on our base class, and Socket.IO's on its own.
    const Base = name === "sockeye" ? (await import("@sockeye/server")).Adapter : Adapter;
    const log: string[] = [];
    class Mine extends (Base as typeof Adapter) {
      override init(): void {
        log.push(`init ${this.nsp.name}`);
      }
      override close(): void {
        log.push(`close ${this.nsp.name}`);
      }
    }
    const byClass = await scene.serve({ adapter: Mine });
    expect(byClass.io.of("/x").adapter).toBeInstanceOf(Mine);
    await byClass.io.close();
    expect(log).toEqual(["init /", "init /x", "close /", "close /x"]);
    // Not an arrow function: Socket.IO calls it with `new`.
    const make = function make(nsp: unknown): Adapter {
      return new Mine(nsp);
    };
    const byFunction = await scene.serve({ adapter: make as never });
    expect(byFunction.io.of("/").adapter).toBeInstanceOf(Mine);
  });

  test("parser", async (scene) => {
    const { client, socket } = await scene.pair({ parser: msgpackParser }, { parser: msgpackParser });
    socket.on("ask", (value: unknown, done: (value: unknown) => void) => done(value));
    const value = { text: "ü", bytes: Buffer.from([1]), list: [1.5, null] };
    expect(await client.emitWithAck("ask", value)).toEqual(value);
  });

  test("connectTimeout", async (scene) => {
    const site = await scene.serve({ connectTimeout: 30 });
    const ws = (await websocket(site.url)) as WebSocket;
    await once(ws, "close");
  });

  test("connectionStateRecovery.skipMiddlewares", async (scene) => {
    for (const skipMiddlewares of [true, false]) {
      const site = await scene.serve({ connectionStateRecovery: { skipMiddlewares } });
      let asked = 0;
      site.io.use((_socket, next) => {
        asked += 1;
        next();
      });
      expect(await recovers(scene, site)).toBe(true);
      expect(asked).toBe(skipMiddlewares ? 1 : 2);
    }
  });

  test("connectionStateRecovery.maxDisconnectionDuration", async (scene) => {
    const short = await scene.serve({ connectionStateRecovery: { maxDisconnectionDuration: 1 } });
    expect(await recovers(scene, short)).toBe(false);
  });

  test("cleanupEmptyChildNamespaces", async (scene) => {
    for (const cleanupEmptyChildNamespaces of [true, false]) {
      const site = await scene.serve({ cleanupEmptyChildNamespaces });
      site.io.of(/^\/room-\d+$/);
      const { client, socket } = await scene.join(site, "/room-1");
      const left = once(socket, "disconnect");
      client.disconnect();
      await left;
      if (cleanupEmptyChildNamespaces)
        await until(() => !site.io._nsps.has("/room-1"), "the end of the child");
      expect(site.io._nsps.has("/room-1")).toBe(!cleanupEmptyChildNamespaces);
    }
  });
});

/** Does a client that got an event and then lost its connection for some milliseconds come back recovered? */
async function recovers(scene: Scene, site: Awaited<ReturnType<Scene["serve"]>>): Promise<boolean> {
  const { client, socket } = await scene.join(site, "/", { reconnection: true, reconnectionDelay: 30 });
  const event = once(client, "event");
  socket.emit("event");
  await event;
  const back = once(client, "connect");
  client.io.engine.close();
  await back;
  return client.recovered;
}
