// The client as an ES module, straight from the server: in a page and in a module worker.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, launch } from "./chromium.js";

const FILES: ReadonlyMap<string, { readonly name: string; readonly type: string }> = new Map([
  ["/", { name: "modules.html", type: "text/html" }],
  ["/page.js", { name: "page.js", type: "text/javascript" }],
  ["/worker.js", { name: "worker.js", type: "text/javascript" }],
  ["/converse.js", { name: "converse.js", type: "text/javascript" }],
]);
/** The client needs no more than this from a page: scripts and connections, both to its own server. */
const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src data:";

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("the client as an ES module", () => {
  let browser: Browser;
  let io: Server;
  let url: string;

  beforeAll(async () => {
    const http = createServer(async (req, res) => {
      const file = FILES.get(req.url ?? "");
      if (file === undefined) return void res.writeHead(404).end();
      const content = await readFile(new URL(`./fixtures/${file.name}`, import.meta.url));
      res.writeHead(200, { "content-type": file.type, "content-security-policy": POLICY }).end(content);
    });
    io = new Server(http);
    io.on("connection", (socket) => {
      socket.on("echo", (value: unknown, reply: (value: unknown) => void) => reply(value));
    });
    await new Promise<void>((resolve) => http.listen(0, resolve));
    url = `http://localhost:${(http.address() as AddressInfo).port}`;
    browser = await launch(executablePath ?? "");
  });

  afterAll(async () => {
    await browser?.close();
    await io?.close();
  });

  test("it talks to the server from a page and from a module worker", async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    await page.goto(url);
    for (const where of ["page", "worker"]) {
      const output = page.locator(`#${where}:not(:empty)`);
      expect(JSON.parse((await output.textContent({ timeout: 8000 })) ?? "")).toEqual({
        text: where,
        bytes: [0, 1, 254, 255],
        isBuffer: true,
      });
    }
    expect(complaints).toEqual([]);
  });
});
