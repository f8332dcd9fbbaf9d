import { constants, deflateRawSync } from "node:zlib";
import { encodeChunkFrame } from "@sockeye/codec/chunk-frames";
import { manualClock, webTransportPair } from "@sockeye/conformance";
import type { Clock } from "@sockeye/protocol";
import type { GateOptions } from "@sockeye/transport/server";
import { describe, expect, it, vi } from "vitest";
import { encodeFrame, FIN_BINARY, FIN_PING, FIN_TEXT, TEXT } from "./client-frames.js";
import { type FakeSession, type GateServer, gateServer } from "./gate-server.js";
import { ask, RawConnection, upgradeRequest } from "./raw-client.js";

// Many messages at once, on every way in. What a message costs is made up, and a turn of the event loop is counted, not timed.

const MESSAGE_MS = 0.1;
/** One turn's time as it comes in, one for what waits, and what a step of 16 messages is too long. */
const MOST_MS = 2 * (5 + 16 * MESSAGE_MS);

const COMPRESSED = 0x40;
const deflated = (payload: string | Uint8Array): Buffer =>
  deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

/** Time that only work moves, and the most that passed between two turns of the event loop. */
class Work {
  ms = 0;
  most = 0;
  #at = 0;
  #isOver = false;
  readonly #timers = manualClock();
  readonly clock: Clock = {
    now: () => this.ms,
    wall: () => this.ms,
    setTimer: (callback, delayMs) => this.#timers.setTimer(callback, delayMs),
    clearTimer: (timer) => this.#timers.clearTimer(timer),
    defer: (callback) => void setImmediate(callback),
  };

  constructor() {
    const turn = (): void => {
      this.most = Math.max(this.most, this.ms - this.#at);
      this.#at = this.ms;
      if (!this.#isOver) setImmediate(turn);
    };
    turn();
  }

  do(ms: number): void {
    this.ms += ms;
  }

  end(): void {
    this.#isOver = true;
  }
}

interface Way {
  readonly options?: Partial<GateOptions>;
  /** Sends `4` and a number, from 0 on, so many times, all at once. Resolves when the client has its answer, if there is one. */
  readonly send: (server: GateServer, count: number) => Promise<unknown>;
  readonly count?: number;
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `4${n}`);

async function overWebSocket(
  server: GateServer,
  frames: readonly Uint8Array[],
  { query = "EIO=4", headers = {} } = {},
): Promise<RawConnection> {
  const connection = RawConnection.to(server.port).write(
    upgradeRequest(`/engine.io/?${query}&transport=websocket`, headers),
  );
  await connection.until("sid");
  connection.write(Buffer.concat(frames));
  return connection;
}

async function post(server: GateServer, transport: string, body: string | Uint8Array, more = "") {
  const target = `/engine.io/?EIO=4&transport=${transport}${more}`;
  const handshake = ask(server.port, { target });
  // That of a stream goes on, and breaks off at the end of the test.
  handshake.catch(() => {});
  if (transport === "polling") await handshake;
  else await vi.waitFor(() => expect(server.acceptor.sessions.size).toBe(1));
  const isBinary = typeof body !== "string";
  const headers: Record<string, string> = isBinary ? { "Content-Type": "application/octet-stream" } : {};
  const answer = await ask(server.port, { method: "POST", target: `${target}&sid=sid-1`, headers, body });
  expect(answer).toMatchObject({ status: 200 });
  // The answer is the sign that the next may come: not before all of it is handled.
  expect(server.acceptor.session("sid-1").frames.length).toBeGreaterThan(0);
  return answer;
}

const EXTENSION = { "Sec-WebSocket-Extensions": "permessage-deflate" };

const WAYS: Readonly<Record<string, Way>> = {
  "short frames of a WebSocket": {
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).map((payload) => encodeFrame({ first: FIN_TEXT, payload })),
      ),
  },
  "messages in fragments, with pings and empty fragments between": {
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).flatMap((payload) => [
          encodeFrame({ first: TEXT, payload }),
          encodeFrame({ first: FIN_PING }),
          encodeFrame({ first: 0 }),
          encodeFrame({ first: 0x80 }),
        ]),
      ),
  },
  "compressed messages": {
    options: { perMessageDeflate: true },
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).map((text) =>
          encodeFrame({ first: FIN_TEXT | COMPRESSED, payload: deflated(text.padEnd(2000)) }),
        ),
        { headers: EXTENSION },
      ),
    count: 500,
  },
  "compressed messages that become large": {
    options: { perMessageDeflate: true },
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).map((text) =>
          encodeFrame({ first: FIN_TEXT | COMPRESSED, payload: deflated(text.padEnd(1e6)) }),
        ),
        { headers: EXTENSION },
      ),
    count: 60,
  },
  "messages that the ws package reads": {
    options: { webSockets: "ws" },
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).map((payload) => encodeFrame({ first: FIN_TEXT, payload })),
      ),
  },
  "a WebSocket of revision 3": {
    options: { allowEIO3: true },
    send: (server, count) =>
      overWebSocket(
        server,
        numbers(count).map((payload) => encodeFrame({ first: FIN_TEXT, payload })),
        { query: "EIO=3" },
      ),
  },
  "a polling body": { send: (server, count) => post(server, "polling", numbers(count).join("\x1e")) },
  "a polling body of revision 3": {
    options: { allowEIO3: true },
    send: async (server, count) => {
      const target = "/engine.io/?EIO=3&transport=polling";
      await ask(server.port, { target });
      const body = numbers(count)
        .map((text) => `${text.length}:${text}`)
        .join("");
      return ask(server.port, { method: "POST", target: `${target}&sid=sid-1`, body });
    },
  },
  "a JSONP form": {
    options: { transports: ["polling", "jsonp"] },
    send: (server, count) =>
      post(server, "polling", `d=${encodeURIComponent(numbers(count).join("\x1e"))}`, "&j=0"),
  },
  "a POST of a stream": {
    send: (server, count) =>
      post(server, "stream", Buffer.concat(numbers(count).map((text) => encodeChunkFrame(text)))),
  },
  "a chunk of a WebTransport stream": {
    options: { transports: ["webtransport"] },
    send: async ({ gate }, count) => {
      const { client, server } = webTransportPair();
      gate.handleWebTransport(server);
      const writer = (await client.createBidirectionalStream()).writable.getWriter();
      const frames = ["0", ...numbers(count)].map((text) => encodeChunkFrame(text));
      const rest = Buffer.concat(frames.slice(1));
      await writer.write(frames[0] as Uint8Array);
      // In two chunks.
      writer.write(rest.subarray(0, 5001)).catch(() => {});
      writer.write(rest.subarray(5001)).catch(() => {});
    },
  },
};

