import "../../../../test/support/follow-fakes.js";
import { type MemorySession, manualClock, Side, webTransportPair } from "@sockeye/conformance";
import { DEFAULT_LIMITS, EncodedPacket } from "@sockeye/protocol";
import {
  createGate,
  type Gate,
  type GateOptions,
  type Located,
  There,
  type WebTransportRequest,
} from "@sockeye/transport/server";
import { describe, expect, it, vi } from "vitest";
import { FakeAcceptor } from "./gate-server.js";

const LIMIT = 1000;
const TIMEOUT_MS = 300;

class Stage {
  readonly clock = manualClock();
  readonly acceptor = new FakeAcceptor();
  readonly gate: Gate;

  constructor(options: Partial<GateOptions> = {}) {
    this.gate = createGate(
      {
        clock: this.clock,
        limits: { ...DEFAULT_LIMITS, maxMessageBytes: LIMIT },
        transports: ["polling", "websocket", "webtransport"],
        upgradeTimeout: TIMEOUT_MS,
        ...options,
      },
      this.acceptor,
    );
  }

  /** A client that has its session, and has said nothing. */
  arrive(request?: WebTransportRequest): Client {
    const { client, server } = webTransportPair();
    this.gate.handleWebTransport(server, request);
    return new Client(client, server);
  }

  get only(): ReturnType<FakeAcceptor["session"]> {
    return this.acceptor.session("sid-1");
  }
}

/** A client made by hand. */
class Client {
  readonly got: number[] = [];
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;

  constructor(
    readonly session: MemorySession,
    readonly server: MemorySession,
  ) {}

  async openStream(): Promise<void> {
    const { readable, writable } = await this.session.createBidirectionalStream();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
    const reader = readable.getReader();
    const read = async (): Promise<void> => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.got.push(...value);
      }
    };
    read().catch(() => {});
  }

  async write(...bytes: (string | number)[]): Promise<void> {
    // Whoever is refused may be so before it can say anything.
    if (this.#writer === undefined) await this.openStream().catch(() => {});
    const chunk = bytes.flatMap((each) => (typeof each === "number" ? [each] : [...Buffer.from(each)]));
    await this.#writer?.write(Uint8Array.from(chunk)).catch(() => {});
  }

  async finish(): Promise<void> {
    await this.#writer?.close();
  }

  async ended(): Promise<void> {
    await until(() => this.session.over);
  }
}

const OPEN = "\u00010";
const text = (frame: string): string => String.fromCharCode(frame.length) + frame;

async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 5000, interval: 1 });
}

