// The code of these pages compiles, against the sources.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../architecture/imports.js";

const PAGES = ["docs/emit.md", "docs/troubleshooting.md"];

/** What a block may name without saying where it comes from. */
const GIVEN: Readonly<Record<string, string>> = {
  io: 'declare const io: import("@sockeye/server").Server;',
  socket: 'declare const socket: import("@sockeye/client").Socket;',
  Server: 'import { Server } from "@sockeye/server";',
  http: 'declare const http: import("node:http").Server;',
  useEffect: "declare function useEffect(effect: () => () => void, deps: readonly unknown[]): void;",
  add: "declare function add(message: unknown): void;",
};

test("every block of code compiles", { timeout: 120_000 }, () => {
  const cache = join(ROOT, "node_modules/.cache/sockeye");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  let count = 0;
  for (const page of PAGES) {
    const blocks = readFileSync(join(ROOT, page), "utf8").matchAll(/^( *)```(?:js|ts)\n([\s\S]*?)^\1```/gm);
    for (const [, , code = ""] of blocks) {
      count += 1;
      const given = Object.entries(GIVEN)
        .filter(([name]) => new RegExp(`\\b${name}\\b`).test(code) && !code.includes(`const ${name} =`))
        .map(([, line]) => line);
      const name = page.replace(/\W/g, "-");
      writeFileSync(join(folder, `${name}-${count}.ts`), [...given, "export {};", code].join("\n"));
    }
  }
  expect(count).toBeGreaterThan(10);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ["*.ts"],
      exclude: [],
    }),
  );
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  expect(stdout.trim()).toBe("");
  expect(status).toBe(0);
});
