// The quick start and the tutorial, done as they say: every block of code is written into its file, run, and looked at in a browser.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../architecture/imports.js";
import { findChromium, launch } from "../browser/chromium.js";
import { blocksOf, countOf, installedBy } from "./blocks.js";

const executablePath = findChromium();
const tutorial = blocksOf("docs/tutorial.md");
const PATIENCE_MS = 60_000;

let folder: string;
beforeAll(() => {
  // Inside the repository, where the packages are found.
  const cache = join(ROOT, "node_modules/.cache/sockeye");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "tutorial-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  said(): string;
  prints(text: string): Promise<void>;
  end(): Promise<void>;
}

/** `node FILE` in a terminal of its own. */
function run(file: string, port: number): Running {
  const child = spawn(process.execPath, [file], { cwd: folder, env: { ...process.env, PORT: `${port}` } });
  let said = "";
  const hear = (chunk: unknown): void => {
    said += String(chunk);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const ended = once(child, "close");
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(end);
  return {
    child,
    said: () => said,
    prints: (text) => expect.poll(() => said, { timeout: PATIENCE_MS, interval: 50 }).toContain(text),
    end,
  };
}

/** Two ports side by side that are free. */
async function freePort(): Promise<number> {
  for (;;) {
    const first = createServer().listen(0);
    await once(first, "listening");
    const address = first.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const second = createServer().listen(port + 1);
    const free = await Promise.race([
      once(second, "listening").then(() => true),
      once(second, "error").then(() => false),
    ]);
    await Promise.all(
      [first, second].filter((each) => each.listening).map((each) => once(each.close(), "close")),
    );
    if (free) return port;
  }
}

/** Writes the files of a step over those of the steps before it. */
function write(step: string): void {
  const blocks = tutorial.filter(({ section }) => section === step);
  expect(blocks.length).toBeGreaterThan(0);
  for (const { file, code } of blocks) writeFileSync(join(folder, file), code);
}

test("the blocks of code of both pages are those that are run here", () => {
  const start = blocksOf("docs/quick-start.md");
  expect(tutorial.length).toBe(countOf("docs/tutorial.md", /js|html/));
  expect(start.map(({ file }) => file)).toEqual(["server.js", "client.js"]);
  expect(countOf("docs/quick-start.md", /js/)).toBe(start.length);
});

test.each(["docs/quick-start.md", "docs/tutorial.md"])("%s installs what there is", (page) => {
  expect(installedBy(page).length).toBeGreaterThan(1);
  for (const name of installedBy(page)) expect(existsSync(join(ROOT, "node_modules", name)), name).toBe(true);
});

test("quick start: two clients", { timeout: PATIENCE_MS * 2 }, async () => {
  const port = await freePort();
  for (const { file, code } of blocksOf("docs/quick-start.md"))
    writeFileSync(join(folder, file), code.replaceAll("3000", `${port}`));
  run("server.js", port);
  // The first may be there before the server: it tries again.
  const first = run("client.js", port);
  await first.prints("Hello Ann");
  const second = run("client.js", port);
  await second.prints("Hello Ann");
  await first.prints("Ann is here too");
});

describe.skipIf(executablePath === undefined)("tutorial", { timeout: PATIENCE_MS * 4 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());

  async function tab(url: string, pass?: string): Promise<Page> {
    const context: BrowserContext = await browser.newContext();
    onTestFinished(() => context.close());
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("dialog", (dialog) => void dialog.accept(pass ?? ""));
    await page.goto(url);
    return page;
  }
  const says = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel("Message").fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  };
  const sees = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();
  const is = (page: Page, status: string): Promise<void> =>
    page.getByRole("status").getByText(status, { exact: true }).waitFor();
  const lines = (page: Page): Promise<string[]> => page.locator("li").allTextContents();

  async function serve(
    step: string,
    program = "server.js",
  ): Promise<{ url: string; port: number; terminal: Running }> {
    write(step);
    const port = await freePort();
    const terminal = run(program, port);
    const url = `http://localhost:${port}`;
    await terminal.prints(url);
    return { url, port, terminal };
  }

  test("1. what is sent in one tab appears in both", async () => {
    const { url } = await serve("1. A chat");
    const [ann, ben] = [await tab(url), await tab(url)];
    for (const page of [ann, ben]) await is(page, "connected");
    await says(ann, "hello");
    for (const page of [ann, ben]) await sees(page, "hello");
  });

  test("2. cats hear cats", async () => {
    const { url } = await serve("2. Rooms");
    const pages = [await tab(`${url}/#cats`), await tab(`${url}/#cats`), await tab(`${url}/#dogs`)] as const;
    for (const page of pages) await is(page, "connected");
    await says(pages[0], "meow");
    for (const page of pages.slice(0, 2)) await sees(page, "meow");
    await says(pages[2], "woof");
    await sees(pages[2], "woof");
    expect(await lines(pages[2])).toEqual(["woof"]);
    expect(await lines(pages[0])).toEqual(["meow"]);
  });

  test("3. who has no pass is told so", async () => {
    const { url } = await serve("3. Authentication");
    const [ann, ben, other] = [await tab(url, "salmon"), await tab(url, "trout"), await tab(url, "perch")];
    await is(ann, "connected");
    await is(ben, "connected");
    await says(ben, "hi");
    for (const page of [ann, ben]) await sees(page, "Ben: hi");
    await sees(other, "Not connected: Unknown pass");
    await is(other, "offline");
  });

  test("4. the cable is pulled, and nothing is lost or doubled", async () => {
    const { url, port } = await serve("4. Pull the cable");
    const cable = run("cable.js", port);
    await cable.prints("press Enter");
    const [ann, ben] = [await tab(`http://localhost:${port + 1}`, "salmon"), await tab(url, "trout")];
    for (const page of [ann, ben]) await is(page, "connected");
    cable.child.stdin?.write("\n");
    await is(ann, "suspended");
    await says(ann, "under the sea");
    await says(ben, "anybody?");
    await sees(ben, "Ben: anybody?");
    expect(await lines(ann)).toEqual([]);
    cable.child.stdin?.write("\n");
    await is(ann, "connected");
    for (const page of [ann, ben]) {
      await sees(page, "Ann: under the sea");
      await sees(page, "Ben: anybody?");
      expect((await lines(page)).sort()).toEqual(["Ann: under the sea", "Ben: anybody?"]);
    }
  });

  async function nodeOf(page: Page): Promise<number> {
    await sees(page, /You are on node \d+/);
    return Number(/\d+/.exec((await lines(page)).filter((line) => line.startsWith("You")).at(-1) ?? "")?.[0]);
  }

  test("5. two nodes, and one dies", async () => {
    const { url, terminal } = await serve("5. A second node", "nodes.js");
    const [ann, ben] = [await tab(url, "salmon"), await tab(url, "trout")];
    while ((await nodeOf(ann)) === (await nodeOf(ben))) await ann.reload();
    for (const page of [ann, ben]) await is(page, "connected");
    await says(ann, "across");
    await sees(ben, "Ann: across");
    const first = await nodeOf(ann);
    process.kill(first, "SIGKILL");
    await expect.poll(() => nodeOf(ann), { timeout: PATIENCE_MS }).not.toBe(first);
    await is(ann, "connected");
    await says(ann, "still here");
    await sees(ben, "Ann: still here");
    expect((await lines(ben)).filter((line) => line.startsWith("You"))).toHaveLength(1);
    expect(terminal.child.exitCode).toBe(null);
  });

  test("6. the contract refuses 42", async () => {
    const { url, terminal } = await serve("6. One contract", "nodes.js");
    const ann = await tab(url, "salmon");
    await is(ann, "connected");
    await ann.evaluate('socket.emit("say", 42)');
    await terminal.prints("say: ERR_INVALID");
    await says(ann, "a text");
    await sees(ann, "Ann: a text");
    expect((await lines(ann)).filter((line) => !line.startsWith("You"))).toEqual(["Ann: a text"]);
    expect(readFileSync(join(folder, "server.js"), "utf8")).toContain("contract: chat");
  });
});
