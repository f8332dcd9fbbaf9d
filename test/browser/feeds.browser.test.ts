// A room as text/event-stream, read by a real EventSource: what it has missed while its connection was broken, it asks for by itself.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import { describe, expect, test } from "vitest";
import { findChromium, launch } from "./chromium.js";

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("an EventSource", () => {
  test("reads a room, and goes on where it was", async () => {
    const http = createServer((_req, res) => {
      res.setHeader("Content-Type", "text/html").end("<!doctype html><title>Feed</title>");
    });
    const io = new Server(http);
    io.room("news", { keep: { count: 10 }, expose: { sse: true, authorize: () => true } });
    await new Promise<void>((resolve) => http.listen(0, resolve));
    const url = `http://localhost:${(http.address() as AddressInfo).port}`;
    const browser = await launch(executablePath ?? "");
    try {
      const say = (n: number): void => void io.to("news").emit("said", n);
      say(1);
      const page = await browser.newPage();
      await page.goto(url);
      await page.evaluate(() => {
        const heard: unknown[] = [];
        const feed = new EventSource("/socket.io/rooms/news?since=last:5");
        feed.addEventListener("joined", (event) => heard.push(JSON.parse(event.data).complete));
        feed.addEventListener("message", (event) => heard.push(JSON.parse(event.data).args[0]));
        Object.assign(window, { heard });
      });
      const heard = (): Promise<unknown> =>
        page.evaluate(() => (window as unknown as { heard: unknown }).heard);
      const until = { timeout: 30_000 };
      await expect.poll(heard, until).toEqual([true, 1]);
      say(2);
      await expect.poll(heard, until).toEqual([true, 1, 2]);
      http.closeAllConnections();
      say(3);
      await expect.poll(heard, until).toEqual([true, 1, 2, true, 3]);
    } finally {
      await browser.close();
      http.closeAllConnections();
      await io.close();
    }
  }, 90_000);
});
