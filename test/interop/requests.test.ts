import { channel } from "node:diagnostics_channel";
import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Server, Socket } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import { loadServer, type ServerName } from "../support/servers.js";
import { once } from "../support/wait.js";
import { dial } from "./differ.js";

// What apps read from requests, and what they put there, is found again at the socket: the same on both servers.

const SERVERS: readonly ServerName[] = ["socket.io 4", "sockeye"];
const TRANSPORTS = ["websocket", "polling"] as const;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Way {
  readonly options?: object;
  readonly prepare?: (io: Server, http: HttpServer) => void;
}

/** The server's socket of a client that has come with a token in its query. */
async function arrive(
  server: ServerName,
  transport: (typeof TRANSPORTS)[number],
  { options = {}, prepare }: Way,
): Promise<{ socket: Socket; io: Server }> {
  const { Server } = await loadServer(server);
  const http = createServer();
  const io = new Server(http, options) as Server;
  ends.push(() => {
    http.closeAllConnections();
    void io.close();
  });
  prepare?.(io, http);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const connected: Promise<unknown[]> = once(io as never, "connection");
  const { port } = http.address() as AddressInfo;
  await dial({ url: `http://127.0.0.1:${port}` } as never, "socket.io-client 4", {
    transports: [transport],
    query: { token: "t", "a b": "c&d" },
  });
  const [socket] = (await connected) as [Socket];
  return { socket, io };
}

interface Query {
  token: string;
  mine: string;
  user: string;
  other: string;
}
type Queried = IncomingMessage & { _query: Partial<Query> };

const WAYS: Record<string, Way> = {
  nothing: {},
  "io.engine.use": {
    prepare: (io) => io.engine.use((_req: unknown, _res: unknown, next: () => void) => next()),
  },
  allowRequest: {
    options: { allowRequest: (_req: unknown, answer: (e: null, yes: boolean) => void) => answer(null, true) },
  },
  cors: { options: { cors: { origin: "*" } } },
  "a listener of headers": { prepare: (io) => io.engine.on("initial_headers", () => {}) },
  "a listener of connections": { prepare: (io) => io.engine.on("connection", () => {}) },
};

describe.each(SERVERS)("%s", (server) => {
  describe.each(TRANSPORTS)("by %s", (transport) => {
    it.each(Object.entries(WAYS))("request._query is the query, with %s", async (_, way) => {
      const { socket } = await arrive(server, transport, way);
      const request = socket.request as Queried;
      expect(request._query).toMatchObject({ token: "t", "a b": "c&d", EIO: "4", transport });
      expect(Object.hasOwn(request._query, "token")).toBe(true);
      expect({ ...socket.handshake.query }).toEqual({ ...request._query });
      expect((socket.conn.request as Queried)._query.token).toBe("t");
      request._query.mine = "m";
      expect((socket.request as Queried)._query.mine).toBe("m");
      request._query = { other: "o" };
      expect((socket.request as Queried)._query).toEqual({ other: "o" });
    });

    it("request._query is there for each hook", async () => {
      const seen = new Set<string>();
      const note = (name: string, req: unknown): void => {
        if ((req as Queried)._query?.token === "t") seen.add(name);
      };
      await arrive(server, transport, {
        options: {
          allowRequest: (req: unknown, answer: (e: null, yes: boolean) => void) => {
            note("allowRequest", req);
            answer(null, true);
          },
        },
        prepare: (io) => {
          io.engine.use((req: unknown, _res: unknown, next: () => void) => {
            note("use", req);
            next();
          });
          io.engine.on("initial_headers", (_headers: unknown, req: unknown) => note("initial_headers", req));
          io.engine.on("headers", (_headers: unknown, req: unknown) => note("headers", req));
          const { generateId } = io.engine;
          io.engine.generateId = (req: never) => {
            note("generateId", req);
            return generateId.call(io.engine, req);
          };
        },
      });
      expect([...seen].sort()).toEqual(["allowRequest", "generateId", "headers", "initial_headers", "use"]);
    });

    it("what a hook writes into the query shows in the handshake", async () => {
      const { socket } = await arrive(server, transport, {
        prepare: (io) =>
          io.engine.use((req: Queried, _res: unknown, next: () => void) => {
            req._query.user = "ann";
            next();
          }),
      });
      expect(socket.handshake.query["user"]).toBe("ann");
    });

    const key = Symbol("key");
    const KEPT: Record<string, (req: IncomingMessage) => (found: IncomingMessage) => unknown> = {
      "a property": (req) => {
        Object.assign(req, { user: "ann" });
        return (found) => (found as { user?: string }).user;
      },
      "a symbol": (req) => {
        Object.assign(req, { [key]: "ann" });
        return (found) => (found as { [key]?: string })[key];
      },
      defineProperty: (req) => {
        Object.defineProperty(req, "user", { value: "ann" });
        return (found) => (found as { user?: string }).user;
      },
      "a WeakMap": (req) => {
        const users = new WeakMap([[req, "ann"]]);
        return (found) => users.get(found);
      },
      "a property that is set later": (req) => {
        setImmediate(() => setImmediate(() => Object.assign(req, { user: "ann" })));
        return (found) => (found as { user?: string }).user;
      },
      "a changed header": (req) => {
        req.headers["x-user"] = "ann";
        return (found) => found.headers["x-user"];
      },
    };
    const HOOKS: Record<string, (io: Server, http: HttpServer, see: (req: IncomingMessage) => void) => void> =
      {
        "http.prependListener": (_io, http, see) => {
          http.prependListener("request", see);
          http.prependListener("upgrade", see);
        },
        "http.on": (_io, http, see) => {
          http.on("upgrade", see);
          http.on("request", see);
        },
        "http.emit": (_io, http, see) => {
          const { emit } = http;
          http.emit = function (this: HttpServer, ...args: [string]) {
            if (args[0] === "request" || args[0] === "upgrade")
              see((args as unknown[])[1] as IncomingMessage);
            return (emit as (...args: unknown[]) => boolean).apply(this, args);
          };
        },
        "io.engine.use": (io, _http, see) => {
          io.engine.use((req: IncomingMessage, _res: unknown, next: () => void) => {
            see(req);
            next();
          });
        },
        "io.engine.generateId": (io, _http, see) => {
          const { generateId } = io.engine;
          io.engine.generateId = (req: never) => {
            see(req);
            return generateId.call(io.engine, req);
          };
        },
        initial_headers: (io, _http, see) => {
          io.engine.on("initial_headers", (_headers: unknown, req: IncomingMessage) => see(req));
        },
      };
    describe.each(Object.entries(HOOKS))("what %s puts on the request is kept", (_, hook) => {
      it.each(Object.entries(KEPT))("%s", async (_name, put) => {
        let find: ((found: IncomingMessage) => unknown) | undefined;
        const { socket } = await arrive(server, transport, {
          prepare: (io, http) =>
            hook(io, http, (req) => {
              // The first is the handshake.
              if (!req.url?.includes("sid=")) find ??= put(req);
            }),
        });
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(find?.(socket.request)).toBe("ann");
        expect(find?.(socket.conn.request)).toBe("ann");
      });
    });
  });
});

it("what a subscriber of Node's own channel has seen is kept", async () => {
  const seen = new WeakSet<object>();
  const started = channel("http.server.request.start");
  const see = (message: unknown): unknown => seen.add((message as { request: object }).request);
  started.subscribe(see);
  try {
    const { socket } = await arrive("sockeye", "polling", {});
    expect(seen.has(socket.request)).toBe(true);
  } finally {
    started.unsubscribe(see);
  }
});
