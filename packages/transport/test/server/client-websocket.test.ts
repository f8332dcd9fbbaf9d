import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { SELF_SIGNED } from "../../../../test/support/certificate.js";
import { cookieJarOf } from "../../src/client/node/cookie-jar.js";
import { createWebSocket } from "../../src/client/node/websocket.js";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Accepted {
  readonly ws: WebSocket;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly raw: Socket;
}

async function server(options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await new Promise((resolve) => server.once("listening", resolve));
  ends.push(() => server.close());
  const accepted = new Promise<Accepted>((resolve) =>
    server.once("connection", (ws, req) => {
      ends.push(() => ws.terminate());
      resolve({ ws, headers: req.headers, raw: req.socket });
    }),
  );
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
}

describe("createWebSocket", () => {
  it("sends headers and protocols, and carries text and bytes", async () => {
    const { url, accepted } = await server();
    const socket = createWebSocket(url, ["a", "b"], { headers: { "X-Token": "t" } });
    const opened = new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const { ws, headers } = await accepted;
    expect(headers).toMatchObject({ "x-token": "t", "sec-websocket-protocol": "a,b" });
    expect(headers).not.toHaveProperty("sec-websocket-extensions");
    await opened;
    expect(socket.readyState).toBe(1);
    const sent: unknown[] = [];
    const both = new Promise<void>((resolve) =>
      ws.on("message", (data: Buffer, isBinary: boolean) => {
        sent.push(isBinary ? [...data] : data.toString());
        if (sent.length === 2) resolve();
      }),
    );
    const bytes = new Uint8Array([1, 2, 3]);
    socket.cork?.();
    socket.send("ü");
    socket.send(bytes);
    socket.uncork?.();
    await both;
    expect(sent).toEqual(["ü", [1, 2, 3]]);
    // The mask must not touch the app's bytes.
    expect([...bytes]).toEqual([1, 2, 3]);
    const closed = new Promise<{ code: number }>((resolve) => {
      socket.onclose = resolve;
    });
    ws.close(1001);
    expect((await closed).code).toBe(1001);
  });

  it("negotiates compression only if asked to", async () => {
    const { url, accepted } = await server({ perMessageDeflate: true });
    ends.push(() => socket.close());
    const socket = createWebSocket(url, [], { client: { perMessageDeflate: { threshold: 10 } } });
    socket.onerror = () => {};
    expect((await accepted).headers["sec-websocket-extensions"]).toContain("permessage-deflate");
  });

  it.each<{ options: unknown; compress: boolean | undefined; length: number; compressed: boolean }>([
    { options: true, compress: undefined, length: 1024, compressed: true },
    { options: true, compress: true, length: 1024, compressed: true },
    { options: true, compress: undefined, length: 1023, compressed: false },
    { options: true, compress: false, length: 1024, compressed: false },
    { options: { threshold: 10 }, compress: undefined, length: 10, compressed: true },
    { options: { threshold: 10 }, compress: undefined, length: 9, compressed: false },
    { options: { threshold: 10 }, compress: false, length: 10, compressed: false },
    { options: { threshold: 0 }, compress: undefined, length: 1, compressed: true },
    { options: false, compress: true, length: 1024, compressed: false },
  ])("compresses what it may and what is worth it: $options, $compress, $length", async (row) => {
    const { url, accepted } = await server({ perMessageDeflate: true });
    const socket = createWebSocket(url, [], { client: { perMessageDeflate: row.options } });
    socket.onerror = () => {};
    const { ws, raw } = await accepted;
    const first = new Promise<number>((resolve) =>
      raw.once("data", (chunk: Buffer) => resolve(chunk[0] ?? 0)),
    );
    const arrived = new Promise((resolve) => ws.once("message", resolve));
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const text = "x".repeat(row.length);
    if (row.compress === undefined) socket.send(text);
    else socket.send(text, { compress: row.compress });
    // RSV1, in the first byte of the first frame.
    expect(((await first) & 0x40) !== 0).toBe(row.compressed);
    expect(String(await arrived)).toBe(text);
  });

  it("sends the cookies of its session, beside the app's own", async () => {
    const { url, accepted } = await server();
    const session = {};
    const options = { withCredentials: true, session, headers: { Cookie: "own=1" } };
    cookieJarOf(options)?.store(new URL(url.replace("ws", "http")), ["a=1; Path=/", "b=2; Path=/x"]);
    createWebSocket(url, [], options).onerror = () => {};
    expect((await accepted).headers["cookie"]).toBe("own=1; a=1");
  });

  it("is bound to the address that the app names", async () => {
    const { url, accepted } = await server({ host: "0.0.0.0" });
    const dialled = url.replace("0.0.0.0", "127.0.0.1");
    createWebSocket(dialled, [], { client: { localAddress: "127.0.0.2" } }).onerror = () => {};
    expect((await accepted).raw.remoteAddress).toBe("127.0.0.2");
  });

  it("names its origin, and the protocol's version", async () => {
    const { url, accepted } = await server();
    const client = { origin: "http://o.example", protocolVersion: 8 };
    createWebSocket(url, [], { client }).onerror = () => {};
    expect((await accepted).headers).toMatchObject({
      "sec-websocket-origin": "http://o.example",
      "sec-websocket-version": "8",
    });
  });

  it("takes no message beyond maxPayload", async () => {
    const { url, accepted } = await server();
    const socket = createWebSocket(url, [], { client: { maxPayload: 10 } });
    socket.onerror = () => {};
    const closed = new Promise<void>((resolve) => {
      socket.onclose = () => resolve();
    });
    (await accepted).ws.send("x".repeat(11));
    await closed;
  });

  it("does not follow redirects", async () => {
    const { url, accepted } = await server();
    let arrived = false;
    void accepted.then(() => {
      arrived = true;
    });
    const redirecting = createServer().on("upgrade", (_req, socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${url}\r\nContent-Length: 0\r\n\r\n`),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, "127.0.0.1", resolve));
    ends.push(() => redirecting.close());
    const socket = createWebSocket(`ws://127.0.0.1:${(redirecting.address() as AddressInfo).port}`, []);
    await new Promise<unknown>((resolve) => {
      socket.onerror = resolve;
    });
    expect(arrived).toBe(false);
  });

  it("does not pass on what is undefined: certificates are checked unless the app says no", async () => {
    const { cert } = SELF_SIGNED;
    const tls = createTlsServer(SELF_SIGNED);
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
    const wss = new WebSocketServer({ server: tls });
    wss.on("connection", (ws) => ends.push(() => ws.terminate()));
    ends.push(() => tls.close());
    const url = `wss://127.0.0.1:${(tls.address() as AddressInfo).port}`;
    const dial = (options: Record<string, unknown>) =>
      new Promise<string>((resolve) => {
        const socket = createWebSocket(url, [], { client: options });
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("error");
      });
    for (const options of [{}, { rejectUnauthorized: undefined }, { rejectUnauthorized: null }]) {
      expect(await dial(options)).toBe("error");
    }
    expect(await dial({ rejectUnauthorized: false })).toBe("open");
    expect(await dial({ ca: cert, servername: "localhost", checkServerIdentity: () => undefined })).toBe(
      "open",
    );
  });
});
