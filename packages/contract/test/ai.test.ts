// The transport for the AI SDK, under its own chat.
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { io as dial } from "@sockeye/client";
import { type ChatRequest, SocketChatTransport } from "@sockeye/contract/ai";
import { CallError, streams } from "@sockeye/contract/client";
import { Server } from "@sockeye/server";
import { afterEach, describe, expect, it } from "vitest";
import { here, loadAi } from "../../../test/ai/tools.js";
import { until } from "../../../test/support/wait.js";

const ai = loadAi();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Message = { readonly parts: readonly { readonly type: string; readonly text?: string }[] };

async function serve() {
  const http = createServer();
  const io = new Server(http);
  const seen = { runs: 0, stopped: 0 };
  const gate = { open: (): void => {}, passed: Promise.resolve() };
  io.stream("chat", { keep: "1m" }, async function* (request: ChatRequest<Message>, { signal }) {
    seen.runs++;
    signal.addEventListener("abort", () => seen.stopped++);
    const text = request.messages.at(-1)?.parts[0]?.text;
    if (text === "refuse") throw new CallError("BUSY", undefined, { message: "come back" });
    yield { type: "start" };
    yield { type: "text-start", id: "t" };
    for (const delta of ["You", " said ", text]) {
      yield { type: "text-delta", id: "t", delta };
      await gate.passed;
    }
    yield { type: "text-end", id: "t" };
    yield { type: "finish" };
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  /** A page, with the messages that its app has of the chat. */
  const page = (messages: unknown[] = []) => {
    const socket = dial(url, { forceNew: true, extend: [streams] });
    ends.push(() => socket.disconnect());
    const { AbstractChat } = ai as NonNullable<typeof ai>;
    class Chat extends AbstractChat {}
    const state = {
      status: "ready",
      error: undefined as Error | undefined,
      messages,
      pushMessage: (message: unknown) => void state.messages.push(message),
      popMessage: () => void state.messages.pop(),
      replaceMessage: (index: number, message: unknown) => void state.messages.splice(index, 1, message),
      snapshot: structuredClone,
    };
    const chat = new Chat({
      id: "c",
      state,
      transport: new SocketChatTransport(socket, { storage }),
      onError: () => {},
    });
    const said = (): string =>
      (chat.messages as readonly Message[])
        .at(-1)
        ?.parts.map(({ text }) => text ?? "")
        .join("") ?? "";
    return { chat, state, said, socket };
  };
  return { seen, gate, kept, page };
}

function closed() {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), passed };
}

describe.skipIf(ai === undefined)("the AI SDK's chat over a stream", () => {
  it("shows an answer", async () => {
    const { page, kept, seen } = await serve();
    const { chat, said } = page();
    await chat.sendMessage({ text: "hello" });
    expect([said(), chat.status, seen.runs, kept.size]).toEqual(["You said hello", "ready", 1, 0]);
    await chat.sendMessage({ text: "again" });
    expect([said(), chat.messages.length, seen.runs]).toEqual(["You said again", 4, 2]);
  });

  it("goes on after a reload, from the beginning, and runs once", async () => {
    const scene = await serve();
    Object.assign(scene.gate, closed());
    const first = scene.page();
    void first.chat.sendMessage({ text: "hello" });
    await until(() => first.said() === "You", "the first word");
    first.socket.disconnect();
    const second = scene.page([structuredClone(first.state.messages[0])]);
    const resumed = second.chat.resumeStream();
    await until(() => second.said() === "You", "the first word again");
    scene.gate.open();
    await resumed;
    expect([second.said(), scene.seen.runs, scene.kept.size]).toEqual(["You said hello", 1, 0]);
    // Nothing runs any more.
    await second.chat.resumeStream();
    expect([second.chat.messages.length, second.chat.status]).toEqual([2, "ready"]);
  });

  it("stops the producer", async () => {
    const scene = await serve();
    Object.assign(scene.gate, closed());
    const { chat, said } = scene.page();
    const sent = chat.sendMessage({ text: "hello" });
    await until(() => said() === "You", "the first word");
    await chat.stop();
    await sent;
    await until(() => scene.seen.stopped === 1, "the producer to stop");
    expect([chat.status, said(), scene.kept.size]).toEqual(["ready", "You", 0]);
  });

  it("tells of an error", async () => {
    const { page } = await serve();
    const { chat, state } = page();
    await chat.sendMessage({ text: "refuse" });
    expect([chat.status, state.error?.message]).toEqual(["error", "come back"]);
  });

  it("is a ChatTransport for the compiler", { timeout: 120_000 }, () => {
    const tsc = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", here], { encoding: "utf8" });
    expect(stdout + stderr).toBe("");
  });
});
