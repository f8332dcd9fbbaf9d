import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Adapter, type ErrorContext, Server, type ServerOptions, UsageError } from "@sockeye/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { http as request } from "../../../test/support/rawsocket.js";
import { collect, once, until } from "../../../test/support/wait.js";
import { atEnd, dial, half, join, portOf, roundTrip, serve, standing } from "./site.js";

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).code;
  }
  return "nothing thrown";
}

describe("new Server", () => {
  it("lives on an HTTP server", async () => {
    const site = await serve();
    expect(site.io.httpServer).toBe(site.http);
    const { client } = await join(site);
    expect(client.connected).toBe(true);
  });

  it.each([0, "0"])(
    "makes an HTTP server of its own for the port %j, which answers 404 beside the engine",
    async (port) => {
      const io = new Server(port);
      const http = io.httpServer as ReturnType<typeof createServer>;
      const site = await standing(io, http);
      await join(site);
      expect((await request(site.port, { target: "/" })).status).toBe(404);
    },
  );

  it("takes options alone, and is attached later", async () => {
    const io = new Server({ path: "/own" });
    expect(io.httpServer).toBeUndefined();
    const http = createServer();
    expect(io.attach(http)).toBe(io);
    const site = await standing(io, http);
    const client = dial(site, "/", { path: "/own" });
    await once(client, "connect");
  });

  it("takes nothing, and undefined with options", () => {
    expect(new Server().path()).toBe("/socket.io");
    expect(new Server(undefined, { path: "/x" }).path()).toBe("/x");
  });

  it("listen is attach, with options of its own", async () => {
    const io = new Server({ serveClient: false });
    const http = createServer();
    io.listen(http, { path: "/late/" });
    const site = await standing(io, http);
    expect([io.path(), io.serveClient()]).toEqual(["/late", false]);
    await once(dial(site, "/", { path: "/late" }), "connect");
  });

  it("refuses an Express app, which is no server", () => {
    const app = (_req: IncomingMessage, res: ServerResponse): void => void res.end();
    expect(codeOf(() => new Server(app as never))).toBe("ERR_BAD_OPTION");
    expect(() => new Server(app as never)).toThrow(/createServer\(app\)/);
    expect(codeOf(() => new Server().attach(app as never))).toBe("ERR_BAD_OPTION");
  });

  const BAD: readonly (readonly [string, ServerOptions])[] = [
    ["pingInterval 0", { pingInterval: 0 }],
    ["pingTimeout negative", { pingTimeout: -1 }],
    ["upgradeTimeout no number", { upgradeTimeout: "10" as never }],
    ["maxHttpBufferSize NaN", { maxHttpBufferSize: Number.NaN }],
    ["a limit of 0", { limits: { maxAttachments: 0 } }],
    ["a limit that is text", { limits: { maxNamespacesPerConnection: "many" as never } }],
  ];
  it.each(BAD)("refuses a bad option: %s", (_, options) => {
    const http = createServer();
    expect(codeOf(() => new Server(http, options))).toBe("ERR_BAD_OPTION");
  });

  it.each(["x", "-1", "70000", 1.5, Number.NaN])("refuses the port %j", (port) => {
    expect(codeOf(() => new Server(port))).toBe("ERR_BAD_OPTION");
  });
});

describe("options as methods", () => {
  it("read and set, chainable", () => {
    const io = new Server();
    expect([io.path(), io.serveClient(), io.connectTimeout(), io.adapter()]).toEqual([
      "/socket.io",
      true,
      45_000,
      Adapter,
    ]);
    expect(io.path("/a/").serveClient(false).connectTimeout(5)).toBe(io);
    expect([io.path(), io.serveClient(), io.connectTimeout()]).toEqual(["/a", false, 5]);
    expect(io._opts).toMatchObject({ serveClient: false, connectTimeout: 5 });
  });

  it("do not write to the object that the app gave", () => {
    const given = Object.freeze({ path: "/x" });
    new Server(given).path("/y");
    expect(given.path).toBe("/x");
  });
});

describe("beside an app's routes", () => {
  it.each(["before", "after"])("leaves them alone that were there %s it", async (when) => {
    const http = createServer();
    const route = (req: IncomingMessage, res: ServerResponse): void => {
      if (!req.url?.startsWith("/socket.io/")) res.end(`route ${req.url}`);
    };
    if (when === "before") http.on("request", route);
    const io = new Server(http);
    if (when === "after") http.on("request", route);
    const site = await standing(io, http);
    expect((await request(site.port, { target: "/app" })).body).toBe("route /app");
    await join(site);
  });

  it("gives the server back when it closes", async () => {
    const http = createServer((_req, res) => res.end("route"));
    const port = await portOf(http);
    atEnd(() => http.close());
    const io = new Server();
    io.attach(http);
    expect((await request(port, { target: "/socket.io/" })).status).toBe(400);
    const closing = io.close();
    expect(http.listeners("request")).toHaveLength(1);
    await closing;
  });
});

