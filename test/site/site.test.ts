// The site of the documents, as `npm run docs:build` builds it: no dead link, and no page that axe complains about.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../architecture/imports.js";
import { complaintsOf } from "../browser/axe.js";
import { findChromium, launch, takeScreenshots } from "../browser/chromium.js";
import { DIST, fileOf, serveSite } from "./serve.js";

const REPOSITORY = /^https:\/\/github\.com\/sockeyejs\/sockeye\/(?:blob|tree)\/main\/([^#]+)/;
const executablePath = findChromium();

beforeAll(() => {
  if (process.env["SITE_IS_BUILT"] !== undefined) return;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/docs.mjs", "build"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the site was not built:\n${stdout}\n${stderr}`);
}, 600_000);

/** Paths of all pages, as they are addressed: `/rooms`, `/api/server/`. */
function pages(): string[] {
  return readdirSync(DIST, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".html") && file !== "404.html")
    .map((file) => `/${file.replace(/(?:(?<=\/)|^)index\.html$|\.html$/g, "")}`);
}

const idsOf = new Map<string, ReadonlySet<string>>();
function ids(file: string): ReadonlySet<string> {
  const known = idsOf.get(file);
  if (known !== undefined) return known;
  const found = new Set(
    [...readFileSync(file, "utf8").matchAll(/\sid="([^"]+)"/g)].map(([, id = ""]) => decode(id)),
  );
  idsOf.set(file, found);
  return found;
}

function decode(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

describe("links", () => {
  test("there are pages, with links to check", () => {
    expect(pages().length).toBeGreaterThan(150);
    expect(pages()).toEqual(expect.arrayContaining(["/", "/rooms", "/api/server/classes/Server"]));
  });

  test("every link leads to a page, an anchor, or a file of the repository", { timeout: 60_000 }, () => {
    const dead: string[] = [];
    let checked = 0;
    for (const page of pages()) {
      const html = readFileSync(fileOf(page) ?? "", "utf8");
      for (const [, raw = ""] of html.matchAll(/<(?:a|img|link)\b[^>]*?\s(?:href|src)="([^"]*)"/g)) {
        const href = decode(raw);
        const [, file] = REPOSITORY.exec(href) ?? [];
        if (file !== undefined && !existsSync(join(ROOT, file))) dead.push(`${page}: ${href}`);
        if (/^[a-z]+:/i.test(href)) continue;
        checked += 1;
        const url = new URL(href, `http://site${page}`);
        const target = fileOf(url.pathname);
        const anchor = decodeURIComponent(url.hash.slice(1));
        if (target === undefined || (anchor !== "" && !ids(target).has(anchor)))
          dead.push(`${page}: ${href}`);
      }
    }
    expect([...new Set(dead)]).toEqual([]);
    expect(checked).toBeGreaterThan(10_000);
  });

  test("every page has a Markdown twin whose links lead to twins; llms.txt lists what there is", () => {
    for (const page of pages()) {
      const twin = fileOf(page.endsWith("/") ? `${page}index.md` : `${page}.md`);
      expect(twin, page).toBeDefined();
      const text = readFileSync(twin ?? "", "utf8").replace(/```[\s\S]*?```|`[^`\n]+`/g, "");
      for (const [, href = ""] of text.matchAll(/\]\((\/[^)#]*)/g))
        expect(fileOf(href), `${page}: ${href}`).toMatch(/\.md$|\.svg$/);
    }
    const listed = [...readFileSync(join(DIST, "llms.txt"), "utf8").matchAll(/\]\((\S+)\)/g)];
    expect(listed.length).toBeGreaterThan(30);
    for (const [, href = ""] of listed) expect(fileOf(href), href).toBeDefined();
  });

  test("every guide is beside the pages, once", () => {
    const html = readFileSync(join(DIST, "rooms.html"), "utf8");
    const beside = [...html.matchAll(/<a class="VPLink link link"[^>]*href="([^"]+)"/g)].map(([, to]) => to);
    const missing = pages().filter(
      (page) => !/^\/(?:api\/.+|adr\/.*|)$/.test(page) && !beside.includes(page),
    );
    expect(missing).toEqual([]);
    expect(beside.filter((to, at) => beside.indexOf(to) !== at)).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)("in Chromium", () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    site = await serveSite();
    browser = await launch(executablePath ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function open(options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    onTestFinished(() => context.close());
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (line) => line.type() === "error" && complaints.push(`${page.url()}: ${line.text()}`));
    return { page, complaints };
  }

  const looks: readonly (readonly [string, BrowserContextOptions])[] = [
    ["a desktop, light", { viewport: { width: 1360, height: 900 }, colorScheme: "light" }],
    ["a phone, dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
  ];

  test.each(looks)(
    "%s: axe has nothing to say, nothing is wider than the page",
    { timeout: 600_000 },
    async (name, options) => {
      const { page, complaints } = await open(options);
      const dark = options.colorScheme === "dark";
      for (const [index, path] of pages().filter(looked).entries()) {
        await page.goto(site.url + path, { waitUntil: "load" });
        // Dark, and with what the page's own program adds to it.
        await page.locator(dark ? "html.dark #app" : "html:not(.dark) #app").waitFor();
        const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        if (wide !== 0) complaints.push(`${path}: wider than the page by ${wide}`);
        // In the dark every fourth: colours and layout are those of the theme.
        if (!dark || index % 4 === 0) {
          const found = await complaintsOf(page);
          complaints.push(...found.map((each) => `${path}: ${each}`));
        }
        if (["/", "/tutorial", "/options", "/examples"].includes(path))
          await takeScreenshots([page], `site ${name} ${path}`);
      }
      expect(complaints).toEqual([]);
    },
  );

  test("search finds a guide by the words of its text, without a network", async () => {
    const { page, complaints } = await open({ viewport: { width: 1360, height: 900 } });
    await page.goto(site.url);
    await page.getByRole("button", { name: "Search" }).first().click();
    await page.getByRole("searchbox").fill("sticky sessions");
    await page.locator('a.result[href^="/scaling"]').first().click();
    await page.getByRole("heading", { level: 1, name: "Scaling" }).waitFor();
    expect(complaints).toEqual([]);
  });
});

/** All but most of what is made by one mould: of decisions and of the API some pages each. */
function looked(page: string): boolean {
  return (
    !/^\/(?:adr|api)\//.test(page) || /^\/(?:adr\/0001|api\/$|api\/server\/(?:$|classes\/Server$))/.test(page)
  );
}
