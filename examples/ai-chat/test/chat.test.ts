import { randomUUID } from "node:crypto";
import { io } from "@sockeye/client";
import { streams } from "@sockeye/contract/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { start } from "../server.js";

let server: Awaited<ReturnType<typeof start>>;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  server = await start({ port: 0, paceMs: 1 });
  ends.push(() => server.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function tab(browser: string) {
  const socket = io(server.url, { forceNew: true, auth: { browser }, extend: [streams] });
  ends.push(() => socket.disconnect());
  return socket;
}

async function read(answer: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const token of answer) text += token;
  return text;
}

test("an answer is whole in every tab, after a reload too, and nobody else's", async () => {
  const browser = randomUUID();
  const [first, second, stranger] = [tab(browser), tab(browser), tab(randomUUID())];
  const asked = new Promise((resolve) => second.on("asked", resolve));
  expect(await second.emitWithAck("questions")).toEqual([]);
  const question = { id: "q1", prompt: "How far?" };
  const answer = first.stream("answer", { prompt: question.prompt }, { id: question.id });
  await answer.next();
  expect(await asked).toEqual(question);
  first.disconnect();
  const again = tab(browser);
  expect(await again.emitWithAck("questions")).toEqual([question]);
  const texts = await Promise.all(
    [second, again].map((each) =>
      read(each.stream("answer", { prompt: question.prompt }, { id: question.id })),
    ),
  );
  expect(texts[0]).toMatch(/“How far\?”.*are enough\.$/s);
  expect(texts[1]).toBe(texts[0]);
  expect(await stranger.emitWithAck("questions")).toEqual([]);
});

test("Stop stops the model, for all tabs", async () => {
  const browser = randomUUID();
  const [first, second] = [tab(browser), tab(browser)];
  const answer = first.stream("answer", { prompt: "x" }, { id: "q2" });
  await answer.next();
  const other = second.stream("answer", { prompt: "x" }, { id: "q2" });
  await other.next();
  answer.cancel();
  await expect(read(other)).rejects.toMatchObject({ code: "ERR_STREAM_CANCELLED" });
});

test.each([[undefined], [{}], [{ prompt: " " }], [{ prompt: 5 }], [{ prompt: "x".repeat(2001) }]])(
  "%j is no question",
  async (input) => {
    await expect(read(tab(randomUUID()).stream("answer", input, { id: "q" }))).rejects.toMatchObject({
      code: "NO_PROMPT",
    });
  },
);

test("who says nothing of itself does not come in", async () => {
  const socket = io(server.url, { forceNew: true });
  ends.push(() => socket.disconnect());
  const error = await new Promise((resolve) => socket.once("connect_error", resolve));
  expect(error).toMatchObject({ message: "Say who you are." });
});
