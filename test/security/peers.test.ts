import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Socket } from "socket.io";
import { describe, expect, it, vi } from "vitest";
import { attack, SUBJECT, upgradeBytes } from "../support/attack.js";
import { usedBytes } from "../support/memory.js";
import { joinByPolling, joinMain, Line, requestBytes } from "../support/rawsocket.js";
import { loadServer, startSite } from "../support/servers.js";
import { once, turn, until } from "../support/wait.js";

// Peers that are slow, or do what is allowed and too much of it. Each costs what its bound says, and nobody else anything.

const WS = "EIO=4&transport=websocket";
/** Heartbeats so short that a test can wait for them, and long enough for a busy machine's good client. */
const BRISK = { pingInterval: 100, pingTimeout: 1_500 };

/** A text frame of a client with a mask of zeros, or only its beginning. */
function frame(text: string, first = 0x81, length = text.length): Buffer {
  if (length > 125) throw new Error("a short one");
  return Buffer.concat([Buffer.from([first, 0x80 | length, 0, 0, 0, 0]), Buffer.from(text)]);
}

async function opened(line: Line): Promise<Line> {
  line.write(upgradeBytes(WS));
  expect((await line.answer()).status).toBe(101);
  return line;
}

/** Sends a byte of it each few milliseconds, for as long as the connection lasts. */
function drip(line: Line, bytes: Buffer): void {
  let at = 0;
  const timer = setInterval(() => {
    if (line.ended || at >= bytes.length) clearInterval(timer);
    else line.write(bytes.subarray(at, ++at));
  }, 20);
  line.socket.once("close", () => clearInterval(timer));
}

describe("slow peers (11)", () => {
  attack("with 200 requests whose headers never end make no session", async ({ line, io, roundTrip }) => {
    const lines = Array.from({ length: 200 }, () => line());
    const halves = [
      `GET /socket.io/?${WS} HTTP/1.1\r\nHost: a\r\nUpgrade: webso`,
      "POST /socket.io/?EIO=4&tra",
    ];
    for (const [n, slow] of lines.entries()) slow.write(halves[n % 2] as string);
    for (let n = 0; n < 5; n++) {
      for (const slow of lines) slow.write("x");
      await roundTrip();
    }
    expect(io.engine.clientsCount).toBe(1);
  });

  it("with headers that never end are answered by Node's headersTimeout", async () => {
    const { Server } = await loadServer(SUBJECT);
    const http = createServer({ headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 });
    const io = new Server(http);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const { port } = http.address() as AddressInfo;
    const lines = Array.from({ length: 50 }, () => new Line(port));
    for (const slow of lines)
      drip(slow, requestBytes({ target: `/socket.io/?${WS}&t=${"x".repeat(5_000)}` }));
    for (const slow of lines) expect(await slow.rest()).toMatch(/^HTTP\/1.1 408 /);
    expect(io.engine.clientsCount).toBe(0);
    await io.close();
  });

  attack(
    "whose WebSocket joins nothing end",
    async ({ line, io }) => {
      await Promise.all(Array.from({ length: 20 }, () => opened(line())));
      await until(() => io.engine.clientsCount === 1, "their sessions to end");
    },
    { connectTimeout: 60 },
  );

  const unfinished: readonly (readonly [name: string, begin: Buffer, more: Buffer | undefined])[] = [
    ["half a header", Buffer.from([0x81]), undefined],
    ["a frame that does not come", frame("4", 0x81, 125), undefined],
    ["fragments without a last one", frame("4", 0x01), frame("x", 0x00)],
    ["empty fragments without a last one", frame("4", 0x01), frame("", 0x00)],
    ["WebSocket pings within a message", frame("4", 0x01), frame("p", 0x89)],
  ];
  for (const [name, begin, more] of unfinished) {
    attack(
      `that send ${name}: dropped by the heartbeat`,
      async ({ line, gone, io }) => {
        const slow = await opened(line());
        slow.write(frame("40"));
        await until(() => io.sockets.sockets.size === 2, "the peer to join");
        slow.write(begin);
        const timer = setInterval(() => more && slow.write(more), 20);
        await until(() => gone.length === 1, "its session to end").finally(() => clearInterval(timer));
        expect(gone).toEqual(["ping timeout"]);
      },
      BRISK,
    );
  }

  attack(
    "who close only their own half leave nothing behind",
    async ({ line, joinByPolling, io, gone }) => {
      const slow = await opened(line());
      slow.write(frame("40"));
      await until(() => io.sockets.sockets.size === 2, "the peer to join");
      const { poller } = await joinByPolling();
      const [poll, post] = [line(), line()];
      poll.write(requestBytes({ target: poller.target }));
      post.write(
        requestBytes({
          method: "POST",
          target: poller.target,
          headers: { "Content-Length": "9" },
          body: "4",
        }),
      );
      await turn();
      for (const half of [slow, poll, post]) half.socket.end();
      await Promise.all([slow, poll, post].map((half) => half.rest()));
      await until(() => gone.length === 2, "both sessions to end");
      expect(io.engine.clientsCount).toBe(1);
    },
    BRISK,
  );
});

