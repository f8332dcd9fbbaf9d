// Names of rooms that a contract declares: what a client asks for, and what an app names.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as dial } from "@sockeye/client";
import { contract, event, type } from "@sockeye/contract";
import { rooms } from "@sockeye/rooms/client";
import { Server } from "@sockeye/server";
import { io as dialStock } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { until, within } from "../../../test/support/wait.js";
import { watchWarnings } from "../../../test/support/warnings.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const EVENTS = { toServer: { edit: event(z.number()) }, toClient: { said: event(z.string()) } } as const;
const described = contract({ ...EVENTS, rooms: ["lobby", "doc:+", "log/#", "#general"] });

/** A server whose rule lets clients into all rooms. */
async function serve(parts: Parameters<typeof contract>[0]) {
  const http = createServer();
  const io = new Server(http, { contract: contract(parts) }) as unknown as Server;
  const asked: string[] = [];
  const authorize = (_: unknown, { room }: { room: string }): boolean => asked.push(room) > 0;
  io.room("#", { keep: { count: 5 }, presence: (socket) => socket.id, authorize });
  io.on("error", () => {});
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { io, asked, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

describe("a room that a client asks for", () => {
  const REQUESTS = [
    ["sockeye:join", {}],
    ["sockeye:history", {}],
    ["sockeye:publish", { event: "edit", args: [1] }],
    ["sockeye:presence", { set: 1 }],
  ] as const;

  it.each(REQUESTS)(
    "%s: refused if it is not declared, before the app is asked; counted",
    async (name, more) => {
      const { io, asked, url } = await serve({ ...EVENTS, rooms: ["doc:+"] });
      const stock = dialStock(url, { forceNew: true });
      ends.push(() => stock.disconnect());
      const answer = (room: string): Promise<unknown[]> =>
        within(
          new Promise((resolve) => stock.emit(name, { room, ...more }, (...all: unknown[]) => resolve(all))),
          room,
        );
      const message = 'the contract declares no room "dok:1"';
      expect(await answer("dok:1")).toEqual([null, { $error: { code: "ERR_UNDECLARED", message } }]);
      expect(await answer("doc:1:2")).toMatchObject([null, { $error: { code: "ERR_UNDECLARED" } }]);
      expect(asked).toEqual([]);
      expect(io.metrics().eventsRefused).toMatchObject({ ERR_UNDECLARED: 2 });
      await answer("doc:1");
      expect(asked).toEqual(["doc:1"]);
    },
  );

  it.each<[string, Parameters<typeof contract>[0]]>([
    ["says nothing of rooms", EVENTS],
    ["lets pass what it does not declare", { ...EVENTS, rooms: ["doc:+"], unknown: "pass" }],
  ])("is let in where the contract %s", async (_, parts) => {
    const { url } = await serve(parts);
    const client = dial(url, { forceNew: true, contract: contract(parts), extend: [rooms] });
    ends.push(() => client.disconnect());
    expect((await client.room("anything").join()).complete).toBe(true);
  });

  it("is none where the contract declares that there are none", async () => {
    const { url } = await serve({ ...EVENTS, rooms: [] });
    const client = dial(url, { forceNew: true, extend: [rooms] });
    ends.push(() => client.disconnect());
    await expect(client.room("anything").join()).rejects.toMatchObject({ code: "ERR_UNDECLARED" });
  });

  it("gets what is published checked as every event", async () => {
    const { url } = await serve({ ...EVENTS, rooms: ["doc:+"] });
    const client = dial(url, { forceNew: true, extend: [rooms] });
    ends.push(() => client.disconnect());
    const room = client.room("doc:1");
    const heard: unknown[] = [];
    room.on("edit", (n) => heard.push(n));
    await room.join();
    await expect(room.publish("edit", ["one"])).rejects.toMatchObject({ code: "ERR_INVALID" });
    await expect(room.publish("none", [1])).rejects.toMatchObject({ code: "ERR_UNDECLARED" });
    await room.publish("edit", [1]);
    await until(() => heard.length > 0, "the event");
    expect(heard).toEqual([1]);
  });
});

describe("a room that the app names", () => {
  const warnings = watchWarnings();

  it("at a client: refused in development if the contract does not declare it", () => {
    const client = dial("http://a.example", { autoConnect: false, contract: described, extend: [rooms] });
    // @ts-expect-error no such room
    expect(() => client.room("dok:1")).toThrow(expect.objectContaining({ code: "ERR_UNDECLARED" }));
    expect(client.room("doc:1").name).toBe("doc:1");
    expect(client.room("#general").name).toBe("#general");
  });

  it("at a server: told once for each name, but for ids of sockets", async () => {
    const { io, url } = await serve({ ...EVENTS, rooms: ["lobby", "doc:+"], data: type<unknown>() });
    const client = dial(url, { forceNew: true });
    ends.push(() => client.disconnect());
    await until(() => client.connected, "the client is in");
    const [socket] = [...io.sockets.sockets.values()];
    socket?.join(["lobby", "doc:7"]);
    io.to(["lobby", `${socket?.id}`])
      .except("doc:1")
      .emit("said", "hello");
    expect(await warnings()).toEqual([]);
    socket?.join("to join");
    socket?.to("to others").emit("said", "hello");
    io.to(["lobby", "to some"]).to("to some").except("to except").emit("said", "hello");
    io.socketsJoin("to join all");
    io.room("to read");
    io.in("lobby").socketsLeave("to leave");
    const told = await warnings();
    expect(told.map(({ message }) => /room "([^"]+)"/.exec(message)?.[1])).toEqual([
      "to join",
      "to others",
      "to some",
      "to except",
      "to join all",
      "to read",
    ]);
    expect(told[0]).toEqual({
      code: "SOCKEYE_UNDECLARED_ROOM",
      message:
        'Sockeye: join: the contract declares no room "to join". Declare it in "rooms", or mend the name',
    });
  });

  it.each([[""], [7], [undefined]])("is a text, in a contract: not %j", (name) => {
    expect(() => contract({ rooms: [name as string] })).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });
});
