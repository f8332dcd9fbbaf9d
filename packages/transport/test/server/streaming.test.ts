import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import { type FakeSession, type GateServer, gateServer } from "./gate-server.js";
import { ask, RawConnection } from "./raw-client.js";
import { type OpenStream, openStream, sidOf } from "./stream-client.js";

/** How each kind is asked, and what its writes look like as latin1. */
interface Kind {
  readonly name: "sse" | "stream" | "iframe";
  readonly query: string;
  readonly type: string;
  /** The bytes of a write of these frames. */
  write(...frames: string[]): string;
}

const escaped = (frames: string[]): string => frames.join("\x1e");

const KINDS: Readonly<Record<string, Kind>> = {
  sse: {
    name: "sse",
    query: "",
    type: "text/event-stream; charset=utf-8",
    write: (...frames) => `data: ${escaped(frames)}\n\n`,
  },
  stream: {
    name: "stream",
    query: "",
    type: "application/octet-stream",
    write: (...frames) => frames.map((frame) => String.fromCharCode(frame.length) + frame).join(""),
  },
  "stream as text": {
    name: "stream",
    query: "&b64=1",
    type: "text/plain; charset=UTF-8",
    write: (...frames) => `${escaped(frames)}\n`,
  },
  iframe: {
    name: "iframe",
    query: "&c=7",
    type: "text/html; charset=UTF-8",
    write: (...frames) => `m(${JSON.stringify(escaped(frames))})</script>\r\n`,
  },
};
const ALL = Object.entries(KINDS);

interface Streaming extends GateServer {
  readonly session: FakeSession;
  readonly first: OpenStream;
  readonly sid: string;
  readonly target: string;
  /** The next response. */
  next(): Promise<OpenStream>;
  post(body: string | Uint8Array, headers?: Record<string, string>): ReturnType<typeof ask>;
}

const pathOf = ({ name, query }: Kind): string => `/engine.io/?EIO=4&transport=${name}${query}`;

async function streaming(kind: Kind, options: Parameters<typeof gateServer>[0] = {}): Promise<Streaming> {
  const server = await gateServer(options);
  const first = await openStream(server.port, pathOf(kind));
  await first.until("sid-1");
  const sid = sidOf(first.body);
  const target = `${pathOf(kind)}&sid=${sid}`;
  return {
    ...server,
    session: server.acceptor.session(sid),
    first,
    sid,
    target,
    next: () => openStream(server.port, target),
    post: (body, headers = {}) => ask(server.port, { method: "POST", target, body, headers }),
  };
}