async function withWork<T>(options: Partial<GateOptions>, play: (work: Work, server: GateServer) => T) {
  const work = new Work();
  const server = await gateServer({ ...options, clock: work.clock });
  server.acceptor.onFrame = () => work.do(MESSAGE_MS);
  try {
    return await play(work, server);
  } finally {
    work.end();
    for (const socket of server.connections) socket.destroy();
  }
}

const plain = ({ frames }: FakeSession): string[] => frames.map((frame) => `${frame}`.trimEnd());

describe("a batch takes its turns", () => {
  it.each(Object.entries(WAYS))("%s", async (_name, { options = {}, send, count = 3000 }) => {
    await withWork(options, async (work, server) => {
      await send(server, count);
      const session = server.acceptor.session("sid-1");
      await vi.waitFor(() => expect(session.frames).toHaveLength(count), 15_000);
      expect(plain(session)).toEqual(numbers(count));
      expect(work.most).toBeLessThanOrEqual(MOST_MS);
      expect(session.transport.unread).not.toBe(true);
      expect(session.endings).toEqual([]);
    });
  });

  it("also if a hundred come at once", async () => {
    await withWork({}, async (work, server) => {
      const frames = numbers(100).map((payload) => encodeFrame({ first: FIN_TEXT, payload }));
      await Promise.all(Array.from({ length: 100 }, () => overWebSocket(server, frames)));
      const sessions = [...server.acceptor.sessions.values()];
      await vi.waitFor(() => expect(sessions.every((each) => each.frames.length === 100)).toBe(true), 15_000);
      for (const session of sessions) expect(plain(session)).toEqual(numbers(100));
      expect(work.most).toBeLessThanOrEqual(MOST_MS);
    });
  });

  it("also requests, pipelined", async () => {
    await withWork({}, async (work, server) => {
      server.acceptor.newId = () => {
        work.do(MESSAGE_MS);
        return `id-${server.acceptor.sessions.size}`;
      };
      const request = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
      const connection = RawConnection.to(server.port).write(request.repeat(1000));
      await vi.waitFor(() => expect(server.acceptor.sessions.size).toBe(1000), 15_000);
      await connection.until("id-999");
      expect([...server.acceptor.sessions.keys()]).toEqual(Array.from({ length: 1000 }, (_, n) => `id-${n}`));
      expect(work.most).toBeLessThanOrEqual(MOST_MS);
      connection.reset();
    });
  });

  it("and no turn has a limit if the app wants none", async () => {
    await withWork({ maxTurnMs: Number.POSITIVE_INFINITY }, async (work, server) => {
      await overWebSocket(server, [encodeFrame({ first: FIN_BINARY, payload: "x" })]);
      const { frames } = server.acceptor.session("sid-1");
      await vi.waitFor(() => expect(frames).toHaveLength(1));
      expect(work.ms).toBeCloseTo(MESSAGE_MS);
    });
  });
});

describe("what has come in", () => {
  const many = numbers(2000).map((payload) => encodeFrame({ first: FIN_TEXT, payload }));

  it("before the connection broke is told before that", async () => {
    await withWork({}, async (_work, server) => {
      const connection = await overWebSocket(server, many);
      connection.socket.end();
      const session = server.acceptor.session("sid-1");
      await vi.waitFor(() => expect(session.endings).toHaveLength(1), 15_000);
      expect(plain(session)).toEqual(numbers(2000));
      expect(session.losses).toBe(1);
    });
  });

  it("before a close frame is told before that", async () => {
    await withWork({}, async (_work, server) => {
      await overWebSocket(server, [...many, encodeFrame({ first: 0x88 })]);
      const session = server.acceptor.session("sid-1");
      await vi.waitFor(() => expect(session.endings).toHaveLength(1), 15_000);
      expect(plain(session)).toEqual(numbers(2000));
    });
  });

  it("is told to nobody once the session is over", async () => {
    await withWork({}, async (_work, server) => {
      server.acceptor.onFrame = (session) => {
        if (session.frames.length === 1000) session.transport.close("goodbye");
      };
      const connection = await overWebSocket(server, many);
      await connection.until("\x88");
      connection.write(encodeFrame({ first: 0x88 }));
      await connection.over;
      expect(server.acceptor.session("sid-1").frames).toHaveLength(1000);
    });
  });

  it("is a sign of life while it waits", async () => {
    await withWork({}, async (work, server) => {
      const waits: unknown[] = [];
      server.acceptor.onFrame = ({ transport }) => {
        work.do(MESSAGE_MS);
        setImmediate(() => waits.push(transport.unread));
      };
      await overWebSocket(server, many);
      await vi.waitFor(() => expect(waits).toHaveLength(2000), 15_000);
      expect(waits).toContain(true);
      expect(waits.at(-1)).toBe(false);
    });
  });
});
