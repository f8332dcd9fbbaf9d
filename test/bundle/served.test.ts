// The files that are served have been through more tools than the package: they must be the same client.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import * as client from "@sockeye/client";
import * as lean from "@sockeye/client/websocket";
import { Server } from "@sockeye/server";
import { expect, it } from "vitest";
import { APPS, bundled } from "../../scripts/bundle-size.mjs";

type Exports = Record<string, unknown>;

async function load(name: "served: websocket-only" | "served: modern default"): Promise<Exports> {
  const { code } = await bundled(APPS[name]);
  return import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`);
}

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
  return names.sort();
}

it.each([
  ["served: modern default", client],
  ["served: websocket-only", lean],
] as const)("%s exports what the package exports", async (name, exports) => {
  const { default: _, ...named } = exports;
  expect(surface(await load(name))).toEqual(surface(named));
});

it("as a script it is the function io, which carries all that the package exports", async () => {
  const { code } = await bundled(APPS["served: script"]);
  const page: { io?: Exports } = {};
  runInNewContext(code, page);
  const { io } = page;
  expect(typeof io).toBe("function");
  expect(Object.keys(io ?? {}).sort()).toEqual(Object.keys(client).sort());
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
