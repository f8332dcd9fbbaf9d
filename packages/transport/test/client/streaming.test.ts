// What StreamTransport and SseTransport have in common, and what is their own. The contract of all transports is tested in
// test/conformance, against the server's pipes.

import { ChunkFrameDecoder, encodeChunkFrame } from "@sockeye/codec/chunk-frames";
import { Side } from "@sockeye/conformance";
import { EncodedPacket, type TransportError } from "@sockeye/protocol";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SseTransport } from "../../src/client/sse.js";
import { StreamTransport } from "../../src/client/stream.js";
import type { Target } from "../../src/client/target.js";
import { type Asked, HandServer } from "./http-server.js";
import { target } from "./target-of.js";

const OPEN = '0{"sid":"S"}';

type AnyTransport = StreamTransport | SseTransport;

interface Dialled {
  readonly server: HandServer;
  readonly transport: AnyTransport;
  readonly side: Side;
}

const open = new Set<AnyTransport>();

beforeEach(() => vi.stubGlobal("EventSource", EventSource));
afterEach(() => {
  for (const transport of open) transport.close("dead");
  open.clear();
  vi.unstubAllGlobals();
});

function escaped(frames: readonly string[]): string {
  return frames.join("\x1e").replace(/[%\r\n\0]/g, encodeURIComponent);
}

/** How each of them has its frames, in one write. */
const WAYS = {
  stream: {
    Class: StreamTransport,
    changes: {},
    prelude: Buffer.alloc(2048),
    write: (...frames: string[]) => Buffer.concat(frames.map((frame) => encodeChunkFrame(frame))),
    malformed: Buffer.from([1, 0xc3]),
  },
  "stream in text": {
    Class: StreamTransport,
    changes: { forceBase64: true },
    prelude: Buffer.from(`${" ".repeat(2048)}\n`),
    write: (...frames: string[]) => Buffer.from(`${escaped(frames)}\n`),
    malformed: Buffer.from("4%\n"),
  },
  sse: {
    Class: SseTransport,
    changes: {},
    prelude: Buffer.from(`:${" ".repeat(2048)}\n\n`),
    write: (...frames: string[]) => Buffer.from(`data: ${escaped(frames)}\n\n`),
    malformed: Buffer.from("data: 4%\n\n"),
  },
} as const;

const packets = (...heads: string[]): EncodedPacket[] => heads.map((head) => new EncodedPacket(head));

