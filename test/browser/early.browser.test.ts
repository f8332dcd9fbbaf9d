// early.js dials the WebSocket before the client's script has come, and io() takes it over: in a real browser.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import { parse } from "acorn";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/wait.js";
import { findChromium, launch } from "./chromium.js";

const chromium = findChromium();

/** What a page does, and whether the session that was dialled early goes on. */
const PAGES = {
  "io() takes it over": { early: "early.js", io: "io()", isTaken: true },
  "a namespace takes it over": { early: "early.js", io: 'io("/")', isTaken: true },
  "WebSocket alone takes it over": {
    early: "early.js",
    io: 'io({ transports: ["websocket"] })',
    isTaken: true,
  },
  "a client with a query of its own closes it": {
    early: "early.js",
    io: 'io({ query: { token: "x" } })',
    isTaken: false,
  },
  "a client without an offer to resume closes it": {
    early: "early.js",
    io: "io({ resume: false })",
    isTaken: false,
  },
  "one for lean clients fits a client without an offer": {
    early: "early.js?lean",
    io: "io({ resume: false })",
    isTaken: true,
  },
} as const;

it("early.js weighs less than 400 bytes, and is ECMAScript 5", async () => {
  const text = await readFile(
    new URL("../../packages/client/dist/browser/early.js", import.meta.url),
    "utf8",
  );
  expect(text.length).toBeLessThan(400);
  expect(() => parse(text, { ecmaVersion: 5 })).not.toThrow();
});

describe.skipIf(chromium === undefined)("early.js in Chromium", () => {
  const bundle = new URL("../../packages/client/dist/browser/sockeye.min.js", import.meta.url);
  let browser: Browser;
  let io: Server;
  let url: string;
  let sessions: { readonly id: string; isOpen: boolean }[] = [];
  let body = "";

  beforeAll(async () => {
    const script = await readFile(bundle);
    const http = createServer(async (req, res) => {
      if (req.url === "/client.js") {
        // As if it took long to come: only when the server has the session already.
        await until(() => sessions.length > 0, "the session that was dialled early");
        res.writeHead(200, { "content-type": "text/javascript" }).end(script);
      } else {
        const policy = "default-src 'none'; script-src 'self' 'nonce-page'; connect-src 'self'";
        res.writeHead(200, { "content-type": "text/html", "content-security-policy": policy }).end(body);
      }
    });
    io = new Server(http);
    io.engine.on("connection", ({ id }: { id: string }) => sessions.push({ id, isOpen: true }));
    io.on("connection", (socket) => {
      socket.on("hello", (reply: (id: string) => void) => reply(socket.conn.id));
    });
    io.engine.on("connection", (engine: { id: string; on(name: "close", told: () => void): void }) =>
      engine.on("close", () => {
        for (const session of sessions) if (session.id === engine.id) session.isOpen = false;
      }),
    );
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
    browser = await launch(chromium ?? "");
  }, 40_000);
  afterEach(() => {
    sessions = [];
  });
  afterAll(async () => {
    await browser?.close();
    await io?.close();
  });

  it.each(Object.entries(PAGES))("%s", async (_, { early, io: code, isTaken }) => {
    body = `<!doctype html><title>Early</title>
      <script src="/socket.io/${early}"></script><script src="/client.js"></script>
      <script nonce="page">const socket = ${code}; socket.emit("hello", (id) => { window.session = id; });</script>`;
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    await page.goto(url);
    await page.waitForFunction(() => "session" in globalThis);
    const used = await page.evaluate("session");
    if (isTaken) expect(sessions.map(({ id }) => id)).toEqual([used]);
    // A slow machine may have dialled polling besides.
    else expect(sessions.slice(1).map(({ id }) => id)).toContain(used);
    expect(await page.evaluate("socket.io.engine.transport.name")).toBe("websocket");
    expect(await page.evaluate("window.sockeyeEarly")).toBeUndefined();
    if (!isTaken) await until(() => sessions[0]?.isOpen === false, "the end of the one that is not used");
    expect(errors).toEqual([]);
    await page.close();
  });

  it("a session that began early is resumed like any other", async () => {
    body = `<!doctype html><title>Early</title>
      <script src="/socket.io/early.js"></script><script src="/client.js"></script>
      <script nonce="page">const socket = io(); socket.emit("hello", (id) => { window.session = id; });
        socket.on("again", () => { window.again = true; });</script>`;
    const page = await browser.newPage();
    await page.goto(url);
    await page.waitForFunction(() => "session" in globalThis);
    const id = await page.evaluate("socket.id");
    await page.context().setOffline(true);
    io.emit("again");
    await page.context().setOffline(false);
    await page.waitForFunction(() => "again" in globalThis);
    expect(await page.evaluate("socket.id")).toBe(id);
    await page.close();
  });
});
