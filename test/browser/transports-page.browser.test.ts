// The example that shows all transports side by side: what a stranger sees who opens it, on a desk and on a phone.
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { start } from "../../examples/transports/server.js";
import { findChromium, launch, takeScreenshots } from "./chromium.js";

const executablePath = findChromium();
/** Long enough for any machine. */
const SOON = { timeout: 10_000 };

/** The cards, and the transport that each comes to. */
const CARDS = [
  ["default", "websocket"],
  ["websocket", "websocket"],
  ["polling", "polling"],
  ["stream", "stream"],
  ["sse", "sse"],
  ["iframe", "iframe"],
  ["jsonp", "jsonp"],
] as const;

describe.skipIf(executablePath === undefined)("the page of all transports", { timeout: 60_000 }, () => {
  let browser: Browser;
  let context: BrowserContext;
  let example: Awaited<ReturnType<typeof start>>;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    example = await start({ port: 0 });
    complaints = [];
  });
  afterEach(async ({ task }) => {
    const failed = task.result?.state === "fail";
    await takeScreenshots(context.pages(), task.name, failed ? join(tmpdir(), "sockeye-browser") : undefined);
    await context.close();
    await example.close();
  });

  /** @param script Runs before the page's own. */
  async function open(width: number, script?: () => void): Promise<Page> {
    context = await browser.newContext({ viewport: { width, height: 900 } });
    if (script !== undefined) await context.addInitScript(script);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    await page.goto(example.url);
    return page;
  }

  test.each([[1280], [390]])("all connect, and round trips arrive, at a width of %i", async (width) => {
    const page = await open(width);
    await page.getByText("7 of 7 connected").waitFor();
    for (const [card, transport] of CARDS) {
      const value = (name: string) => page.locator(`#${card} .${name}`).textContent();
      await expect.poll(() => value("transport"), { ...SOON, message: card }).toBe(transport);
      await expect.poll(() => value("roundTrip"), { ...SOON, message: card }).toMatch(/^[\d.]+ ms$/);
      for (const counted of ["up", "down"]) expect(await value(counted), card).toMatch(/^[1-9][\d.]* k?B$/);
      expect(Number(await value("requests")), card).toBeGreaterThan(0);
    }
    // What one WebSocket costs in requests, and what polling does.
    expect(await page.locator("#websocket .requests").textContent()).toBe("1");
    await expect
      .poll(async () => Number(await page.locator("#polling .requests").textContent()), SOON)
      .toBeGreaterThan(6);
    expect(await page.locator("#webtransport").textContent()).toContain("needs HTTP/3");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(complaints).toEqual([]);
  });

  test("the reconnect button, and a restart of the server", async () => {
    const page = await open(1280);
    await page.getByText("7 of 7 connected").waitFor();
    for (const [card] of CARDS) await page.locator(`#${card} button`).click();
    await page.getByText("7 of 7 connected").waitFor();
    for (const [card] of CARDS) {
      const roundTrip = () => page.locator(`#${card} .roundTrip`).textContent();
      await expect.poll(roundTrip, { ...SOON, message: card }).toMatch(/ms$/);
    }
    await example.close();
    await page.getByText("0 of 7 connected").waitFor();
    expect(await page.locator("#sse .reason").textContent()).not.toBe("");
    example = await start({ port: example.port });
    await page.getByText("7 of 7 connected").waitFor();
  });

  test("without the modern client all cards have the one for old browsers", async () => {
    const page = await open(1280, () => {
      Object.defineProperty(globalThis, "modernIo", { value: undefined, writable: false });
    });
    await page.getByText("7 of 7 connected").waitFor();
    expect(new Set(await page.locator(".build").allTextContents())).toEqual(new Set(["legacy"]));
  });

  test("what a browser lacks is said, and takes nothing from the rest", async () => {
    const page = await open(1280, () => {
      Object.assign(globalThis, { EventSource: undefined });
    });
    await page.getByText("6 of 7 connected").waitFor();
    expect(await page.locator("#sse .state").textContent()).toBe("not connected");
    expect(await page.locator("#sse .reason").textContent()).toContain("there is no EventSource here");
  });
});
