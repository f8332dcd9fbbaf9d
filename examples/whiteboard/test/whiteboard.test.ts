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

function next(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve) => socket.once(event, resolve));
}

async function enter(): Promise<{ socket: Socket; board: unknown }> {
  const socket = io(server.url, { forceNew: true });
  sockets.push(socket);
  return { socket, board: await next(socket, "board") };
}

test("the others see each line; who comes later sees them all; what is no line is nothing", async () => {
  const ann = await enter();
  expect(ann.board).toEqual([]);
  const ben = await enter();
  const seen: unknown[] = [];
  ben.socket.on("draw", (line) => seen.push(line));
  const last = [1, 1, 0.5, 0.5, 7];
  const none = [
    null,
    7,
    [0, 0, 1, 1],
    [0, 0, 1, 1, 8],
    [0, 0, 1, 2, 1],
    [0, 0, 1, "1", 1],
    [0, 0, 1, 1, 0.5],
  ];
  const drawn = next(ben.socket, "draw");
  ann.socket.emit("draw", [0, 0, 0.5, 0.5, 0]);
  await drawn;
  for (const line of none) ann.socket.emit("draw", line);
  const drawnToo = next(ben.socket, "draw");
  ann.socket.emit("draw", last);
  expect(await drawnToo).toEqual(last);
  expect(seen).toEqual([[0, 0, 0.5, 0.5, 0], last]);
  expect((await enter()).board).toEqual(seen);
});

test("anybody may clear the board, for all", async () => {
  const [ann, ben] = [await enter(), await enter()];
  const drawn = next(ben.socket, "draw");
  ann.socket.emit("draw", [0, 0, 1, 1, 0]);
  await drawn;
  const boards = [ann, ben].map(({ socket }) => next(socket, "board"));
  ben.socket.emit("clear");
  expect(await Promise.all(boards)).toEqual([[], []]);
  expect((await enter()).board).toEqual([]);
});

test.each([
  ["/", 200],
  ["/main.js", 200],
  ["/server.js", 404],
  ["/public/main.js", 404],
])("%s is answered by %i", async (path, status) => {
  expect((await fetch(server.url + path)).status).toBe(status);
});
