// Streams over real sockets, between our own ends, and with stock peers.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { io as dial, type Options } from "@sockeye/client";
import { io as dialLean } from "@sockeye/client/websocket";
import { contract, stream, type } from "@sockeye/contract";
import type { Stream } from "@sockeye/contract/client";
import { CallError, calls, streams } from "@sockeye/contract/client";
import { DEFAULT_STREAM_LIMITS } from "@sockeye/contract/internal";
import { Server, type ServerOptions } from "@sockeye/server";
import { Server as StockServer } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { until } from "../../../test/support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: ServerOptions = {}): Promise<{
  io: Server;
  url: string;
  errors: unknown[];
  connections: Set<Socket>;
}> {
  const http = createServer();
  const connections = new Set<Socket>();
  http.on("connection", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  });
  const io = new Server(http, options);
  const errors: unknown[] = [];
  io.on("error", (error) => errors.push(error));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, errors, connections };
}

function connect(url: string, options: Options = {}) {
  const socket = dial(url, { forceNew: true, reconnectionDelay: 10, ...options, extend: [calls, streams] });
  ends.push(() => socket.disconnect());
  return socket;
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const read: Item[] = [];
  for await (const item of items) read.push(item);
  return read;
}

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

/** A producer whose end is told. */
function producer() {
  const seen = { made: 0, aborted: false, returned: false };
  const endless = async function* (_input: unknown, { signal }: { signal: AbortSignal }) {
    signal.addEventListener("abort", () => {
      seen.aborted = true;
    });
    try {
      for (;;) yield ++seen.made;
    } finally {
      seen.returned = true;
    }
  };
  return { seen, endless };
}

