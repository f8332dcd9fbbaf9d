import { randomUUID } from "node:crypto";
import { io, type Socket } from "@sockeye/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { start } from "../server.js";

let server: Awaited<ReturnType<typeof start>>;
let ann: Socket;
let ben: Socket;
let seen: unknown[][];

beforeEach(async () => {
  server = await start({ port: 0 });
  ann = io(server.url, { forceNew: true });
  ben = io(server.url, { forceNew: true });
  seen = [];
  ben.onAny((...args) => seen.push(args));
  await ben.emitWithAck("task:list");
});

afterEach(async () => {
  ann.disconnect();
  ben.disconnect();
  await server.close();
});

test("create, read, update, delete; the others hear of it", async () => {
  const { value: task } = await ann.emitWithAck("task:create", { title: " Learn to swim " });
  expect(task).toEqual({ id: expect.any(String), title: "Learn to swim", done: false });
  const done = { ...task, done: true };
  expect(await ann.emitWithAck("task:update", { id: task.id, done: true })).toEqual({
    ok: true,
    value: done,
  });
  expect(await ben.emitWithAck("task:list")).toEqual({ ok: true, value: [done] });
  expect(await ann.emitWithAck("task:delete", { id: task.id })).toEqual({ ok: true, value: done });
  expect(await ben.emitWithAck("task:list")).toEqual({ ok: true, value: [] });
  expect(seen).toEqual([
    ["task:created", task],
    ["task:updated", done],
    ["task:deleted", done],
  ]);
});

test.each([
  ["task:create", undefined],
  ["task:create", { title: "" }],
  ["task:create", { title: "a", done: true }],
  ["task:create", { title: "x".repeat(201) }],
  ["task:update", { id: 7 }],
  ["task:update", { id: randomUUID(), done: "yes" }],
  ["task:delete", {}],
  ["task:list", {}],
])("%s with %j is refused, with what is wrong", async (event, request) => {
  const args = request === undefined ? [] : [request];
  expect(await ann.emitWithAck(event, ...args)).toEqual({
    ok: false,
    reason: "invalid",
    details: expect.any(Object),
  });
  await ben.emitWithAck("task:list");
  expect(seen).toEqual([]);
});

test("a task that is not there; a request without a callback", async () => {
  const missing = { ok: false, reason: "not found" };
  expect(await ann.emitWithAck("task:update", { id: randomUUID(), done: true })).toEqual(missing);
  expect(await ann.emitWithAck("task:delete", { id: randomUUID() })).toEqual(missing);
  ann.emit("task:create", { title: "a" });
  expect(await ann.emitWithAck("task:list")).toEqual({ ok: true, value: [] });
});