describe("adapters", () => {
  class Own extends Adapter {
    closed = 0;
    override close(): void {
      this.closed += 1;
    }
  }

  function make(nsp: ConstructorParameters<typeof Adapter>[0]): Adapter {
    return new Own(nsp);
  }

  it.each([
    ["a class", Own],
    ["a function", make],
    ["an arrow function", (nsp: ConstructorParameters<typeof Adapter>[0]) => new Own(nsp)],
  ])("may be given as %s", async (_, adapter) => {
    const io = new Server({ adapter });
    expect(io.adapter()).toBe(adapter);
    expect(io.sockets.adapter).toBeInstanceOf(Own);
    expect(io.of("/x").adapter).toBeInstanceOf(Own);
    expect(io.of("/x").adapter).not.toBe(io.sockets.adapter);
    expect(io.of("/x").adapter).toBe(io.of("/x").adapter);
    expect(io.of("/x").adapter.nsp.name).toBe("/x");
    await io.close();
    expect((io.sockets.adapter as Own).closed).toBe(1);
  });

  it("can be set later, for namespaces that exist and those to come", () => {
    const io = new Server();
    const before = io.of("/x").adapter;
    expect(io.adapter(Own)).toBe(io);
    expect(io.of("/x").adapter).toBeInstanceOf(Own);
    expect(io.of("/x").adapter).not.toBe(before);
    expect(io.of("/y").adapter).toBeInstanceOf(Own);
  });

  it("that fail when a client leaves are reported, and harm nobody", async () => {
    class Failing extends Adapter {
      override delAll(): void {
        throw new Error("no broker");
      }
    }
    const site = await serve({ adapter: Failing });
    const failed = once(site.io as never, "error");
    const { client, socket } = await join(site);
    const gone = once(socket, "disconnect");
    client.disconnect();
    expect((await gone)[0]).toBe("client namespace disconnect");
    expect((await failed)[0]).toMatchObject({ message: "no broker" });
    expect((await join(site)).client.connected).toBe(true);
  });

  it("that fail to begin are reported", async () => {
    class Failing extends Adapter {
      override init(): Promise<void> {
        return Promise.reject(new Error("no broker"));
      }
    }
    const io = new Server({ adapter: Failing });
    const failed = new Promise<unknown>((resolve) => {
      io.on("error", (error, { namespace }) => {
        if (namespace === "/x") resolve(error);
      });
    });
    expect(io.of("/x").adapter).toBeInstanceOf(Failing);
    expect(await failed).toMatchObject({ message: "no broker" });
  });
});

