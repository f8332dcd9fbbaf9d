import { gunzipSync } from "node:zlib";
import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { type FakeSession, gateServer, stockServer } from "./gate-server.js";
import { ask, type Question, RawConnection } from "./raw-client.js";

const POLLING = "/engine.io/?EIO=4&transport=polling";

interface Polling {
  readonly port: number;
  readonly sid: string;
  readonly session: FakeSession;
  readonly target: string;
  /** Sends a GET and resolves, once it is parked, with the promise of its answer. */
  poll(headers?: Record<string, string>): Promise<{ answer: ReturnType<typeof ask> }>;
  post(body: string | Uint8Array, headers?: Record<string, string>): ReturnType<typeof ask>;
}

async function polling(
  options: Parameters<typeof gateServer>[0] = {},
): Promise<Polling & Awaited<ReturnType<typeof gateServer>>> {
  const server = await gateServer(options);
  const { body } = await ask(server.port, { target: POLLING });
  const { sid } = JSON.parse(body.slice(1)) as { sid: string };
  const session = server.acceptor.session(sid);
  const target = `${POLLING}&sid=${sid}`;
  return {
    ...server,
    sid,
    session,
    target,
    poll: (headers = {}) => {
      const parked = new Promise<void>((resolve) => {
        session.writable = () => resolve();
      });
      const answer = ask(server.port, { target, headers });
      return parked.then(() => ({ answer }));
    },
    post: (body, headers = {}) => ask(server.port, { method: "POST", target, body, headers }),
  };
}

const plain = (body: string) => ({
  status: 200,
  body,
  headers: {
    "content-type": "text/plain; charset=UTF-8",
    "cache-control": "no-store",
    "content-length": `${Buffer.byteLength(body, "latin1")}`,
  },
});