describe.each(ALL)("%s", (_name, kind) => {
  it("has the headers of a response that nobody may keep, change or guess about", async () => {
    const { first, session } = await streaming(kind);
    expect(first.status).toBe(200);
    expect(first.headers).toMatchObject({
      "content-type": kind.type,
      "cache-control": "private, no-store, no-cache, no-transform, must-revalidate, max-age=0",
      pragma: "no-cache",
      expires: "0",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "transfer-encoding": "chunked",
    });
    expect(first.headers["content-length"]).toBeUndefined();
    expect(first.headers["x-frame-options"]).toBeUndefined();
    expect(first.body.length).toBeGreaterThan(2048);
    session.transport.close("goodbye");
  });

  it("writes what is sent at once, each batch as one write, and the proof 100 ms after OPEN", async () => {
    const { first, session, clock } = await streaming(kind);
    session.send("4a", "4b");
    await first.until(kind.write("4a", "4b"));
    clock.advance(99);
    session.send("4c");
    await first.until(kind.write("4c"));
    expect(first.body).not.toContain("6proof");
    clock.advance(1);
    await first.until(kind.write("6proof"));
    expect(clock.pendingTimers).toBe(0);
    session.transport.close("goodbye");
    expect(await first.ended()).toContain(kind.write("1"));
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
    expect(session.endings).toEqual([]);
  });

  it("ends a response with 6end after recycleBytes and goes on in the next one, without a proof", async () => {
    const { first, session, clock, next } = await streaming(kind, { streams: { recycleBytes: 4000 } });
    session.send(`4${"x".repeat(2000)}`);
    expect(await first.ended()).toContain(kind.write("6end"));
    expect(first.state).toBe("whole");
    expect(session.transport.writable).toBe(false);
    const told = vi.spyOn(session, "writable");
    const second = await next();
    await vi.waitFor(() => expect(session.transport.writable).toBe(true));
    expect(told).toHaveBeenCalledTimes(1);
    session.send("4y");
    await second.until(kind.write("4y"));
    clock.advance(1000);
    expect(second.state).toBe("open");
    expect(second.body).not.toContain("proof");
    second.abort();
    await vi.waitFor(() => expect(session.endings).toMatchObject([{ reason: "transport close" }]));
    expect(clock.pendingTimers).toBe(0);
  });

  it("is released by a NOOP, which is not written", async () => {
    const { first, session } = await streaming(kind);
    session.send("6");
    expect(await first.ended()).toContain(kind.write("6end"));
    expect(first.body).not.toContain(kind.write("6"));
    expect([session.transport.writable, session.endings]).toEqual([false, []]);
  });

  it("tells 6end when the session goes on elsewhere", async () => {
    const { first, session } = await streaming(kind);
    session.transport.close("dead");
    expect(await first.ended()).toContain(kind.write("6end"));
    session.send("4late");
    expect(session.transport.writable).toBe(false);
  });

  it("says goodbye to the next GET within 30 s, if none was there", async () => {
    const { session, acceptor, sid, clock, next, port, target, post, first } = await streaming(kind);
    session.send("6");
    await first.ended();
    session.transport.close("goodbye");
    acceptor.sessions.delete(sid);
    expect(await post("4late")).toMatchObject({ status: 200, body: "ok" });
    const last = await next();
    expect(await last.ended()).toContain(kind.write("1"));
    expect(await ask(port, { target })).toMatchObject({
      status: 400,
      body: '{"code":1,"message":"Session ID unknown"}',
    });
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
  });

  it("takes POSTs as polling does", async () => {
    const { session, post, first } = await streaming(kind);
    expect(await post("4a\x1ebAQID\x1e3")).toMatchObject({
      status: 200,
      body: "ok",
      headers: { "content-type": "text/html", "x-content-type-options": "nosniff" },
    });
    expect(session.frames.map((frame) => (typeof frame === "string" ? frame : [...frame]))).toEqual([
      "4a",
      [1, 2, 3],
      "3",
    ]);
    first.abort();
    await vi.waitFor(() => expect(session.endings).toMatchObject([{ reason: "transport close" }]));
  });

  it("serves a client of HTTP/1.0 without chunks, and closes the connection", async () => {
    const { port, acceptor, clock } = await gateServer();
    const connection = RawConnection.to(port).write(`GET ${pathOf(kind)} HTTP/1.0\r\nHost: x\r\n\r\n`);
    await connection.until("sid-1");
    const head = connection.received.slice(0, connection.received.indexOf("\r\n\r\n")).toLowerCase();
    expect(head).toContain("connection: close");
    expect(head).not.toContain("transfer-encoding");
    acceptor.session("sid-1").send("4a");
    acceptor.session("sid-1").transport.close("goodbye");
    await connection.over;
    expect(connection.received).toContain(kind.write("4a"));
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
  });

  it("is refused to clients of revision 3", async () => {
    const { port } = await gateServer({ allowEIO3: true });
    expect(await ask(port, { target: pathOf(kind).replace("EIO=4", "EIO=3") })).toMatchObject({
      status: 400,
      body: '{"code":5,"message":"Unsupported protocol version"}',
    });
  });

  it("waits for a slow reader, then ends the session", async () => {
    const { session, clock, port, target } = await streaming(kind, {
      streams: { writeTimeout: 5000, recycleBytes: 1e9 },
    });
    session.send("6");
    const reader = RawConnection.to(port).write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await vi.waitFor(() => expect(session.transport.writable).toBe(true));
    reader.socket.pause();
    await fill(session);
    clock.advance(4999);
    expect(session.endings).toEqual([]);
    // It reads again: there is room, and no deadline any more.
    const told = vi.spyOn(session, "writable");
    reader.socket.resume();
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), 4000);
    clock.advance(60_000);
    expect(session.endings).toEqual([]);
    reader.socket.pause();
    await fill(session);
    clock.advance(5000);
    expect(session.endings).toMatchObject([{ reason: "transport error" }]);
    expect(session.transport.writable).toBe(false);
    reader.socket.resume();
    await reader.over;
    expect(clock.pendingTimers).toBe(0);
  });
});

