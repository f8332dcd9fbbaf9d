// @socket.io/admin-ui: what `instrument(io)` tells to its page and does for it, and the page itself in a browser.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { instrument } from "@socket.io/admin-ui";
import express from "express";
import { type Socket as ClientSocket, io as dial } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { findChromium, launch } from "../../browser/chromium.js";
import { loadServer, type ServerName, type Site, serverHalf, startSite } from "../../support/servers.js";
import { once, until } from "../../support/wait.js";

/** The second is there to prove the tests: what they expect is what Socket.IO does. */
const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];

async function site(name: ServerName, options: Parameters<typeof instrument>[1]): Promise<Site> {
  const started = await startSite(name, { cors: { origin: "https://admin.example", credentials: true } });
  instrument(started.io, { serverId: "one", mode: "development", ...options });
  onTestFinished(() => started.end());
  return started;
}

function enter({ url }: Site, path = "", options: Parameters<typeof dial>[1] = {}): ClientSocket {
  const client = dial(url + path, { transports: ["websocket"], forceNew: true, ...options });
  onTestFinished(() => void client.disconnect());
  return client;
}

/** What an admin hears, and a way to wait for what it ought to hear. */
class Watch {
  readonly client: ClientSocket;
  readonly #heard: unknown[][] = [];

  constructor(client: ClientSocket) {
    this.client = client;
    client.onAny((...event) => this.#heard.push(event));
  }

  /** An event that looks like this, from the past or to come. */
  async sees(...expected: unknown[]): Promise<unknown[]> {
    const isIt = (event: unknown[]): boolean => equal(event.slice(0, expected.length), expected);
    await until(() => this.#heard.some(isIt), JSON.stringify(expected), 4000).catch((error: Error) => {
      throw new Error(`${error.message}; heard: ${JSON.stringify(this.#heard).slice(0, 3000)}`);
    });
    return this.#heard.find(isIt) as unknown[];
  }
}

function equal(actual: unknown, expected: unknown): boolean {
  try {
    expect(actual).toEqual(expected);
    return true;
  } catch {
    return false;
  }
}

async function watch(here: Site): Promise<Watch> {
  const admin = new Watch(enter(here, "/admin"));
  await admin.sees("config", expect.anything());
  return admin;
}

