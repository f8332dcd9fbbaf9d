// The chat in a real browser: what a stranger sees who opens it in two tabs.
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Message } from "../../examples/chat/room.js";
import { start } from "../../examples/chat/server.js";
import { CuttingProxy } from "../resume/cutting-proxy.js";
import { findChromium, launch, takeScreenshots } from "./chromium.js";

/** A tab, and everything in it that a test asks for later. */
interface Tab {
  readonly page: Page;
  /** The addresses of its WebSockets. */
  readonly webSockets: string[];
  /** Its requests under `/socket.io/`, the client itself left out: `GET polling`, `POST polling`, … */
  readonly requests: string[];
  /** What went wrong in it: uncaught errors, refusals by the content security policy, … */
  readonly complaints: string[];
}

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("the chat in a browser", () => {
  let browser: Browser;
  let context: BrowserContext;
  let chat: Awaited<ReturnType<typeof start>>;

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    chat = await start({ port: 0 });
    context = await browser.newContext();
    context.setDefaultTimeout(8000);
  });
  afterEach(async ({ task }) => {
    const failed = task.result?.state === "fail";
    await takeScreenshots(context.pages(), task.name, failed ? join(tmpdir(), "sockeye-browser") : undefined);
    await context.close();
    await chat.close();
  });

  async function enter(name: string, query = "", url = chat.url): Promise<Tab> {
    const page = await context.newPage();
    const tab: Tab = { page, webSockets: [], requests: [], complaints: [] };
    page.on("websocket", (socket) => tab.webSockets.push(socket.url()));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.pathname === "/socket.io/") {
        tab.requests.push(`${request.method()} ${url.searchParams.get("transport")}`);
      }
    });
    page.on("pageerror", (error) => tab.complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && tab.complaints.push(line.text()));
    await page.goto(`${url}/${query}`);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Join the chat" }).click();
    await page.getByText(`Welcome, ${name}`).waitFor();
    return tab;
  }

  async function enterFromNode(name: string): Promise<Socket> {
    const socket = io(chat.url, { auth: { name }, forceNew: true, reconnection: false });
    onTestFinished(() => void socket.disconnect());
    await next(socket, "welcome");
    return socket;
  }

  test("two tabs, one on WebSocket and one on long-polling, and someone from Node", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben", "?transport=polling");
    await ann.page.getByText("Ben joined").waitFor();
    const quinn = await enterFromNode("Quinn");
    for (const { page } of [ann, ben]) {
      await page.getByText("Quinn joined").waitFor();
      await expect.poll(() => page.locator("#count").textContent()).toBe("3 people");
      await expect.poll(() => names(page)).toEqual(["Ann", "Ben", "Quinn"]);
    }

    // Messages, from each to the two others.
    const toQuinn = next(quinn, "said");
    await say(ann, "Hello from Ann");
    await received(ben, "Ann", "Hello from Ann");
    expect(await toQuinn).toEqual([message("Ann", "Hello from Ann")]);
    const toQuinnAgain = next(quinn, "said");
    await say(ben, "Two\nlines");
    await received(ann, "Ben", "Two\nlines");
    expect(await toQuinnAgain).toEqual([message("Ben", "Two\nlines")]);
    // What looks like markup stays text.
    const markup = "<img src=x onerror=alert(1)> & <b>bold</b>";
    expect(await quinn.emitWithAck("say", markup)).toMatchObject({ ok: true });
    await received(ann, "Quinn", markup);
    await received(ben, "Quinn", markup);
    expect(await ann.page.locator("#log img, #log b").count()).toBe(0);

    // Typing: both ways between the tabs, and from Node.
    await typingShows(ann, ben, "Ann");
    await typingShows(ben, ann, "Ben");
    quinn.emit("typing", true);
    await ann.page.getByText("Quinn is typing").waitFor();
    quinn.emit("typing", false);
    await ann.page.getByText("Quinn is typing").waitFor({ state: "hidden" });

    // Which way it all went.
    await ann.page.locator("[data-transport=websocket]").waitFor();
    expect(await ann.page.locator("#transport").textContent()).toBe("Connected over WebSocket");
    expect(ann.webSockets.map((url) => new URL(url).pathname)).toEqual(["/socket.io/"]);
    expect(await ben.page.locator("#transport").textContent()).toBe("Connected over HTTP long-polling");
    expect(ben.webSockets).toEqual([]);
    expect([...new Set(ben.requests)].sort()).toEqual(["GET polling", "POST polling"]);

    // Leaving: by the button, and by going elsewhere.
    const benLeft = next(quinn, "left");
    await ben.page.getByRole("button", { name: "Leave the chat" }).click();
    expect(await benLeft).toEqual(["Ben"]);
    await ann.page.getByText("Ben left").waitFor();
    expect(await ann.page.locator("#count").textContent()).toBe("2 people");
    await ben.page.getByRole("button", { name: "Join the chat" }).waitFor();
    const annLeft = next(quinn, "left");
    await ann.page.goto("about:blank");
    expect(await annLeft).toEqual(["Ann"]);

    expect([...ann.complaints, ...ben.complaints]).toEqual([]);
  });

  test("a tab on long-polling that is closed has left", async () => {
    const quinn = await enterFromNode("Quinn");
    const ben = await enter("Ben", "?transport=polling");
    const left = next(quinn, "left");
    await ben.page.goto("about:blank");
    expect(await left).toEqual(["Ben"]);
  });

  test.each([
    ["HTTP stream", "stream", "an HTTP stream", "stream"],
    ["Server-sent events", "sse", "server-sent events", "sse"],
    ["Iframe", "iframe", "an iframe", "iframe"],
    ["JSONP", "jsonp", "JSONP", "polling"],
  ])(
    "%s, chosen in the room: the same name, and messages both ways",
    async (label, transport, over, wire) => {
      const ann = await enter("Ann");
      const quinn = await enterFromNode("Quinn");
      await textField(ann.page).fill("Begun before");
      ann.requests.length = 0;
      await ann.page.getByRole("combobox", { name: "Transport" }).selectOption(label);
      await ann.page.locator(`[data-transport=${transport}]`).waitFor();
      expect(await ann.page.locator("#transport").textContent()).toBe(`Connected over ${over}`);
      expect(new URL(ann.page.url()).search).toBe(`?transport=${transport}`);
      await ann.page.getByText("Welcome, Ann", { exact: true }).waitFor();
      await expect.poll(() => names(ann.page)).toEqual(["Ann", "Quinn"]);
      expect(await textField(ann.page).inputValue()).toBe("Begun before");

      const said = next(quinn, "said");
      await say(ann, "Hello");
      expect(await said).toEqual([message("Ann", "Hello")]);
      expect(await quinn.emitWithAck("say", "</script>, Ann")).toMatchObject({ ok: true });
      await received(ann, "Quinn", "</script>, Ann");
      expect(ann.requests).toEqual(expect.arrayContaining([`GET ${wire}`, `POST ${wire}`]));
      expect(ann.complaints).toEqual([]);
    },
  );

  test("a transport chosen at the door; a page loaded again comes to the door", async () => {
    const { page } = await enter("Ann", "?transport=iframe");
    await page.locator("[data-transport=iframe]").waitFor();
    await page.reload();
    expect(await page.getByLabel("Your name").inputValue()).toBe("Ann");
    expect(await page.getByRole("combobox", { name: "Transport" }).inputValue()).toBe("iframe");
    await page.getByLabel("Your name").fill("Ben");
    const loaded = page.waitForEvent("load");
    await page.getByRole("combobox", { name: "Transport" }).selectOption("Automatic");
    await loaded;
    expect(page.url()).toBe(`${chat.url}/`);
    expect(await page.getByLabel("Your name").inputValue()).toBe("Ben");
    await page.getByRole("button", { name: "Join the chat" }).click();
    await page.locator("[data-transport=websocket]").waitFor();
  });

  test("a name that is refused or taken", async () => {
    const ann = await enter("Ann");
    const page = await context.newPage();
    await page.goto(chat.url);
    const field = page.getByLabel("Your name");
    await field.fill("\u200b\u200b");
    await field.press("Enter");
    await page.getByText("Choose a name of 1 to 24 characters.").waitFor();
    await field.fill("Ann");
    await field.press("Enter");
    await page.getByText("Somebody is called Ann already, so you are Ann 2").waitFor();
    await ann.page.getByText("Ann 2 joined").waitFor();
  });

  test("after a restart of the server both pages are back and chat on", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben", "?transport=polling");
    await ann.page.getByText("Ben joined").waitFor();
    await say(ann, "Before");
    await received(ben, "Ann", "Before");

    await chat.close();
    for (const { page } of [ann, ben]) {
      await page.getByText("The connection is lost").waitFor();
      expect(await page.locator("#transport").textContent()).toBe("Not connected");
    }
    await textField(ann.page).fill("Written without a server");
    await textField(ann.page).press("Enter");
    chat = await start({ port: chat.port });

    await Promise.all(
      [ann, ben].map(async ({ page }) => {
        await page.getByText("The connection is lost").waitFor({ state: "hidden" });
        await expect.poll(() => page.locator("#count").textContent()).toBe("2 people");
      }),
    );
    await ann.page.getByText("You are back as Ann").waitFor();
    await ben.page.getByText("You are back as Ben").waitFor();
    await ann.page.locator("[data-state=sent]", { hasText: "Written without a server" }).waitFor();
    await say(ann, "After");
    await received(ben, "Ann", "After");
    await say(ben, "Yes, after");
    await received(ann, "Ben", "Yes, after");
  });

  test("an outage that is bridged shows at once, and is over when the connection is back", async () => {
    const proxy = await CuttingProxy.start(chat.port);
    onTestFinished(() => proxy.stop());
    const { page, complaints } = await enter("Ann", "", proxy.url);
    await page.locator("[data-transport=websocket]").waitFor();
    proxy.down = true;
    proxy.cut();
    await page.locator("#banner", { hasText: "Reconnecting" }).waitFor({ timeout: 1000 });
    expect(await page.locator("#transport").textContent()).toBe("Reconnecting\u2026");
    await textField(page).fill("Written meanwhile");
    await textField(page).press("Enter");
    proxy.down = false;
    await page.locator("#banner").waitFor({ state: "hidden" });
    await page.locator("[data-state=sent]", { hasText: "Written meanwhile" }).waitFor();
    expect(await page.locator("#transport").textContent()).toMatch(/^Connected over/);
    expect(await page.getByText("You are back").count()).toBe(0);
    // The browser itself reports each attempt that fails.
    expect(complaints.length).toBeLessThan(12);
  });

  test("somebody who comes later sees what was said; who comes back, where the new begins", async () => {
    const quinn = await enterFromNode("Quinn");
    for (const text of ["One", "Two, https://example.com/a_(b)?c=1."]) await quinn.emitWithAck("say", text);
    const ann = await enter("Ann");
    const lines = ann.page.locator(".bubble .words");
    expect(await lines.allTextContents()).toEqual(["One", "Two, https://example.com/a_(b)?c=1."]);
    expect(await ann.page.locator(".mark-new").count()).toBe(0);
    const link = ann.page.getByRole("link");
    expect(await link.getAttribute("href")).toBe("https://example.com/a_(b)?c=1");
    expect(await link.getAttribute("rel")).toContain("noopener");
    await say(ann, "Three");
    await ann.page.getByRole("button", { name: "Leave the chat" }).click();
    for (const text of ["Four", "Five"]) await quinn.emitWithAck("say", text);
    // In the same tab, and after a reload: the browser remembers.
    for (const reload of [false, true]) {
      if (reload) {
        await ann.page.reload();
        await quinn.emitWithAck("say", "Six");
      }
      await ann.page.getByRole("button", { name: "Join the chat" }).click();
      await ann.page.getByText("Welcome, Ann").waitFor();
      const after = ann.page.locator(".mark-new ~ .block .words");
      expect(await after.allTextContents()).toEqual(reload ? ["Six"] : ["Four", "Five"]);
      expect(await ann.page.locator(".mark-new").textContent()).toBe(
        `${reload ? 1 : 2} new since your last visit`,
      );
      // What she wrote is hers, today as yesterday.
      expect(await ann.page.locator(".own .words").allTextContents()).toEqual(["Three"]);
      expect(await lines.count()).toBe(reload ? 6 : 5);
    }
    expect(ann.complaints).toEqual([]);
  });

  test("whose connection is broken is away for the others; what was tried twice is there once", async () => {
    const proxy = await CuttingProxy.start(chat.port);
    onTestFinished(() => proxy.stop());
    const ben = await enter("Ben");
    const ann = await enter("Ann", "", proxy.url);
    await ben.page.getByText("Ann joined").waitFor();
    await ann.page.locator("[data-transport=websocket]").waitFor();
    proxy.down = true;
    proxy.cut();
    await ben.page.locator("#names .away", { hasText: "Ann" }).waitFor();
    await textField(ann.page).fill("Again and again");
    await textField(ann.page).press("Enter");
    // Longer than the page waits; then by the button.
    await ann.page.getByRole("button", { name: "Not sent. Try again" }).waitFor({ timeout: 20_000 });
    await ann.page.getByRole("button", { name: "Not sent. Try again" }).click();
    proxy.down = false;
    await ann.page.locator("[data-state=sent]", { hasText: "Again and again" }).waitFor({ timeout: 20_000 });
    await received(ben, "Ann", "Again and again");
    await ben.page.locator("#names .here", { hasText: "Ann" }).waitFor();
    await say(ben, "Once");
    for (const { page } of [ann, ben])
      expect(await page.locator(".words", { hasText: "Again and again" }).count()).toBe(1);
    expect(await ben.page.getByText("Ann left").count()).toBe(0);
  });

  test("on a phone, with the keyboard open, the text field and the last message stay in sight", async () => {
    await context.close();
    context = await browser.newContext({
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    const { page, complaints } = await enter("Ann");
    const quinn = await enterFromNode("Quinn");
    for (let count = 1; count <= 20; count += 1) await quinn.emitWithAck("say", `Message ${count}`);
    await page.getByText("Message 20", { exact: true }).waitFor();
    await page.setViewportSize({ width: 390, height: 420 });
    for (const locator of [textField(page), page.getByText("Message 20", { exact: true })]) {
      await expect.poll(async () => bottom(await locator.boundingBox())).toBeLessThan(420);
    }
    // Safari zooms into a field with a smaller font.
    for (const field of ["#name", "#text", ".foot select"]) {
      const size = await page.locator(field).evaluate((element) => getComputedStyle(element).fontSize);
      expect(Number.parseFloat(size)).toBeGreaterThanOrEqual(16);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.getByRole("button", { name: "2 people" }).click();
    await page.getByRole("complementary", { name: "People" }).getByText("Quinn").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Leave the chat" }).waitFor({ state: "hidden" });
    expect(complaints).toEqual([]);
  });
});

function textField(page: Page): Locator {
  return page.getByRole("textbox", { name: "Message" });
}

async function say({ page }: Tab, text: string): Promise<void> {
  await textField(page).fill(text);
  await textField(page).press("Enter");
  const last = page.locator(".own .bubble").last();
  await expect.poll(() => last.getAttribute("data-state")).toBe("sent");
  expect(await last.locator(".words").textContent()).toBe(text);
}

/** Waits until the newest message is this one, and it stands under its author's name. */
async function received({ page }: Tab, author: string, text: string): Promise<void> {
  const block = page.locator(".block").last();
  await expect.poll(() => block.locator(".words").last().textContent()).toBe(text);
  expect(await block.locator(".author").textContent()).toBe(author);
}

async function typingShows(from: Tab, to: Tab, name: string): Promise<void> {
  await textField(from.page).pressSequentially("Hm");
  await to.page.getByText(`${name} is typing`).waitFor();
  await textField(from.page).fill("");
  await to.page.getByText(`${name} is typing`).waitFor({ state: "hidden" });
}

async function names(page: Page): Promise<string[]> {
  return (await page.locator("#names [dir]").allTextContents()).sort();
}

function message(name: string, text: string): Message {
  return { name, text, at: expect.any(Number) as number };
}

function bottom(box: { readonly y: number; readonly height: number } | null): number {
  return box === null ? Number.POSITIVE_INFINITY : box.y + box.height;
}

/** Resolves with the arguments of the next such event. */
function next(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)));
}