/** Long enough for what goes through memory. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a session of WebTransport", () => {
  it("begins with an OPEN packet without data", async () => {
    const stage = new Stage();
    const client = stage.arrive();
    await client.write(OPEN);
    await until(() => client.got.length > 0);
    expect(Buffer.from(client.got).toString()).toBe(text('0{"sid":"sid-1"}'));
    expect(stage.only.transport.name).toBe("webtransport");
    expect(stage.clock.pendingTimers).toBe(0);
    await client.write(text("4hello"), 0x82, 1, 2);
    await until(() => stage.only.frames.length === 2);
    expect(stage.only.frames).toEqual(["4hello", Uint8Array.of(1, 2)]);
  });

  it("takes over the session that OPEN names, with what follows in the same piece", async () => {
    const stage = new Stage();
    await stage.arrive().write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    const client = stage.arrive();
    await client.write(text('0{"sid":"sid-1"}'), text("2probe"));
    await until(() => stage.only.frames.length === 1);
    expect(stage.only.frames).toEqual(["2probe"]);
    expect(stage.only.candidate?.name).toBe("webtransport");
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it("reads the same, and in linear time, one byte at a time", async () => {
    const stage = new Stage({ limits: { ...DEFAULT_LIMITS, maxMessageBytes: 100_000 } });
    const client = stage.arrive();
    for (const byte of OPEN) await client.write(byte);
    const frame = `4${"x".repeat(19_999)}`;
    // What is copied is counted, not the time.
    const set = vi.spyOn(Uint8Array.prototype, "set");
    const header = [126, frame.length >> 8, frame.length & 255];
    for (const byte of [...header, ...Buffer.from(frame)]) await client.write(byte);
    await until(() => stage.only.frames.length === 1);
    const copied = set.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
    set.mockRestore();
    expect(stage.only.frames).toEqual([frame]);
    expect(copied).toBeLessThan(4 * frame.length);
  });

  it("writes one turn's packets at once, and none while the client is behind", async () => {
    const stage = new Stage();
    const { client, server } = webTransportPair();
    stage.gate.handleWebTransport(server);
    const { readable, writable } = await client.createBidirectionalStream();
    await writable.getWriter().write(Uint8Array.of(1, 0x30));
    const reader = readable.getReader();
    expect((await reader.read()).value).toHaveLength(text('0{"sid":"sid-1"}').length);
    await until(() => stage.only.transport.writable);
    const told = vi.spyOn(stage.only, "writable");
    stage.only.send("4a", "4b", "4c");
    // Nobody reads.
    for (let more = 0; more < 10 && stage.only.transport.writable; more++) {
      stage.only.send("4more");
      await quiet();
    }
    expect(stage.only.transport.writable).toBe(false);
    expect(told).toHaveBeenCalledTimes(0);
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(
      ["4a", "4b", "4c"].map(text).join(""),
    );
    for (let reads = 0; reads < 20 && !stage.only.transport.writable; reads++) {
      await Promise.race([reader.read(), quiet()]);
    }
    await until(() => stage.only.transport.writable);
    expect(told).toHaveBeenCalled();
  });

  it("ends with the session, with the stream, and with an error", async () => {
    for (const [end, reason] of [
      [(client: Client) => client.session.close(), "transport close"],
      [(client: Client) => void client.finish(), "transport close"],
      [(client: Client) => client.session.cut(new Error("the network is gone")), "transport error"],
    ] as const) {
      const stage = new Stage();
      const client = stage.arrive();
      await client.write(OPEN);
      await until(() => client.got.length > 0);
      end(client);
      await until(() => stage.only.endings.length === 1);
      expect(stage.only.endings[0]?.reason).toBe(reason);
      await client.ended();
    }
  });

  it("waits for the client to read all before it closes the session, but not for long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const stage = new Stage();
      const client = stage.arrive();
      await client.write(OPEN);
      while (client.got.length === 0) await quiet();
      stage.only.send("4last");
      while (!stage.only.transport.writable) await quiet();
      stage.only.transport.close("goodbye");
      await quiet();
      expect(Buffer.from(client.got).toString()).toContain("4last");
      expect(client.session.over).toBe(false);
      vi.advanceTimersByTime(1000);
      expect(client.session.over).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("what is no session of the protocol is closed, and nothing of it stays", () => {
  const rows: [string, (client: Client, stage: Stage) => unknown][] = [
    ["no stream", (_client, { clock }) => clock.advance(TIMEOUT_MS)],
    [
      "a stream without a packet",
      async (client, { clock }) => {
        await client.openStream();
        await quiet();
        clock.advance(TIMEOUT_MS);
      },
    ],
    [
      "half a packet",
      async (client, { clock }) => {
        await client.write(5, "0");
        await quiet();
        clock.advance(TIMEOUT_MS);
      },
    ],
    ["a session that ends at once", ({ session }) => session.close()],
    ["a session that breaks at once", ({ session }) => session.cut(new Error("gone"))],
    [
      "a stream that ends at once",
      async (client) => {
        await client.openStream();
        await client.finish();
      },
    ],
    ["another packet than OPEN", (client) => client.write(text("4hello"))],
    ["bytes", (client) => client.write(0x81, 0x30)],
    ["a text frame of length 0", (client) => client.write(0)],
    ["bytes of length 0", (client) => client.write(0x80)],
    ["OPEN with no JSON", (client) => client.write(text("0{"))],
    ["OPEN with another JSON", (client) => client.write(text('0{"sid":1}'))],
    ["OPEN with an array", (client) => client.write(text('0["sid"]'))],
    ["OPEN for nobody's session", (client) => client.write(text('0{"sid":"nobody"}'))],
    ["OPEN for a name of every object", (client) => client.write(text('0{"sid":"__proto__"}'))],
    ["OPEN with an empty id", (client) => client.write(text('0{"sid":""}'))],
    ["a frame above the limit", (client) => client.write(126, 4, 0, "0")],
    ["a length above 2^53", (client) => client.write(127, 0, 32, 0, 0, 0, 0, 0, 0)],
    ["text that is not UTF-8", (client) => client.write(2, 0x30, 0xff)],
  ];
  it.each(rows)("%s", async (_what, act) => {
    const stage = new Stage();
    const client = stage.arrive();
    await act(client, stage);
    await client.ended();
    await quiet();
    expect(stage.acceptor.sessions.size).toBe(0);
    expect(stage.clock.pendingTimers).toBe(0);
    expect(client.server.over).toBe(true);
  });

  it("a packet before the server's own OPEN", async () => {
    const stage = new Stage();
    stage.acceptor.newId = () => new Promise(() => {});
    const client = stage.arrive();
    await client.write(OPEN);
    await client.write(text("4too early"));
    await client.ended();
  });

  it("a frame above the limit, once the session is there: parse error", async () => {
    const stage = new Stage();
    const client = stage.arrive();
    await client.write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    await client.write(126, 3, 0xe9);
    await until(() => stage.only.endings.length === 1);
    expect(stage.only.endings[0]).toMatchObject({
      reason: "parse error",
      cause: { code: "ERR_PACKET_TOO_LARGE" },
    });
    await client.ended();
  });

  it("a second session for a session that has changed already", async () => {
    const stage = new Stage();
    await stage.arrive().write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    stage.only.upgradable = false;
    const client = stage.arrive();
    await client.write(text('0{"sid":"sid-1"}'));
    await client.ended();
    expect(stage.only.candidate).toBe(undefined);
    expect(stage.only.endings).toEqual([]);
  });
});

describe("the app's say", () => {
  const request: WebTransportRequest = {
    headers: {
      ":path": "/socket.io/?EIO=4&transport=webtransport&token=abc",
      ":authority": "example.com",
      cookie: "a=1",
    },
    remoteAddress: "192.0.2.7",
  };

  it("refuses where WebTransport is not among the transports", async () => {
    const stage = new Stage({ transports: ["polling", "websocket"] });
    const client = stage.arrive();
    expect(await client.session.closed).toEqual({ closeCode: 0, reason: "Transport unknown" });
    expect(stage.acceptor.refusals).toMatchObject([{ code: 0, context: { transport: "webtransport" } }]);
  });

  it("refuses once the server has closed", async () => {
    const stage = new Stage();
    stage.gate.close();
    await stage.arrive().ended();
  });

  it("shows middlewares and allowRequest what is known of the request", async () => {
    const seen: unknown[] = [];
    const stage = new Stage({
      allowRequest: (req, callback) => {
        seen.push((req as unknown as { _query: Record<string, string> })._query["token"]);
        callback(null, true);
      },
    });
    stage.gate.use((req, res, next) => {
      res.setHeader("x-seen", "yes");
      seen.push(req.method, req.url, req.headers.host, req.headers.cookie, req.socket.remoteAddress);
      next();
    });
    await stage.arrive(request).write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    expect(seen).toEqual(["GET", request.headers?.[":path"], "example.com", "a=1", "192.0.2.7", "abc"]);
    expect(stage.only.handshake.query).toEqual({ EIO: "4", transport: "webtransport", token: "abc" });
    expect("encrypted" in stage.only.handshake.req.socket).toBe(true);
  });

  it("lets a session in of which nothing is known, if the app does", async () => {
    const stage = new Stage();
    stage.gate.use((_req, _res, next) => next());
    await stage.arrive().write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    expect(stage.only.handshake.query).toEqual({ EIO: "4", transport: "webtransport" });
  });

  it("refuses what a middleware refuses, answers, or never passes on", async () => {
    for (const [middleware, code] of [
      [(_req, _res, next) => next(new Error("no")), 3],
      [
        () => {
          throw new Error("no");
        },
        3,
      ],
      [(_req, res) => res.writeHead(403).end("no"), undefined],
      [() => {}, 4],
    ] as [Parameters<Gate["use"]>[0], number | undefined][]) {
      const stage = new Stage();
      stage.gate.use(middleware);
      const client = stage.arrive(request);
      // Nobody reads it, if the middleware never passes on.
      const written = client.write(OPEN);
      await quiet();
      // A connection may take so long to join.
      if (stage.clock.pendingTimers > 0) stage.clock.advance(45_000);
      await client.ended();
      await written;
      expect(stage.acceptor.sessions.size).toBe(0);
      expect(stage.acceptor.refusals.map((refused) => refused.code)).toEqual(
        code === undefined ? [] : [code],
      );
      await quiet();
      expect(stage.clock.pendingTimers).toBe(0);
    }
  });

  it("refuses what allowRequest refuses, and says why", async () => {
    const stage = new Stage({ allowRequest: (_req, callback) => callback("not today", false) });
    const client = stage.arrive(request);
    await client.write(OPEN);
    expect(await client.session.closed).toEqual({ closeCode: 4, reason: "not today" });
    expect(stage.acceptor.refusals).toMatchObject([{ code: 4, context: { message: "not today" } }]);
  });

  it.each([
    [undefined, "https://evil.example", false],
    [undefined, "https://example.com", true],
    [{ origin: "https://good.example" }, "https://good.example", true],
    [{ origin: "https://good.example" }, "https://evil.example", false],
    [{ origin: ["https://good.example"] }, "https://good.example", true],
    [{ origin: ["https://good.example"] }, "https://evil.example", false],
    [{ origin: ["https://good.example"] }, "https://example.com", true],
    [{ origin: false }, "https://evil.example", false],
    [{ origin: "*" }, "https://evil.example", true],
    [{ origin: "https://good.example" }, undefined, true],
  ])("cors %o and the origin %s: %s", async (cors, origin, letIn) => {
    const stage = new Stage({ cors });
    const client = stage.arrive({ ...request, headers: { ...request.headers, origin } });
    await client.write(OPEN);
    if (letIn) await until(() => stage.acceptor.sessions.size === 1);
    else await client.ended();
    expect(stage.acceptor.sessions.size).toBe(letIn ? 1 : 0);
    expect(stage.acceptor.refusals.map(({ code }) => code)).toEqual(letIn ? [] : [40]);
  });

  it("ends the session when the app destroys the request's socket", async () => {
    const stage = new Stage();
    const client = stage.arrive();
    await client.write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    stage.only.handshake.req.socket.destroy();
    await client.ended();
    expect(stage.only.endings.map(({ reason }) => reason)).toEqual(["transport close"]);
  });
});

it("shares a packet between pipes without changing it", async () => {
  const stage = new Stage();
  const packet = new EncodedPacket('451-["b"]', [new Uint8Array(0)]);
  const clients = [stage.arrive(), stage.arrive()];
  for (const client of clients) await client.write(OPEN);
  await until(() => stage.acceptor.sessions.size === 2);
  for (const { transport } of stage.acceptor.sessions.values()) {
    const side = new Side();
    await until(() => transport.writable);
    transport.bind(side);
    transport.send([packet]);
  }
  // Stock decoders take a length of 0 for an error: no bytes are the text `b`.
  for (const { got } of clients) {
    await until(() =>
      Buffer.from(got)
        .toString()
        .endsWith(`${text('451-["b"]')}\u0001b`),
    );
  }
  expect(packet.attachments).toEqual([new Uint8Array(0)]);
});

describe("a claim over WebTransport", () => {
  const claim = { sid: "sid-1", secret: "s", received: 3 };

  async function withSession(options: Partial<GateOptions> = {}): Promise<Stage> {
    const stage = new Stage(options);
    await stage.arrive({ url: "/engine.io/?EIO=4&transport=webtransport&resume=offer" }).write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    return stage;
  }

  it("moves the session there, with what follows in the same piece", async () => {
    const stage = await withSession();
    expect(stage.only.handshake.counts).toBe(true);
    const client = stage.arrive();
    await client.write(text(`0${JSON.stringify(claim)}`), text("63"));
    await until(() => stage.only.frames.length === 1);
    expect(stage.acceptor.claims).toEqual([claim]);
    expect(stage.only.frames).toEqual(["63"]);
    await until(() => client.got.length > 0);
    expect(Buffer.from(client.got).toString()).toContain('"again":true');
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it.each([
    ["for a session that does not exist", { ...claim, sid: "other" }],
    ["whose secret is none", { ...claim, secret: 1 }],
    ["whose count is none", { ...claim, received: -1 }],
    ["without a sid", { secret: "s", received: 3 }],
  ])("%s is refused, and always alike", async (_what, words) => {
    const stage = await withSession();
    const client = stage.arrive();
    await client.write(text(`0${JSON.stringify(words)}`));
    await until(() => client.got.length > 0);
    expect(Buffer.from(client.got).toString()).toBe(text("1"));
    expect(stage.only.endings).toEqual([]);
    expect(stage.acceptor.refusals).toMatchObject([{ code: 1, context: { name: "CLAIM_REFUSED" } }]);
  });

  it("that the session does not grant is refused with the same answer", async () => {
    const stage = await withSession();
    stage.acceptor.agrees = () => false;
    const client = stage.arrive();
    await client.write(text(`0${JSON.stringify(claim)}`));
    await until(() => client.got.length > 0);
    expect(Buffer.from(client.got).toString()).toBe(text("1"));
  });

  it("counts against the limits of handshakes", async () => {
    const stage = await withSession();
    Object.assign(stage.acceptor, {
      exceeds: () => Object.assign(new Error("too often"), { code: "ERR_TOO_MANY_HANDSHAKES" }),
    });
    const client = stage.arrive();
    await client.write(text(`0${JSON.stringify(claim)}`));
    await client.ended();
    expect(stage.acceptor.claims).toEqual([]);
  });
});

describe("a session whose whereabouts are told late", () => {
  const UPGRADE = text('0{"sid":"sid-1"}');
  const CLAIM = text('0{"sid":"sid-1","secret":"s","received":0}');

  /** A session, and a second client that names it. The answer is given by what is returned. */
  async function scene(
    first: string,
  ): Promise<{ stage: Stage; client: Client; answer: (located: Located) => void }> {
    const stage = new Stage();
    const owner = stage.arrive();
    await owner.write(OPEN);
    await until(() => stage.acceptor.sessions.size === 1);
    let answer = (_located: Located): void => {};
    stage.acceptor.locate = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const client = stage.arrive();
    await client.write(first);
    await quiet();
    return { stage, client, answer: (located) => answer(located) };
  }

  it("takes an upgrade once it is known to be here", async () => {
    const { stage, answer } = await scene(UPGRADE);
    expect(stage.only.candidate).toBeUndefined();
    answer(stage.only);
    await until(() => stage.only.candidate?.name === "webtransport");
  });

  it("goes on over a claim once it is known to be here", async () => {
    const { stage, answer } = await scene(CLAIM);
    expect(stage.acceptor.claims).toEqual([]);
    answer(stage.only);
    await until(() => stage.acceptor.claims.length === 1);
  });

  it.each([
    ["an upgrade", UPGRADE, undefined],
    ["an upgrade", UPGRADE, new There("b")],
    ["a claim", CLAIM, undefined],
    ["a claim", CLAIM, new There("b")],
  ])("refuses %s of %j if the answer is %o", async (_kind, first, located) => {
    const { stage, client, answer } = await scene(first);
    stage.acceptor.agrees = () => false;
    answer(located);
    await client.ended();
    expect(stage.acceptor.refusals.map(({ code }) => code)).toEqual([1]);
    expect(stage.only.candidate).toBeUndefined();
  });

  it.each([UPGRADE, CLAIM])("turns %j away when the gate closes meanwhile", async (first) => {
    const { stage, client, answer } = await scene(first);
    stage.gate.close();
    await client.ended();
    answer(stage.only);
    await quiet();
    expect([stage.only.candidate, stage.acceptor.claims]).toEqual([undefined, []]);
  });
});
