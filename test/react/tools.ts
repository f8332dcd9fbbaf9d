// Both Reacts with a page to render in. The older one and the page have a lock file of their own beside this, and are installed when they are
// needed first.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export interface Reacts {
  readonly version: string;
  readonly react: typeof import("react");
  readonly dom: typeof import("react-dom/client");
  readonly server: typeof import("react-dom/server");
}

/** @returns Nothing, and says so, where they cannot be installed; with `CI=true` that is an error instead. */
export function loadReacts(): readonly Reacts[] {
  const here = fileURLToPath(new URL(".", import.meta.url));
  if (!existsSync(`${here}node_modules/.package-lock.json`)) {
    const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd: here,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) {
      if (process.env["CI"] === "true") throw new Error(`npm ci in test/react: ${stderr}`);
      console.log(`the tests of @sockeye/react are skipped: npm ci has failed in test/react\n${stderr}`);
      return [];
    }
  }
  const older = createRequire(`${here}package.json`);
  const { JSDOM } = older("jsdom") as { JSDOM: new (html: string) => { readonly window: Window } };
  // React looks for these when it is loaded.
  const { window } = new JSDOM("<!doctype html><body></body>");
  Object.assign(globalThis, { window, document: window.document });
  // Node.js has one of its own since version 21.
  (globalThis as { navigator?: Navigator }).navigator ??= window.navigator;
  return [older, createRequire(`${here}../../package.json`)].map((load) => {
    const react = load("react") as Reacts["react"];
    return {
      version: react.version,
      react,
      dom: load("react-dom/client") as Reacts["dom"],
      server: load("react-dom/server") as Reacts["server"],
    };
  });
}