describe.each(Object.entries(WAYS))("%s", (_name, { Class, changes, prelude, write, malformed }) => {
  const { transportName: name } = Class;

  async function dial(more: Partial<Target> = {}): Promise<Dialled> {
    const server = await HandServer.start();
    const dialled = target({ url: server.url, ...changes, ...more });
    const transport = new Class(dialled);
    open.add(transport);
    const side = new Side();
    side.use(transport);
    side.onFrame = (frame) => {
      if (frame === OPEN) dialled.sid = "S";
    };
    transport.bind(side);
    return { server, transport, side };
  }

  /** Past the handshake. */
  async function connected(more: Partial<Target> = {}): Promise<Dialled & { readonly response: Asked }> {
    const dialled = await dial(more);
    const response = await dialled.server.next();
    response.write(prelude);
    response.write(write(OPEN));
    await dialled.side.until(() => dialled.transport.writable, "a writable transport");
    dialled.side.frames.length = 0;
    return { ...dialled, response };
  }

  async function causeOf(side: Side): Promise<TransportError> {
    await side.end();
    return side.endings[0]?.cause as TransportError;
  }

  it("asks for a response of its kind, and delivers frames as they come", async () => {
    const { response, side, server } = await connected();
    expect(response.method).toBe("GET");
    expect(response.query.get("transport")).toBe(name);
    expect(response.query.get("b64")).toBe("forceBase64" in changes ? "1" : null);
    response.write(write("6proof"));
    response.write(write("4a%\r\n\0ž"));
    await side.received(1);
    response.write(write("4b", "4c"));
    await side.received(3);
    expect(side.frames).toEqual(["4a%\r\n\0ž", "4b", "4c"]);
    expect(server.untaken).toBe(0);
  });

  it("reads pieces of any size", async () => {
    const { response, side } = await connected();
    for (const byte of write("4žluť", "4b")) response.write(Buffer.from([byte]));
    await side.received(2);
    expect(side.frames).toEqual(["4žluť", "4b"]);
  });

  it("asks for the next response after the end that was announced", async () => {
    const { response, side, server } = await connected();
    response.write(write("4a", "6end"));
    response.end();
    const next = await server.next();
    expect(next.query.get("sid")).toBe("S");
    next.write(prelude);
    next.write(write("4b"));
    await side.received(2);
    expect(side.frames).toEqual(["4a", "4b"]);
    expect(side.endings).toEqual([]);
  });

  it("does not open on a path that buffers", async () => {
    const { server, side } = await dial();
    (await server.next()).write(Buffer.concat([prelude, write(OPEN), write("6proof")]));
    const cause = await causeOf(side);
    expect(cause).toMatchObject({ code: "ERR_TRANSPORT_OPEN", message: `${name} error` });
    expect(String(cause.cause)).toMatch("the path buffers");
    expect(side.endings[0]?.reason).toBe("transport error");
    expect(side.frames).toEqual([]);
  });

  it("opens if it was this process that was late to read", async () => {
    const { server, side } = await dial();
    (await server.next()).write(Buffer.concat([prelude, write(OPEN), write("6proof"), write("4a")]));
    const until = Date.now() + 200;
    while (Date.now() < until);
    await side.received(2);
    expect(side.frames.slice(-1)).toEqual(["4a"]);
    expect(side.endings).toEqual([]);
  });

  it("gives up when no packet comes in time", async () => {
    const { server, side } = await dial({ openTimeoutMs: 60 });
    const asked = await server.next();
    asked.write(prelude);
    expect(await causeOf(side)).toMatchObject({ code: "ERR_TRANSPORT_OPEN", message: `${name} error` });
    expect(String((await causeOf(side)).cause)).toMatch("no packet within 60 ms");
    await vi.waitFor(() => expect(asked.aborted()).toBe(true));
  });

  it("takes a response that ends or breaks for the end of the connection", async () => {
    for (const how of ["end", "destroy"] as const) {
      const { response, side, server } = await connected();
      response.write(write("4last"));
      await side.received(1);
      response[how]();
      const cause = await causeOf(side);
      expect(side.endings[0]?.reason).toBe("transport close");
      expect(cause).toMatchObject({ code: "ERR_TRANSPORT_FAILED", message: `${name} connection closed` });
      expect(server.untaken).toBe(0);
    }
  });

  it("fails when the server refuses", async () => {
    const { server, side } = await dial();
    (await server.next()).answer("{}", 400);
    expect(await causeOf(side)).toMatchObject({ code: "ERR_TRANSPORT_OPEN", message: `${name} error` });
    expect(side.endings[0]?.reason).toBe("transport error");
  });

  it("ends with a parse error for what is not in the protocol", async () => {
    const { response, side } = await connected();
    response.write(malformed);
    await side.end();
    expect(side.endings[0]?.reason).toBe("parse error");
    await vi.waitFor(() => expect(response.aborted()).toBe(true));
  });

  it("ends with a CLOSE packet of the server", async () => {
    const { response, side } = await connected();
    response.write(write("4last", "1"));
    response.end();
    await side.end();
    expect(side.endings[0]?.reason).toBe("transport close");
    expect(side.frames).toEqual(["4last"]);
  });

  it("says goodbye by a POST and then cancels the response", async () => {
    const { response, transport, server, side } = await connected();
    transport.close("goodbye");
    const post = await server.next();
    expect([post.method, post.body, post.query.get("transport")]).toEqual(["POST", "1", name]);
    expect(response.aborted()).toBe(false);
    post.answer("ok");
    await vi.waitFor(() => expect(response.aborted()).toBe(true));
    expect(side.endings).toEqual([]);
  });

  it("asks for nothing while it is paused", async () => {
    const { response, transport, server } = await connected();
    const done = vi.fn();
    transport.pause(done);
    response.write(write("6end"));
    response.end();
    await vi.waitFor(() => expect(done).toHaveBeenCalled());
    expect(server.untaken).toBe(0);
    transport.resume();
    expect((await server.next()).query.get("sid")).toBe("S");
  });

  it("cuts a batch into POSTs of maxPayload bytes", async () => {
    const { transport, server } = await connected({ maxPayload: 10 });
    transport.send(packets("4aaa", "4bbb", "4ccc"));
    for (const body of ["4aaa\x1e4bbb", "4ccc"]) {
      const post = await server.next();
      expect(post.body).toBe(body);
      post.answer("ok");
    }
  });
});

describe("stream", () => {
  const binary = new EncodedPacket('451-["b"]', [new Uint8Array([1, 2])]);

  async function posted(changes: Partial<Target>): Promise<Asked> {
    const server = await HandServer.start();
    const transport = new StreamTransport(target({ url: server.url, sid: "S", ...changes }));
    open.add(transport);
    transport.bind(new Side());
    await server.next();
    transport.send([...packets("4a"), binary]);
    return server.next();
  }

  it("sends bytes as they are", async () => {
    const post = await posted({});
    expect(post.headers["content-type"]).toBe("application/octet-stream");
    const frames = new ChunkFrameDecoder(1000).write(post.bytes);
    expect(frames).toEqual(["4a", '451-["b"]', new Uint8Array([1, 2])]);
  });

  it("sends them as text if it must", async () => {
    const post = await posted({ forceBase64: true });
    expect(post.headers["content-type"]).toBe("text/plain;charset=UTF-8");
    expect(post.body).toBe('4a\x1e451-["b"]\x1ebAQI=');
  });
});

describe("sse", () => {
  it("says that there is no EventSource", async () => {
    vi.stubGlobal("EventSource", undefined);
    const transport = new SseTransport(target());
    const side = new Side();
    side.use(transport);
    transport.bind(side);
    await side.end();
    expect(side.endings[0]?.reason).toBe("transport error");
    expect(side.endings[0]?.cause).toMatchObject({
      code: "ERR_TRANSPORT_UNKNOWN",
      message: "there is no EventSource here",
    });
  });
});
