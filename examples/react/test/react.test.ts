import { io } from "@sockeye/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { findChromium, launch, takeScreenshots } from "../../../test/browser/chromium.js";
import { CuttingProxy } from "../../../test/resume/cutting-proxy.js";
import { start } from "../server.js";

const SOON = { timeout: 15_000 };
let server: Awaited<ReturnType<typeof start>>;

beforeEach(async () => {
  server = await start({ port: 0 });
});
afterEach(() => server.close());

test("the server passes reactions on, and only those", async () => {
  const socket = io(server.url, { forceNew: true });
  const heard: unknown[] = [];
  socket.on("reaction", (reaction, id) => heard.push([reaction, id]));
  socket.emit("react", "★").emit("react", "<b>").emit("react", "♪");
  await expect
    .poll(() => heard, SOON)
    .toEqual([
      ["★", 1],
      ["♪", 2],
    ]);
  socket.disconnect();
});

test("the page is rendered by the server, which connects nowhere", async () => {
  const html = await (await fetch(server.url)).text();
  expect(html).toContain('<p role="status" class="sign connecting">Connecting…</p>');
  expect(html).toContain('<span class="what">Ramen</span>');
  expect(server.people()).toBe(0);
  expect((await fetch(`${server.url}/server.js`)).status).toBe(404);
});

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("the page, in StrictMode", () => {
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  beforeEach(() => {
    complaints = [];
  });
  afterAll(() => browser?.close());

  async function open(url = server.url): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 760, height: 760 } });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.goto(url);
    await page.getByRole("status").getByText("Online").waitFor();
    return page;
  }
  const countOf = (page: Page, choice: string) =>
    page.getByRole("button", { name: choice }).locator(".count").textContent();

  test("hands go up and down in every tab, one connection each; a tab that is closed takes its hand along", async () => {
    const ann = await open();
    const ben = await open();
    await ann.getByLabel("Your name").fill("Ann");
    await ben.getByLabel("Your name").fill("Ben");
    await ann.getByRole("button", { name: "Ramen" }).click();
    await ben.getByRole("button", { name: "Ramen" }).click();
    await expect.poll(() => countOf(ann, "Ramen"), SOON).toBe("2");
    await ben.getByRole("button", { name: "Tacos" }).click();
    await expect.poll(() => countOf(ann, "Tacos"), SOON).toBe("1");
    await expect.poll(() => ann.getByTitle("Ben").count(), SOON).toBe(1);
    await ann.getByRole("button", { name: "Song" }).click();
    await ben.locator(".flying").getByText("♪").waitFor();
    expect(server.people()).toBe(2);
    await takeScreenshots([ann, ben], "react");
    await ben.close();
    await expect.poll(() => countOf(ann, "Tacos"), SOON).toBe("0");
    await expect.poll(() => countOf(ann, "Ramen"), SOON).toBe("1");
    expect(complaints).toEqual([]);
    await ann.close();
  });

  test("an outage shows, and goes", async () => {
    const proxy = await CuttingProxy.start(Number(new URL(server.url).port));
    onTestFinished(() => proxy.stop());
    const page = await open(proxy.url);
    proxy.down = true;
    proxy.cut();
    await page.getByRole("status").getByText("Reconnecting").waitFor();
    proxy.down = false;
    await page.getByRole("status").getByText("Online").waitFor();
    await page.close();
  });
});
