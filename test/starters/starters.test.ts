// Each template of create-sockeye as a newcomer gets it: generated, installed from the packed packages, built, started, and used in two tabs.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TEMPLATES } from "create-sockeye";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complaintsOf } from "../browser/axe.js";
import { findChromium, launch, takeScreenshots } from "../browser/chromium.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** npm's registry may be slow, and so may this machine. */
const PATIENCE_MS = 600_000;
const SOON = { timeout: 60_000 };
const run = promisify(execFile);
const executablePath = findChromium();

let home: string;
let tarballs: string[];
let browser: Browser;

describe.skipIf(executablePath === undefined)("npm create sockeye", () => {
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "starters-"));
    const packed = join(home, "tarballs");
    mkdirSync(packed);
    const names = readdirSync(join(ROOT, "packages")).flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, "packages", folder, "package.json"), "utf8")) as {
        readonly name: string;
        readonly private?: boolean;
      };
      return manifest.private ? [] : ["-w", manifest.name];
    });
    await npm(["pack", ...names, "--pack-destination", packed], ROOT);
    tarballs = readdirSync(packed).map((file) => join(packed, file));
    // What `npm create sockeye` installs for itself.
    const [creator] = tarballs.filter((file) => file.includes("create-sockeye"));
    await npm(["install", "--prefix", join(home, "creator"), creator ?? ""], home);
    browser = await launch(executablePath ?? "");
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    rmSync(home, { recursive: true, force: true });
  }, PATIENCE_MS);

  test.each(Object.keys(TEMPLATES))("%s", { timeout: PATIENCE_MS }, async (template) => {
    const began = performance.now();
    const app = join(home, template);
    // A second try begins anew.
    rmSync(app, { recursive: true, force: true });
    const program = join(home, "creator/node_modules/.bin/create-sockeye");
    const { stdout } = await run(program, [template, "--template", template], { cwd: home });
    expect(stdout).toContain(`cd ${template}\n  npm install\n  npm run dev\n`);
    // Ours are not in the registry, or other than these: the tarballs stand for them.
    const ours = tarballs.filter((file) => !file.includes("create-sockeye"));
    await npm(["install", "--no-audit", "--no-fund", "--prefer-offline", ...ours], app);
    const seconds = (): number => Math.round((performance.now() - began) / 1000);
    const installed = seconds();
    const inDevelopment = await start(app, "dev");
    const started = seconds();
    const talked = (): void =>
      console.log(
        `${template}: two tabs talk ${seconds()} s after the empty folder; it was installed after ${installed}, and started after ${started}`,
      );
    try {
      await chat(inDevelopment.url, { app, template, shot: `${template}-dev`, talked });
    } finally {
      await inDevelopment.stop();
    }
    await npm(["run", "build"], app);
    const built = await start(app, "start");
    try {
      await chat(built.url, { app, template, shot: `${template}-built` });
    } finally {
      await built.stop();
    }
  });
});

interface Case {
  readonly app: string;
  readonly template: string;
  /** The name of its screenshot. */
  readonly shot: string;
  /** Called once both tabs have heard each other: what comes behind it is for the test. */
  talked?(): void;
}

