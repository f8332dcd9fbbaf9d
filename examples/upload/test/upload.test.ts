import { createHash, randomBytes, randomUUID } from "node:crypto";
import { io } from "@sockeye/client";
import { uploads } from "@sockeye/contract/client";
import { expect, onTestFinished, test } from "vitest";
import { start } from "../server.js";

test("a file that is cut twice arrives whole", { timeout: 60_000 }, async () => {
  const server = await start({ port: 0 });
  onTestFinished(() => server.close());
  const socket = io(server.url, { forceNew: true, extend: [uploads] });
  onTestFinished(() => void socket.disconnect());
  const bytes = randomBytes(5e6);
  let cuts = 0;
  let losses = 0;
  socket.onStatus((now) => {
    if (now === "suspended") losses++;
  });
  const answer = await socket.upload("file", bytes, {
    onProgress: ({ sent }) => {
      if (sent < (cuts + 1) * 1e6 || cuts === 2) return;
      cuts++;
      socket.emit("cut");
    },
  });
  expect(answer).toEqual({ bytes: 5e6, sha256: createHash("sha256").update(bytes).digest("hex") });
  expect([cuts, losses > 0]).toEqual([2, true]);
});

test("a file goes on after a reload", { timeout: 60_000 }, async () => {
  const server = await start({ port: 0 });
  onTestFinished(() => server.close());
  const auth = { key: randomUUID() };
  const open = () => {
    const socket = io(server.url, { forceNew: true, extend: [uploads], auth });
    onTestFinished(() => void socket.disconnect());
    return socket;
  };
  const bytes = randomBytes(5e6);
  const before = open();
  await new Promise((resolve) => {
    const onProgress = ({ sent = 0 }) => sent > 1e6 && resolve(sent);
    before.upload("file", bytes, { id: "a", onProgress }).catch(() => {});
  });
  before.disconnect();
  const progress: number[] = [];
  const answer = await open().upload("file", bytes, {
    id: "a",
    onProgress: ({ sent }) => void progress.push(sent),
  });
  expect(answer).toEqual({ bytes: 5e6, sha256: createHash("sha256").update(bytes).digest("hex") });
  expect(progress[0]).toBeGreaterThan(0.5e6);
});
