import { afterEach, describe, expect, it, vi } from "vitest";

// Platforms that have a part of what browsers have, or a part of such a part. Modules are loaded after the platform is there.

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.resetModules();
});

describe("a page of which only a part is there", () => {
  it.each<[what: string, globals: Record<string, unknown>]>([
    ["Cordova's navigator.connection", { navigator: { connection: { type: "wifi" } } }],
    ["a connection without a type", { navigator: { connection: {} } }],
    [
      "a navigator that throws",
      {
        navigator: {
          get connection(): unknown {
            throw new Error("denied");
          },
        },
      },
    ],
    ["no navigator", { navigator: undefined }],
    ["a navigator that is null", { navigator: null }],
    ["addEventListener that is none", { addEventListener: {} }],
    [
      "addEventListener that throws",
      {
        addEventListener: () => {
          throw new Error("not implemented");
        },
      },
    ],
    [
      "a window without a document",
      { addEventListener: (_: string, act: () => void) => act(), document: undefined },
    ],
    [
      "a document without anything",
      { addEventListener: (_: string, act: () => void) => act(), document: {} },
    ],
    ["a location without a protocol", { location: {} }],
  ])("%s: loads, connects and leaves", async (_what, globals) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const { FakeServer } = await import("./fake-server.js");
    const server = new FakeServer();
    server.window = 30_000;
    const socket = server.manager().socket("/");
    server.settle();
    expect(socket.connected).toBe(true);
    server.cut();
    server.clock.advance(2000);
    expect(socket.connected).toBe(true);
    socket.disconnect();
  });
});

describe("a transport that cannot even be made", () => {
  const broken = (transportName: string): never =>
    Object.assign(
      class {
        constructor() {
          throw new TypeError("AbortController is not defined");
        }
      },
      { transportName },
    ) as never;

  it.each<[what: string, options: object]>([
    ["alone", {}],
    ["with tryAllTransports", { tryAllTransports: true }],
    ["in a race", { race: { delayMs: 10 } }],
  ])("%s is a failed attempt, again and again", async (_what, options) => {
    const { FakeServer } = await import("./fake-server.js");
    const server = new FakeServer();
    const transports = [broken("websocket"), broken("polling")];
    const socket = server
      .manager({ transports, reconnectionDelay: 100, randomizationFactor: 0, ...options })
      .socket("/");
    const errors: Error[] = [];
    socket.on("connect_error", (error) => errors.push(error));
    const rest = async (): Promise<void> => {
      for (let turn = 0; turn < 9; turn++) {
        await Promise.resolve();
        server.settle();
      }
    };
    await rest();
    server.clock.advance(10);
    await rest();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      code: "ERR_TRANSPORT_OPEN",
      type: "TransportError",
      cause: new TypeError("AbortController is not defined"),
    });
    expect(socket.active).toBe(true);
    server.clock.advance(100);
    await rest();
    server.clock.advance(10);
    await rest();
    expect(errors).toHaveLength(2);
  });

  it("leaves its place to the next one", async () => {
    const { FakeServer } = await import("./fake-server.js");
    const server = new FakeServer();
    const transports = [broken("websocket"), ...server.transports("polling")];
    const socket = server.manager({ transports, race: true }).socket("/");
    await Promise.resolve();
    server.clock.advance(10);
    expect(socket.connected).toBe(true);
  });

  it("does not keep a session from coming back over another one", async () => {
    const { FakeServer } = await import("./fake-server.js");
    const server = new FakeServer();
    server.window = 30_000;
    const transports = server.transports("polling");
    const manager = server.manager({ transports });
    const socket = manager.socket("/");
    server.settle();
    manager.opts.transports = [broken("polling"), ...server.transports("websocket")];
    const lost = vi.fn();
    socket.on("disconnect", lost);
    server.cut();
    for (let turn = 0; turn < 9; turn++) {
      await Promise.resolve();
      server.clock.advance(100);
    }
    expect([socket.connected, lost.mock.calls.length, manager.engine.transport.name]).toEqual([
      true,
      0,
      "websocket",
    ]);
  });

  it("without fetch's AbortController is XMLHttpRequest", async () => {
    const opened: unknown[] = [];
    class Xhr {
      open(...args: unknown[]): void {
        opened.push(args[0]);
      }
      setRequestHeader(): void {}
      send(): void {}
      abort(): void {}
    }
    vi.stubGlobal("AbortController", undefined);
    vi.stubGlobal("XMLHttpRequest", Xhr);
    const { httpRequest } = await import("../../transport/src/client/http-request.js");
    httpRequest("http://h.test/", { requestTimeoutMs: 0, withCredentials: false }).abort();
    expect(opened).toEqual(["GET"]);
  });
});

describe("the option transports", () => {
  it.each(["websocket", {}, 7, true])(
    "%j is refused where the app is there to hear it",
    async (transports) => {
      const { io } = await import("../src/index.js");
      const { Socket } = await import("../src/engine.js");
      const options = { transports: transports as never };
      const refusal = expect.objectContaining({
        code: "ERR_BAD_OPTION",
        message: "transports must be an array",
      });
      expect(() => io("http://localhost:1", options)).toThrow(refusal);
      expect(() => io("http://localhost:1", { ...options, autoConnect: false })).toThrow(refusal);
      expect(() => new Socket("http://localhost:1", options)).toThrow(refusal);
    },
  );

  it("that becomes bad later is a failed attempt", async () => {
    const { FakeServer } = await import("./fake-server.js");
    const server = new FakeServer();
    const manager = server.manager({ autoConnect: false });
    manager.opts.transports = "websocket" as never;
    const socket = manager.socket("/");
    const errors: unknown[] = [];
    socket.on("connect_error", (error) => errors.push((error as { code?: string }).code));
    expect(() => socket.connect()).not.toThrow();
    server.settle();
    expect(errors).toEqual(["ERR_BAD_OPTION"]);
  });
});

it("an answer that is a page is shown with its status and text", async () => {
  const { createServer } = await import("node:http");
  const { once } = await import("../../../test/support/wait.js");
  const { io } = await import("../src/index.js");
  const http = createServer((_req, res) =>
    res.setHeader("Content-Type", "text/html").end("<!doctype html><p>App"),
  );
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  const { port } = http.address() as { port: number };
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ["polling"],
    reconnection: false,
    forceNew: true,
  });
  const [error] = await once(socket, "connect_error");
  expect(error).toMatchObject({
    code: "ERR_TRANSPORT_OPEN",
    message: "xhr poll error",
    description: 200,
    context: { responseText: "<!doctype html><p>App" },
  });
  http.close();
});
