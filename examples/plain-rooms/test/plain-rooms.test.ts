import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { pythonWithSocketIo } from "../../../test/support/python.js";
import { start } from "../server.js";

const python = pythonWithSocketIo("its client");

const CLIENTS = [
  ["npm's socket.io-client", process.execPath, "client.js"],
  ...(python === undefined ? [] : [["python-socketio", python, "client.py"] as const]),
] as const;

/** What a client has printed: the words in front, and the JSON behind. */
function run(program: string, file: string, args: string[]): { lines: [string, unknown][]; end(): void } {
  const child = spawn(program, [fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: [string, unknown][] = [];
  createInterface(child.stdout).on("line", (line) => {
    const space = line.indexOf(" ");
    lines.push([line.slice(0, space), JSON.parse(line.slice(space))]);
  });
  return { lines, end: () => void child.kill("SIGKILL") };
}

describe.each(CLIENTS)("%s", (_name, program, file) => {
  test("hears what it has missed, once and in order, and knows who is there", {
    timeout: 120_000,
  }, async () => {
    const { io, url, close } = await start({ port: 0 });
    onTestFinished(close);
    const say = (n: number): void => void io.to("lobby").emit("said", n);
    for (let n = 1; n <= 30; n++) say(n);
    const ann = run(program, file, [url, "Ann"]);
    const said = (): unknown[] =>
      ann.lines.filter(([what]) => what === "said").map(([, args]) => (args as unknown[])[0]);
    const people = (): unknown => ann.lines.filter(([what]) => what === "people").at(-1)?.[1];
    const until = { timeout: 50_000 };
    // The last twenty, then what comes.
    await expect.poll(said, until).toHaveLength(20);
    say(31);
    await expect.poll(said, until).toEqual(Array.from({ length: 21 }, (_, n) => 11 + n));
    await expect.poll(people, until).toEqual(["Ann here"]);
    const bob = run(process.execPath, "client.js", [url, "Bob"]);
    await expect.poll(people, until).toEqual(["Ann here", "Bob here"]);
    // Its connection breaks, and it is said while it is away.
    for (let cuts = 0; cuts < 2; cuts++) {
      for (const socket of await io.fetchSockets())
        if (socket.handshake.auth["name"] === "Ann") io.sockets.sockets.get(socket.id)?.conn.close();
      say(32 + cuts);
    }
    await expect.poll(said, until).toEqual(Array.from({ length: 23 }, (_, n) => 11 + n));
    bob.end();
    await expect.poll(people, until).toEqual(["Ann here"]);
    expect(ann.lines.some(([what]) => what === "lost")).toBe(false);
    // What was forgotten meanwhile is said to be lost.
    io.room("lobby").clear();
    for (const socket of io.sockets.sockets.values()) socket.conn.close();
    say(34);
    io.room("lobby").clear();
    await expect.poll(() => ann.lines.some(([what]) => what === "lost"), until).toBe(true);
  });
});
