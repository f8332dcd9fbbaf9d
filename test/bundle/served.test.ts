// The files that are served have been through more tools than the package: they must be the same client.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import * as client from "@sockeye/client";
import * as lean from "@sockeye/client/websocket";
import { CallError, calls, isCallError, streams } from "@sockeye/contract/client";
import { RoomError, rooms } from "@sockeye/rooms/client";
import { Server } from "@sockeye/server";
import { describe, expect, it, vi } from "vitest";
import { APPS, bundled } from "../../scripts/bundle-size.mjs";

// Each bundle goes through several tools.
vi.setConfig({ testTimeout: 120_000 });

type Exports = Record<string, unknown>;

/** What the full files have: all that a client can be extended by, too. */
const full = { ...client, CallError, calls, isCallError, RoomError, rooms, streams };

async function load(
  name: "served: websocket-only" | "served: modern default" | "served: full",
): Promise<Exports> {
  const { code } = await bundled(APPS[name]);
  return import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`);
}

/** Methods that only say, in development, that rooms are the server's: served files have none. */
const ADVICE = new Set(["join", "leave", "to", "in", "except"].map((name) => `#${name}`));

/** All names that an app can reach from what is exported: static ones, those of prototypes, and what `io` carries. */
function surface(exports: Exports): Record<string, string[]> {
  return Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, namesOf(value)]));
}

function namesOf(value: unknown): string[] {
  if (typeof value !== "function") return [String(value)];
  const names = Object.getOwnPropertyNames(value).filter((name) => name !== "length" && name !== "name");
  for (let proto = value.prototype as object | null; proto && proto !== Object.prototype; ) {
    names.push(...Object.getOwnPropertyNames(proto).map((name) => `#${name}`));
    proto = Object.getPrototypeOf(proto) as object | null;
  }
  return names.filter((name) => !ADVICE.has(name)).sort();
}

it.each([
  ["served: modern default", client],
  ["served: full", full],
  ["served: websocket-only", lean],
] as const)("%s exports what the package exports", async (name, exports) => {
  const { default: _, ...named } = exports as Exports;
  expect(surface(await load(name))).toEqual(surface(named));
});

/** What every page has, and the scripts take when they are loaded. */
const TIMING = { performance, setTimeout, clearTimeout, queueMicrotask };

it("as a script it is the function io, which carries all that the package exports", async () => {
  const { code } = await bundled(APPS["served: script"]);
  const page: typeof TIMING & { io?: Exports } = { ...TIMING };
  runInNewContext(code, page);
  const { io } = page;
  expect(typeof io).toBe("function");
  expect(Object.keys(io ?? {}).sort()).toEqual(Object.keys(client).sort());
});

const SCRIPTS = [
  "sockeye.js",
  "sockeye.min.js",
  "sockeye.full.min.js",
  "sockeye.msgpack.min.js",
  "sockeye.legacy.min.js",
];
const FOLDER = fileURLToPath(new URL("../../packages/client/dist/browser/", import.meta.url));

/** What the page has before the script runs, and where its `io` is afterwards. */
const PAGES: Record<string, readonly [before: string, value: string]> = {
  "a page": ["", "globalThis.io"],
  "an enumerable property on Object.prototype": ["Object.prototype.junk = 1;", "globalThis.io"],
  "enumerable functions on Object.prototype and Array.prototype": [
    "Object.prototype.junk = Array.prototype.junk = function () {};",
    "globalThis.io",
  ],
  RequireJS: [
    "var got, define = (needs, make) => (got = make()); define.amd = {};",
    "globalThis.io ? 0 : got",
  ],
  CommonJS: ["var module = { exports: {} }, exports = module.exports;", "globalThis.io ? 0 : module.exports"],
  "elements with the ids module, exports and define": [
    "var module = { id: 1 }, exports = { id: 2 }, define = { id: 3 };",
    "globalThis.io",
  ],
};