describe("a stream", () => {
  it.each(["websocket", "polling"])(
    "gives its items in order and its end once, over %s",
    async (transport) => {
      const { io, url, errors } = await serve();
      io.stream("count", async function* (to: number) {
        for (let n = 1; n <= to; n++) yield n;
        return { sum: (to * (to + 1)) / 2 };
      });
      const client = connect(url, { transports: [transport] });
      const counted = client.stream("count", 1000);
      expect(await all(counted)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
      expect(await counted.end).toEqual({ sum: 500_500 });
      expect(await counted.next()).toEqual({ done: true, value: undefined });
      const none = client.stream("count", 0);
      expect([await all(none), await none.end]).toEqual([[], { sum: 0 }]);
      expect(errors).toEqual([]);
    },
  );

  it("is made no faster than it is read", async () => {
    const { io, url } = await serve();
    const { seen, endless } = producer();
    io.stream("endless", endless);
    io.handle("ping", () => 1);
    const client = connect(url);
    const read = client.stream("endless");
    for (let n = 1; n <= 300; n++) expect((await read.next()).value).toBe(n);
    // What could come has come.
    await client.call("ping");
    expect(seen.made).toBeLessThanOrEqual(300 + 256 + 1);
    read.cancel();
    await until(() => seen.returned && seen.aborted, "the producer has stopped");
    await expect(read.end).rejects.toMatchObject({ code: "ERR_STREAM_CANCELLED" });
  });

  it.each([
    [
      "break",
      async (items: AsyncIterable<number>) => {
        for await (const _ of items) break;
      },
    ],
    [
      "a loop that throws",
      async (items: AsyncIterable<number>) => {
        const failed = (async () => {
          for await (const _ of items) throw new Error("mine");
        })();
        await expect(failed).rejects.toThrow("mine");
      },
    ],
    ["detach()", async (items: { detach(): void }) => items.detach()],
    ["cancel()", async (items: { cancel(): void }) => items.cancel()],
  ])("without keep is stopped by %s", async (_, leave) => {
    const { io, url, errors } = await serve();
    const { seen, endless } = producer();
    io.stream("endless", endless);
    const read = connect(url).stream("endless");
    await read.next();
    await leave(read as never);
    await until(() => seen.returned && seen.aborted, "the producer has stopped");
    expect(await read.next()).toEqual({ done: true, value: undefined });
    await expect(read.end).rejects.toMatchObject({ code: "ERR_STREAM_CANCELLED" });
    expect(errors).toEqual([]);
  });

  it("is stopped when its signal aborts, and throws the reason; one that has aborted asks for nothing", async () => {
    const { io, url } = await serve();
    const { seen, endless } = producer();
    io.stream("endless", endless);
    const client = connect(url);
    const controller = new AbortController();
    const reason = new Error("enough");
    const read = client.stream("endless", undefined, { signal: controller.signal });
    await read.next();
    const reading = all(read);
    await until(() => seen.made > 1, "it goes on");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await until(() => seen.returned, "the producer has stopped");
    const { made } = seen;
    await expect(client.stream("endless", undefined, { signal: controller.signal }).next()).rejects.toBe(
      reason,
    );
    expect(seen.made).toBe(made);
  });

  it("that never yields again holds nobody up, and what comes of it later is dropped", async () => {
    const { io, url, errors } = await serve();
    const stuck = gate();
    let signal: AbortSignal | undefined;
    io.stream("stuck", async function* (_input: unknown, context) {
      signal = context.signal;
      yield 1;
      await stuck.passed;
      yield 2;
      throw new Error("nobody hears this");
    });
    io.handle("ping", () => "pong");
    const client = connect(url);
    const read = client.stream("stuck");
    expect((await read.next()).value).toBe(1);
    read.cancel();
    expect(await client.call("ping")).toBe("pong");
    expect(signal?.aborted).toBe(true);
    stuck.open();
    expect(await client.call("ping")).toBe("pong");
    expect(await read.next()).toEqual({ done: true, value: undefined });
    expect(errors).toEqual([]);
  });

  it("tells of errors by code and data, never by a stack", async () => {
    const { io, url, errors } = await serve();
    const own = new Error("a secret");
    io.stream("refuses", async function* () {
      yield 1;
      throw new CallError("BUSY", { retry: 5 }, { message: "busy" });
    });
    io.stream("breaks", async function* () {
      yield 1;
      throw own;
    });
    io.stream("breaks at once", () => {
      throw own;
    });
    io.stream("no iterable", () => 5 as never);
    io.stream("unencodable", async function* () {
      yield 1n;
    });
    io.stream("a cycle", async function* () {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      yield cycle;
    });
    io.stream("unencodable data", () => {
      throw new CallError("BIG", 1n);
    });
    io.stream("unencodable owner", { keep: 1000, owner: () => 1n as never }, async function* () {});
    io.stream("unencodable end", async function* () {
      yield 1;
      return 1n;
    });
    io.stream("return throws", () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 1 }),
        return: () => {
          throw own;
        },
      }),
    }));
    const client = connect(url);
    const refused = client.stream("refuses");
    expect((await refused.next()).value).toBe(1);
    await expect(refused.next()).rejects.toMatchObject({ code: "BUSY", message: "busy", data: { retry: 5 } });
    expect(await refused.next()).toEqual({ done: true, value: undefined });
    await expect(refused.end).rejects.toMatchObject({ code: "BUSY" });
    expect(errors).toEqual([]);
    for (const name of [
      "breaks",
      "breaks at once",
      "no iterable",
      "unencodable",
      "unencodable end",
      "a cycle",
      "unencodable data",
      "unencodable owner",
    ]) {
      await expect(all(client.stream(name)), name).rejects.toMatchObject({
        code: "ERR_INTERNAL",
        message: "internal error",
      });
    }
    expect(errors).toEqual([
      own,
      own,
      expect.any(TypeError),
      expect.objectContaining({ code: "ERR_UNENCODABLE" }),
      expect.objectContaining({ code: "ERR_UNENCODABLE" }),
      expect.any(Error),
      expect.objectContaining({ code: "ERR_UNENCODABLE" }),
      expect.any(TypeError),
    ]);
    errors.length = 0;
    const left = client.stream("return throws");
    await left.next();
    left.cancel();
    await until(() => errors.length > 0, "the app is told");
    expect(errors).toEqual([own]);
  });

  it("goes on over a new transport; a session that is lost ends it, with what had come", async () => {
    const { io, url, connections } = await serve({ resume: { windowMs: 5000 } });
    const { seen, endless } = producer();
    io.stream("endless", endless);
    const client = connect(url, { transports: ["websocket"] });
    const read = client.stream("endless");
    for (let n = 1; n <= 10; n++) expect((await read.next()).value).toBe(n);
    let resumed = 0;
    client.io.on("resume", () => resumed++);
    for (let cut = 1; cut <= 3; cut++) {
      for (const connection of connections) connection.destroy();
      for (let n = 1; n <= 500; n++) expect((await read.next()).value).toBe(10 + (cut - 1) * 500 + n);
      await until(() => resumed === cut, "it is back");
    }
    expect(seen.returned).toBe(false);
    const more = (await read.next()).value as number;
    io.disconnectSockets();
    await until(() => seen.returned && seen.aborted, "the producer has stopped");
    const rest: number[] = [];
    const loop = (async () => {
      for await (const n of read) rest.push(n as number);
    })();
    await expect(loop).rejects.toMatchObject({ code: "ERR_STREAM_DISCONNECTED" });
    expect(rest).toEqual(rest.map((_, at) => more + 1 + at));
  });
});

