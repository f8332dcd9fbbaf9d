import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { io } from "@sockeye/client";
import { expect, onTestFinished, test } from "vitest";
import { start } from "../server.js";
import type { Totals } from "../traffic.js";

async function serve(): Promise<string> {
  const { url, close } = await start({ port: 0 });
  onTestFinished(() => close());
  return url;
}

test("what a connection costs is counted, and for itself", async () => {
  const url = await serve();
  const open = (card: string, transport: string) => {
    const socket = io(url, { forceNew: true, transports: [transport], query: { card } });
    onTestFinished(() => void socket.disconnect());
    return () => socket.emitWithAck("look") as Promise<Totals>;
  };
  const lookAtPolling = open("a1", "polling");
  const lookAtWebSocket = open("b2", "websocket");
  const before = await lookAtWebSocket();
  // The head of the request, that of the response, and what came after.
  expect(before).toEqual({ requests: 1, up: expect.any(Number), down: expect.any(Number) });
  expect(before.up).toBeGreaterThan(150);
  expect(before.down).toBeGreaterThan(150);
  const polling = await lookAtPolling();
  // The handshake, the POST and the GET of CONNECT, the POST of `look` and the GET that waits for its answer.
  expect(polling.requests).toBeGreaterThanOrEqual(4);
  const after = await lookAtWebSocket();
  expect(after.requests).toBe(1);
  // An event and an acknowledgement in small frames: nothing of what the other one has sent.
  expect(after.up - before.up).toBeLessThan(40);
  expect(after.down - before.down).toBeLessThan(100);
  expect((await lookAtPolling()).requests).toBeGreaterThan(polling.requests);
});

test("a connection without a name has no costs, and one without a reply gets none", async () => {
  const socket = io(await serve(), { forceNew: true });
  onTestFinished(() => void socket.disconnect());
  socket.emit("look", "no function");
  expect(await socket.emitWithAck("look")).toEqual({ requests: 0, up: 0, down: 0 });
});

test.each([
  ["/", 200],
  ["/main.js", 200],
  ["/socket.io/sockeye.min.js", 200],
  ["/socket.io/sockeye.legacy.min.js", 200],
  ["/server.js", 404],
])("%s is answered by %i", async (path, status) => {
  expect((await fetch((await serve()) + path)).status).toBe(status);
});

test("SIGTERM sends everybody away, to come back, and ends", async () => {
  const server = fileURLToPath(new URL("../server.js", import.meta.url));
  const program = spawn(process.execPath, [server], { env: { ...process.env, PORT: "0" } });
  onTestFinished(() => void program.kill("SIGKILL"));
  const [line] = (await once(program.stdout, "data")) as [Buffer];
  const socket = io(/http\S+/.exec(String(line))?.[0] ?? "", { forceNew: true });
  onTestFinished(() => void socket.disconnect());
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const ended = once(program, "exit");
  program.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
