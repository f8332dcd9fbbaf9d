// A broadcast with permessage-deflate, which every browser offers.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, launch } from "./chromium.js";

const executablePath = findChromium();
const RECORDS = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id} é` }));

interface Page {
  received: unknown[];
}

describe.skipIf(executablePath === undefined)("permessage-deflate", () => {
  let browser: Browser;
  let io: Server;
  let port: number;
  let agreed: string | undefined;

  beforeAll(async () => {
    const http = createServer((_req, res) =>
      res.writeHead(200, { "content-type": "text/html" }).end("<title>x</title>"),
    );
    io = new Server(http, { perMessageDeflate: true });
    io.engine.on("headers", (_headers, req) => {
      agreed = req.headers["sec-websocket-extensions"];
    });
    await new Promise<void>((resolve) => http.listen(0, resolve));
    port = (http.address() as AddressInfo).port;
    browser = await launch(executablePath ?? "");
  });

  afterAll(async () => {
    await browser?.close();
    await io?.close();
  });

  test("a broadcast arrives at pages, small and large, and what they send at the server", async () => {
    const large = Array.from({ length: 30 }, () => RECORDS);
    const pages = await Promise.all([browser.newPage(), browser.newPage()]);
    const joined = new Promise<void>((resolve) => {
      let count = 0;
      io.on("connection", () => ++count === pages.length && resolve());
    });
    const echoed = new Promise<unknown>((resolve) => {
      io.on("connection", (socket) => void socket.on("e", resolve));
    });
    for (const page of pages) {
      await page.goto(`http://localhost:${port}`);
      await page.evaluate((address) => {
        const state = globalThis as unknown as Page;
        state.received = [];
        const ws = new WebSocket(`${address}/socket.io/?EIO=4&transport=websocket`);
        ws.onopen = () => ws.send("40");
        ws.onmessage = ({ data }) => {
          if (!data.startsWith("42")) return;
          state.received.push(JSON.parse(data.slice(2))[1]);
          if (state.received.length === 3) ws.send(data);
        };
      }, `ws://localhost:${port}`);
    }
    await joined;
    expect(agreed).toContain("permessage-deflate");
    for (const value of ["small", RECORDS, large]) io.emit("e", value);
    for (const page of pages) {
      await page.waitForFunction(() => (globalThis as unknown as Page).received.length === 3);
      expect(await page.evaluate(() => (globalThis as unknown as Page).received)).toEqual([
        "small",
        RECORDS,
        large,
      ]);
    }
    expect(await echoed).toEqual(large);
  });
});
