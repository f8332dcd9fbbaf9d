import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { build, type Format } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";

// As apps for Lambda and Electron are built, from the built package: the server in one file with the app.

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/sockeye-bundle-`);
afterAll(() => rmSync(folder, { recursive: true }));

const APP = `
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { Server as Engine } from "@sockeye/server/engine";
import { io as dial } from "@sockeye/client";
const http = createServer();
const io = new Server(http, OPTIONS);
new Engine();
io.on("connection", (socket) => socket.on("ask", (answer) => answer("here")));
http.listen(0, "127.0.0.1", async () => {
  const url = "http://127.0.0.1:" + http.address().port;
  const client = dial(url);
  const answer = await client.emitWithAck("ask");
  client.close();
  const statuses = [];
  for (const name of ["socket.io.js", "sockeye.min.js"]) statuses.push((await fetch(url + "/socket.io/" + name)).status);
  console.log(JSON.stringify({ answer, statuses }));
  await io.close();
  process.exit();
});
`;

async function run(format: Format, options: string): Promise<{ out: unknown; log: string }> {
  const outfile = `${folder}/app.${format === "esm" ? "mjs" : "cjs"}`;
  await build({
    stdin: { contents: APP.replace("OPTIONS", options), resolveDir: root },
    bundle: true,
    platform: "node",
    format,
    outfile,
    logLevel: "silent",
    ...(format === "esm"
      ? {
          banner: {
            js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
          },
        }
      : {}),
  });
  const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: "utf8", timeout: 15_000 });
  return { out: stdout === "" ? undefined : JSON.parse(stdout), log: stderr };
}

describe("a server that was bundled", () => {
  it.each<[format: Format, options: string]>([
    ["cjs", "{}"],
    ["cjs", "{ serveClient: false }"],
    ["esm", "{}"],
  ])("as %s with %s starts, and says once that it has no files to serve", async (format, options) => {
    const { out, log } = await run(format, options);
    expect(out).toEqual({ answer: "here", statuses: options === "{}" ? [404, 404] : [400, 400] });
    const hints = log.match(/SOCKEYE_NO_CLIENT_FILES/g) ?? [];
    expect(hints).toHaveLength(options === "{}" ? 1 : 0);
    expect(log.includes("Sockeye has no ")).toBe(options === "{}");
  });
});
