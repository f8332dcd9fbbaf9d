// Finds and starts the Chromium that the browser tests drive.
import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { DrivenTab, Driver } from "./driver.js";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * @returns The program that `CHROMIUM_PATH` names, or else the first Chromium in `PATH`. Without one, prints
 * why the browser tests are skipped and returns undefined; with `CI=true` that is an error instead.
 * @throws Error if there is no Chromium and `CI` is `true`.
 */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  const found = named ? [named].find(isExecutable) : inPath();
  if (found !== undefined) return found;
  const reason = named
    ? `CHROMIUM_PATH=${named} cannot be executed`
    : `no ${NAMES.join(", ")} in PATH, and CHROMIUM_PATH is not set`;
  if (process.env["CI"] === "true") throw new Error(`browser tests cannot run: ${reason}`);
  console.log(`browser tests are skipped: ${reason}`);
  return undefined;
}

/**
 * @param executablePath What `findChromium` found.
 * @param quic May it speak HTTP/3?
 */
export function launch(executablePath: string, quic: boolean = false): Promise<Browser> {
  const args = quic ? ARGUMENTS.filter((each) => each !== "--disable-quic") : ARGUMENTS;
  return chromium.launch({ executablePath, headless: true, args });
}

/** @param executablePath What `findChromium` found. */
export async function driveChromium(executablePath: string): Promise<Driver> {
  const browser = await launch(executablePath);
  const context = await browser.newContext();
  return {
    version: `Chromium ${browser.version()}`,
    open: async (url): Promise<DrivenTab> => {
      const page = await context.newPage();
      await page.goto(url, { waitUntil: "commit" });
      return {
        // Loaded, since Chromium may never close a tab that has just changed its page.
        go: async (other) => void (await page.goto(other, { waitUntil: "load" })),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}

/**
 * Saves what each page shows as `SCREENSHOT_DIR/NAME-NUMBER.png`, or, where that is not set, under `fallback`.
 */
export async function takeScreenshots(
  pages: readonly Page[],
  name: string,
  fallback?: string,
): Promise<void> {
  const folder = process.env["SCREENSHOT_DIR"] || fallback;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const shots = pages.map(async (page, index) => {
    const path = join(folder, `${name.replace(/[^a-z0-9]+/gi, "-")}-${index + 1}.png`);
    await page.screenshot({ path });
    return path;
  });
  for (const path of await Promise.all(shots)) console.log(`screenshot: ${path}`);
}

function inPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
