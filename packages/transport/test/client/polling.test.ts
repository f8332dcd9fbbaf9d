import { Side } from "@sockeye/conformance";
import { EncodedPacket, type TransportError } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PollingTransport } from "../../src/client/polling.js";
import type { Target } from "../../src/client/target.js";
import type { HttpAnswer, HttpRequest } from "../../src/shared/http-like.js";
import { type Asked, HandServer } from "./http-server.js";
import { target } from "./target-of.js";

/** What sends requests: on Node.js, as it is, unless a test has something else. */
const http = vi.hoisted((): { instead: (() => HttpRequest) | undefined } => ({ instead: undefined }));
vi.mock("#http", async (importOriginal) => {
  const real = await importOriginal<typeof import("#http")>();
  return {
    httpRequest: (...args: Parameters<typeof real.httpRequest>) =>
      (http.instead ?? real.httpRequest)(...args),
  };
});

const OPEN = '0{"sid":"S"}';

interface Dialled {
  readonly server: HandServer;
  readonly target: Target;
  readonly transport: PollingTransport;
  readonly side: Side;
}

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));
const open = new Set<PollingTransport>();

afterEach(async () => {
  for (const transport of open) transport.close("dead");
  open.clear();
  await new Promise((resolve) => setTimeout(resolve));
  expect(rejections).toEqual([]);
});

async function dial(changes: Partial<Target> = {}): Promise<Dialled> {
  const server = await HandServer.start();
  const dialled = target({ url: server.url, ...changes });
  const transport = new PollingTransport(dialled);
  open.add(transport);
  const side = new Side();
  side.use(transport);
  side.onFrame = (frame) => {
    if (frame === OPEN) dialled.sid = "S";
  };
  transport.bind(side);
  return { server, target: dialled, transport, side };
}

/** Past the handshake, with the second GET taken by the test. */
async function connected(changes: Partial<Target> = {}): Promise<Dialled & { readonly poll: Asked }> {
  const dialled = await dial(changes);
  (await dialled.server.next()).answer(OPEN);
  await dialled.side.until(() => dialled.side.writables === 1, "writable()");
  dialled.side.frames.length = 0;
  return { ...dialled, poll: await dialled.server.next() };
}