describe("peers who take their time with answers", () => {
  attack(
    "a client that acknowledges nothing costs its bound, and everybody who asked is told",
    async ({ join, roundTrip }) => {
      const { wire, socket } = await join();
      const errors = new Map<string, number>();
      const note = (error: (Error & { code?: string }) | null): void => {
        const code = error?.code ?? error?.message ?? "an answer";
        errors.set(code, (errors.get(code) ?? 0) + 1);
      };
      for (let n = 0; n < 5_000; n++) socket.timeout(600_000).emit("q", n, note);
      await roundTrip();
      if (SUBJECT === "sockeye") expect(Object.fromEntries(errors)).toEqual({ ERR_TOO_MANY_ACKS: 4_000 });
      wire.end();
      await until(() => [...errors.values()].reduce((sum, n) => sum + n, 0) === 5_000, "all to be told");
      if (SUBJECT === "sockeye") expect(errors.get("ERR_ACK_DISCONNECTED")).toBe(1_000);
    },
    { limits: { maxPendingAcks: 1_000 } },
  );

  attack(
    "broadcasts that a hundred clients never acknowledge end in time, and leave nothing",
    async ({ line, io, roundTrip }) => {
      const lines = await Promise.all(Array.from({ length: 100 }, () => opened(line())));
      for (const deaf of lines) deaf.write(frame("40"));
      await until(() => io.sockets.sockets.size === 101, "all to join");
      const asked = Array.from({ length: 20 }, () =>
        io
          .except([...io.sockets.sockets.keys()].slice(0, 1))
          .timeout(50)
          .emitWithAck("q"),
      );
      for (const result of await Promise.allSettled(asked)) expect(result.status).toBe("rejected");
      await roundTrip();
    },
  );
});

describe("very many names", () => {
  attack("100,000 rooms: a bound for each client, and all go with it", async ({ join, io, roundTrip }) => {
    const peers = await Promise.all(Array.from({ length: 11 }, () => join()));
    const before = await usedBytes();
    const enter = (socket: Socket, n: number): unknown => {
      try {
        return socket.join(`room ${n}`);
      } catch (error) {
        return error;
      }
    };
    for (let n = 0; n < 110_000; n++) enter((peers[n % 11] as { socket: Socket }).socket, n);
    await roundTrip();
    const { rooms } = io.of("/").adapter;
    // Its own room is one of the 10,000 that a socket may be in.
    if (SUBJECT === "sockeye") expect(rooms.size).toBe(11 * 10_000 + 1);
    expect((await usedBytes()) - before).toBeLessThan(110_000 * 800);
    for (const { wire } of peers) wire.end();
    await until(() => rooms.size === 1, "all rooms to go");
    await roundTrip();
    expect((await usedBytes()) - before).toBeLessThan(10_000_000);
  });

  attack(
    "10,000 namespaces that a regular expression lets in: a bound for each client, and all go with it",
    async ({ join, io, roundTrip }) => {
      io.of(/^\/n-\d+$/);
      const before = await usedBytes();
      let let_in = 0;
      let refused = 0;
      for (let client = 0; client < 100; client++) {
        const { wire } = await join();
        wire.send(...Array.from({ length: 200 }, (_, n) => `40/n-${client * 200 + n},`));
        for (let n = 0; n < 200; n++) {
          if (String(await wire.nextMessage()).startsWith("40")) let_in++;
          else refused++;
        }
        wire.end();
        if (client % 20 === 0) await roundTrip();
      }
      if (SUBJECT === "sockeye") expect([let_in, refused]).toEqual([100 * 127, 100 * 73]);
      await until(() => io._nsps.size <= 2, "all of them to go");
      expect((await usedBytes()) - before).toBeLessThan(20_000_000);
    },
    { cleanupEmptyChildNamespaces: true },
  );
});

describe("time", () => {
  const jumps = [
    ["forwards", 86_400_000],
    ["backwards", -86_400_000],
  ] as const;

  // Without the good client, which lives in this process and is entitled to notice.
  it.each(jumps)("that jumps %s by a day ends nobody's session", async (_name, ms) => {
    const site = await startSite(SUBJECT, BRISK);
    const { wire } = await joinMain(site.port);
    const { poller } = await joinByPolling(site.port);
    const real = Date.now;
    const jumped = vi.spyOn(Date, "now").mockImplementation(() => real() + ms);
    try {
      for (let pings = 0; pings < 3; pings++) {
        expect(await wire.next("a PING")).toBe("2");
        wire.send("3");
        expect((await poller.poll()).body).toBe("2");
        await poller.post("3");
      }
    } finally {
      jumped.mockRestore();
    }
    expect(await wire.next("another PING")).toBe("2");
    expect(site.io.engine.clientsCount).toBe(2);
    wire.end();
    await site.end();
  });
});
