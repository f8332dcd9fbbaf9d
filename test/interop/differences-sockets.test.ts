import { EventEmitter } from "node:events";
import { describe, expect } from "vitest";
import type { ServerName } from "../support/servers.js";
import { once } from "../support/wait.js";
import { differs, pair, serve } from "./differ.js";

// Rows of docs/differences.md about the server's sockets: whom an emit means, and what is dropped.

describe("an empty list of rooms", () => {
  differs(
    "to([]), an emit and bulk operations",
    {
      stock: { heard: ["everybody", "but nobody of c", "room a"], rooms: ["b"], found: 1, connected: false },
      sockeye: { heard: ["but nobody of c", "room a"], rooms: [], found: 0, connected: true },
    },
    async (server) => {
      const { site, client, socket } = await pair(server);
      const heard: string[] = [];
      client.on("e", (name: string) => heard.push(name));
      socket.join("a");
      site.io.to([]).emit("e", "everybody");
      site.io.except([]).emit("e", "but nobody of c");
      site.io.to([]).to("a").emit("e", "room a");
      client.on("q", (answer: () => void) => answer());
      await socket.emitWithAck("q");
      site.io.in([]).socketsJoin("b");
      const rooms = [...socket.rooms].filter((room) => room === "b");
      const { length: found } = await site.io.in([]).fetchSockets();
      site.io.in([]).disconnectSockets();
      return { heard, rooms, found, connected: socket.connected };
    },
  );
});

describe("volatile events", () => {
  for (const first of ["an event", "a volatile one"]) {
    differs(`${first} and a volatile one in one turn`, { stock: [1], sockeye: [1, 2] }, async (server) => {
      const { client, socket } = await pair(server);
      expect(socket.conn.transport.name).toBe("websocket");
      const heard: number[] = [];
      client.on("e", (n: number) => heard.push(n));
      client.on("q", (answer: () => void) => answer());
      await socket.emitWithAck("q");
      (first === "an event" ? socket : socket.volatile).emit("e", 1);
      socket.volatile.emit("e", 2);
      await socket.emitWithAck("q");
      return heard;
    });
  }
});

describe("proxies", () => {
  /** What `on` does where each of them is wrapped: a socket, the server, a namespace. */
  const listens = (through: <T extends object>(of: T) => T) => async (server: ServerName) => {
    const { site, socket } = await pair(server);
    return [socket, site.io, site.io.sockets].map((of) => {
      try {
        (through(of) as typeof socket).on("e", () => {});
        return "works";
      } catch (error) {
        return (error as Error).name;
      }
    });
  };
  const works = ["works", "works", "works"];

  differs(
    "a handle of the server through a Proxy",
    { stock: works, sockeye: ["TypeError", "works", "TypeError"] },
    listens((of) => new Proxy(of, {})),
  );
  differs(
    "one that binds methods",
    { stock: works, sockeye: works },
    listens((of) => {
      const get = (target: object, name: string | symbol): unknown => {
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? (value as () => unknown).bind(target) : value;
      };
      return new Proxy(of, { get }) as typeof of;
    }),
  );
});

describe("private methods", () => {
  differs(
    "a package that replaces onevent",
    { stock: { onevent: ["e"], onAny: ["e"] }, sockeye: { onevent: [], onAny: ["e"] } },
    async (server) => {
      const { client, socket } = await pair(server);
      const seen: { onevent: string[]; onAny: string[] } = { onevent: [], onAny: [] };
      const patched = socket as unknown as { onevent?: (packet: { data: string[] }) => void };
      const original = patched.onevent;
      patched.onevent = (packet) => {
        seen.onevent.push(String(packet.data[0]));
        original?.call(socket, packet);
      };
      socket.onAny((name: string) => seen.onAny.push(name));
      const heard = once(socket as never, "e");
      client.emit("e");
      await heard;
      return seen;
    },
  );
});

describe("options", () => {
  differs("transports as a text", { stock: "taken", sockeye: "ERR_BAD_OPTION" }, async (server) => {
    const refused = await serve(server, { transports: "websocket" as never }).then(
      () => undefined,
      (error: { code: string }) => error,
    );
    return refused?.code ?? "taken";
  });
});

differs("instances of Node's EventEmitter", { stock: 5, sockeye: 0 }, async (server) => {
  const { site, socket } = await pair(server);
  const emitters: unknown[] = [socket, site.io, site.io.of("/"), socket.conn, site.io.engine];
  return emitters.filter((each) => each instanceof EventEmitter).length;
});

differs("the WebSocket under a connection", { stock: "object", sockeye: "undefined" }, async (server) => {
  const { socket } = await pair(server);
  return typeof (socket.conn.transport as { socket?: unknown }).socket;
});