/** Two tabs talk, and nothing complains. */
async function chat(url: string, { app, template, shot, talked }: Case): Promise<void> {
  const complaints: string[] = [];
  const context = await browser.newContext({ viewport: { width: 720, height: 560 } });
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.goto(url, SOON);
    return page;
  };
  try {
    const one = await open();
    if (template === "ai-chat") {
      await one.getByRole("status").getByText("online").waitFor(SOON);
      await one.getByLabel("Question").fill("Why?");
      await one.getByRole("button", { name: "Ask" }).click();
      const other = await open();
      for (const page of [one, other]) await page.getByText("it goes on where it was.").waitFor(SOON);
      talked?.();
      await takeScreenshots([one], shot);
    } else {
      const other = await open();
      await one.getByRole("status").getByText("2 here").waitFor(SOON);
      await one.getByLabel("Your name").fill("Ann");
      await one.getByRole("textbox", { name: "Message" }).fill("Hello from one");
      await one.getByRole("button", { name: "Send" }).click();
      await other.getByText("Hello from one").waitFor(SOON);
      await other.getByRole("textbox", { name: "Message" }).fill("And back");
      await other.getByRole("button", { name: "Send" }).click();
      await one.getByText("And back").waitFor(SOON);
      talked?.();
      // Each message once, those from before included.
      await other.reload(SOON);
      await other.getByText("And back").waitFor(SOON);
      expect(await other.locator("li", { hasText: "And back" }).count()).toBe(1);
      await takeScreenshots([one], shot);
    }
    // Hot reloading has a WebSocket of its own on the same port.
    if (shot.endsWith("-dev") && (template === "next" || template === "react-vite")) {
      await hears(context, url);
      await refreshes(one, app);
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await one.emulateMedia({ colorScheme });
      complaints.push(...(await complaintsOf(one)).map((each) => `${colorScheme}: ${each}`));
    }
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

/** The page has a WebSocket of its bundler that stays open for longer than a server gives strange upgrades. */
async function hears(context: Awaited<ReturnType<Browser["newContext"]>>, url: string): Promise<void> {
  const page = await context.newPage();
  const frames: string[] = [];
  const foreign: string[] = [];
  page.on("websocket", (socket) => {
    if (socket.url().includes("/socket.io/")) return;
    foreign.push(socket.url());
    socket.on("framereceived", ({ payload }) => frames.push(String(payload)));
    socket.on("close", () => frames.push("closed"));
  });
  await page.goto(url, SOON);
  await expect.poll(() => foreign.length, SOON).toBe(1);
  await expect.poll(() => frames.length, SOON).toBeGreaterThan(0);
  // Sockeye ends upgrades that nobody has taken after a second.
  await page.waitForTimeout(2500);
  expect(frames).not.toContain("closed");
  expect(foreign).toHaveLength(1);
}

/**
 * Fast Refresh after a real edit: the component is another one, with the state that it had, on the connection that it had, and hears each message
 * once.
 */
async function refreshes(page: Page, app: string): Promise<void> {
  const file = join(app, "src/chat.tsx");
  const connections: string[] = [];
  page.on("websocket", (socket) => {
    if (socket.url().includes("/socket.io/")) connections.push(socket.url());
  });
  page.on("request", (request) => {
    const { searchParams } = new URL(request.url());
    if (searchParams.has("EIO") && !searchParams.has("sid")) connections.push(request.url());
  });
  await page.evaluate("window.sameDocument = true");
  const before = readFileSync(file, "utf8");
  writeFileSync(
    file,
    before.replace("<h1>Chat</h1>", "<h1>Talk</h1>").replace("<b>{from}</b>", "<b>{from}:</b>"),
  );
  await page.getByRole("heading", { name: "Talk" }).waitFor(SOON);
  // The name that was typed is state of the component.
  expect(await page.getByLabel("Your name").inputValue()).toBe("Ann");
  await page.getByRole("textbox", { name: "Message" }).fill("After the edit");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Ann: After the edit").waitFor(SOON);
  // One that was doubled would have come with it, or behind it.
  await page.getByRole("textbox", { name: "Message" }).fill("And one more");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Ann: And one more").waitFor(SOON);
  expect(await page.locator("li", { hasText: "After the edit" }).count()).toBe(1);
  expect(await page.locator("li", { hasText: "Hello from one" }).count()).toBe(1);
  expect(await page.evaluate("window.sameDocument")).toBe(true);
  expect(connections).toEqual([]);
  writeFileSync(file, before);
  await page.getByRole("heading", { name: "Chat" }).waitFor(SOON);
}

interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

async function start(app: string, script: string): Promise<Running> {
  const port = await freePort();
  const child = spawn("npm", ["run", script], {
    cwd: app,
    // A group of its own: npm's children end with it.
    detached: true,
    env: { ...process.env, PORT: `${port}`, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: "1", CI: "" },
  });
  const closed = once(child, "close");
  let said = "";
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes(`http://localhost:${port}\n`)) resolve();
      });
    closed.then(() => reject(new Error(`npm run ${script} has ended:\n${said}`)), reject);
  });
  ready.catch(() => {});
  const stop = async (): Promise<void> => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // It has ended.
    }
    await closed;
  };
  try {
    await Promise.race([ready, late(`npm run ${script}`, () => said)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://localhost:${port}`, stop };
}

function late(what: string, said: () => string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} says no address:\n${said()}`)), 120_000).unref();
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: undefined };
    const { stderr } = await run("npm", [...args], { cwd, env, maxBuffer: 1 << 26 });
    if (/EBADENGINE|ERESOLVE/.test(stderr)) throw new Error(stderr);
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`npm ${args[0]}: ${message}\n${stdout}\n${stderr}`);
  }
}
