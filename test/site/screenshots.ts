// npm run screenshots: each example with a page, in use, as docs/images/NAME.png. Names behind the command choose.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../architecture/imports.js";
import { findChromium, launch } from "../browser/chromium.js";
import { SCENES } from "./scenes.js";

/** For a page of documents. */
const MOST_BYTES = 150_000;

const executablePath = findChromium();
if (executablePath === undefined) process.exit(1);
const folder = join(ROOT, "docs/images");
mkdirSync(folder, { recursive: true });

const wanted = process.argv.slice(2);
for (const [name, { start, play, size = { width: 900, height: 600 } }] of Object.entries(SCENES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const server = await start({ port: 0 });
  const browser = await launch(executablePath);
  try {
    const page = await play(async () => {
      const context = await browser.newContext({
        viewport: size,
        colorScheme: "light",
        reducedMotion: "reduce",
      });
      const opened = await context.newPage();
      await opened.goto(server.url);
      return opened;
    });
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    const { size: bytes } = statSync(path);
    if (bytes > MOST_BYTES) throw new Error(`${path} has ${bytes} bytes, more than ${MOST_BYTES}`);
    console.log(`${path}: ${bytes} bytes`);
  } finally {
    await browser.close();
    await server.close();
  }
}
process.exit(0);
