// The AI SDK, with a lock file of its own beside this: it is installed when it is needed first.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** As much of npm `ai` as the test uses. */
export interface Ai {
  readonly AbstractChat: abstract new (
    init: object,
  ) => {
    readonly status: string;
    readonly messages: readonly {
      readonly role: string;
      readonly parts: readonly { readonly type: string; readonly text?: string }[];
    }[];
    sendMessage(message: { readonly text: string }): Promise<void>;
    resumeStream(): Promise<void>;
    stop(): Promise<void>;
  };
}

export const here: string = fileURLToPath(new URL(".", import.meta.url));

/** @returns Nothing, and says so, where it cannot be installed; with `CI=true` that is an error instead. */
export function loadAi(): Ai | undefined {
  if (!existsSync(`${here}node_modules/.package-lock.json`)) {
    const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd: here,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) {
      if (process.env["CI"] === "true") throw new Error(`npm ci in test/ai: ${stderr}`);
      console.log(`the test of @sockeye/contract/ai is skipped: npm ci has failed in test/ai\n${stderr}`);
      return undefined;
    }
  }
  return createRequire(`${here}package.json`)("ai") as Ai;
}
