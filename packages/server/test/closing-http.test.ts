import { createServer, get, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { io as dialOwn } from "@sockeye/client";
import { Server } from "@sockeye/server";
import { Server as StockServer } from "socket.io";
import { describe, expect, it } from "vitest";
import { SELF_SIGNED } from "../../../test/support/certificate.js";
import { once, within } from "../../../test/support/wait.js";
import { atEnd, dial, portOf, serve } from "./site.js";

type Connection = { destroy(): void };
type Silence = readonly [name: string, open: (port: number) => Promise<Connection>];

const SERVERS = {
  http: () => createServer((_req, res) => void res.end("app")),
  https: () => createHttps(SELF_SIGNED, (_req, res) => void res.end("app")),
  http2: () => createHttp2Server((_req, res) => void res.end("app")) as never,
  "http2 with TLS": () =>
    createSecureServer({ ...SELF_SIGNED, allowHTTP1: true }, (_req, res) => void res.end("app")) as never,
};

const HEAD = "GET / HTTP/1.1\r\nHost: x\r\n";

async function tcp(port: number, bytes = ""): Promise<Connection> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

async function tls(port: number, bytes = ""): Promise<Connection> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }).on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(bytes);
  // Else the answer that a whole request gets is never read.
  if (bytes.startsWith(`${HEAD}\r\n`)) await once(socket, "data");
  return socket;
}

async function idleHttp2(port: number, scheme: string): Promise<Connection> {
  const session = connectHttp2(`${scheme}://localhost:${port}`, {
    ...SELF_SIGNED,
    rejectUnauthorized: false,
  });
  session.on("error", () => {});
  const stream = session.request({ ":path": "/" });
  stream.resume();
  await once(stream, "end");
  return session;
}

const SILENCES: { readonly [kind in keyof typeof SERVERS]: readonly Silence[] } = {
  http: [
    ["a connection without a byte", (port) => tcp(port)],
    ["half a request", (port) => tcp(port, HEAD)],
    ["half a request behind a whole one", (port) => tcp(port, `${HEAD}\r\n${HEAD}`)],
  ],
  https: [
    ["a connection without a byte", (port) => tcp(port)],
    ["half a greeting", (port) => tcp(port, "\x16\x03\x01\x02\x00")],
    ["a greeting alone, as of a browser that preconnects", (port) => tls(port)],
    ["half a request behind a whole one", (port) => tls(port, `${HEAD}\r\n${HEAD}`)],
  ],
  http2: [
    ["a connection without a byte", (port) => tcp(port)],
    ["a session that asks nothing more", (port) => idleHttp2(port, "http")],
  ],
  "http2 with TLS": [
    ["a connection without a byte", (port) => tcp(port)],
    ["a greeting alone", (port) => tls(port)],
    ["half a request of HTTP/1", (port) => tls(port, HEAD)],
    ["a session that asks nothing more", (port) => idleHttp2(port, "https")],
  ],
};

const ROWS = Object.entries(SILENCES).flatMap(([kind, silences]) =>
  silences.map(([what, open]) => [kind as keyof typeof SERVERS, what, open] as const),
);

describe("close() does not wait for", () => {
  it.each(ROWS)("%s: %s", async (kind, _what, open) => {
    const http = SERVERS[kind]();
    const io = new Server(http);
    const port = await portOf(http);
    const connection = await open(port);
    atEnd(() => connection.destroy());
    // Whatever has been written is there.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await within(io.close(), "the end of close()", 4000);
    expect(http.listening).toBe(false);
  });

  it("a silent connection, for which Socket.IO does", async () => {
    const http = createServer();
    const io = new StockServer(http);
    const connection = await tcp(await portOf(http));
    let closed = false;
    const end = io.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(closed).toBe(false);
    connection.destroy();
    await end;
  });
});

describe("close() waits for", () => {
  it("an answer of the app's that is under way", async () => {
    let begin = (_res: ServerResponse): void => {};
    const begun = new Promise<ServerResponse>((resolve) => {
      begin = resolve;
    });
    const http = createServer((_req, res) => {
      res.write("first ");
      begin(res);
    });
    const io = new Server(http);
    const port = await portOf(http);
    const silent = await tcp(port);
    atEnd(() => silent.destroy());
    const answer = new Promise<string>((resolve, reject) => {
      get({ port, host: "127.0.0.1" }, async (res) => {
        let text = "";
        for await (const chunk of res) text += chunk;
        resolve(text);
      }).on("error", reject);
    });
    const res = await begun;
    const closed = within(io.close(), "the end of close()", 4000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    res.end("last");
    expect(await answer).toBe("first last");
    await closed;
  });

  it.each([
    ["our client", (url: string) => dialOwn(url, { transports: ["polling"], reconnection: false })],
    ["a stock client", (url: string) => dial({ url }, "/", { transports: ["polling"] })],
  ])("%s between two polls, which hears of it at once", async (_who, dialling) => {
    const { io, url } = await serve();
    const client = dialling(url);
    atEnd(() => client.disconnect());
    await once(client as never, "connect");
    const gone = once(client as never, "disconnect", 4000);
    // This answers the poll, and the next one is not there yet.
    const answered = new Promise<void>((resolve) => {
      for (const conn of Object.values(io.engine.clients)) conn.once("flush", () => resolve());
    });
    io.emit("something");
    await answered;
    await within(io.close(), "the end of close()", 4000);
    expect((await gone)[0]).toBe("transport close");
  });

  it("nobody who has gone between two polls, for more than half a second", async () => {
    const { io, http, url } = await serve();
    const client = dial({ url }, "/", { transports: ["polling"] });
    await once(client, "connect");
    (client.io.engine.transport as unknown as { doPoll: () => void }).doPoll = () => {};
    const answered = new Promise<void>((resolve) => {
      for (const conn of Object.values(io.engine.clients)) conn.once("flush", () => resolve());
    });
    io.emit("something");
    await answered;
    await within(io.close(), "the end of close()", 2500);
    expect(http.listening).toBe(false);
  });
});

describe("close({ detach: true })", () => {
  it.each([false, true])("leaves the HTTP server as it was, drain: %s", async (drain) => {
    const http = createServer((_req, res) => void res.end("app"));
    const before = [http.listeners("request"), http.listeners("upgrade")];
    const io = new Server(http);
    const port = await portOf(http);
    const client = dial({ url: `http://127.0.0.1:${port}` });
    await once(client, "connect");
    const gone = once(client, "disconnect");
    await io.close({ detach: true, drain });
    await gone;
    expect([http.listeners("request"), http.listeners("upgrade")]).toEqual(before);
    expect(await (await fetch(`http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`)).text()).toBe(
      "app",
    );
    expect(io.health().status).toBe("down");
    // Another takes its place, as after a hot reload.
    const next = new Server(http);
    const again = dial({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
    await once(again, "connect");
    again.disconnect();
    await next.close();
    expect(http.listening).toBe(false);
  });
});
