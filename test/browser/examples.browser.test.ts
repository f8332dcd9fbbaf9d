// The small pages of the examples, as somebody sees them who opens the address that is printed.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { start as startChat } from "../../examples/ai-chat/server.js";
import { start as startJwt } from "../../examples/auth/jwt.js";
import { start as startSession } from "../../examples/auth/session.js";
import { start as startMessages } from "../../examples/private-messages/server.js";
import { start as startTasks } from "../../examples/tasks/server.js";
import { start as startUpload } from "../../examples/upload/server.js";
import { findChromium, launch, takeScreenshots } from "./chromium.js";

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)("the pages of the examples", { timeout: 60_000 }, () => {
  let browser: Browser;
  let context: BrowserContext;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch(executablePath ?? "");
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext();
    context.setDefaultTimeout(15_000);
  });
  afterEach(async ({ task }) => {
    const failed = task.result?.state === "fail";
    await takeScreenshots(context.pages(), task.name, failed ? join(tmpdir(), "sockeye-browser") : undefined);
    await context.close();
  });

  async function run(start: typeof startTasks): Promise<string> {
    const server = await start({ port: 0 });
    onTestFinished(() => server.close());
    return server.url;
  }

  async function open(url: string): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    await page.goto(url);
    return page;
  }

  test("tasks: what one page does, the other shows", async () => {
    const url = await run(startTasks);
    const [ann, ben] = [await open(url), await open(url)];
    for (const page of [ann, ben]) await page.getByRole("status").getByText("connected").waitFor();
    await ann.getByText("Nothing to do.").waitFor();
    await ann.getByLabel("New task").fill("Water the <b>plants</b>");
    await ann.getByRole("button", { name: "Add" }).click();
    await ben.getByRole("checkbox", { name: "Water the <b>plants</b>" }).check();
    await ann.getByRole("checkbox", { checked: true }).waitFor();
    await ann.getByRole("button", { name: "Delete Water the <b>plants</b>" }).click();
    await ben.getByText("Nothing to do.").waitFor();
    expect(complaints).toEqual([]);
  });

  test("ai-chat: an answer streams in, goes on after F5 and in a second tab, and Stop stops it", async () => {
    const server = await startChat({ port: 0, paceMs: 250 });
    onTestFinished(() => server.close());
    const first = await open(server.url);
    await first.getByRole("status").getByText("connected").waitFor();
    await first.getByLabel("Your question").fill("How does it find <b>home</b>?");
    await first.getByRole("button", { name: "Ask" }).click();
    const answer = (page: Page) => page.locator(".answer").first();
    await answer(first).getByText("“How does it find <b>home</b>?”").waitFor();
    await first.reload();
    // What was said before comes again, and the rest after it.
    await answer(first).getByText("You ask:").waitFor();
    const second = await open(server.url);
    await answer(second).getByText("spends its first years").waitFor();
    expect(await answer(second).textContent()).toContain("You ask:");
    await first.getByRole("button", { name: "Stop" }).click();
    for (const page of [first, second])
      await page.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
    await answer(second).getByText("Stopped.").waitFor();
    const text = (await answer(first).textContent()) ?? "";
    expect(text.replace(" Stopped.", "")).not.toContain("few are enough");
    expect(text).toMatch(
      /^You ask: “How does it find <b>home<\/b>\?”\. Here is what I know\.\n\nA sockeye spends/,
    );
    // The model runs for the next question as it did for the first.
    await second.getByLabel("Your question").fill("Why?");
    await second.getByRole("button", { name: "Ask" }).click();
    await first.locator(".answer").nth(1).getByText("“Why?”").waitFor();
    expect(complaints).toEqual([]);
  });

  test("upload: a large file, cut on its way, arrives whole", async () => {
    const page = await open(await run(startUpload));
    await page.getByRole("status").getByText("connected").waitFor();
    const folder = await mkdtemp(join(tmpdir(), "upload-page-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const buffer = randomBytes(40e6);
    await writeFile(join(folder, "river.bin"), buffer);
    await page.getByLabel("File").setInputFiles(join(folder, "river.bin"));
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByRole("button", { name: "Cut the connection" }).click();
    await page
      .getByText(`SHA-256: ${createHash("sha256").update(buffer).digest("hex")}`)
      .waitFor({ timeout: 45_000 });
    await page.getByText("river.bin: 40.0 MB have arrived, over 2 connections").waitFor();
    // A cut connection is an error to the browser's console, whatever the page makes of it.
    expect(
      complaints.filter((line) => !/WebSocket connection|Failed to load resource|ERR_/.test(line)),
    ).toEqual([]);
  });

  test("private messages: to one person, in all tabs", async () => {
    const url = await run(startMessages);
    const pages = [await open(url), await open(url), await open(url)] as const;
    for (const [index, name] of ["Ann", "Ben", "Ben"].entries()) {
      await pages[index]?.getByLabel("Your name").fill(name);
      await pages[index]?.getByRole("button", { name: "Come in" }).click();
      await pages[index]?.getByText(`You are ${name}`).waitFor();
    }
    const [ann, ...tabs] = pages;
    await ann.getByLabel("To").selectOption("Ben");
    await ann.getByRole("textbox", { name: "Message" }).fill("lunch?");
    await ann.getByRole("button", { name: "Send" }).click();
    for (const page of [ann, ...tabs]) await page.getByText("Ann to Ben: lunch?").waitFor();
    expect(complaints).toEqual([]);
  });

  test.each([
    ["session", startSession, "Log in first."],
    ["token", startJwt, undefined],
  ] as const)("auth by a %s: in, known, out, and in again", async (_by, start, first) => {
    const page = await open(await run(start));
    if (first !== undefined) await page.getByText(`connect_error: ${first}`).waitFor();
    for (const user of ["Ann", "Ben"]) {
      await page.getByLabel("Your name").fill(user);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("button", { name: "Ask the server who I am" }).click();
      await page.getByText(`whoami: ${user}`).waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Your name").waitFor();
    }
    expect(complaints).toEqual([]);
  });
});
