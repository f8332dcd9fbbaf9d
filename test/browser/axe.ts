// axe-core looks at a page. It has a lock file of its own in test/axe, and is installed when it is needed first.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

let source: string | undefined;

/** @throws Error if it cannot be installed */
function load(): string {
  const cwd = fileURLToPath(new URL("../axe/", import.meta.url));
  const file = `${cwd}node_modules/axe-core/axe.min.js`;
  if (!existsSync(file)) {
    const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) throw new Error(`npm ci in test/axe: ${stderr}`);
  }
  return readFileSync(file, "utf8");
}

/** What axe complains about on a page as it is now: rules, with the first elements that break them. */
export async function complaintsOf(page: Page): Promise<readonly string[]> {
  source ??= load();
  await page.evaluate(source);
  return (await page.evaluate(VIOLATIONS)) as string[];
}

const VIOLATIONS = `(async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(" | "));
})()`;
