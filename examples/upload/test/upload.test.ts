import { createHash, randomBytes } from "node:crypto";
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
