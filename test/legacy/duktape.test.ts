// The bundle for old browsers in an engine that knows ECMAScript 5 and little more.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleLegacy } from "../../scripts/legacy-bundle.mjs";
import { findProgram } from "../support/programs.js";

const duk = findProgram({ variable: "DUKTAPE_PATH", commands: ["duk"], users: "tests in Duktape" });

function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

describe.skipIf(duk === undefined)("the bundle for old browsers in Duktape", () => {
  let folder: string;
  let bundle: Awaited<ReturnType<typeof bundleLegacy>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sockeye-legacy-"));
    bundle = await bundleLegacy();
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(["minified", "code"] as const)("%s: talks to a server over long-polling", (which) => {
    const file = join(folder, `${which}.js`);
    writeFileSync(file, bundle[which]);
    const output = execFileSync(duk ?? "", [fixture("host.js"), file, fixture("conversation.js")], {
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual([
      ["post", '40{"token":"t"}'],
      ["connect", "xyz", true],
      ["post", '420["sum",1,2]'],
      ["acknowledged", 3],
      ["any", "mixed"],
      ["event", { deep: [null, "é\u2028😀"] }],
      ["any", "ask"],
      ["post", '437["told"]'],
      ["any", "bytes"],
      ["bytes", [0, 1, 255]],
      ["post", '421["never"]'],
      ["timeout", true, "AckError: operation has timed out", "ERR_ACK_TIMEOUT"],
      ["refused", true, "UsageError", "ERR_RESERVED_EVENT"],
      ["disconnect", "ping timeout"],
      ["post", "1"],
    ]);
  });
});