it.each(ALL)(
  "%s: whoever reads, however slowly, has time for all of a large message",
  async (_name, kind) => {
    const { session, clock, port, target } = await streaming(kind, { streams: { writeTimeout: 5000 } });
    session.send("6");
    const reader = RawConnection.to(port).write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await vi.waitFor(() => expect(session.transport.writable).toBe(true));
    reader.socket.pause();
    session.send(`4${"x".repeat(20_000_000)}`);
    const waiting = (): number => session.transport.bufferedBytes ?? 0;
    await still(waiting);
    for (let round = 0; round < 5; round++) {
      clock.advance(4999);
      const before = waiting();
      while (waiting() === before) {
        reader.socket.once("data", () => reader.socket.pause());
        reader.socket.resume();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      reader.socket.pause();
      await still(waiting);
    }
    expect(session.endings).toEqual([]);
    expect(waiting()).toBeGreaterThan(0);
    clock.advance(5000);
    expect(session.endings).toMatchObject([{ reason: "transport error" }]);
    reader.reset();
  },
);

it.each(ALL)("%s: whoever asks again without having read gets no more until then", async (_name, kind) => {
  const { session, clock, port, target, first } = await streaming(kind, { streams: { recycleBytes: 4000 } });
  session.send("6");
  await first.ended();
  const deaf = RawConnection.to(port).write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await vi.waitFor(() => expect(session.transport.writable).toBe(true));
  deaf.socket.pause();
  session.send(`4${"x".repeat(20_000_000)}`);
  const next = await openStream(port, target);
  expect(session.transport.writable).toBe(false);
  expect(session.transport.bufferedBytes).toBeGreaterThan(1_000_000);
  const told = vi.spyOn(session, "writable");
  deaf.socket.resume();
  await vi.waitFor(() => expect(told).toHaveBeenCalled(), 4000);
  session.send("4after");
  await next.until(kind.write("4after"));
  expect(session.endings).toEqual([]);
  session.transport.close("goodbye");
  await next.ended();
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
});

it("a goodbye that nobody reads is broken off after the deadline", async () => {
  const options = { streams: { writeTimeout: 5000, recycleBytes: 1e9 } };
  const { session, clock, port, target, unanswered } = await streaming(KINDS["stream"] as Kind, options);
  session.send("6");
  const reader = RawConnection.to(port).write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await vi.waitFor(() => expect(session.transport.writable).toBe(true));
  reader.socket.pause();
  await fill(session);
  session.transport.close("goodbye");
  expect([unanswered.size, clock.pendingTimers]).toEqual([1, 1]);
  clock.advance(5000);
  await vi.waitFor(() => expect(unanswered.size).toBe(0));
  expect([session.endings, clock.pendingTimers]).toEqual([[], 0]);
  reader.reset();
});

/** Waits until the network takes no more. */
async function still(waiting: () => number): Promise<void> {
  for (let [last, same] = [-1, 0]; same < 20; await new Promise((resolve) => setTimeout(resolve, 2))) {
    same = waiting() === last ? same + 1 : 0;
    last = waiting();
  }
}

/** Sends until the network takes no more. */
async function fill(session: FakeSession): Promise<void> {
  for (let round = 0; round < 200 && session.transport.writable; round++) {
    session.send(`4${"x".repeat(200_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(session.transport.writable).toBe(false);
}

describe("bad input", () => {
  interface Row {
    readonly name: string;
    readonly body?: string | Uint8Array;
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly status: number;
    readonly reason?: string;
    readonly not?: string;
  }
  const OCTETS = { "content-type": "application/octet-stream" };
  const rows: Row[] = [
    { name: "PUT", method: "PUT", status: 500 },
    { name: "HEAD", method: "HEAD", status: 500 },
    { name: "OPTIONS", method: "OPTIONS", status: 500 },
    { name: "an empty body", body: "", status: 400, reason: "parse error" },
    { name: "bad base64", body: "b*", status: 400, reason: "parse error" },
    { name: "no UTF-8", body: Buffer.from([0x34, 0xff]), status: 400, reason: "parse error" },
    { name: "too many packets", body: "4\x1e4\x1e4\x1e4", status: 400, reason: "parse error" },
    { name: "an oversized body", body: "4".repeat(1001), status: 413, reason: "transport error" },
    { name: "bytes", body: "4a", headers: OCTETS, status: 400, reason: "transport error", not: "stream" },
  ];
  for (const [name, kind] of ALL) {
    it.each(rows.filter(({ not }) => not !== kind.name))(`${name}: $name gets $status`, async (row) => {
      const limits = { maxMessageBytes: 1000, maxPacketsPerPayload: 3 };
      const { port, target, session, first, clock } = await streaming(kind, { limits });
      const { method = "POST", status, reason, ...question } = row;
      expect((await ask(port, { method, target, ...question })).status).toBe(status);
      expect(session.endings.map((end) => end.reason)).toEqual(reason === undefined ? [] : [reason]);
      expect(session.frames).toEqual([]);
      if (reason === undefined) session.transport.close("goodbye");
      const last = status === 413 ? "6end" : "1";
      expect(await first.ended()).toContain(kind.write(last));
      await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
    });

    it(`${name}: a second reader gets 400, the first CLOSE`, async () => {
      const { port, target, session, first, unanswered, clock } = await streaming(kind);
      expect((await ask(port, { target })).status).toBe(400);
      expect(await first.ended()).toContain(kind.write("1"));
      expect(session.endings).toMatchObject([{ reason: "transport error" }]);
      await vi.waitFor(() => expect([unanswered.size, clock.pendingTimers]).toEqual([0, 0]));
    });

    it(`${name}: two writers get 400 both`, async () => {
      const { port, target, session, first, unanswered } = await streaming(kind);
      const writer = RawConnection.to(port).write(
        `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n4a`,
      );
      await writer.until("100 Continue");
      expect((await ask(port, { method: "POST", target, body: "4b" })).status).toBe(400);
      await writer.over;
      expect(writer.received).toContain("HTTP/1.1 400 ");
      await first.ended();
      expect(session.endings).toMatchObject([{ reason: "transport error" }]);
      await vi.waitFor(() => expect(unanswered.size).toBe(0));
    });

    it(`${name}: half a body ends the session`, async () => {
      const { port, target, session, first, unanswered } = await streaming(kind);
      const writer = RawConnection.to(port).write(
        `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n4a`,
      );
      await writer.until("100 Continue");
      writer.reset();
      expect(await first.ended()).toContain(kind.write("1"));
      expect(session.endings).toMatchObject([{ reason: "transport error" }]);
      await vi.waitFor(() => expect(unanswered.size).toBe(0));
    });

    it(`${name}: other methods, sids and transports get polling's refusals`, async () => {
      const { port, target, session, first } = await streaming(kind);
      const other = kind.name === "sse" ? "stream" : "sse";
      for (const [question, code] of [
        [{ method: "POST", target: pathOf(kind), body: "4" }, 2],
        [{ target: `${pathOf(kind)}&sid=nobody` }, 1],
        [{ target: target.replace(`transport=${kind.name}`, "transport=polling") }, 3],
        [{ target: target.replace(`transport=${kind.name}`, `transport=${other}`) }, 3],
        [{ target: target.replace("EIO=4", "EIO=3") }, 3],
      ] as const) {
        const { status, body } = await ask(port, question);
        expect([status, (JSON.parse(body) as { code: number }).code]).toEqual([400, code]);
      }
      expect(session.endings).toEqual([]);
      session.transport.close("goodbye");
      await first.ended();
    });
  }

  it("a transport that is not on offer is unknown", async () => {
    const { port } = await gateServer({ transports: ["polling", "foreign"] });
    for (const [name, code] of [
      ["sse", 0],
      ["stream", 0],
      ["iframe", 0],
      ["foreign", 3],
    ] as const) {
      const { body } = await ask(port, { target: `/engine.io/?EIO=4&transport=${name}&c=1` });
      expect(JSON.parse(body)).toMatchObject({ code });
    }
  });

  it.each([{ recycleBytes: 0 }, { recycleBytes: Number.NaN }, { writeTimeout: -1 }])(
    "the option %o is refused",
    async (streams) => {
      await expect(gateServer({ streams })).rejects.toMatchObject({ code: "ERR_BAD_OPTION" });
    },
  );
});

it("a packet with line ends, NUL and per cents stays on one line of an event stream", async () => {
  const { first, session } = await streaming(KINDS["sse"] as Kind);
  session.transport.send([new EncodedPacket("4\r\n\0%\r\x1e\u2028", [Uint8Array.of(1)])]);
  await first.until("data: 4%0D%0A%00%25%0D\x1e\u00e2\u0080\u00a8\x1ebAQ==\n\n");
  session.transport.close("goodbye");
});

it("stream takes length-prefixed POSTs", async () => {
  const { session, post, first } = await streaming(KINDS["stream"] as Kind);
  const body = Buffer.concat([Buffer.from([2, 0x34, 0x61, 0, 0x83, 1, 2, 3, 0x80])]);
  expect(await post(body, { "content-type": "application/octet-stream" })).toMatchObject({ status: 200 });
  expect(session.frames.map((frame) => (typeof frame === "string" ? frame : [...frame]))).toEqual([
    "4a",
    [1, 2, 3],
    [],
  ]);
  session.transport.close("goodbye");
  await first.ended();
});