describe("bounds of streams", () => {
  it("are docs/limits.md, row by row", () => {
    const page = readFileSync(new URL("../../../docs/limits.md", import.meta.url), "utf8");
    const section = page.slice(page.indexOf("\n## Streams\n"), page.indexOf("\n## Times\n"));
    const rows = [...section.matchAll(/^\| `(\w+)` +\| ([\d,]+) +\|/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    const defaults = Object.entries(DEFAULT_STREAM_LIMITS);
    expect(rows).toEqual(defaults.map(([name, value]) => [name, value.toLocaleString("en-US")]));
  });

  it("are options of the server", async () => {
    const { io, url } = await serve({
      limits: { maxStreamsPerSocket: 1, maxUntakenItems: 3, maxItemsKept: 2 },
    });
    const { seen, endless } = producer();
    io.stream("endless", endless);
    io.stream("kept", { keep: "1m" }, endless);
    const client = connect(url);
    const first = client.stream("endless");
    await first.next();
    await expect(all(client.stream("endless"))).rejects.toMatchObject({ code: "ERR_STREAM_LIMIT" });
    expect(seen.made).toBeLessThanOrEqual(4);
    first.cancel();
    await expect(all(client.stream("kept"))).rejects.toMatchObject({ code: "ERR_STREAM_LIMIT" });
    expect(() => new Server({ limits: { maxStreamsPerSocket: 0 } })).toThrow(/maxStreamsPerSocket/);
  });
});

describe("a peer", () => {
  function lean(url: string) {
    const socket = dialLean(url, { forceNew: true, extend: [streams] });
    ends.push(() => socket.disconnect());
    return socket;
  }

  it.each<[string, (url: string) => { stream(name: string): Stream }]>([
    ["that offers to resume", (url) => connect(url)],
    ["that does not", (url) => connect(url, { resume: false })],
    ["that cannot", (url) => lean(url)],
  ])("that is Socket.IO's server is known at once to know no streams, by a client %s", async (_, dialled) => {
    const http = createServer();
    const stock = new StockServer(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    ends.push(() => stock.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const heard: string[] = [];
    stock.on("connection", (socket) => socket.onAny((name: string) => heard.push(name)));
    await expect(all(dialled(url).stream("x"))).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_BY_PEER" });
    expect(heard).toEqual([]);
  });

  it.each([{ resume: "x" }, { n: "1" }])(
    "of ours is known, though the app has a parameter of its own: %o",
    async (query) => {
      const { io, url } = await serve();
      io.stream("y", async function* () {
        yield 1;
      });
      const items: unknown[] = [];
      for await (const item of connect(url, { query }).stream("y")) items.push(item);
      expect(items).toEqual([1]);
    },
  );

  it("of ours without that stream, or without any, says so at once, whatever it was asked before", async () => {
    const none = await serve();
    const some = await serve({ resume: false });
    some.io.stream("y", async function* () {});
    for (const { url } of [none, some]) {
      const client = connect(url);
      await expect(all(client.stream("x"))).rejects.toMatchObject({ code: "ERR_UNHANDLED" });
      await expect(all(lean(url).stream("x"))).rejects.toMatchObject({ code: "ERR_UNHANDLED" });
    }
  });
});

describe("a stream that is kept", () => {
  /** A producer that goes on when it is told to. */
  function steps() {
    const seen = { runs: 0, stopped: 0 };
    let go = gate();
    const step = (): void => {
      go.open();
      go = gate();
    };
    const handler = async function* (_input: unknown, { signal }: { signal: AbortSignal }) {
      seen.runs++;
      signal.addEventListener("abort", () => seen.stopped++);
      for (let n = 1; n <= 4; n++) {
        yield n;
        if (n === 2)
          await Promise.race([
            go.passed,
            new Promise((resolve) => signal.addEventListener("abort", resolve)),
          ]);
        if (signal.aborted) return undefined;
      }
      return "end";
    };
    return { seen, step, handler };
  }

  it("runs once: after a reload, in another tab and behind an item it goes on where it was", async () => {
    const { io, url } = await serve();
    const { seen, step, handler } = steps();
    io.stream("ask", { keep: "10m" }, handler);
    const first = connect(url).stream("ask", { q: 1 });
    expect([(await first.next()).value, (await first.next()).value]).toEqual([1, 2]);
    const { id, position } = first;
    expect(id).toMatch(/^[\w-]{22}$/);
    first.detach();
    const reloaded = connect(url).stream("ask", { q: 1 }, { id });
    const second = connect(url).stream("ask", undefined, { id, after: position });
    expect([(await reloaded.next()).value, (await reloaded.next()).value]).toEqual([1, 2]);
    step();
    expect([await all(reloaded), await reloaded.end]).toEqual([[3, 4], "end"]);
    expect([await all(second), await second.end]).toEqual([[3, 4], "end"]);
    const late = connect(url).stream("ask", undefined, { id });
    expect([await all(late), await late.end]).toEqual([[1, 2, 3, 4], "end"]);
    expect(seen).toEqual({ runs: 1, stopped: 0 });
  });

  it("outlives the session of its watcher, which attaches again by itself and misses nothing", async () => {
    const { io, url } = await serve();
    const { seen, step, handler } = steps();
    io.stream("ask", { keep: "10m" }, handler);
    const client = connect(url);
    const read = client.stream("ask");
    expect([(await read.next()).value, (await read.next()).value]).toEqual([1, 2]);
    const reading = all(read);
    for (const socket of io.sockets.sockets.values()) socket.conn.close();
    step();
    expect(await reading).toEqual([3, 4]);
    expect(await read.end).toBe("end");
    expect(seen.runs).toBe(1);
  });

  it("is stopped by cancel() for all that watch, and stays as it was then", async () => {
    const { io, url, errors } = await serve();
    const { seen, handler } = steps();
    io.stream("ask", { keep: "10m" }, handler);
    const first = connect(url).stream("ask");
    await first.next();
    const watching = connect(url).stream("ask", undefined, { id: first.id });
    expect([(await watching.next()).value, (await watching.next()).value]).toEqual([1, 2]);
    const rest = all(watching);
    first.cancel();
    await expect(rest).rejects.toMatchObject({ code: "ERR_STREAM_CANCELLED" });
    const late = connect(url).stream("ask", undefined, { id: first.id });
    expect([(await late.next()).value, (await late.next()).value]).toEqual([1, 2]);
    await expect(late.next()).rejects.toMatchObject({ code: "ERR_STREAM_CANCELLED" });
    expect(seen).toEqual({ runs: 1, stopped: 1 });
    expect(errors).toEqual([]);
  });

  it("is stopped, too, by cancel() while there is no connection, once there is one", async () => {
    const { io, url } = await serve();
    const { seen, handler } = steps();
    io.stream("ask", { keep: "10m" }, handler);
    const client = connect(url);
    const read = client.stream("ask");
    await read.next();
    client.disconnect();
    read.cancel();
    client.connect();
    await until(() => seen.stopped === 1, "the producer has stopped");
    expect(seen.runs).toBe(1);
  });

  it("belongs to its owner: a stranger's id looks like a missing one, and is the stranger's own to use", async () => {
    const { io, url } = await serve();
    const { seen, handler } = steps();
    const owner = (socket: { handshake: { auth: { user?: string } } }) => socket.handshake.auth.user;
    io.stream("ask", { keep: "10m", owner }, handler);
    io.stream("free", { keep: "10m" }, handler);
    const ann = connect(url, { auth: { user: "ann" } });
    const bob = connect(url, { auth: { user: "bob" } });
    const nobody = connect(url);
    const one = ann.stream("ask", "q", { id: "chat-1" });
    await one.next();
    // Another one, of another owner.
    await bob.stream("ask", "other", { id: "chat-1" }).next();
    expect(seen.runs).toBe(2);
    const refused = async (ask: AsyncIterable<unknown>, code: string) =>
      expect(all(ask)).rejects.toMatchObject({ code });
    await refused(nobody.stream("ask", "q", { id: "chat-1" }), "ERR_STREAM_GONE");
    await refused(nobody.stream("free", "q", { id: "chat-1" }), "ERR_STREAM_GONE");
    await refused(bob.stream("ask", undefined, { id: "chat-2", after: 1 }), "ERR_STREAM_LOST");
    await refused(ann.stream("ask", "else", { id: "chat-1" }), "ERR_STREAM_CONFLICT");
    await refused(ann.stream("ask", undefined, { id: "chat-1", after: 99 }), "ERR_STREAM_GONE");
    expect(seen.runs).toBe(2);
    const again = connect(url, { auth: { user: "ann" } }).stream("ask", "q", { id: "chat-1" });
    expect((await again.next()).value).toBe(1);
    expect(seen.runs).toBe(2);
  });

  it("that is longer than what may be kept ends with ERR_STREAM_LIMIT behind the last item kept", async () => {
    const { io, url } = await serve();
    const { seen, endless } = producer();
    io.stream("long", { keep: { age: "10m", items: 5 } }, endless);
    const read = connect(url).stream("long");
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of read) items.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ code: "ERR_STREAM_LIMIT" });
    expect(items).toEqual([1, 2, 3, 4, 5]);
    await until(() => seen.returned && seen.aborted, "the producer has stopped");
  });
});

const described = contract({
  toServer: {
    ask: stream(z.object({ to: z.coerce.number() }), {
      item: z.string().transform(Number),
      end: z.object({ n: z.number() }),
    }),
    bare: stream(undefined, { item: type<string>() }),
  },
});

describe("a stream of a contract", () => {
  it("is checked at its receiver: the input at the server, items and the end at the client", async () => {
    const { io, url, errors } = await serve();
    const http = createServer();
    const typed = new Server(http, { contract: described });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    ends.push(() => typed.close());
    void io;
    void errors;
    void url;
    typed.stream("ask", async function* ({ to }) {
      for (let n = 1; n <= to; n++) yield String(n);
      return { n: to };
    });
    typed.stream("bare", async function* () {
      yield 5 as never;
    });
    const client = dial(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
      forceNew: true,
      contract: described,
      extend: [streams],
    });
    ends.push(() => client.disconnect());
    const asked = client.stream("ask", { to: "3" });
    expect(await all(asked)).toEqual([1, 2, 3]);
    expect(await asked.end).toEqual({ n: 3 });
    await expect(all(client.stream("ask", { to: "x" }))).rejects.toMatchObject({ code: "ERR_INVALID" });
    await expect(all(client.stream("none" as "ask", { to: 1 }))).rejects.toMatchObject({
      code: "ERR_UNHANDLED",
    });
  });
});
