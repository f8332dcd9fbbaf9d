// The bundle for old browsers in QtWebKit, which Debian has in its package wkhtmltopdf. The page tells the server what it saw; the
// picture shows it to people.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../support/programs.js";
import { type LegacySite, noted, startLegacySite } from "./site.js";

const users = "tests in an old WebKit";
const webkit = findProgram({ variable: "WKHTMLTOIMAGE_PATH", commands: ["wkhtmltoimage"], users });
const xvfb = findProgram({ variable: "XVFB_RUN_PATH", commands: ["xvfb-run"], users });

/** Its script runs for so long, whatever happens. */
const SCRIPT_MS = 6000;

describe.skipIf(webkit === undefined || xvfb === undefined)("the bundle for old browsers in QtWebKit", () => {
  let site: LegacySite;
  let folder: string;

  beforeAll(async () => {
    site = await startLegacySite();
    folder = process.env["SCREENSHOT_DIR"] || mkdtempSync(join(tmpdir(), "sockeye-webkit-"));
    mkdirSync(folder, { recursive: true });
  });
  afterAll(async () => {
    await site?.close();
    if (!process.env["SCREENSHOT_DIR"]) rmSync(folder, { recursive: true });
  });

  test.each(["polling", "iframe", "stream"])(
    "over %s",
    async (transport) => {
      const picture = join(folder, `webkit-${transport}.png`);
      const url = site.page({ transports: [transport], reconnection: false });
      const shot = promisify(execFile)(
        xvfb ?? "",
        ["-a", webkit ?? "", "--javascript-delay", `${SCRIPT_MS}`, "--width", "640", url, picture],
        { timeout: 45_000 },
      );
      const [visit] = await Promise.all([site.visit(), shot]);
      expect(visit.userAgent).toMatch(/wkhtmltoimage.*AppleWebKit|AppleWebKit.*wkhtmltoimage/);
      expect(visit).toMatchObject(noted(transport));
      expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
    },
    60_000,
  );
});
