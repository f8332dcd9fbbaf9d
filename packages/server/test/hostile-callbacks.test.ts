import { Adapter } from "@sockeye/adapter";
import { REPORT } from "@sockeye/protocol";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { turn, until } from "../../../test/support/wait.js";
import { Server, type ServerOptions, type Socket } from "../src/index.js";
import { dial, join, roundTrip, type Site, serve } from "./site.js";

// Every place where code of the app runs, and everything that it may throw: nothing gets out, and the others go on.

const hostile = new Proxy(
  {},
  {
    get: () => {
      throw new Error("get");
    },
    getPrototypeOf: () => {
      throw new Error("getPrototypeOf");
    },
    has: () => {
      throw new Error("has");
    },
    ownKeys: () => {
      throw new Error("ownKeys");
    },
  },
);

const THROWN: readonly (readonly [name: string, value: unknown])[] = [
  ["an error", new Error("boom")],
  ["undefined", undefined],
  ["null", null],
  ["a text", "boom"],
  ["a symbol", Symbol("boom")],
  ["an object without a prototype", Object.create(null)],
  [
    "an error whose getters throw",
    Object.create(Error.prototype, {
      message: {
        get: () => {
          throw new Error("message");
        },
      },
      stack: {
        get: () => {
          throw new Error("stack");
        },
      },
      data: {
        get: () => {
          throw new Error("data");
        },
      },
    }),
  ],
  [
    "an object that cannot be shown",
    {
      [Symbol.for("nodejs.util.inspect.custom")]: () => {
        throw new Error("inspect");
      },
      toString: () => {
        throw new Error("toString");
      },
    },
  ],
  ["a proxy all of whose traps throw", hostile],
];

/** Ways to fail. */
type Fail = () => unknown;

const WAYS: readonly (readonly [name: string, make: (value: unknown) => Fail])[] = [
  [
    "thrown",
    (value) => () => {
      throw value;
    },
  ],
  ["as a rejection", (value) => () => Promise.reject(value)],
  [
    "by a promise whose `then` throws",
    (value) => () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is the attack
      then: () => {
        throw value;
      },
    }),
  ],
  [
    "by a `then` that cannot be read",
    (value) => () =>
      // biome-ignore lint/suspicious/noThenProperty: that is the attack
      Object.defineProperty({}, "then", {
        get: () => {
          throw value;
        },
      }),
  ],
];

interface Place {
  readonly name: string;
  /** It is called by code of the app that knows of no promises. */
  readonly sync?: true;
  readonly options?: (fail: Fail) => ServerOptions;
  readonly prepare?: (io: Server, fail: Fail) => void;
  /** What makes the app's code run, beside a client that joins and emits. */
  readonly act?: (io: Server, socket: Socket | undefined, fail: Fail) => unknown;
  /** The namespace, or its address, that the bad client asks for. */
  readonly where?: string;
}

