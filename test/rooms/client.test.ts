// The client's rooms over real connections: what is in memory with cuts everywhere is in packages/rooms/test/client-faults.test.ts.
import { io as dial } from "@sockeye/client";
import { CallError, contract, event } from "@sockeye/contract";
import { calls } from "@sockeye/contract/client";
import { type RoomEvent, rooms } from "@sockeye/rooms/client";
import type { Server } from "@sockeye/server";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { startSite } from "../support/servers.js";
import { until } from "../support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(): Promise<{ io: Server; url: string }> {
  const site = await startSite("sockeye", {});
  ends.push(() => site.end());
  const io = site.io as unknown as Server;
  io.room("doc:+", {
    keep: { count: 100, age: "1h" },
    presence: (socket) => (socket.handshake.auth as { name?: string }).name,
    authorize: () => true,
  });
  io.handle("double", (n: number) => n * 2);
  return { io, url: site.url };
}

describe.each(["websocket", "polling"])("over %s", (transport) => {
  const connect = (url: string, name: string) => {
    const options = { transports: [transport], forceNew: true, reconnectionDelay: 10, auth: { name } };
    const socket = dial(url, { ...options, extend: [calls, rooms] });
    ends.push(() => socket.disconnect());
    return socket;
  };

  it("a room is followed over a new connection, without hole or doublet, beside calls", async () => {
    const { io, url } = await serve();
    const [ann, bob] = [connect(url, "ann"), connect(url, "bob")];
    const room = ann.room("doc:1");
    const heard: unknown[] = [];
    const joins: boolean[] = [];
    const there = new Map<string, unknown>();
    room.onEvent(({ args }) => heard.push(args[0]));
    room.onJoin(({ complete }) => joins.push(complete));
    room.presence.on("change", ({ joined, left }) => {
      for (const { key, value } of joined) there.set(key, value);
      for (const key of left) there.delete(key);
    });
    await room.join();
    await room.presence.set({ at: 1 });
    io.to("doc:1").emit("said", 1);
    await bob.room("doc:1").publish("said", [2]);
    const first = ann.id;
    // Without a goodbye and for good: the session does not come back.
    ann.io.engine?.close();
    io.to("doc:1").emit("said", 3);
    await bob.room("doc:1").publish("said", [4]);
    await until(() => ann.connected && ann.id !== first && joins.length === 2, "the new connection");
    io.to("doc:1").emit("said", Buffer.from([5]));
    await room.publish("said", [6]);
    await until(() => heard.length === 6 && there.has("ann"), "the events");
    expect(heard.map((each) => (typeof each === "number" ? each : [...(each as Uint8Array)]))).toEqual([
      1,
      2,
      3,
      4,
      [5],
      6,
    ]);
    expect(joins).toEqual([true, true]);
    expect(await ann.call("double", 2)).toBe(4);
    bob.disconnect();
  });
});

it("events of a room go through the contract, which types them", async () => {
  const chat = contract({
    toServer: {},
    toClient: { said: event(z.string(), z.coerce.number()) },
    rooms: ["doc:+"],
  });
  const { io, url } = await serve();
  const socket = dial(url, { contract: chat, extend: [rooms], forceNew: true });
  ends.push(() => socket.disconnect());
  const room = socket.room("doc:1");
  const heard: RoomEvent[] = [];
  room.on("said", (text, at) => {
    expectTypeOf(text).toEqualTypeOf<string>();
    expectTypeOf(at).toEqualTypeOf<number>();
  });
  // @ts-expect-error no such event
  room.on("shouted", () => {});
  room.onEvent((each) => heard.push(each));
  await room.join();
  io.to("doc:1").emit("said", "a", "1");
  await room.publish("said", ["b", 2]);
  // @ts-expect-error not what the contract says
  void (() => room.publish("said", [1]));
  await until(() => heard.length === 2, "the events");
  expect(heard.map(({ args }) => args)).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

it("what clients publish goes through the contract and the rule, and a refusal reaches the publisher", async () => {
  const board = contract({
    // What the server hears is checked by this; what it makes of it, by the other.
    toServer: { drawn: event(z.string().trim().max(10)) },
    toClient: { drawn: event(z.object({ by: z.string(), what: z.string() })), cleared: event(z.number()) },
    rooms: ["board:+"],
  });
  const site = await startSite("sockeye", { contract: board, limits: { maxPresenceBytes: 100 } } as object);
  ends.push(() => site.end());
  const io = site.io as unknown as Server;
  const errors: unknown[] = [];
  io.on("error", (error) => errors.push(error));
  io.room("board:+", {
    keep: {},
    presence: (socket) => socket.id,
    authorize: () => true,
    onPublish: async (socket, { event: name, args: [what], params }) => {
      if (what === "wait") throw new CallError("TOO_FAST", { seconds: 3 }, { message: "Slowly" });
      return name === "drawn" ? [{ by: socket.id, what: `${what} on ${params[0]}` }] : true;
    },
  });
  const socket = dial(site.url, { contract: board, extend: [rooms], forceNew: true });
  ends.push(() => socket.disconnect());
  const room = socket.room("board:7");
  const heard: unknown[] = [];
  room.onEvent(({ args }) => heard.push(args[0]));
  await room.join();
  await room.publish("drawn", [" dot "]);
  await room.publish("cleared", [1]);
  // @ts-expect-error the server hears a text
  void (() => room.publish("drawn", [{ by: "me", what: "dot" }]));
  const REFUSED: [name: string, arg: unknown, refusal: object][] = [
    ["drawn", "much too long", { code: "ERR_INVALID", data: { issues: [{ path: [] }] } }],
    ["drawn", { by: "me" }, { code: "ERR_INVALID" }],
    ["cleared", "1", { code: "ERR_INVALID" }],
    ["cleared", undefined, { code: "ERR_INVALID" }],
    ["unheard", 1, { code: "ERR_UNDECLARED" }],
    [
      "drawn",
      "wait",
      { code: "ERR_ROOM_REFUSED", reason: "TOO_FAST", data: { seconds: 3 }, message: "Slowly" },
    ],
  ];
  for (const [name, arg, refusal] of REFUSED)
    await expect(room.publish(name as "cleared", [arg as number])).rejects.toMatchObject(refusal);
  expect(heard).toEqual([{ by: socket.id, what: "dot on 7" }, 1]);
  // The publisher was told: it is no error of the app's.
  expect(errors).toEqual([]);
  await expect(room.presence.set("x".repeat(200))).rejects.toMatchObject({ code: "ERR_ROOM_LIMIT" });
});

it("a server without rules never answers: what waits can be given up", async () => {
  const http = await startSite("sockeye", {});
  ends.push(() => http.end());
  const socket = dial(http.url, { extend: [rooms], forceNew: true });
  ends.push(() => socket.disconnect());
  const room = socket.room("doc:1");
  const joining = room.join();
  await until(() => socket.connected, "the connection");
  room.leave();
  expect(await joining).toEqual({ complete: false, position: undefined });
  await expect(room.history({ signal: AbortSignal.timeout(10) })).rejects.toMatchObject({
    name: "TimeoutError",
  });
});
