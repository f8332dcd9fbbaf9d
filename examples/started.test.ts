import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

// Every example that `npm start` starts on a port. They run the built packages.
const PROGRAM = /^(?:node|tsx) (\S+)$/;
const programs = readdirSync(new URL(".", import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "plain-websocket")
  .flatMap(({ name }) => {
    const { scripts } = JSON.parse(
      readFileSync(new URL(`./${name}/package.json`, import.meta.url), "utf8"),
    ) as {
      scripts: Record<string, string>;
    };
    const files = Object.values(scripts).map((script) => PROGRAM.exec(script)?.[1]);
    return [...new Set(files)].filter((file) => file !== undefined).map((file) => `${name}/${file}`);
  });

test("there are some", () => expect(programs.length).toBeGreaterThan(11));

test.each(programs)("a port in use: %s says what to do", { timeout: 60_000 }, async (program) => {
  const taken = createServer().listen(0);
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, PORT: `${port}` },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(said.trim().split("\n").at(-1)).toBe(
    `It did not start: port ${port} is in use; choose another one: PORT=${port + 1} npm start`,
  );
});
