// The bundle for old browsers in Chromium, from which everything newer is taken before the page's script runs.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { Server as StockServer } from "socket.io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, launch } from "../browser/chromium.js";
import { converse, type LegacySite, noted, startLegacySite, type Visit } from "./site.js";

const executablePath = findChromium();

/** Names of the global object that browsers of 2010 did not have. */
const NEWER = [
  ..."AbortController Blob BroadcastChannel EventSource FileReader FormData Headers Map Promise Proxy".split(
    " ",
  ),
  ..."ReadableStream Reflect Request Response Set SharedArrayBuffer TextDecoder TextEncoder URL".split(" "),
  ..."URLSearchParams WeakMap WeakRef WeakSet WebSocket WebTransport Worker atob btoa fetch globalThis".split(
    " ",
  ),
  ..."performance queueMicrotask structuredClone ArrayBuffer DataView BigInt64Array BigUint64Array".split(
    " ",
  ),
  ..."Float32Array Float64Array Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray".split(" "),
  ..."Uint16Array Uint32Array".split(" "),
];

function without(...kept: string[]): string[] {
  return NEWER.filter((name) => !kept.includes(name));
}

function takeAway(names: readonly string[]): void {
  const take = (owner: object, keys: readonly string[]): void => {
    for (const key of keys) {
      if (!delete (owner as Record<string, unknown>)[key] || key in owner) throw new Error(`${key} stays`);
    }
  };
  take(window, names);
  take(Object, ["assign", "entries", "fromEntries", "hasOwn", "values", "setPrototypeOf"]);
  take(Array, ["from", "of"]);
  take(Number, ["isFinite", "isInteger", "isSafeInteger"]);
  take(Array.prototype, ["includes", "find", "findIndex", "flatMap", "flat", "keys", "values", "fill", "at"]);
  take(String.prototype, ["includes", "startsWith", "endsWith", "padStart", "repeat", "at", "replaceAll"]);
}

describe.skipIf(executablePath === undefined)("the bundle for old browsers in a Chromium made old", () => {
  let browser: Browser;
  let site: LegacySite;

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
    site = await startLegacySite();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** Opens the page in a browser without these names. What went wrong in it comes into the list, also later. */
  async function open(options: object, names: readonly string[]): Promise<string[]> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.addInitScript(takeAway, names);
    await page.goto(site.page({ reconnection: false, ...options }));
    return complaints;
  }

  test.each([
    { name: "polling", names: NEWER },
    { name: "stream", names: NEWER },
    { name: "iframe", names: NEWER },
    { name: "iframe", names: [...NEWER, "postMessage"] },
    { name: "sse", names: without("EventSource") },
    { name: "websocket", names: without("WebSocket", "ArrayBuffer", "Uint8Array") },
  ])("over $name, $names.length names taken", async ({ name, names }) => {
    const visit = site.visit();
    const complaints = await open({ transports: [name] }, names);
    expect(await visit).toMatchObject(noted(name));
    expect(complaints).toEqual([]);
  });

  test("over jsonp, to Socket.IO's own server on another origin", async () => {
    const http = createServer();
    const stock = new StockServer(http);
    const visited = new Promise<Visit>((resolve) => {
      stock.on("connection", (socket) => resolve(converse(socket)));
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://localhost:${(http.address() as AddressInfo).port}`;
      const complaints = await open({ url, transports: ["jsonp"] }, NEWER);
      expect(await visited).toMatchObject({ ...noted("jsonp"), transport: "polling" });
      expect(complaints).toEqual([]);
    } finally {
      http.closeAllConnections();
      await stock.close();
    }
  });
});
