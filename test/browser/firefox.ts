// Finds and starts the Firefox that the browser tests drive: by WebDriver BiDi, which Firefox speaks by itself.
import puppeteer from "puppeteer-core";
import { findProgram } from "../support/programs.js";
import type { DrivenTab, Driver } from "./driver.js";

/** @returns Its path, or undefined. Says why. @throws Error without one, if `CI` is `true`. */
export function findFirefox(): string | undefined {
  const commands = ["firefox-esr", "firefox"];
  return findProgram({ variable: "FIREFOX_PATH", commands, users: "tests in Firefox" });
}

/** @param executablePath What `findFirefox` found. */
export async function driveFirefox(executablePath: string): Promise<Driver> {
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
  return {
    version: (await browser.version()).replace("firefox/", "Firefox "),
    open: async (url): Promise<DrivenTab> => {
      const page = await browser.newPage();
      await page.goto(url, { waitUntil: "domcontentloaded" });
      return {
        go: async (other) => void (await page.goto(other, { waitUntil: "domcontentloaded" })),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
