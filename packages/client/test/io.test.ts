import { describe, expect, it } from "vitest";
import standard, * as client from "../src/index.js";
import { connect, io, Manager, Socket } from "../src/index.js";
import { callable } from "../src/require.js";

const OFF = { autoConnect: false };

/** A server that no other test uses. */
let hosts = 0;
const host = (): string => `http://host${++hosts}.example`;

describe("io", () => {
  it("makes the namespace of the URL's path", () => {
    const url = host();
    expect(io(url, OFF).nsp).toBe("/");
    expect(io(`${url}/admin?x=1`, OFF).nsp).toBe("/admin");
    expect(io(`${url}/a/b/`, OFF).nsp).toBe("/a/b/");
  });

  it("shares a manager between the namespaces of a server", () => {
    const url = host();
    expect(io(`${url}/a`, OFF).io).toBe(io(`${url}:80/b`, OFF).io);
    expect(io(`${url}/c`, OFF).io).toBe(io(`${url.replace("http", "ws")}/d`, OFF).io);
  });

  it.each([
    ["another port", "http://x.example:1/a", "http://x.example:2/b", {}],
    ["another scheme", "http://y.example/a", "https://y.example/b", {}],
    ["another path", "http://z.example/a", "http://z.example/b", { path: "/other" }],
    ["forceNew", "http://f.example/a", "http://f.example/b", { forceNew: true }],
    ["multiplex: false", "http://m.example/a", "http://m.example/b", { multiplex: false }],
    ["the same namespace", "http://n.example/a", "http://n.example/a", {}],
  ])("makes a new manager for %s", (_why, first, second, options) => {
    expect(io(first, OFF).io).not.toBe(io(second, { ...OFF, ...options }).io);
  });

  it("goes on sharing the first manager after one that stood alone", () => {
    const url = host();
    const first = io(url, OFF);
    io(url, OFF);
    io(url, { ...OFF, forceNew: true });
    expect(io(`${url}/b`, OFF).io).toBe(first.io);
  });

  it("gives the query of the URL to the manager", () => {
    expect(io(`${host()}?a=1&b=2`, { ...OFF, query: { c: "3" } }).io.opts.query).toBe("a=1&b=2");
    expect(io(host(), { ...OFF, query: { c: "3" } }).io.opts.query).toEqual({ c: "3" });
  });

  it("leaves the given options alone", () => {
    const options = Object.freeze({ ...OFF });
    const socket = io(`${host()}?a=1`, options);
    expect(socket.io.opts).not.toBe(options);
    expect(options).toEqual(OFF);
  });

  it.each([undefined, "", "/admin", "?token=1", "#part"])(
    "needs a URL where there is no page: %j",
    async (url) => {
      const socket = io(url);
      const errors: Error[] = [];
      socket.on("connect_error", (error) => errors.push(error));
      await expect.poll(() => errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({
        code: "ERR_BAD_OPTION",
        message: "io needs a URL outside of a browser page",
      });
      // It waits for nothing, so nothing keeps a process alive.
      expect([socket.connected, socket.active, socket.io._reconnecting]).toEqual([false, false, false]);
      expect(() => io(url, OFF).emit("kept")).not.toThrow();
    },
  );

  it("needs a URL where there is no page", () => {
    for (const uri of [undefined, null, OFF]) expect(io(uri as typeof OFF).active).toBe(uri !== OFF);
  });

  it("takes a URL as an object", () => {
    const socket = io(new URL("http://example.test:3000/admin?a=1"), OFF);
    expect([socket.nsp, socket.io.opts.query]).toEqual(["/admin", "a=1"]);
    expect(new Manager(new URL("http://example.test?b=2"), OFF).opts.query).toBe("b=2");
  });

  it.each([undefined, "", "/x"])("takes the default for the path %j", (path) => {
    const socket = io("http://example.test", { ...OFF, ...(path === undefined ? {} : { path }) });
    expect(socket.io.opts.path).toBe(path || "/socket.io");
  });

  it("is everything at once, for code that has only the function", () => {
    expect({ ...io }).toEqual({ io, connect: io, Manager, Socket, protocol: 5 });
    expect([connect, standard]).toEqual([io, io]);
    expect(callable(host(), OFF)).toBeInstanceOf(Socket);
  });
});

it("exports these names", () => {
  expect(Object.keys(client).sort()).toEqual([
    "AckError",
    "CodecError",
    "Fetch",
    "Manager",
    "NamespaceError",
    "NodeWebSocket",
    "NodeXHR",
    "PollingTransport",
    "SessionError",
    "Socket",
    "SockeyeError",
    "SseTransport",
    "StreamTransport",
    "TransportError",
    "UsageError",
    "WebSocket",
    "WebSocketTransport",
    "WebTransport",
    "WebTransportTransport",
    "XHR",
    "connect",
    "default",
    "io",
    "protocol",
  ]);
});