describe("a poll", () => {
  it("is answered with one body, and the pipe is writable only while one waits", async () => {
    const { session, poll } = await polling();
    expect(session.transport.writable).toBe(false);
    const { answer } = await poll();
    expect(session.transport.writable).toBe(true);
    session.transport.send([
      new EncodedPacket("4ü"),
      new EncodedPacket('451-["a"]', [Buffer.from([1, 2, 3])]),
      new EncodedPacket("2"),
    ]);
    expect(session.transport.writable).toBe(false);
    const body = Buffer.from('4ü\x1e451-["a"]\x1ebAQID\x1e2').toString("latin1");
    expect(await answer).toMatchObject(plain(body));
    expect(session.endings).toEqual([]);
  });

  it("hears CLOSE when the session ends, NOOP when it goes on elsewhere, and only once", async () => {
    for (const [how, body, again] of [
      ["goodbye", "1", "moved"],
      ["moved", "6", "goodbye"],
      ["dead", "6", "goodbye"],
    ] as const) {
      const { session, poll } = await polling();
      const { answer } = await poll();
      session.transport.close(how);
      session.transport.close(again);
      session.send("4late");
      expect(await answer).toMatchObject(plain(body));
      expect(session.endings).toEqual([]);
    }
  });

  it("hears CLOSE within 30 s if none was waiting", async () => {
    const { session, port, target, acceptor, sid, clock, post } = await polling();
    session.transport.close("goodbye");
    acceptor.sessions.delete(sid);
    clock.advance(29_999);
    expect(await post("4late")).toMatchObject({ status: 200, body: "ok" });
    expect(await ask(port, { target })).toMatchObject(plain("1"));
    expect(await ask(port, { target })).toMatchObject({ status: 400 });
    expect(clock.pendingTimers).toBe(0);
    expect(session.frames).toEqual([]);
  });

  it("is not expected any more after 30 s, nor after the gate has closed", async () => {
    for (const end of ["time", "gate"]) {
      const { session, port, target, acceptor, sid, clock, gate } = await polling();
      session.transport.close("goodbye");
      acceptor.sessions.delete(sid);
      if (end === "time") clock.advance(30_000);
      else gate.close();
      expect((await ask(port, { target })).body).toBe('{"code":1,"message":"Session ID unknown"}');
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it("that breaks off ends the session", async () => {
    const { session, port, target } = await polling();
    const parked = new Promise<void>((resolve) => {
      session.writable = () => resolve();
    });
    const connection = RawConnection.to(port).write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await parked;
    const ended = endOf(session);
    connection.reset();
    await ended;
    expect(session.endings).toMatchObject([
      { reason: "transport error", cause: { message: "poll connection closed prematurely" } },
    ]);
    expect(session.transport.writable).toBe(false);
  });
});

describe("compression of polls", () => {
  const LONG = `4${"x".repeat(2000)}`;
  const gzip = { "accept-encoding": "gzip, deflate" };
  it.each([
    ["from the threshold on", LONG, gzip, {}, true],
    ["not below", `4${"x".repeat(1000)}`, gzip, {}, false],
    ["not if the client does not accept it", LONG, {}, {}, false],
    ["not if it is off", LONG, gzip, { httpCompression: false }, false],
    ["at any length without a threshold", "4x", gzip, { httpCompression: true }, true],
    ["from another threshold on", "4xyz", gzip, { httpCompression: { threshold: 4 } }, true],
  ] as const)("%s", async (_name, text, headers, options, compressed) => {
    const { session, poll } = await polling(options);
    const { answer } = await poll(headers);
    session.send(text);
    const { body, headers: sent } = await answer;
    expect(sent["content-encoding"]).toBe(compressed ? "gzip" : undefined);
    expect(sent["content-length"]).toBe(`${body.length}`);
    const bytes = Buffer.from(body, "latin1");
    expect((compressed ? gunzipSync(bytes) : bytes).toString()).toBe(text);
  });

  it("not if no packet of the batch wants it", async () => {
    const { session, poll } = await polling();
    const { answer } = await poll(gzip);
    session.transport.send([new EncodedPacket(LONG, undefined, false)]);
    expect((await answer).headers["content-encoding"]).toBeUndefined();
  });

  it("ends the session if the client goes before the answer is ready", async () => {
    const { session, port, target } = await polling();
    const parked = new Promise<void>((resolve) => {
      session.writable = () => resolve();
    });
    const connection = RawConnection.to(port).write(
      `GET ${target} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n`,
    );
    await parked;
    const ended = endOf(session);
    connection.reset();
    session.send(`4${"x".repeat(20_000_000)}`);
    await ended;
    expect(session.endings).toMatchObject([{ reason: "transport error" }]);
  });
});

describe("a POST", () => {
  it("delivers its frames in order, then is answered", async () => {
    const { session, post } = await polling();
    const answer = await post('4a\x1e451-["x"]\x1ebAQID\x1e3');
    expect(answer).toMatchObject({
      status: 200,
      body: "ok",
      headers: { "content-type": "text/html", "content-length": "2", "cache-control": "no-store" },
    });
    expect(session.frames.map((frame) => (typeof frame === "string" ? frame : [...frame]))).toEqual([
      "4a",
      '451-["x"]',
      [1, 2, 3],
      "3",
    ]);
  });

  it("delivers nothing behind the frame that made the session close", async () => {
    const { session, acceptor, poll, post } = await polling();
    acceptor.onFrame = ({ transport }, frame) => frame === "1" && transport.close("dead");
    const { answer } = await poll();
    expect(await post("4a\x1e1\x1e4b")).toMatchObject({ status: 200, body: "ok" });
    expect(await answer).toMatchObject(plain("6"));
    expect(session.frames).toEqual(["4a", "1"]);
    expect(session.endings).toEqual([]);
  });

  it("joins characters that are split between chunks", async () => {
    const { session, port, target } = await polling();
    const body = Buffer.from("4grüße😀");
    const connection = RawConnection.to(port).write(
      `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (const byte of body) {
      connection.write(Buffer.from([...Buffer.from("1\r\n"), byte, 13, 10]));
      await new Promise(setImmediate);
    }
    connection.write("0\r\nTrailer: x\r\n\r\n");
    await connection.over;
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 /);
    expect(session.frames).toEqual(["4grüße😀"]);
  });

  it.each([
    ["an empty body", ""],
    ["an empty packet", "4a\x1e"],
    ["bad base64", "4a\x1eb*"],
    ["invalid UTF-8", Buffer.from([0x34, 0xff, 0xfe])],
    ["a compressed body", Buffer.from([0x1f, 0x8b, 8, 0])],
    ["too many packets", "4\x1e4\x1e4\x1e4"],
  ])("is refused with 400 for %s, and the session ends", async (_name, body) => {
    const { session, poll, post } = await polling({
      limits: { maxMessageBytes: 1000, maxPacketsPerPayload: 3 },
    });
    const { answer } = await poll();
    expect(await post(body)).toMatchObject({ status: 400, body: "" });
    expect(await answer).toMatchObject(plain("1"));
    expect(session.endings).toMatchObject([
      { reason: "parse error", cause: { code: "ERR_TRANSPORT_FAILED", cause: expect.any(Error) } },
    ]);
    expect(session.frames).toEqual([]);
  });

  it("that breaks off ends the session", async () => {
    const { session, port, target } = await polling();
    const ended = endOf(session);
    const connection = RawConnection.to(port).write(
      `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n4ab`,
    );
    await connection.until("100 Continue");
    connection.reset();
    await ended;
    expect(session.endings).toMatchObject([
      { reason: "transport error", cause: { message: "data request connection closed prematurely" } },
    ]);
    expect(session.frames).toEqual([]);
  });
});

/** What the npm package does as well, byte for byte where there are bytes. */
describe("beside the npm package", () => {
  async function both(): Promise<{ port: number; target: string; closed: () => string[] }[]> {
    const ours = await polling();
    const stock = await stockServer();
    const reasons: string[] = [];
    stock.engine.on(
      "connection",
      (socket: { on(event: "close", listener: (reason: string) => void): void }) =>
        socket.on("close", (reason) => reasons.push(reason)),
    );
    const { body } = await ask(stock.port, { target: POLLING });
    const target = `${POLLING}&sid=${(JSON.parse(body.slice(1)) as { sid: string }).sid}`;
    return [
      {
        port: ours.port,
        target: ours.target,
        closed: () => ours.session.endings.map(({ reason }) => reason),
      },
      { port: stock.port, target, closed: () => reasons },
    ];
  }

  const rows: (Omit<Question, "target"> & { status: number; reasons: string[] })[] = [
    { method: "PUT", status: 500, reasons: [] },
    { method: "DELETE", status: 500, reasons: [] },
    { method: "HEAD", status: 500, reasons: [] },
    { method: "OPTIONS", status: 500, reasons: [] },
    { method: "POST", body: "4a", status: 200, reasons: [] },
    {
      method: "POST",
      body: "4a",
      headers: { "content-type": "application/octet-stream" },
      status: 400,
      reasons: ["transport error"],
    },
  ];
  it.each(rows)("$method answers $status", async ({ status, reasons, ...question }) => {
    for (const { port, target, closed } of await both()) {
      const { status: answered, body } = await ask(port, { ...question, target });
      expect({ status: answered, body }).toEqual({ status, body: status === 200 ? "ok" : "" });
      expect(closed()).toEqual(reasons);
    }
  });

  it("a second GET gets 400, the first one CLOSE", async () => {
    for (const { port, target, closed } of await both()) {
      const request = `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      const connections = [RawConnection.to(port).write(request), RawConnection.to(port).write(request)];
      await Promise.all(connections.map(({ over }) => over));
      const answers = connections.map(({ received }) => [received.slice(9, 12), received.at(-1)]).sort();
      expect(answers).toEqual([
        ["200", "1"],
        ["400", "\n"],
      ]);
      expect(closed()).toEqual(["transport error"]);
    }
  });

  it("a second POST gets 400, and the first one its end", async () => {
    for (const { port, target, closed } of await both()) {
      const first = RawConnection.to(port).write(
        `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n4a`,
      );
      await first.until("100 Continue");
      const { status, body } = await ask(port, { method: "POST", target, body: "4b" });
      expect({ status, body }).toEqual({ status: 400, body: "" });
      await first.over;
      expect(closed()).toEqual(["transport error"]);
    }
  });

  it("a body over the limit gets 413", async () => {
    for (const { port, target } of await both()) {
      const { status, body } = await ask(port, { method: "POST", target, body: "4".repeat(1_000_001) });
      expect({ status, body }).toEqual({ status: 413, body: "" });
    }
  });
});

it("the rest of a POST that another one has ended goes nowhere", async () => {
  const { session, port, target, post } = await polling();
  const first = RawConnection.to(port).write(
    `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n4a`,
  );
  await first.until("100 Continue");
  expect((await post("4b")).status).toBe(400);
  await first.until("HTTP/1.1 400 ");
  first.write("bc");
  first.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await first.until("HTTP/1.1 404 ");
  first.reset();
  expect([session.frames, session.endings.length]).toEqual([[], 1]);
});

describe("a body over the limit", () => {
  it.each([
    ["declared", "Content-Length: 1000001\r\n\r\n"],
    ["received", `Transfer-Encoding: chunked\r\n\r\n${(1_000_001).toString(16)}\r\n${"4".repeat(1_000_001)}`],
  ])("is refused as soon as it is %s, and the session ends", async (_name, rest) => {
    const { session, port, target, poll } = await polling();
    const { answer } = await poll();
    const connection = RawConnection.to(port).write(`POST ${target} HTTP/1.1\r\nHost: x\r\n${rest}`);
    await connection.until("HTTP/1.1 413 ");
    // Not CLOSE: the client shall learn that it sent too much.
    expect(await answer).toMatchObject(plain("6"));
    expect(session.endings).toMatchObject([{ reason: "transport error" }]);
    connection.reset();
  });
});

function endOf(session: FakeSession): Promise<void> {
  return new Promise((resolve) => {
    const { ended } = session;
    session.ended = (...args) => {
      ended.apply(session, args);
      resolve();
    };
  });
}
