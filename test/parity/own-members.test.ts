// Members of ours stand where an app may have put one of its own: `socket.room = "x"` has to go on working after the import was changed.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as connect } from "@sockeye/client";
import { calls } from "@sockeye/contract/client";
import * as ours from "@sockeye/server";
import * as theirs from "socket.io";
import * as theirClient from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { once, until } from "../support/wait.js";

/** All names of an object but those that every object has. */
function namesOf(object: object): Set<string> {
  const names = new Set<string>();
  let at: object | null = object;
  for (; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null)
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return names;
}

/** Names of a socket's or server's that Socket.IO's does not have. */
function additions(own: object, stock: object): string[] {
  const known = namesOf(stock);
  return [...namesOf(own)].filter((name) => !known.has(name));
}

const SERVER = additions(new ours.Server(createServer()), new theirs.Server(createServer()));
const NAMESPACE = additions(new ours.Server().of("/a"), new theirs.Server().of("/a"));
const SOCKET = additions(ours.Socket.prototype, await stockSocket());
const own = connect("http://localhost", { autoConnect: false, forceNew: true, extend: [calls] });
const stock = theirClient.io("http://localhost", { autoConnect: false, forceNew: true });
/** Socket.IO's have them once they connect, or if they are given. */
const LATER = ["id", "auth", "engine", "_reconnecting"];
const CLIENT = additions(own, stock).filter((name) => !LATER.includes(name));
const MANAGER = additions(own.io, stock.io).filter((name) => !LATER.includes(name));

/** As a server of Socket.IO gives it to its app. */
async function stockSocket(): Promise<object> {
  const http = createServer();
  const io = new theirs.Server(http);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const client = theirClient.io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const [socket] = await once(io as never, "connection");
  client.disconnect();
  await io.close();
  return socket as object;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Puts a value of the app's own at each of these names. */
function occupy(target: object, names: readonly string[]): void {
  for (const name of names) {
    (target as Record<string, unknown>)[name] = `the app's ${name}`;
    expect((target as Record<string, unknown>)[name]).toBe(`the app's ${name}`);
  }
}

it("there are some", () => {
  expect(SERVER).toEqual(expect.arrayContaining(["count", "handle", "room", "cluster"]));
  expect(SOCKET).toEqual(expect.arrayContaining(["bufferedBytes", "call", "drained"]));
  expect(CLIENT).toEqual(expect.arrayContaining(["call", "status", "suspended"]));
  expect(MANAGER).toEqual(expect.arrayContaining(["status"]));
});

describe.each(["websocket", "polling"] as const)(
  "with a value of the app's own at each of our names, over %s",
  (transport) => {
    it("everything of Socket.IO works", async () => {
      const http = createServer();
      const io = new ours.Server(http);
      closing.push(() => io.close());
      occupy(io, SERVER);
      occupy(io.of("/"), NAMESPACE);
      occupy(io.of("/other"), NAMESPACE);
      const left: string[] = [];
      const serve = (socket: ours.Socket): void => {
        occupy(socket, SOCKET);
        socket.join("room");
        socket.on("ask", (n: number, answer: (n: number) => void) => answer(n + 1));
        socket.on("all", () =>
          io
            .of(socket.nsp.name)
            .to("room")
            .emit("told", [...socket.rooms].length),
        );
        socket.on("disconnect", (reason) => left.push(reason));
      };
      io.on("connection", serve);
      io.of("/other").on("connection", serve);
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
      for (const path of ["/", "/other"]) {
        const socket = connect(url + path, { transports: [transport], forceNew: true, extend: [calls] });
        closing.push(() => socket.disconnect());
        occupy(socket, CLIENT);
        occupy(socket.io, MANAGER);
        await once(socket as never, "connect");
        expect(await socket.timeout(5000).emitWithAck("ask", 1)).toBe(2);
        const told = once(socket as never, "told");
        socket.emit("all");
        expect(await told).toEqual([2]);
        expect((await io.of(path).fetchSockets()).map(({ id }) => id)).toEqual([socket.id]);
        io.of(path).in("room").socketsLeave("room");
        io.of(path).emit("told", 0);
        socket.disconnect();
        await until(() => left.length > 0, "its leaving");
        expect(left.splice(0)).toEqual(["client namespace disconnect"]);
      }
    });
  },
);
