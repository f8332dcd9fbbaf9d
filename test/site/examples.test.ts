// Each example as `npm run screenshots` uses it: axe has nothing to say, and nothing is wider than the page.
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { complaintsOf } from "../browser/axe.js";
import { findChromium, launch } from "../browser/chromium.js";
import { SCENES } from "./scenes.js";

const executablePath = findChromium();
const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ["a desktop, light", { viewport: { width: 1000, height: 700 }, colorScheme: "light" }],
  ["a phone, dark", { viewport: { width: 390, height: 780 }, colorScheme: "dark", hasTouch: true }],
];
const rows = Object.keys(SCENES).flatMap((name) => LOOKS.map(([look, options]) => ({ name, look, options })));

describe.skipIf(executablePath === undefined)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());

  test.each(rows)("$name, on $look", { timeout: 120_000 }, async ({ name, options }) => {
    const scene = SCENES[name];
    if (!scene) throw new Error(`there is no scene of ${name}`);
    const server = await scene.start({ port: 0 });
    onTestFinished(() => void server.close());
    const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
    onTestFinished(() => context.close());
    context.setDefaultTimeout(60_000);
    const page = await scene.play(async () => {
      const opened = await context.newPage();
      await opened.goto(server.url);
      return opened;
    });
    expect(await complaintsOf(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
  });
});
