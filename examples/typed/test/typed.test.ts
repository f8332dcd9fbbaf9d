import { io } from "socket.io-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { join, type Player } from "../client.js";
import { start } from "../server.js";

let game: Awaited<ReturnType<typeof start>>;
let ann: Player;
let ben: Player;

beforeEach(async () => {
  game = await start({ port: 0 });
  ann = join(game.url, () => true);
  ben = join(game.url, (round) => round > 1);
  await ann.rename("Ann");
});

afterEach(async () => {
  ann.leave();
  ben.leave();
  await game.close();
});

test("moves reach the others; what is no place reaches nobody", async () => {
  expect(await ben.rename("Ben")).toBe("Ben");
  const wrong = { x: 1, y: "2" as unknown as number };
  expect(() => ann.move(wrong)).toThrow(expect.objectContaining({ code: "ERR_INVALID" }));
  const stranger = io(game.url, { forceNew: true });
  await stranger.emit("move", wrong).timeout(5000).emitWithAck("rename", "a stranger");
  stranger.disconnect();
  ann.move({ x: 1, y: 2 });
  await expect.poll(() => [...ben.others]).toEqual([["Ann", { x: 1, y: 2 }]]);
  expect(ann.others.size).toBe(0);
});

test("names are unique; a round begins when all are ready", async () => {
  expect(await ben.rename("Ann")).toBe("Ann2");
  expect(await game.askAll(1)).toBe(false);
  expect(await game.askAll(2)).toBe(true);
});
