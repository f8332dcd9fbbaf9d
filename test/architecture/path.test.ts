import { createServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { io as dialOwn } from "@sockeye/client";
import { Server } from "@sockeye/server";
import { io as dialStock } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { once } from "../support/wait.js";
import { ROOT } from "./imports.js";

// A message walks its way as one straight stack of plain calls: DESIGN, section 3. What a handler sees of the stack is
// the proof: no emitter between the layers, no turn of the event loop, no detour through a file that is not on the way.

const depth = Error.stackTraceLimit;
beforeEach(() => {
  Error.stackTraceLimit = 100;
});
const ends: (() => unknown)[] = [];
afterEach(async () => {
  Error.stackTraceLimit = depth;
  for (const end of ends.splice(0).reverse()) await end();
});

interface Frame {
  /** Function, as the engine names it. */
  readonly name: string;
  /** Path from the root, or the whole path of what is elsewhere. */
  readonly file: string;
  /** Was a promise awaited to get here? */
  readonly awaited: boolean;
}

/** The stack of where it is called, outermost first, without the frames of this file. */
function stackHere(): Frame[] {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  const sites = new Error("here").stack as unknown as NodeJS.CallSite[];
  Error.prepareStackTrace = prepare;
  return sites
    .map((site) => ({
      name: site.getFunctionName() ?? "",
      file: fileOf(site.getFileName() ?? ""),
      awaited: (site as NodeJS.CallSite & { isAsync(): boolean }).isAsync(),
    }))
    .filter(({ file }) => file !== fileOf(import.meta.url))
    .reverse();
}

function fileOf(url: string): string {
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  return path.startsWith(ROOT) ? relative(ROOT, path) : path;
}

/**
 * The files from the first of ours on; strangers in between are shown as they are. Repetitions count once. Were a step of
 * the way deferred, by a promise, a tick or a timer, all that comes before that step would be missing from the stack.
 */
function way(stack: readonly Frame[]): string[] {
  const first = stack.findIndex(({ file }) => /^packages\/[\w-]+\/src\//.test(file));
  const ours = stack.slice(first);
  expect(ours.filter(({ awaited }) => awaited)).toEqual([]);
  const files = ours.map(({ file }) =>
    file.replace(/^packages\/([\w-]+)\/src\//, "$1/").replace(/\.ts$/, ""),
  );
  return files.filter((file, index) => file !== files[index - 1]);
}

async function site(): Promise<{ io: Server; url: string }> {
  const http: HttpServer = createServer();
  const io = new Server(http);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  ends.push(() => {
    http.closeAllConnections();
    return io.close();
  });
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

const READ_BY_US = [
  "transport/server/websocket/own-websocket",
  "transport/server/websocket/frame-reader",
  "transport/server/websocket/own-websocket",
];
const UP = ["session/session", "server/connection", "server/peer", "socket/dispatch"];

describe("the way in", () => {
  it.each([
    ["websocket", [...READ_BY_US, ...UP]],
    [
      "polling",
      [
        "transport/server/request/request-body",
        "transport/server/http/post",
        "transport/server/http/polling",
        ...UP,
      ],
    ],
  ])("from a %s frame to a handler of the server", async (transport, expected) => {
    const { io, url } = await site();
    const seen = new Promise<Frame[]>((resolve) => {
      io.on("connection", (socket) => socket.on("event", () => resolve(stackHere())));
    });
    const client = dialStock(url, { transports: [transport], forceNew: true });
    ends.push(() => client.disconnect());
    client.emit("event", 1);
    expect(way(await seen)).toEqual(expected);
  });

  it("from a frame to a handler of the client", async () => {
    const { io, url } = await site();
    io.on("connection", (socket) => socket.emit("event", 1));
    const client = dialOwn(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => client.disconnect());
    const stack = await new Promise<Frame[]>((resolve) => {
      client.on("connect", () => {
        client.on("event", () => resolve(stackHere()));
        // The one of the first turn may have come together with CONNECT.
        io.emit("event", 2);
      });
    });
    expect(way(stack)).toEqual([
      "transport/client/websocket",
      "session/session",
      "engine/client/dialer",
      "client/manager",
      "client/peer",
      "socket/dispatch",
    ]);
  });

  it("of an acknowledgement, to its callback", async () => {
    const { io, url } = await site();
    const seen = new Promise<Frame[]>((resolve) => {
      io.on("connection", (socket) => socket.emit("ask", () => resolve(stackHere())));
    });
    const client = dialStock(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => client.disconnect());
    client.on("ask", (back: () => void) => back());
    expect(way(await seen)).toEqual([
      ...READ_BY_US,
      "session/session",
      "server/connection",
      "server/peer",
      "socket/acks",
      "server/peer",
      "socket/dispatch",
    ]);
  });
});

describe("the way out", () => {
  /** The stack at the moment at which a session takes the packet. */
  async function sending(act: (io: Server) => void): Promise<Frame[]> {
    const { io, url } = await site();
    const client = dialStock(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    // A packet is read when the session queues it, and by nobody before.
    const { Session } = await import("@sockeye/session");
    const stacks: Frame[][] = [];
    const { send } = Session.prototype;
    Session.prototype.send = function (this: InstanceType<typeof Session>, packet) {
      stacks.push(stackHere());
      send.call(this, packet);
    };
    try {
      act(io);
    } finally {
      Session.prototype.send = send;
    }
    expect(stacks, "sent within the call, exactly once").toHaveLength(1);
    return stacks[0] as Frame[];
  }

  const socketOf = (io: Server) => [...io.sockets.sockets.values()][0];

  it("from socket.emit to the session", async () => {
    const stack = await sending((io) => socketOf(io)?.emit("event", 1));
    expect(way(stack)).toEqual(["server/socket", "server/peer", "server/connection"]);
  });

  it("from socket.volatile.emit to the session", async () => {
    const stack = await sending((io) => socketOf(io)?.volatile.emit("event", 1));
    expect(way(stack)).toEqual(["socket/emission", "server/peer", "server/connection"]);
  });

  it("from io.to(room).emit to the session", async () => {
    const stack = await sending((io) => io.to(socketOf(io)?.id ?? "").emit("event", 1));
    expect(way(stack)).toEqual([
      "socket/emission",
      "server/selection",
      "adapter/adapter",
      "server/peer",
      "server/connection",
    ]);
  });

  it("from the end of the turn to the network: a call a file", async () => {
    const { io, url } = await site();
    const client = dialStock(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    const writes: Frame[][] = [];
    const { write } = Socket.prototype;
    Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
      writes.push(stackHere());
      return write.apply(this, args);
    } as typeof write;
    try {
      // The first few leave apart, for clients that listen late.
      for (let i = 0; i < 20; i++) {
        writes.length = 0;
        socketOf(io)?.emit("event", i);
        await expect.poll(() => writes.length).toBeGreaterThan(0);
      }
    } finally {
      Socket.prototype.write = write;
    }
    const last = (writes.at(-1) as Frame[]).filter(({ file }) => file.startsWith("packages/"));
    expect(last.map(({ name, file }) => `${file.replace(/^.*\/(.*)\.ts$/, "$1")} ${name}`)).toEqual([
      "flush-scheduler #end",
      "server-outgoing flush",
      "own-websocket send",
      "batch-writer writeBatch",
    ]);
  });

  it("of what a turn sends: one write at its end", async () => {
    const { io, url } = await site();
    const client = dialStock(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    const batches: number[] = [];
    const socket = socketOf(io);
    socket?.conn.on("flush", (batch) => batches.push(batch.length));
    for (let i = 0; i < 10; i++) socket?.emit("event", i);
    io.emit("event");
    expect(batches).toEqual([]);
    await new Promise(setImmediate);
    expect(batches).toEqual([11]);
  });
});
