import { randomUUID } from "node:crypto";
import { io } from "@sockeye/client";
import { calls } from "@sockeye/contract/client";
import { io as stock } from "socket.io-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tasks as contract } from "../contract.js";
import { start } from "../server.js";

const join = (url: string) => io(url, { forceNew: true, contract, extend: [calls] });

let server: Awaited<ReturnType<typeof start>>;
let ann: ReturnType<typeof join>;
let ben: ReturnType<typeof join>;
let seen: unknown[][];

beforeEach(async () => {
  server = await start({ port: 0 });
  ann = join(server.url);
  ben = join(server.url);
  seen = [];
  ben.onAny((...args) => seen.push(args));
  await ben.call("task:list");
});

afterEach(async () => {
  ann.disconnect();
  ben.disconnect();
  await server.close();
});

test("create, read, update, delete; the others hear of it", async () => {
  const task = await ann.call("task:create", { title: " Learn to swim " });
  expect(task).toEqual({ id: expect.any(String), title: "Learn to swim", done: false });
  const done = { ...task, done: true };
  expect(await ann.call("task:update", { id: task.id, done: true })).toEqual(done);
  expect(await ben.call("task:list")).toEqual([done]);
  expect(await ann.call("task:delete", { id: task.id })).toEqual(done);
  expect(await ben.call("task:list")).toEqual([]);
  expect(seen).toEqual([
    ["task:created", task],
    ["task:updated", done],
    ["task:deleted", done],
  ]);
});

test.each([
  ["task:create", []],
  ["task:create", [{ title: "" }]],
  ["task:create", [{ title: "a", done: true }]],
  ["task:create", [{ title: "x".repeat(201) }]],
  ["task:update", [{ id: 7 }]],
  ["task:update", [{ id: randomUUID(), done: "yes" }]],
  ["task:delete", [{}]],
  ["task:list", [{}]],
])(
  "%s with %j is refused, with what is wrong, also to a client that knows nothing of the contract",
  async (name, args) => {
    const stranger = stock(server.url, { forceNew: true });
    const answer = await new Promise((resolve) =>
      stranger.emit(name, ...args, (...all: unknown[]) => resolve(all)),
    );
    stranger.disconnect();
    expect(answer).toEqual([
      null,
      { $error: { code: "ERR_INVALID", message: expect.any(String), data: { issues: expect.any(Array) } } },
    ]);
    await ben.call("task:list");
    expect(seen).toEqual([]);
  },
);

test("a task that is not there is refused, with its id", async () => {
  const id = randomUUID();
  const missing = { code: "NOT_FOUND", data: { id } };
  await expect(ann.call("task:update", { id, done: true })).rejects.toMatchObject(missing);
  await expect(ann.call("task:delete", { id })).rejects.toMatchObject(missing);
  expect(await ann.call("task:list")).toEqual([]);
});