/** Until the event loop has turned so often that what could happen has happened. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function causeOf(side: Side): Promise<TransportError> {
  await side.end();
  return side.endings[0]?.cause as TransportError;
}

const packets = (...heads: string[]): EncodedPacket[] => heads.map((head) => new EncodedPacket(head));

describe("the handshake", () => {
  it("is the first GET, and the pipe is writable after it", async () => {
    const { server, transport, side } = await dial();
    const handshake = await server.next();
    expect(handshake.method).toBe("GET");
    expect(handshake.query.has("sid")).toBe(false);
    expect(transport.writable).toBe(false);
    handshake.answer(`${OPEN}\x1e4hi`);
    const poll = await server.next();
    expect(poll.query.get("sid")).toBe("S");
    expect(side.frames).toEqual([OPEN, "4hi"]);
    expect(side.writables).toBe(1);
    expect(transport.writable).toBe(true);
  });

  it("does not tell that it is writable if the first frame led to a POST already", async () => {
    const { server, target, transport, side } = await dial();
    side.onFrame = () => {
      target.sid = "S";
      transport.send(packets("40"));
    };
    (await server.next()).answer(OPEN);
    const asked = [await server.next(), await server.next()];
    expect(side.writables).toBe(0);
    asked.find(({ method }) => method === "POST")?.answer("ok");
    await side.until(() => side.writables === 1, "writable()");
  });

  it("fails with the server's refusal", async () => {
    const { server, side } = await dial();
    (await server.next()).answer('{"code":5,"message":"Unsupported protocol version"}', 400);
    const cause = await causeOf(side);
    expect(side.endings[0]?.reason).toBe("transport error");
    expect(cause).toMatchObject({
      code: "ERR_TRANSPORT_OPEN",
      message: "xhr poll error",
      type: "TransportError",
      description: 400,
      context: { status: 400, responseText: '{"code":5,"message":"Unsupported protocol version"}' },
    });
    await turns();
    expect(server.untaken).toBe(0);
  });

  it("is cancelled by a close of any kind", async () => {
    for (const how of ["goodbye", "moved", "dead"] as const) {
      const { server, transport, side } = await dial();
      const handshake = await server.next();
      transport.close(how);
      await vi.waitFor(() => expect(handshake.aborted()).toBe(true));
      expect(server.untaken).toBe(0);
      expect(side.endings).toEqual([]);
    }
  });
});

describe("receiving", () => {
  it("has one GET waiting at all times", async () => {
    const { server, side, poll } = await connected();
    poll.answer("4a\x1ebAQI=\x1e4b");
    const next = await server.next();
    expect(side.frames).toEqual(["4a", Buffer.from([1, 2]), "4b"]);
    expect(next.query.get("t")).not.toBe(poll.query.get("t"));
    expect(side.writables).toBe(1);
    await turns();
    expect(server.untaken).toBe(0);
  });

  it("takes any number of packets in one answer", async () => {
    const { side, poll } = await connected();
    poll.answer(Array.from({ length: 20_000 }, () => "4").join("\x1e"));
    await side.received(20_000);
  });

  it("ends with a CLOSE packet of the server, whatever follows it", async () => {
    const { server, side, poll } = await connected();
    poll.answer("4last\x1e1\x1e4never");
    const cause = await causeOf(side);
    expect(side.endings[0]?.reason).toBe("transport close");
    expect(cause).toMatchObject({
      code: "ERR_TRANSPORT_FAILED",
      description: "transport closed by the server",
    });
    expect(side.frames).toEqual(["4last"]);
    await turns();
    expect(server.untaken).toBe(0);
  });

  it.each(["4a\x1e", "", "b???"])("ends with a parse error for the answer %j", async (body) => {
    const { side, poll } = await connected();
    poll.answer(body);
    expect(await causeOf(side)).toMatchObject({ code: "ERR_PACKET_MALFORMED" });
    expect(side.endings[0]?.reason).toBe("parse error");
    expect(side.frames).toEqual([]);
  });

  it("fails when the connection breaks, with the cause", async () => {
    const { side, poll } = await connected();
    poll.destroy();
    const cause = await causeOf(side);
    expect(cause).toMatchObject({ code: "ERR_TRANSPORT_FAILED", message: "xhr poll error" });
    expect(cause.description).toMatchObject({ code: "ECONNRESET" });
    expect(cause.cause).toBe(cause.description);
  });

  it("fails after requestTimeoutMs", async () => {
    const { side } = await connected({ requestTimeoutMs: 60 });
    const cause = await causeOf(side);
    expect(cause.message).toBe("xhr poll error");
    expect(String(cause.description)).toMatch("request timeout");
  });
});

describe("sending", () => {
  it("writes a batch in one POST and tells when the next may come", async () => {
    const { server, transport, side } = await connected();
    transport.send([...packets("40", '42["a"]'), new EncodedPacket("451-[]", [new Uint8Array([1, 2])])]);
    expect(transport.writable).toBe(false);
    const post = await server.next();
    expect(post.method).toBe("POST");
    expect(post.query.get("sid")).toBe("S");
    expect(post.body).toBe('40\x1e42["a"]\x1e451-[]\x1ebAQI=');
    post.answer("ok");
    await side.until(() => side.writables === 2, "writable()");
    expect(transport.writable).toBe(true);
  });

  it("cuts a batch into POSTs of maxPayload bytes, one after the other, and lets a larger packet go alone", async () => {
    const { server, transport, side } = await connected({ maxPayload: 10 });
    transport.send(packets("4aaa", "4bbb", "4ccccccccccccccc", "4d"));
    const bodies: string[] = [];
    for (let i = 0; i < 3; i++) {
      const post = await server.next();
      bodies.push(post.body);
      await turns();
      expect(server.untaken).toBe(0);
      expect(transport.writable).toBe(false);
      post.answer("ok");
    }
    expect(bodies).toEqual(["4aaa\x1e4bbb", "4ccccccccccccccc", "4d"]);
    await side.until(() => transport.writable, "a writable transport");
    expect(side.writables).toBe(2);
  });

  it("fails with the status of the POST and cancels the GET", async () => {
    const { server, transport, side, poll } = await connected();
    transport.send(packets("4"));
    (await server.next()).answer("", 413);
    expect(await causeOf(side)).toMatchObject({ message: "xhr post error", description: 413 });
    await vi.waitFor(() => expect(poll.aborted()).toBe(true));
  });

  it("does not report a POST that fails after the GET did", async () => {
    const { server, transport, side, poll } = await connected();
    transport.send(packets("4"));
    const post = await server.next();
    poll.answer("", 400);
    await side.end();
    post.destroy();
    await turns();
    expect(side.endings).toHaveLength(1);
    expect(side.wrong).toEqual([]);
  });
});

describe("pausing", () => {
  it("is done once GET and POST have ended and are delivered", async () => {
    const { server, transport, side, poll } = await connected();
    const events: string[] = [];
    side.onFrame = (frame) => events.push(String(frame));
    transport.send(packets("4"));
    const post = await server.next();
    transport.pause(() => events.push("done"));
    expect(transport.writable).toBe(false);
    poll.answer("4a\x1e6\x1e4b");
    await side.received(2);
    expect(events).toEqual(["4a", "4b"]);
    post.answer("ok");
    await vi.waitFor(() => expect(events).toEqual(["4a", "4b", "done"]));
    await turns();
    expect(server.untaken).toBe(0);
    expect(side.writables).toBe(1);
  });

  it("writes what is left of a batch before it is done", async () => {
    const { server, transport, poll } = await connected({ maxPayload: 3 });
    let done = false;
    transport.send(packets("4a", "4b"));
    transport.pause(() => {
      done = true;
    });
    poll.answer("6");
    (await server.next()).answer("ok");
    const rest = await server.next();
    expect(rest.body).toBe("4b");
    expect(done).toBe(false);
    rest.answer("ok");
    await vi.waitFor(() => expect(done).toBe(true));
  });

  it("is not done while frames are being delivered", async () => {
    const { transport, side, poll } = await connected();
    const events: string[] = [];
    side.onFrame = (frame) => {
      events.push(String(frame));
      if (frame === "4a") transport.pause(() => events.push("done"));
    };
    poll.answer("4a\x1e4b");
    await vi.waitFor(() => expect(events).toEqual(["4a", "4b", "done"]));
  });

  it("resumes with a GET", async () => {
    const { server, transport, side, poll } = await connected();
    const done = new Promise<void>((resolve) => transport.pause(resolve));
    poll.answer("6");
    await done;
    transport.resume();
    expect(side.writables).toBe(2);
    expect((await server.next()).method).toBe("GET");
    transport.resume();
    await turns();
    expect(server.untaken).toBe(0);
    expect(side.writables).toBe(2);
  });

  it("forgets a pause that was resumed while the GET waited", async () => {
    const { server, transport, poll } = await connected();
    const done = vi.fn();
    transport.pause(done);
    transport.resume();
    poll.answer("6");
    await server.next();
    expect(done).not.toHaveBeenCalled();
  });
});

describe("closing", () => {
  it("says goodbye by POST and keeps the GET until that is answered", async () => {
    const { server, transport, side, poll } = await connected();
    transport.close("goodbye");
    transport.close("goodbye");
    expect(transport.writable).toBe(false);
    const post = await server.next();
    expect([post.method, post.body]).toEqual(["POST", "1"]);
    await turns();
    expect(poll.aborted()).toBe(false);
    post.answer("ok");
    await vi.waitFor(() => expect(poll.aborted()).toBe(true));
    expect(server.untaken).toBe(0);
    expect(side.endings).toEqual([]);
  });

  it("ends without a further GET if the GET is answered first", async () => {
    const { server, transport, side, poll } = await connected();
    transport.close("goodbye");
    const post = await server.next();
    poll.answer("6\x1e4too late");
    await turns();
    post.answer("ok");
    await turns();
    expect(server.untaken).toBe(0);
    expect(side.frames).toEqual([]);
  });

  it("says goodbye after the POST under way and the rest of the batch", async () => {
    const { server, transport } = await connected({ maxPayload: 3 });
    transport.send(packets("4a", "4b"));
    const posts = [await server.next()];
    transport.close("goodbye");
    for (const expected of ["4a", "4b", "1"]) {
      const post = posts.pop() ?? (await server.next());
      expect(post.body).toBe(expected);
      await turns();
      expect(server.untaken).toBe(0);
      post.answer("ok");
    }
  });

  it("keeps quiet about a goodbye that fails", async () => {
    const { server, transport, side, poll } = await connected();
    transport.close("goodbye");
    (await server.next()).destroy();
    await vi.waitFor(() => expect(poll.aborted()).toBe(true));
    expect(side.endings).toEqual([]);
  });

  it("cancels everything without a goodbye, even a goodbye under way", async () => {
    const { server, transport, side, poll } = await connected();
    transport.close("goodbye");
    const post = await server.next();
    transport.close("dead");
    await vi.waitFor(() => expect([poll.aborted(), post.aborted()]).toEqual([true, true]));
    await turns();
    expect(server.untaken).toBe(0);
    expect(side.endings).toEqual([]);
  });

  it("writes nothing more of a batch, though the POST under way is answered at that moment", async () => {
    const { server, transport, side } = await connected({ maxPayload: 3 });
    let answered = (): void => {};
    const fetched = vi.fn(() => ({
      answer: new Promise<HttpAnswer>((resolve) => {
        answered = () => resolve({ status: 200, responseText: "ok" });
      }),
      abort: () => {},
    }));
    http.instead = fetched;
    transport.send(packets("4a", "4b"));
    answered();
    transport.close("dead");
    http.instead = undefined;
    await turns();
    expect(fetched).toHaveBeenCalledOnce();
    expect(server.untaken).toBe(0);
    expect(side.endings).toEqual([]);
  });

  it("never calls done of a pause that a close overtook", async () => {
    const { transport, poll } = await connected();
    const done = vi.fn();
    transport.pause(done);
    transport.close("dead");
    await vi.waitFor(() => expect(poll.aborted()).toBe(true));
    expect(done).not.toHaveBeenCalled();
  });
});
