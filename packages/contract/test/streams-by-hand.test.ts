// Streams as any client can speak them: the vectors over a bare WebSocket, and Socket.IO's own client.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError } from "@sockeye/contract/client";
import type { UploadedFile } from "@sockeye/contract/internal";
import { Server } from "@sockeye/server";
import { io as dialStock } from "socket.io-client";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { once, until, within } from "../../../test/support/wait.js";

interface Conversation {
  readonly name: string;
  readonly frames: readonly (readonly ["→" | "←", string])[];
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const CONVERSATIONS = JSON.parse(read("../../conformance/vectors/streams.json")) as Conversation[];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve() {
  const http = createServer();
  const io = new Server(http, { limits: { maxUnreadUploadBytes: 8 } });
  const seen = { stopped: 0 };
  async function* count(to: number) {
    for (let n = 1; n <= to; n++) yield n;
    return "done";
  }
  io.stream("count", count);
  io.stream("kept", { keep: "1m", owner: () => "ann" }, count);
  const sum = async (file: UploadedFile) => {
    let sum = 0;
    for await (const bytes of file) for (const byte of bytes) sum += byte;
    return { input: file.input, name: file.name, sum };
  };
  io.upload("sum", { maxBytes: 100 }, sum);
  io.upload("kept", { keep: "1m", owner: () => "ann" }, sum);
  io.stream("nothing", async function* () {});
  io.stream("busy", () => {
    throw new CallError("BUSY", { afterMs: 5 }, { message: "come back" });
  });
  io.stream("endless", async function* (_: unknown, { signal }) {
    signal.addEventListener("abort", () => seen.stopped++);
    for (let n = 1; ; n++) yield n;
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { seen, url: `//127.0.0.1:${(http.address() as AddressInfo).port}` };
}

it.each(CONVERSATIONS)("$name", async ({ frames }) => {
  const { url } = await serve();
  const socket = new WebSocket(`ws:${url}/socket.io/?EIO=4&transport=websocket`);
  const come: string[] = [];
  socket.on("message", (data) => come.push(String(data)));
  await within(new Promise((resolve) => socket.once("open", resolve)), "the connection");
  socket.send("40");
  await until(() => come.length === 2, "it is let in");
  come.length = 0;
  let heard = 0;
  for (const [direction, frame] of frames) {
    if (direction === "→")
      socket.send(frame.startsWith("b64:") ? Buffer.from(frame.slice(4), "base64") : frame);
    else {
      await until(() => come.length > heard, frame);
      expect(come[heard++]).toBe(frame);
    }
  }
  // Whatever else was sent has come before this.
  socket.send('429["sockeye:open",99,{"name":"nothing"}]');
  await until(() => come.includes("439[]"), "the last word");
  expect(come.indexOf("439[]")).toBe(heard);
  socket.close();
});

it("PROTOCOL.md shows frames of these", () => {
  const page = read("../../../PROTOCOL.md");
  const section = page.slice(page.indexOf("\n## Streams\n"), page.indexOf("\n## Binary attachments\n"));
  const shown = [...section.matchAll(/^([→←]) (42\[.*)$/gm)].map(
    ([, direction, frame]) => `${direction} ${frame}`,
  );
  const all = CONVERSATIONS.flatMap(({ frames }) => frames.map((frame) => frame.join(" ")));
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.filter((frame) => !all.includes(frame))).toEqual([]);
});

it("Socket.IO's client reads a stream, and stops one", async () => {
  const { url, seen } = await serve();
  const socket = dialStock(`http:${url}`, { forceNew: true });
  ends.push(() => socket.disconnect());
  const items: unknown[] = [];
  socket.on("sockeye:item", (n: number, seq: number, value: unknown, marked?: boolean) => {
    items.push(value);
    if (marked) socket.emit("sockeye:taken", n, seq);
  });
  const ended = once(socket, "sockeye:end");
  socket.emit("sockeye:open", 1, { name: "count", input: 1000 });
  expect(await ended).toEqual([1, { value: "done" }]);
  expect(items).toEqual(Array.from({ length: 1000 }, (_, at) => at + 1));
  socket.emit("sockeye:open", 2, { name: "endless" });
  await until(() => items.length > 2000, "the other one runs");
  socket.emit("sockeye:stop", 2);
  await until(() => seen.stopped === 1, "it has stopped");
});