it("options that come with attach() hold, limits among them, and close() ends every server", async () => {
  const io = new Server({ maxHttpBufferSize: 1000 });
  const [one, two] = [createServer(), createServer()];
  await Promise.all([one, two].map((http) => new Promise<void>((resolve) => http.listen(0, resolve))));
  io.attach(one);
  io.attach(two, { maxHttpBufferSize: 5000, limits: { maxJsonDepth: 7 } });
  expect([io.limits.maxMessageBytes, io.limits.maxJsonDepth]).toEqual([5000, 7]);
  expect(() => io.attach(two, { pingInterval: -1 })).toThrow(
    expect.objectContaining({ code: "ERR_BAD_OPTION" }),
  );
  const asked = await Promise.all(
    [one, two].map(async (http) => {
      const { port } = http.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`);
      return JSON.parse((await answer.text()).slice(1)).maxPayload as number;
    }),
  );
  expect(asked).toEqual([1000, 5000]);
  await io.close();
  expect([one.listening, two.listening]).toEqual([false, false]);
});

it("an engine that has not begun takes the options of attach(), and keeps what the app has put on it", async () => {
  const io = new Server({ maxHttpBufferSize: 1000 });
  const { engine } = io;
  const seen: unknown[] = [];
  engine.use((req: IncomingMessage, _res: ServerResponse, next: () => void) => {
    seen.push(`${req.method}`);
    next();
  });
  engine.on("connection", () => seen.push("connection"));
  const one = createServer();
  io.attach(one, { maxHttpBufferSize: 5000, pingInterval: 7000 });
  expect(io.engine).toBe(engine);
  expect(engine.opts).toMatchObject({ maxHttpBufferSize: 5000, pingInterval: 7000 });
  const site = await standing(io, one);
  const { body } = await request(site.port, { target: "/socket.io/?EIO=4&transport=polling" });
  expect(JSON.parse(body.slice(1))).toMatchObject({ maxPayload: 5000, pingInterval: 7000 });
  expect(seen).toEqual(["GET", "connection"]);
  // One that is at work keeps its own.
  io.attach(createServer(), { maxHttpBufferSize: 6000 });
  expect(io.engine).not.toBe(engine);
  expect(engine.opts.maxHttpBufferSize).toBe(5000);
});

it("an engine that an app has attached by itself keeps its options", async () => {
  const io = new Server({ maxHttpBufferSize: 1000 });
  const { engine } = io;
  engine.attach(createServer());
  expect(io.attach(createServer(), { maxHttpBufferSize: 5000 }).engine).not.toBe(engine);
  expect(engine.opts.maxHttpBufferSize).toBe(1000);
  engine.close();
  await io.close();
});

describe("close", () => {
  it("tells everybody, calls back, resolves, and ends the HTTP server", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    const [gone, left] = [once(socket, "disconnect"), once(client, "disconnect")];
    const called: unknown[] = [];
    await site.io.close((error) => called.push(error));
    expect(called).toEqual([undefined]);
    expect((await gone)[0]).toBe("server shutting down");
    expect((await left)[0]).toMatch(/^(transport close|io server disconnect)$/);
    expect(site.http.listening).toBe(false);
    expect(site.io.engine.clientsCount).toBe(0);
    expect(site.io.sockets.sockets.size).toBe(0);
  });

  it.each(["websocket", "polling"])("does not wait long for a client on %s", async (transport) => {
    const site = await serve();
    await join(site, "/", { transports: [transport] });
    const start = Date.now();
    await site.io.close();
    expect(Date.now() - start).toBeLessThan(2000);
  });

  it("is harmless if nothing runs, or twice", async () => {
    const called: unknown[] = [];
    await new Server().close((error) => called.push(error));
    const http = createServer();
    await new Server(http).close((error) => called.push(error));
    const site = await serve();
    await site.io.close();
    await site.io.close((error) => called.push(error));
    expect(called).toEqual([
      undefined,
      // Node says so of an HTTP server that never listened.
      expect.objectContaining({ code: "ERR_SERVER_NOT_RUNNING" }),
      undefined,
    ]);
  });

  it("may be followed by a new beginning", async () => {
    const site = await serve();
    await site.io.close();
    const http = createServer();
    site.io.attach(http);
    const again = await standing(site.io, http);
    const { client } = await join(again);
    expect(client.connected).toBe(true);
  });
});

describe("connectTimeout", () => {
  it("ends a connection that joins nothing", async () => {
    const site = await serve({ connectTimeout: 250 });
    site.io.use(() => {
      // Neither lets in nor refuses.
    });
    site.io.use((_socket, _next) => {});
    const client = dial(site);
    const engine = await new Promise<{ on(event: string, listener: (reason: string) => void): void }>(
      (resolve) => client.io.once("open", () => resolve(client.io.engine as never)),
    );
    const reason = await new Promise((resolve) => engine.on("close", resolve));
    expect(reason).toBe("transport close");
    await until(() => site.io.engine.clientsCount === 0, "the connection to be forgotten");
  });

  it.each([Number.POSITIVE_INFINITY, 1e12])("may be as long as %d", async (connectTimeout) => {
    const site = await serve({ connectTimeout });
    site.io.use((_socket, next) => setTimeout(next, 60));
    const { client } = await join(site);
    expect(client.connected).toBe(true);
  });
});

describe("an error of the app's code", () => {
  const boom = new Error("boom");
  const printed = vi.spyOn(console, "error");
  afterEach(() => printed.mockReset());

  const HANDLERS: readonly (readonly [string, () => unknown])[] = [
    [
      "throws",
      () => {
        throw boom;
      },
    ],
    ["rejects", () => Promise.reject(boom)],
  ];

  it.each(HANDLERS)(
    "goes to the error event of the server with its context: the handler %s",
    async (_, fail) => {
      const site = await serve();
      site.io.of("/x");
      const failed = collect(site.io as never, "error", 1);
      const { client, socket } = await join(site, "/x");
      socket.on("save", fail);
      client.emit("save");
      expect(await failed).toEqual([[boom, { event: "save", namespace: "/x", socketId: socket.id }]]);
      await roundTrip(client, socket);
      expect(client.connected).toBe(true);
    },
  );

  it.each(HANDLERS)("of a connection listener that %s goes there, too", async (_, fail) => {
    const site = await serve();
    site.io.on("connection", fail as () => void);
    const failed = once(site.io as never, "error");
    const { client } = await join(site);
    expect(await failed).toEqual([boom, { event: "connection", namespace: "/", socketId: undefined }]);
    expect(client.connected).toBe(true);
  });

  it("is printed if nobody listens", async () => {
    printed.mockImplementation(() => {});
    const site = await serve();
    const { client, socket } = await join(site);
    socket.on("save", () => {
      throw boom;
    });
    client.emit("save");
    await roundTrip(client, socket);
    expect(printed).toHaveBeenCalledTimes(1);
    expect(printed.mock.calls[0]?.join(" ")).toContain("save");
    expect(printed.mock.calls[0]).toContain(boom);
  });

  it.each(HANDLERS)(
    "of the error listener itself, which %s, is printed and goes no further",
    async (_, fail) => {
      printed.mockImplementation(() => {});
      const site = await serve();
      let calls = 0;
      site.io.on("error", () => {
        calls += 1;
        return fail() as never;
      });
      const { client, socket } = await join(site);
      socket.on("save", () => {
        throw new Error("first");
      });
      client.emit("save");
      await roundTrip(client, socket);
      expect(calls).toBe(1);
      expect(printed).toHaveBeenCalledTimes(1);
      expect(printed.mock.calls[0]).toContain(boom);
    },
  );

  it.each([
    ["disconnecting", "disconnecting"],
    ["disconnect", "disconnect"],
  ] as const)("of a %s listener stops nothing of the end", async (_, event) => {
    const site = await serve();
    const errors: ErrorContext[] = [];
    site.io.on("error", (_error, context) => errors.push(context));
    const { socket } = await join(site);
    socket.on(event, () => {
      throw boom;
    });
    const rest = new Promise((resolve) => socket.on("disconnect", resolve));
    socket.disconnect();
    expect(await rest).toBe("server namespace disconnect");
    expect(errors.map((context) => context.event)).toEqual([event]);
    expect(site.io.sockets.sockets.size).toBe(0);
  });

  it("of an acknowledgement callback goes there, for a socket and for a broadcast", async () => {
    const site = await serve();
    const failed = collect(site.io as never, "error", 3);
    const { client, socket } = await join(site);
    client.on("ask", (back: () => void) => back());
    const fail = (): void => {
      throw boom;
    };
    socket.emit("ask", fail);
    socket.timeout(1000).emit("ask", fail);
    site.io.timeout(1000).emit("ask", fail);
    const errors = await failed;
    expect(errors.map(([error]) => error)).toEqual([boom, boom, boom]);
    expect(errors.map(([, context]) => (context as ErrorContext).event)).toEqual(["ask", "ask", "ask"]);
    await roundTrip(client, socket);
  });
});

describe("the main namespace", () => {
  it("is what the server's own methods mean", async () => {
    const site = await serve();
    const { io } = site;
    expect(io.sockets).toBe(io.of("/"));
    expect(io.of("")).toBe(io.sockets);
    const listener = (): void => {};
    expect(io.on("connection", listener)).toBe(io);
    expect(io.sockets.listeners("connection")).toEqual([listener]);
    expect(io.listenerCount("connection")).toBe(1);
    expect(io.eventNames()).toEqual(["connection"]);
    expect(io.off("connection", listener).listeners("connection")).toEqual([]);
    const seen: unknown[] = [];
    io.once("connection", () => seen.push("once"));
    io.prependListener("connect", () => seen.push("connect"));
    const first = await join(site);
    await join(site);
    expect(seen).toEqual(["connect", "once", "connect"]);
    const got = collect(first.client as never, "message", 2);
    expect(io.send("a")).toBe(io);
    expect(io.write("b", 1)).toBe(io);
    expect(await got).toEqual([["a"], ["b", 1]]);
  });

  it("emits to clients, never to its own listeners", async () => {
    const { io } = await serve();
    let heard = 0;
    io.on("news", () => heard++);
    expect(io.emit("news")).toBe(true);
    expect(heard).toBe(0);
  });
});

describe("stock clients", () => {
  it.each([["websocket"], ["polling"], ["polling", "websocket"]].map((transports) => [transports]))(
    "talk over %j: text, binary, acknowledgements, rooms",
    async (transports) => {
      const site = await serve();
      const client = dial(site, "/", { transports });
      const socket = await half(site, client);
      socket.on("echo", (...args: unknown[]) => (args.pop() as (...back: unknown[]) => void)(...args));
      expect(await client.emitWithAck("echo", { a: ["ü", null] })).toEqual({ a: ["ü", null] });
      const bytes = (await client.emitWithAck("echo", Buffer.from([1, 2, 3]))) as Uint8Array;
      expect([...bytes]).toEqual([1, 2, 3]);
      socket.join("room");
      const news = once(client as never, "news");
      site.io.to("room").emit("news", 1, Buffer.from([4]));
      expect(await news).toEqual([1, Buffer.from([4])]);
      if (transports.length === 2) {
        if (!socket.conn.upgraded) await once(socket.conn as never, "upgrade");
        expect(await client.emitWithAck("echo", "after")).toBe("after");
      }
      const gone = once(socket, "disconnect");
      client.disconnect();
      expect((await gone)[0]).toBe("client namespace disconnect");
      await until(() => site.io.engine.clientsCount === 0, "the connection to be forgotten");
    },
  );
});
