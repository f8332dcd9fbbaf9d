// What happens to pages, in real browsers: they go away, are put aside and come back, are hidden, frozen, offline.
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../support/wait.js";
import { findChromium } from "./chromium.js";
import { findFirefox } from "./firefox.js";
import { type PagesSite, startPagesSite, type Visitor } from "./pages-site.js";

const chromium = findChromium();
const firefox = findFirefox();

const TRANSPORTS = ["websocket", "polling", "stream", "sse"] as const;

/** Long enough for any machine, and far from the 30 s for which a session is kept that nobody has said goodbye to. */
const SOON_MS = 10_000;

/** What a page has kept in `seen`. */
interface Seen {
  readonly ids: readonly string[];
  readonly disconnects: readonly string[];
  readonly errors: readonly string[];
  readonly down: readonly number[];
  readonly isBack: boolean;
}

function launchChromium(): Promise<Browser> {
  return puppeteer.launch({
    browser: "chrome",
    executablePath: chromium ?? "",
    headless: true,
    // As for people: hidden pages are hidden, and their timers late.
    ignoreDefaultArgs: [
      "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows",
      "--disable-background-timer-throttling",
      "--disable-back-forward-cache",
    ],
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
  });
}

function launchFirefox(): Promise<Browser> {
  return puppeteer.launch({ browser: "firefox", executablePath: firefox ?? "", headless: true });
}

const BROWSERS = [
  { name: "Chromium", isThere: chromium !== undefined, launch: launchChromium },
  { name: "Firefox", isThere: firefox !== undefined, launch: launchFirefox },
].filter(({ isThere }) => isThere);

const seenOf = (page: Page): Promise<Seen> => page.evaluate("seen") as Promise<Seen>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let site: PagesSite;

/** Opens the page and connects; both ends have sent something to each other. */
async function visit(browser: Browser, options: object): Promise<{ page: Page; visitor: Visitor }> {
  const page = await browser.newPage();
  await page.goto(site.url, { waitUntil: "load" });
  const before = site.visitors.length;
  await page.evaluate(`begin(${JSON.stringify({ resume: true, ...options })})`);
  await until(() => (site.visitors[before]?.up.length ?? 0) > 3, "numbers of the page", SOON_MS);
  return { page, visitor: site.visitors[before] as Visitor };
}

/** Nothing was lost, nothing came twice, all in order; and neither end has seen a disconnection. */
async function expectWhole(page: Page, visitor: Visitor): Promise<void> {
  const { up, down } = visitor;
  const goal = { up: up.length + 5, down };
  await expect
    .poll(async () => up.length >= goal.up && (await seenOf(page)).down.length >= goal.down, {
      timeout: SOON_MS,
      message: "more",
    })
    .toBe(true);
  const seen = await seenOf(page);
  expect(seen.disconnects).toEqual([]);
  expect(visitor.left).toBeUndefined();
  expect(seen.down).toEqual(seen.down.map((_, n) => n));
  expect(up).toEqual(up.map((_, n) => n));
}

describe.each(BROWSERS)("a page in $name", { timeout: 60_000 }, ({ name: browserName, launch }) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(() => browser?.close());
  beforeEach(async () => {
    site = await startPagesSite();
  });
  afterEach(async () => {
    for (const page of (await browser.pages()).slice(1)) await page.close();
    await site.close();
  });

  const WAYS = [
    ...TRANSPORTS.map((name) => [name, "led elsewhere"] as const),
    ...TRANSPORTS.map((name) => [name, "closed"] as const),
  ];

  test.each(WAYS)("over %s that is %s has left at once", async (transport, how) => {
    const { page, visitor } = await visit(browser, { transports: [transport] });
    const begun = performance.now();
    if (how === "closed") await page.close();
    else await page.goto(site.elsewhere);
    await until(() => visitor.left !== undefined, "the goodbye", SOON_MS);
    expect(visitor.left?.reason).toBe("transport close");
    console.log(`${how}: left after ${((visitor.left?.at ?? 0) - begun).toFixed(0)} ms, over ${transport}`);
    expect(site.io.engine.clientsCount).toBe(0);
    if (how !== "closed") await page.close();
  });

  test.each(TRANSPORTS)(
    "over %s that is put aside has left, and connects anew when it is back",
    async (name) => {
      const { page, visitor } = await visit(browser, {
        transports: [name],
        reconnectionDelay: 60_000,
        reconnectionDelayMax: 60_000,
      });
      await page.goto(site.elsewhere);
      await until(() => visitor.left !== undefined, "the goodbye", SOON_MS);
      await page.goBack();
      const { isBack } = await seenOf(page);
      if (browserName === "Firefox" && !isBack) {
        console.log(`${name}: Firefox has not kept the page, as ever without a window`);
        return;
      }
      expect(isBack).toBe(true);
      await until(() => site.visitors.length === 2, "the second connection", SOON_MS);
      await expect
        .poll(async () => (await seenOf(page)).ids.length === 2, { timeout: SOON_MS, message: "connect" })
        .toBe(true);
      expect((await seenOf(page)).disconnects).toEqual(["transport close"]);
    },
  );
});

describe.skipIf(chromium === undefined)("a page in Chromium", { timeout: 60_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);
  afterAll(() => browser?.close());
  beforeEach(async () => {
    site = await startPagesSite({ pingInterval: 1000, pingTimeout: 1000 });
  });
  afterEach(async () => {
    for (const page of (await browser.pages()).slice(1)) await page.close();
    await site.close();
  });

  test.each(TRANSPORTS)("over %s that is offline for 3 s loses nothing", async (name) => {
    const { page, visitor } = await visit(browser, { transports: [name] });
    await page.setOfflineMode(true);
    await sleep(3000);
    await page.setOfflineMode(false);
    await expectWhole(page, visitor);
    await page.close();
  });

  test.each(TRANSPORTS)("over %s that is frozen for 5 s loses nothing", async (name) => {
    const { page, visitor } = await visit(browser, { transports: [name] });
    const cdp = await page.createCDPSession();
    await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await sleep(5000);
    await cdp.send("Page.setWebLifecycleState", { state: "active" });
    await expectWhole(page, visitor);
    await page.close();
  });

  test.each(TRANSPORTS)("over %s behind another tab, where timers are late, loses nothing", async (name) => {
    const { page, visitor } = await visit(browser, { transports: [name] });
    const other = await browser.newPage();
    await other.bringToFront();
    await expect
      .poll(async () => (await page.evaluate("document.hidden")) === true, {
        timeout: SOON_MS,
        message: "the page to be hidden",
      })
      .toBe(true);
    // Some heartbeats.
    await sleep(6000);
    expect(visitor.left).toBeUndefined();
    await page.bringToFront();
    await expectWhole(page, visitor);
  });

  test("behind another tab connects at once when it is seen again", async () => {
    const { page } = await visit(browser, {
      resume: false,
      reconnectionDelay: 60_000,
      reconnectionDelayMax: 60_000,
    });
    const other = await browser.newPage();
    await other.bringToFront();
    await expect
      .poll(async () => (await page.evaluate("document.hidden")) === true, {
        timeout: SOON_MS,
        message: "the page to be hidden",
      })
      .toBe(true);
    for (const { conn } of site.io.sockets.sockets.values()) conn.close();
    await expect
      .poll(async () => (await seenOf(page)).disconnects.length === 1, {
        timeout: SOON_MS,
        message: "the loss",
      })
      .toBe(true);
    await page.bringToFront();
    await expect
      .poll(async () => (await seenOf(page)).ids.length === 2, {
        timeout: SOON_MS,
        message: "the second connection",
      })
      .toBe(true);
  });
});
