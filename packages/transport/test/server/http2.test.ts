import { type ClientHttp2Session, connect, createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { manualClock } from "@sockeye/conformance";
import { DEFAULT_LIMITS } from "@sockeye/protocol";
import { attach, createGate, type GateOptions } from "@sockeye/transport/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeAcceptor } from "./gate-server.js";

const POLLING = "/engine.io/?EIO=4&transport=polling";

let server: Http2Server;
let client: ClientHttp2Session;

async function start(options: Partial<GateOptions> = {}) {
  const acceptor = new FakeAcceptor();
  const gate = createGate({ clock: manualClock(), limits: DEFAULT_LIMITS, ...options }, acceptor);
  server = createServer();
  attach(server, {
    path: "/engine.io/",
    onRequest: (req, res) => gate.handleRequest(req, res),
    onUpgrade: (req, socket, head) => gate.handleUpgrade(req, socket, head),
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { acceptor, gate };
}

afterEach(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function ask(path: string, body?: string) {
  const stream = client.request({ ":path": path, ":method": body === undefined ? "GET" : "POST" });
  let headers: Record<string, unknown> = {};
  stream.on("response", (got) => {
    headers = got;
  });
  stream.end(body);
  let text = "";
  for await (const chunk of stream) text += chunk;
  return { status: headers[":status"], type: headers["content-type"], body: text };
}

describe("polling over HTTP/2", () => {
  it("opens, carries both ways, and closes", async () => {
    const { acceptor } = await start({
      cors: { origin: "https://a.example" },
      allowRequest: async () => true,
    });
    const type = "text/plain; charset=UTF-8";
    expect(await ask(POLLING)).toEqual({ status: 200, type, body: '0{"sid":"sid-1"}' });
    const session = acceptor.session("sid-1");
    const poll = ask(`${POLLING}&sid=sid-1`);
    await vi.waitFor(() => expect(session.transport.writable).toBe(true));
    expect(await ask(`${POLLING}&sid=sid-1`, "4up")).toMatchObject({ status: 200, body: "ok" });
    session.send("4down");
    expect(await poll).toMatchObject({ status: 200, body: "4down" });
    expect(session.frames).toEqual(["4up"]);
    expect(await ask(POLLING, "4")).toMatchObject({
      status: 400,
      body: '{"code":2,"message":"Bad handshake method"}',
    });
    expect(await ask(`${POLLING}&sid=sid-1`, "")).toMatchObject({ status: 400, body: "" });
    expect(session.endings).toMatchObject([{ reason: "parse error" }]);
  });

  it("notices that a poll was cancelled", async () => {
    const { acceptor } = await start();
    await ask(POLLING);
    const session = acceptor.session("sid-1");
    const stream = client.request({ ":path": `${POLLING}&sid=sid-1` });
    stream.on("error", () => {});
    await vi.waitFor(() => expect(session.transport.writable).toBe(true));
    stream.close(8);
    await vi.waitFor(() => expect(session.endings).toMatchObject([{ reason: "transport error" }]));
  });

  it("forgets a handshake that was cancelled while the app decided", async () => {
    let decide: ((error: null, success: boolean) => void) | undefined;
    const { acceptor } = await start({
      allowRequest: (_req, callback) => {
        decide = callback;
      },
    });
    const stream = client.request({ ":path": POLLING });
    stream.on("error", () => {});
    await vi.waitFor(() => expect(decide).toBeDefined());
    stream.close(8);
    await new Promise((resolve) => stream.once("close", resolve));
    await ask("/engine.io/?EIO=4");
    decide?.(null, true);
    expect(acceptor.sessions.size).toBe(0);
  });
});

describe("streaming over HTTP/2", () => {
  it.each(["sse", "stream", "iframe"])(
    "%s opens, carries, is recycled and noticed when it breaks off",
    async (name) => {
      const { acceptor } = await start({ streams: { recycleBytes: 3000 } });
      const path = `/engine.io/?EIO=4&transport=${name}&c=1`;
      const open = (target: string) => {
        const stream = client.request({ ":path": target });
        const seen = { headers: {} as Record<string, unknown>, text: "", ended: false, stream };
        stream.setEncoding("latin1");
        stream.on("response", (headers) => {
          seen.headers = headers;
        });
        stream.on("data", (text: string) => {
          seen.text += text;
        });
        stream.on("end", () => {
          seen.ended = true;
        });
        stream.on("error", () => {});
        return seen;
      };
      const first = open(path);
      await vi.waitFor(() => expect(first.text).toContain("sid-1"));
      expect(first.headers).toMatchObject({ ":status": 200, "x-accel-buffering": "no" });
      expect(first.headers).not.toHaveProperty("connection");
      const session = acceptor.session("sid-1");
      expect(await ask(`${path}&sid=sid-1`, "4up")).toMatchObject({ status: 200, body: "ok" });
      session.send(`4${"x".repeat(1000)}`);
      await vi.waitFor(() => expect(first.ended).toBe(true));
      expect(first.text).toContain("6end");
      const second = open(`${path}&sid=sid-1`);
      await vi.waitFor(() => expect(session.transport.writable).toBe(true));
      session.send("4down");
      await vi.waitFor(() => expect(second.text).toContain("4down"));
      expect([session.frames, session.endings]).toEqual([["4up"], []]);
      second.stream.close(8);
      await vi.waitFor(() => expect(session.endings).toMatchObject([{ reason: "transport close" }]));
    },
  );
});
