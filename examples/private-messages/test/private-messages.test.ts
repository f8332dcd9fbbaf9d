import { io, type Socket } from "@sockeye/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { start } from "../server.js";

let server: Awaited<ReturnType<typeof start>>;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  server = await start({ port: 0 });
});

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await server.close();
});

interface Tab {
  readonly socket: Socket;
  readonly seen: unknown[][];
}

async function enter(name: unknown): Promise<Tab> {
  const socket = io(server.url, { auth: { name }, forceNew: true, transports: ["websocket"] });
  sockets.push(socket);
  const seen: unknown[][] = [];
  socket.onAny((...args) => seen.push(args));
  await new Promise((resolve, reject) => {
    socket.once("people", resolve);
    socket.once("connect_error", reject);
  });
  return { socket, seen };
}

/** What was sent to this tab before has arrived with the answer. */
async function settle({ socket }: Tab): Promise<void> {
  await socket.emitWithAck("send", "", "");
}

test("a message goes to all tabs of the receiver, and to the other tabs of the author", async () => {
  const ann = await enter("Ann");
  const annToo = await enter("Ann");
  const ben = await enter("Ben");
  const cem = await enter("Cem");
  expect(await ann.socket.emitWithAck("send", "Ben", "hello")).toBe(true);
  for (const tab of [ann, annToo, ben, cem]) await settle(tab);
  const message = ["message", { from: "Ann", to: "Ben", text: "hello", at: expect.any(Number) }];
  expect(ben.seen).toContainEqual(message);
  expect(annToo.seen).toContainEqual(message);
  expect([...ann.seen, ...cem.seen].filter(([event]) => event === "message")).toEqual([]);
});

test("who is online: a person comes with the first tab and leaves with the last", async () => {
  const ann = await enter("Ann");
  const ben = await enter("Ben");
  const benToo = await enter("Ben");
  expect(benToo.seen[0]).toEqual(["people", ["Ann", "Ben"]]);
  const offline = new Promise((resolve) => ann.socket.once("offline", resolve));
  ben.socket.disconnect();
  await settle(ann);
  benToo.socket.disconnect();
  expect(await offline).toBe("Ben");
  expect(ann.seen).toEqual([
    ["people", ["Ann"]],
    ["online", "Ben"],
    ["offline", "Ben"],
  ]);
});

test("whom nobody can hear, and what is no message", async () => {
  const ann = await enter("Ann");
  const ben = await enter("Ben");
  for (const args of [
    ["Cem", "a"],
    ["Ben", ""],
    ["Ben", 7],
    [ben.socket.id, "a"],
    ["Ben", "x".repeat(2001)],
  ]) {
    expect(await ann.socket.emitWithAck("send", ...args)).toBe(false);
  }
  await settle(ben);
  expect(ben.seen).toEqual([["people", ["Ann", "Ben"]]]);
  await expect(enter("")).rejects.toThrow("Choose a name.");
  await expect(enter(undefined)).rejects.toThrow("Choose a name.");
});