describe.each(SERVERS)("@socket.io/admin-ui on %s", (server) => {
  test("its page is told what there is", async () => {
    const here = await site(server, { auth: false });
    const ann = enter(here, "", { query: { q: "1" } });
    await once(ann, "connect");
    const socket = await serverHalf(here, ann);
    socket.data["user"] = "Ann";
    socket.join("r");
    const admin = await watch(here);
    await admin.sees("config", {
      supportedFeatures: [
        ...["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"],
        ...["AGGREGATED_EVENTS", "ALL_EVENTS"],
      ],
    });
    const [, sockets] = (await admin.sees("all_sockets", expect.anything())) as [string, { id: string }[]];
    expect(sockets.find(({ id }) => id === ann.id)).toEqual({
      id: ann.id,
      clientId: expect.stringMatching(/^.{12}$/),
      transport: "websocket",
      nsp: "/",
      data: { user: "Ann" },
      rooms: [ann.id, "r"],
      handshake: {
        address: expect.stringContaining("127.0.0.1"),
        headers: expect.objectContaining({ upgrade: "websocket" }),
        query: expect.objectContaining({ q: "1", transport: "websocket" }),
        issued: expect.any(Number),
        secure: false,
        time: expect.any(String),
        url: expect.stringContaining("/socket.io/"),
        xdomain: false,
      },
    });
    const [, stats] = (await admin.sees("server_stats", expect.anything())) as [string, object];
    expect(stats).toMatchObject({
      serverId: "one",
      pid: process.pid,
      uptime: expect.any(Number),
      clientsCount: 2,
      pollingClientsCount: 0,
      namespaces: [
        { name: "/", socketsCount: 1 },
        { name: "/admin", socketsCount: 1 },
      ],
      aggregatedEvents: expect.arrayContaining([
        { timestamp: expect.any(Number), type: "rawConnection", count: expect.any(Number) },
        { timestamp: expect.any(Number), type: "packetsIn", count: expect.any(Number) },
        { timestamp: expect.any(Number), type: "bytesOut", count: expect.any(Number) },
      ]),
    });
  });

  test("may be there before the server is attached, with options", async () => {
    const { Server } = await loadServer(server);
    const io = new Server();
    instrument(io, { serverId: "one", mode: "development", auth: false });
    const http = createServer();
    io.attach(http, { cors: { origin: "https://admin.example", credentials: true } });
    // The page's statistics ask for the engine a little later, if there is none at first.
    await until(() => io.engine.listenerCount("connection") > 0, "the listener of the statistics");
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(() => io.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const admin = await watch({ io, url } as Site);
    const [, stats] = (await admin.sees("server_stats", {
      ...{ serverId: "one", hostname: expect.any(String), pid: process.pid, uptime: expect.any(Number) },
      ...{ clientsCount: 1, pollingClientsCount: 0, namespaces: expect.any(Array) },
      aggregatedEvents: expect.arrayContaining([
        { timestamp: expect.any(Number), type: "rawConnection", count: 1 },
      ]),
    })) as [string, object];
    expect(stats).toBeDefined();
  });

  test("its page is told what happens", async () => {
    const here = await site(server, { auth: false });
    here.io.on("connection", (socket) => socket.on("hi", (...args) => args.at(-1)("reply")));
    const admin = await watch(here);
    const ann = enter(here, "", { transports: ["polling", "websocket"] });
    await once(ann, "connect");
    const { id } = ann;
    await admin.sees(
      "socket_connected",
      expect.objectContaining({ id, nsp: "/", transport: "polling", rooms: [id] }),
    );
    await admin.sees("room_joined", "/", id, id);
    await admin.sees("socket_updated", { id, nsp: "/", transport: "websocket" });
    const socket = await serverHalf(here, ann);
    socket.join("r");
    await admin.sees("room_joined", "/", "r", id);
    socket.leave("r");
    await admin.sees("room_left", "/", "r", id);
    socket.data["step"] = 1;
    await admin.sees("socket_updated", { id, nsp: "/", data: { step: 1 } });
    await ann.emitWithAck("hi", 1, "two");
    await admin.sees("event_received", "/", id, ["hi", 1, "two"]);
    socket.emit("news", { a: 1 });
    here.io.emit("all", 2);
    await admin.sees("event_sent", "/", id, ["news", { a: 1 }]);
    await admin.sees("event_sent", "/", id, ["all", 2]);
    const other = enter(here, "/made-later");
    here.io.of("/made-later");
    await once(other, "connect");
    await admin.sees("socket_connected", expect.objectContaining({ id: other.id, nsp: "/made-later" }));
    ann.disconnect();
    await admin.sees("socket_disconnected", "/", id, "client namespace disconnect");
  });

  test("its page acts", async () => {
    const here = await site(server, { auth: false });
    const admin = await watch(here);
    const [ann, ben] = [enter(here), enter(here)];
    await Promise.all([once(ann, "connect"), once(ben, "connect")]);
    admin.client.emit("join", "/", "r", ann.id);
    await admin.sees("room_joined", "/", "r", ann.id);
    const heard = Promise.all([once(ann, "x"), once(ben, "x")]);
    admin.client.emit("emit", "/", "r", "x", 1, { two: 2 });
    admin.client.emit("emit", "/", undefined, "x", "all");
    expect(await heard).toEqual([[1, { two: 2 }], ["all"]]);
    admin.client.emit("leave", "/", "r", ann.id);
    await admin.sees("room_left", "/", "r", ann.id);
    const { id } = ben;
    const gone = once(ben, "disconnect");
    admin.client.emit("_disconnect", "/", false, id);
    expect((await gone)[0]).toBe("io server disconnect");
    await admin.sees("socket_disconnected", "/", id, "server namespace disconnect");
    expect(ann.connected).toBe(true);
  });

  test("it asks for a password, and gives a session", async () => {
    // "changeit"
    const password = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";
    const here = await site(server, { auth: { type: "basic", username: "admin", password }, readonly: true });
    const [refusal] = await once(enter(here, "/admin"), "connect_error");
    expect((refusal as Error).message).toBe("invalid credentials");
    const first = new Watch(enter(here, "/admin", { auth: { username: "admin", password: "changeit" } }));
    const [, sessionId] = await first.sees("session", expect.any(String));
    const second = new Watch(enter(here, "/admin", { auth: { sessionId } }));
    await second.sees("config", { supportedFeatures: ["AGGREGATED_EVENTS", "ALL_EVENTS"] });
  });
});

const executablePath = findChromium();

test.skipIf(executablePath === undefined)(
  "its page in a browser shows and acts on a server of ours",
  async () => {
    const here = await site("sockeye", { auth: false });
    const pages = join(dirname(fileURLToPath(import.meta.resolve("@socket.io/admin-ui"))), "../ui/dist");
    const app = express().use(express.static(pages));
    here.http.on("request", (req, res) => void (req.url?.startsWith("/socket.io") || app(req, res)));
    const ann = enter(here);
    await once(ann, "connect");

    const browser = await launch(executablePath ?? "");
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(8000);
    // Fonts and icons come from elsewhere, and are not needed.
    await page.route("**/*", (route) =>
      route.request().url().startsWith(here.url) ? route.continue() : route.abort(),
    );
    await page.goto(here.url);
    await page.getByLabel("Server URL").fill(here.url);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page
      .getByText(/^\s*connected\s*$/i)
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Sockets" }).click();
    const row = page.getByRole("row").filter({ hasText: ann.id as string });
    await row.waitFor();
    const gone = once(ann, "disconnect");
    await row.getByRole("button").click();
    expect((await gone)[0]).toBe("io server disconnect");
  },
);
