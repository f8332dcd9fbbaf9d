import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { Server, type ServerOptions } from "@sockeye/server";
import { attach as attachEngine } from "@sockeye/server/engine";
import { describe, expect, it, vi } from "vitest";
import { watchWarnings } from "../../../test/support/warnings.js";
import { dial, join, roundTrip, serve, standing } from "./site.js";

const warned = watchWarnings();

function ask(port: number, headers: IncomingHttpHeaders, query = "EIO=4&transport=polling"): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: `/socket.io/?${query}`, headers }, (res) => {
      res.resume().once("end", () => resolve(res.statusCode ?? 0));
    })
      .once("error", reject)
      .end();
  });
}

const VITE = "http://localhost:5173";

describe("a page that is refused for its origin", () => {
  it.each<[options: ServerOptions, advice: string]>([
    [{}, `new Server(http, { cors: { origin: "${VITE}" } })`],
    [{ cors: { methods: "GET", origin: [] } }, `new Server(http, { cors: { origin: ["${VITE}"] } })`],
    [
      { cors: { origin: "https://a.example" } },
      `new Server(http, { cors: { origin: ["https://a.example", "${VITE}"] } })`,
    ],
    [
      { cors: { origin: ["https://a.example", /b/] } },
      `new Server(http, { cors: { origin: ["https://a.example", /b/, "${VITE}"] } })`,
    ],
    [{ cors: { origin: (_, done) => done(null, false) } }, "the function in the option cors must allow it"],
  ])("with %o is told how to be let in", async (options, advice) => {
    const { port } = await serve(options);
    const headers = { origin: VITE, host: "localhost:3000" };
    expect(await ask(port, headers)).toBe(403);
    expect(await ask(port, headers)).toBe(403);
    expect(await warned()).toEqual([
      {
        code: "SOCKEYE_ORIGIN_REFUSED",
        message: `Sockeye refused a page of ${VITE} (this server is localhost:3000). To let it in: ${advice}`,
      },
    ]);
  });

  it("that loads scripts needs another option", async () => {
    const { port } = await serve({ transports: ["polling", "jsonp"] });
    const headers = { referer: "http://localhost:5173/page", host: "localhost:3000" };
    expect(await ask(port, headers, "EIO=4&transport=polling&j=0")).toBe(403);
    expect((await warned()).map(({ message }) => message)).toEqual([
      expect.stringContaining(`To let it in: new Server(http, { origins: ["${VITE}"] })`),
    ]);
  });

  it("is one of few that are told, and cannot forge a line", async () => {
    const { port } = await serve();
    for (let index = 0; index < 30; index++) await ask(port, { origin: `http://evil${index}` });
    const { port: other } = await serve();
    await ask(other, { origin: 'http://evil", x\u00ad' });
    const messages = (await warned()).map(({ message }) => message);
    expect(messages).toHaveLength(21);
    expect(messages.at(-1)).toContain('a page of http://evil\\", x\\u00ad (this');
  });

  it("is not told in production", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const { port } = await serve();
    expect(await ask(port, { origin: VITE })).toBe(403);
    expect(await warned()).toEqual([]);
    vi.unstubAllEnvs();
  });
});

