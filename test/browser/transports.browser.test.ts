// Every transport in every browser, with both builds of the client: a conversation, and what the server learns when the page goes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { within } from "../support/wait.js";
import { driveChromium, findChromium } from "./chromium.js";
import type { Driver } from "./driver.js";
import { driveFirefox, findFirefox } from "./firefox.js";
import { type Build, MESSAGES, ODD, startTransportsSite, type TransportsSite } from "./transports-site.js";
import { driveWebKit, findWebKit } from "./webkit.js";

const chromium = findChromium();
const firefox = findFirefox();
const webkit = findWebKit();

/** Each browser's way to start, if it is there. */
const BROWSERS: readonly { readonly name: string; readonly drive: (() => Promise<Driver>) | undefined }[] = [
  { name: "Chromium", drive: chromium === undefined ? undefined : () => driveChromium(chromium) },
  { name: "Firefox", drive: firefox === undefined ? undefined : () => driveFirefox(firefox) },
  { name: "WebKit", drive: webkit === undefined ? undefined : () => driveWebKit(webkit) },
];

/** The transports that each build has, and what the default comes to. */
const ROWS: readonly { readonly build: Build; readonly transport: string; readonly name?: string }[] = [
  { build: "modern", transport: "default" },
  { build: "modern", transport: "websocket" },
  { build: "modern", transport: "polling" },
  { build: "modern", transport: "sse" },
  { build: "modern", transport: "stream" },
  { build: "legacy", transport: "default" },
  { build: "legacy", transport: "websocket" },
  { build: "legacy", transport: "polling" },
  { build: "legacy", transport: "sse" },
  { build: "legacy", transport: "stream" },
  { build: "legacy", transport: "iframe" },
  { build: "legacy", transport: "jsonp" },
];

/** Long enough for any machine, and far from the 45 s after which a heartbeat is missed. */
const LEAVING_MS = 10_000;

function optionsFor(transport: string): object {
  return { reconnection: false, ...(transport === "default" ? {} : { transports: [transport] }) };
}

/** What the server calls it. */
function nameOf(transport: string): string {
  if (transport === "default") return "websocket";
  return transport === "jsonp" ? "polling" : transport;
}

describe.each(BROWSERS.filter(({ drive }) => drive !== undefined))("transports in $name", ({ drive }) => {
  let driver: Driver;
  let site: TransportsSite;

  beforeAll(async () => {
    [site, driver] = await Promise.all([startTransportsSite(), (drive as () => Promise<Driver>)()]);
    console.log(driver.version);
  }, 60_000);
  afterAll(async () => {
    await driver?.close();
    await site?.close();
  });

  test.each(ROWS)("$build, $transport: all that is said arrives; a closed tab has left", async (row) => {
    const { build, transport } = row;
    const visit = site.visit(build, optionsFor(transport));
    const tab = await driver.open(visit.url);
    expect(await visit.report).toEqual({
      connected: [transport === "default" ? "websocket" : transport],
      errors: [],
      echo: [ODD, [null, 1.5]],
      counted: MESSAGES,
      isBuffer: true,
      given: [0, 1, 254, 255],
    });
    expect(await visit.conversation).toEqual({
      answer: [{ deep: [ODD] }, ODD],
      bytes: [0, 1, 254, 255],
      counted: MESSAGES,
      isLargeWhole: true,
    });
    await expect.poll(visit.transport).toBe(nameOf(transport));
    await tab.close();
    expect(await within(visit.left, "the goodbye of a closed tab", LEAVING_MS)).toMatch(/^transport /);
  });

  test.each(ROWS)("$build, $transport: a page that is left has left", async ({ build, transport }) => {
    const visit = site.visit(build, optionsFor(transport));
    const tab = await driver.open(visit.url);
    // What the page has sent may still be on its way when it reports.
    await Promise.all([visit.report, visit.conversation]);
    await tab.go(site.elsewhere);
    expect(await within(visit.left, "the goodbye of a page", LEAVING_MS)).toMatch(/^transport /);
    await tab.close();
  });
});
