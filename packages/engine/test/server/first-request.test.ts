import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { attach } from "@sockeye/transport/server";
import { expect, it } from "vitest";
import { FirstRequest } from "../../src/server/first-request.js";

/** Sends one request with headers of every kind, and gives what the server makes of it. */
async function receive<T>(look: (req: import("node:http").IncomingMessage) => T): Promise<T> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const seen = new Promise<T>((resolve) => {
    attach(server, {
      path: "/socket.io",
      onRequest: (req, res) => {
        resolve(look(req));
        res.end();
      },
    });
  });
  const headers = [
    "Host",
    "a",
    "Cookie",
    "a=1",
    "cookie",
    "b=2",
    "X-Twice",
    "1",
    "x-twice",
    "2",
    "User-Agent",
    "u",
    "user-agent",
    "v",
    "Set-Cookie",
    "c=3",
    "set-cookie",
    "d=4",
  ];
  const sent = request({ port, path: "/socket.io/?a=1&b=%20&a=2", headers }).end();
  await new Promise((resolve) => sent.on("response", (res) => res.resume().on("end", resolve)));
  const result = await seen;
  await new Promise((resolve) => server.close(resolve));
  return result;
}

it("remakes the request as it was", async () => {
  await receive((req) => {
    const first = new FirstRequest({ req, protocol: 4 }, false);
    const again = first.req;
    expect(again).not.toBe(req);
    expect(again.headers).toEqual(req.headers);
    expect(again.headers.cookie).toBe("a=1; b=2");
    expect([again.url, again.method, again.httpVersion, again.rawHeaders]).toEqual([
      req.url,
      "GET",
      "1.1",
      req.rawHeaders,
    ]);
    expect(again.socket).toBe(req.socket);
    expect(first.req).toBe(again);
    expect([first.address, first.secure, { ...first.query }]).toEqual([
      "127.0.0.1",
      false,
      { a: "2", b: " " },
    ]);
  });
});

it("keeps the very request that an app has seen, or has put something on", async () => {
  await receive((req) => expect(new FirstRequest({ req, protocol: 4 }, true).req).toBe(req));
  await receive((req) => {
    Object.assign(req, { user: "ann" });
    expect(new FirstRequest({ req, protocol: 4 }, false).req).toBe(req);
  });
});

it("keeps a header called __proto__ a header", async () => {
  const { readRawHeaders } = await import("@sockeye/transport/server");
  const headers = readRawHeaders(["__proto__", "x", "A", "1"]);
  expect(Object.keys(headers)).toEqual(["__proto__", "a"]);
  expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
});