it("a limit that was hit is told once", async () => {
  const site = await serve({ limits: { maxNamespacesPerConnection: 1 } });
  site.io.of("/a");
  for (const where of ["/a", "/b"]) {
    const client = dial(site, "/", { forceNew: true });
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    const second = client.io.socket(where, {});
    second.connect();
    await new Promise<void>((resolve) => second.once("connect_error", () => resolve()));
  }
  expect(await warned()).toEqual([
    {
      code: "SOCKEYE_LIMIT",
      message: expect.stringMatching(
        /^A client at \S*127\.0\.0\.1 has hit the limit maxNamespacesPerConnection \(ERR_TOO_MANY_NAMESPACES: .*limits: \{ maxNamespacesPerConnection: … \}/,
      ),
    },
  ]);
});

describe("a mistake of the app that shows as nothing happening", () => {
  it("a listener on io for what sockets get", async () => {
    const site = await serve();
    for (const name of ["chat message", "error"]) site.io.on(name as "error", () => {});
    const { client, socket } = await join(site);
    for (const name of ["chat message", "chat message", "error", "unknown"]) client.emit(name);
    await roundTrip(client, socket);
    expect(await warned()).toEqual([
      {
        code: "SOCKEYE_UNHEARD_EVENT",
        message:
          'A client has sent "chat message", which io listens for and its socket does not. Listen on the socket: io.on("connection", (socket) => socket.on("chat message", …))',
      },
    ]);
  });

  it("rooms without a name", async () => {
    const site = await serve();
    const { socket } = await join(site);
    const nothing = undefined as unknown as string;
    for (const room of [nothing, null as unknown as string, [nothing]]) {
      site.io.to(room).emit("x");
      socket.except(room).emit("x");
      socket.join(room as string[]);
    }
    site.io.to("room").emit("x");
    const messages = (await warned()).map(({ message }) => message);
    expect(messages).toEqual(
      ["to", "except", "join"].map(
        (call) => `Sockeye: ${call}(undefined) names no room. Look where the name should have come from`,
      ),
    );
  });

  it("a middleware that never calls next", async () => {
    const site = await serve({ connectTimeout: 50 });
    site.io.use((_socket, next) => next());
    site.io.use(function forgetful(_socket, _next) {});
    const client = dial(site);
    await new Promise<void>((resolve) => client.io.once("close", () => resolve()));
    client.disconnect();
    expect(await warned()).toEqual([
      {
        code: "SOCKEYE_NO_NEXT",
        message:
          "A client was given up after connectTimeout: middleware 2 (forgetful) of namespace / has neither called next() nor refused it",
      },
    ]);
  });

  it("headers that HTTP does not allow", async () => {
    const site = await serve();
    for (const event of ["initial_headers", "headers"] as const) {
      site.io.engine.on(event, (headers) => {
        headers["x-user"] = "Zoë\nŁ";
        headers["x-good"] = "1";
      });
    }
    for (let count = 0; count < 2; count++) expect(await ask(site.port, {})).toBe(200);
    expect((await warned()).map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringContaining(
        'SOCKEYE_BAD_HEADER The header "x-user", set in "headers" or "initial_headers"',
      ),
    ]);
  });

  it("a framework on the server after us", async () => {
    const site = await serve();
    site.http.on("request", (_req, res) => {
      if (!res.headersSent) res.writeHead(404).end();
    });
    expect(await ask(site.port, {})).toBe(404);
    expect((await warned()).map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringContaining('SOCKEYE_ROUTES_OVER A listener for "request" that was added after Sockeye'),
    ]);
  });

  it("two servers at one path of an HTTP server", async () => {
    const http = createServer();
    const first = new Server(http);
    new Server(http, { path: "/other" });
    expect(await warned()).toEqual([]);
    const last = new Server(http);
    expect((await warned()).map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(
        /^SOCKEYE_TWO_SERVERS Two .* at "\/socket\.io": the last one gets all new clients/,
      ),
    ]);
    const site = await standing(last, http);
    for (const transports of [["websocket"], ["polling"]]) await join(site, "/", { transports });
    expect([first.engine.clientsCount, last.engine.clientsCount]).toEqual([0, 2]);
  });

  it("an engine on an HTTP server that has one at its path", async () => {
    const http = createServer();
    for (let count = 0; count < 2; count++) attachEngine(http);
    expect((await warned()).map(({ message }) => message)).toEqual([
      expect.stringContaining('at "/engine.io"'),
    ]);
  });

  it("and nothing of that where all is well", async () => {
    const site = await serve();
    site.http.on("request", () => {});
    site.io.use((_socket, next) => next());
    const { client, socket } = await join(site);
    await socket.join("room");
    await roundTrip(client, socket);
    expect(await ask(site.port, {})).toBe(200);
    expect(await warned()).toEqual([]);
  });
});
