import { io } from "@sockeye/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { findChromium, launch } from "../../../test/browser/chromium.js";
import { CuttingProxy } from "../../../test/resume/cutting-proxy.js";
import { start } from "../server.js";

let server: Awaited<ReturnType<typeof start>>;

beforeEach(async () => {
  server = await start({ port: 0 });
});
afterEach(() => server.close());

test("the server counts for everybody", async () => {
  const socket = io(server.url, { forceNew: true });
  const counts: number[] = [];
  socket.on("count", (count) => counts.push(count));
  socket.emit("add", 1).emit("add", "1").emit("add", 1);
  await expect.poll(() => counts).toEqual([0, 1, 2]);
  socket.disconnect();
});

test("the page and its script", async () => {
  expect(await (await fetch(server.url)).text()).toContain('src="/main.js"');
  expect(await (await fetch(`${server.url}/main.js`)).text()).toContain("Everybody counts");
  expect((await fetch(`${server.url}/server.js`)).status).toBe(404);
});

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("the page, in StrictMode", () => {
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());

  async function open(url = server.url): Promise<Page> {
    const page = await browser.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.goto(url);
    await page.getByRole("status").getByText("connected", { exact: true }).waitFor();
    return page;
  }

  test("one connection a page, none while the component is away, one handler a component", async () => {
    const ann = await open();
    const ben = await open();
    expect(server.people()).toBe(2);
    await ann.getByRole("button", { name: "0" }).click();
    await ben.getByRole("button", { name: "1" }).click();
    await ann.getByRole("button", { name: "2" }).waitFor();
    await ann.getByRole("checkbox").uncheck();
    await expect.poll(() => server.people()).toBe(1);
    await ann.getByRole("checkbox").check();
    await ann.getByRole("button", { name: "2" }).waitFor();
    expect(server.people()).toBe(2);
    expect(complaints.filter((text) => !text.includes("favicon") && !text.includes("404"))).toEqual([]);
    await ann.close();
    await ben.close();
  });

  test("an outage shows within a second, and goes", async () => {
    const proxy = await CuttingProxy.start(Number(new URL(server.url).port));
    onTestFinished(() => proxy.stop());
    const page = await open(proxy.url);
    proxy.down = true;
    proxy.cut();
    const status = page.getByRole("status");
    await status.getByText("Reconnecting").waitFor({ timeout: 1000 });
    proxy.down = false;
    await status.getByText("connected", { exact: true }).waitFor();
    await page.close();
  });
});