const PLACES: readonly Place[] = [
  { name: "a handler", prepare: (io, fail) => io.on("connection", (s) => s.on("hi", fail as () => void)) },
  { name: "a handler of connection", prepare: (io, fail) => io.on("connection", fail as () => void) },
  {
    name: "a handler of disconnect",
    prepare: (io, fail) => io.on("connection", (s) => s.on("disconnect", fail as () => void)),
  },
  { name: "onAny", prepare: (io, fail) => io.on("connection", (s) => s.onAny(fail as () => void)) },
  {
    name: "onAnyOutgoing",
    prepare: (io, fail) => io.on("connection", (s) => s.onAnyOutgoing(fail as () => void)),
    act: (_io, socket) => socket?.emit("out"),
  },
  {
    name: "socket.use",
    prepare: (io, fail) => io.on("connection", (s) => s.use((_event, next) => fail() ?? next())),
  },
  {
    name: "socket.use, by next",
    sync: true,
    prepare: (io, fail) =>
      io.on("connection", (s) =>
        s.use((_event, next) => {
          try {
            fail();
          } catch (error) {
            next(error as Error);
          }
        }),
      ),
  },
  {
    name: "a middleware",
    prepare: (io, fail) => io.of("/bad").use((_socket, next) => fail() ?? next()),
    where: "/bad",
  },
  {
    name: "a middleware, by next",
    sync: true,
    prepare: (io, fail) =>
      io.of("/bad").use((_socket, next) => {
        try {
          fail();
        } catch (error) {
          next(error as Error);
        }
      }),
    where: "/bad",
  },
  {
    name: "the function of a dynamic namespace",
    prepare: (io, fail) => io.of(() => fail() as never),
    where: "/dynamic",
  },
  {
    name: "new_namespace",
    prepare: (io, fail) => io.on("new_namespace" as never, fail as never),
    act: (io) => io.of("/another"),
  },
  { name: "allowRequest", options: (fail) => ({ allowRequest: (_req, done) => fail() ?? done(null, true) }) },
  {
    name: "clientAddress",
    options: (fail) => ({ clientAddress: fail as never, limits: { maxSessionsPerAddress: 99 } }),
  },
  {
    name: "cors, a delegate",
    options: (fail) => ({
      cors: ((_req: unknown, done: (error: null, options: object) => void) =>
        fail() ?? done(null, {})) as never,
    }),
  },
  {
    name: "cors, an origin",
    options: (fail) => ({
      cors: {
        origin: ((_origin: unknown, done: (error: null, allow: boolean) => void) =>
          fail() ?? done(null, true)) as never,
      },
    }),
  },
  {
    name: "a middleware of the engine",
    prepare: (io, fail) => io.engine.use((_req, _res, next) => fail() ?? next()),
  },
  {
    name: "generateId",
    prepare: (io, fail) => {
      io.engine.generateId = fail as never;
    },
  },
  ...(["connection", "initial_headers", "headers", "connection_error", "flush", "drain"] as const).map(
    (event): Place => ({
      name: `the engine's ${event}`,
      prepare: (io, fail) => io.engine.on(event, fail as never),
      act: (io) => fetch(`http://127.0.0.1:${portOfServer(io)}/socket.io/?EIO=4&transport=none`),
    }),
  ),
  ...(["packet", "data", "message", "packetCreate", "flush", "drain", "close", "heartbeat"] as const).map(
    (event): Place => ({
      name: `the connection's ${event}`,
      prepare: (io, fail) => io.on("connection", (s) => s.conn.on(event, fail as never)),
    }),
  ),
  {
    name: "an acknowledgement of the client",
    act: (_io, socket, fail) => socket?.emit("ask", fail),
  },
  {
    name: "the acknowledgement of a broadcast",
    act: (io, _socket, fail) => io.timeout(50).emit("ask", fail as never),
  },
  {
    name: "an acknowledgement that times out",
    act: (_io, socket, fail) => socket?.timeout(1).emit("nobody answers", fail as never),
  },
  {
    name: "the adapter's delAll",
    sync: true,
    options: (fail) => ({
      adapter: class extends Adapter {
        override delAll(id: string): void {
          super.delAll(id);
          fail();
        }
      } as never,
    }),
  },
  {
    name: "the adapter's init",
    options: (fail) => ({
      adapter: class extends Adapter {
        override init(): Promise<void> {
          return fail() as Promise<void>;
        }
      } as never,
    }),
  },
  {
    name: "the listener of error itself",
    prepare: (io, fail) => {
      io.on("error" as never, fail as never);
      io.on("connection", (s) => s.on("hi", fail as () => void));
    },
  },
];

function portOfServer(io: Server): number {
  return (io.httpServer.address() as { port: number }).port;
}

const escaped: unknown[] = [];
const onEscape = (error: unknown): void => void escaped.push(error);

describe.each(WAYS)("what is %s", (way, make) => {
  beforeAll(() => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    process.on("uncaughtException", onEscape);
    process.on("unhandledRejection", onEscape);
  });
  afterAll(() => {
    process.off("uncaughtException", onEscape);
    process.off("unhandledRejection", onEscape);
    vi.restoreAllMocks();
  });

  it.each(PLACES.filter(({ sync }) => sync !== true || way === "thrown"))(
    "by $name ends nothing, whatever it is",
    async (place) => {
      escaped.length = 0;
      let calls = 0;
      await attack(place, () => make(THROWN[calls++ % THROWN.length]?.[1])());
      expect(escaped).toEqual([]);
    },
  );
});

/** As many bad clients as there are things to throw. */
async function attack({ options, prepare, act, where = "/" }: Place, fail: Fail): Promise<void> {
  let armed = false;
  const failing: Fail = () => (armed ? fail() : undefined);
  const site: Site = await serve(options?.(failing) ?? {});
  const { io } = site;
  const good = await join(site);
  prepare?.(io, failing);
  armed = true;
  const bad = THROWN.map(() => dial(site, where, { transports: ["polling"] }));
  for (const client of bad) client.on("ask", (answer: () => void) => answer());
  const over = new Set<unknown>();
  for (const client of bad) {
    client.once("connect", () => over.add(client));
    client.once("connect_error", () => over.add(client));
  }
  // Some get no answer at all.
  const end = Date.now() + 60;
  while (over.size < bad.length && Date.now() < end) await turn();
  for (const client of bad) client.emit("hi");
  await act?.(io, io.of(where).sockets.get(bad[0]?.id ?? ""), failing);
  await turn();
  for (const client of bad) client.disconnect();
  await until(() => io.engine.clientsCount <= 1 || Date.now() > end + 200, "them to leave");
  armed = false;
  await roundTrip(good.client, good.socket);
}

it("prints what cannot be shown", () => {
  const print = vi.spyOn(console, "error").mockImplementation(() => {
    if (print.mock.lastCall?.[1] === hostile) throw new Error("inspect");
  });
  const io = new Server();
  expect(() => io.sockets[REPORT](hostile, "x")).not.toThrow();
  print.mockRestore();
});
