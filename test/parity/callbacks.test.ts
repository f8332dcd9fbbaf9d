// A callback that is none is said where it is given. Kept, it would be an error of whoever calls it, or make the next `on` of that event fail.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as dial } from "@sockeye/client";
import { calls, streams } from "@sockeye/contract/client";
import { rooms } from "@sockeye/rooms/client";
import { Server } from "@sockeye/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Handles = Record<string, Record<string, ((...args: unknown[]) => unknown) | undefined>>;

const http = createServer();
const server = new Server(http);
const handles: Handles = {};
let client: ReturnType<typeof dial>;

beforeAll(async () => {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const joined = new Promise<unknown>((resolve) => server.once("connection", resolve));
  client = dial(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    extend: [calls, streams, rooms],
  });
  const socket = (await joined) as { conn: unknown };
  const room = (client as unknown as { room(name: string): { presence: unknown } }).room("x");
  await new Promise<void>((resolve) => (client.connected ? resolve() : client.once("connect", resolve)));
  Object.assign(handles, {
    "the server": server,
    "a namespace": server.of("/a"),
    "a dynamic namespace": server.of(/^\/dynamic/),
    "a socket": socket,
    "its connection": socket.conn,
    "the engine": server.engine,
    "a client's socket": client,
    "its manager": client.io,
    "its engine": client.io.engine,
    "its room": room,
    "its presence": room.presence,
  });
});
afterAll(async () => {
  client.disconnect();
  await server.close();
});

const NAMED = [
  ..."on addListener once prependListener prependOnceListener addEventListener handle stream".split(" "),
];
const BARE = "onAny prependAny onAnyOutgoing prependAnyOutgoing use onEvent onJoin onPutOut".split(" ");
const OBJECTS =
  "the server,a namespace,a dynamic namespace,a socket,its connection,the engine,a client's socket,its manager,its engine,its room,its presence".split(
    ",",
  );

describe.each(OBJECTS)("%s", (name) => {
  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a number", 5],
    ["a text", "log"],
    ["an object", { handleEvent() {} }],
  ])("refuses %s in the place of a callback, wherever it takes one", (_, bad) => {
    const handle = handles[name] ?? {};
    const event = name === "its presence" ? "change" : "x";
    let tried = 0;
    for (const method of [...NAMED, ...BARE]) {
      // A client's `stream` takes an input there.
      if (typeof handle[method] !== "function" || (method === "stream" && name === "a client's socket"))
        continue;
      tried++;
      const act = () => (NAMED.includes(method) ? handle[method]?.(event, bad) : handle[method]?.(bad));
      expect(act, method).toThrow(expect.objectContaining({ name: "UsageError", code: "ERR_BAD_OPTION" }));
    }
    expect(tried).toBeGreaterThan(0);
    // And nothing of it stays.
    const heard = () => {};
    for (const method of NAMED.slice(0, 5)) handle[method]?.(event, heard);
    const count = (handle["listenerCount"] as ((event: string) => number) | undefined)?.call(handle, event);
    if (count !== undefined) expect(count).toBe(5);
    (handle["off"] as ((event: string) => void) | undefined)?.call(handle, event);
  });
});

it.each(["join", "leave", "to", "in", "except"])(
  "%s() on a client's socket says that rooms are the server's, and an app's own takes its place",
  (method) => {
    const socket = dial("http://localhost", { autoConnect: false, forceNew: true }) as unknown as Record<
      string,
      ((...args: unknown[]) => unknown) | undefined
    >;
    expect(() => socket[method]?.("room")).toThrow(
      expect.objectContaining({
        code: "ERR_NOT_SUPPORTED",
        message: expect.stringContaining("rooms are the server's"),
      }),
    );
    socket[method] = () => "mine";
    expect([socket[method]?.(), Object.keys(socket).includes(method)]).toEqual(["mine", true]);
    for (const key in dial("http://localhost", { autoConnect: false, forceNew: true }))
      expect(key).not.toBe(method);
  },
);