describe.skipIf(!existsSync(FOLDER) && process.env["CI"] !== "true")("the scripts that are served", () => {
  it.each(SCRIPTS.flatMap((file) => Object.keys(PAGES).map((page) => [file, page] as const)))(
    "%s, loaded by %s",
    (file, page) => {
      const [before, value] = PAGES[page] ?? ["", ""];
      const realm: Record<string, unknown> = {
        ...TIMING,
        TextEncoder,
        TextDecoder,
      };
      realm["window"] = realm;
      const io: unknown = runInNewContext(
        `${before}\n${readFileSync(FOLDER + file, "utf8")}\n;${value}`,
        realm,
      );
      expect(typeof io).toBe("function");
      expect((io as Exports)["default"] ?? io).toBe(io);
    },
  );
});

it("the served client speaks with a server: events, acknowledgements, bytes, errors with their codes", async () => {
  const { io } = (await load("served: modern default")) as unknown as typeof client;
  const http = createServer();
  const server = new Server(http);
  server.on("connection", (socket) => {
    socket.on("echo", (...args) => {
      const answer = args.pop() as (...args: unknown[]) => void;
      answer(...args);
    });
    socket.on("deaf", () => {});
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const socket = io(`http://127.0.0.1:${port}`, { transports: ["polling"], upgrade: false });
  try {
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    expect(await socket.emitWithAck("echo", { a: [1, "\u2028"] })).toEqual({ a: [1, "\u2028"] });
    const bytes = await socket.emitWithAck("echo", Uint8Array.of(1, 2, 3));
    expect(new Uint8Array(bytes as ArrayBuffer)).toEqual(Uint8Array.of(1, 2, 3));
    await expect(socket.timeout(10).emitWithAck("deaf")).rejects.toMatchObject({
      name: "AckError",
      code: "ERR_ACK_TIMEOUT",
    });
    expect(() => socket.emit("disconnect")).toThrow(expect.objectContaining({ code: "ERR_RESERVED_EVENT" }));
  } finally {
    socket.disconnect();
    await server.close();
  }
});

it("the full served client has rooms, calls and streams under the names that apps and the wire know", async () => {
  const served = (await load("served: full")) as unknown as typeof full;
  const http = createServer();
  const server = new Server(http);
  server.room("doc", { keep: { age: "1m" }, presence: () => "ann", authorize: () => true });
  server.handle("double", (input: unknown) => {
    if (typeof input !== "number") throw new served.CallError("NO_NUMBER", { input });
    return input * 2;
  });
  server.stream("count", { keep: "1m" }, async function* (to: number) {
    for (let each = 1; each <= to; each++) yield each;
    return { sum: (to * (to + 1)) / 2 };
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const open = ({ io, rooms, calls, streams }: typeof full) => io(url, { extend: [rooms, calls, streams] });
  const socket = open(served);
  const source = open(full);
  try {
    const room = socket.room("doc");
    const heard: unknown[] = [];
    room.onEvent(({ event, args, from, position, id }) =>
      heard.push([event, args, from, !!position && !!id]),
    );
    expect(await room.join()).toMatchObject({ complete: true });
    room.presence.on("change", ({ joined }) => heard.push(joined));
    await room.presence.set({ typing: true });
    await room.publish("edit", ["a"]);
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard).toContainEqual(["edit", ["a"], socket.id, true]);
    expect(await room.history({ limit: 5 })).toMatchObject({ events: [{ event: "edit", args: ["a"] }] });
    expect(room.presence.count).toBe(1);
    expect(await socket.call("double", 4)).toBe(8);
    await expect(socket.call("double", "x")).rejects.toMatchObject({
      code: "NO_NUMBER",
      data: { input: "x" },
    });
    const stream = socket.stream("count", 3);
    const items: unknown[] = [];
    for await (const item of stream) items.push(item);
    expect([items, await stream.end]).toEqual([[1, 2, 3], { sum: 6 }]);

    const unserved = [source.room("doc"), source.room("doc").presence, source.stream("count", 1)];
    for (const [at, object] of [room, room.presence, stream].entries()) {
      expect(names(object)).toEqual(expect.arrayContaining(names(unserved[at] as object)));
    }
  } finally {
    socket.disconnect();
    source.disconnect();
    await server.close();
  }
});

/** What an app can write behind a dot. */
function names(object: object): string[] {
  const all: string[] = [];
  for (
    let each: object | null = object;
    each && each !== Object.prototype;
    each = Object.getPrototypeOf(each)
  )
    all.push(...Object.getOwnPropertyNames(each));
  return all.filter((name) => !name.startsWith("_")).sort();
}
