import { deflateRawSync } from "node:zlib";
import { describe, expect } from "vitest";
import { attack, SUBJECT, upgradeBytes } from "../support/attack.js";
import type { Line } from "../support/rawsocket.js";
import { once, turn, until } from "../support/wait.js";

// WebSocket frames written byte by byte, engine packets out of place, and upgrades that race.

const WS = "EIO=4&transport=websocket";

interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** The three reserved bits, as they stand in the first byte. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** Instead of the true one. */
  readonly length?: Buffer;
}

/** One client frame. The mask is zero, so the payload can be read. */
function frame(payload: string | Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = 1, fin = true, reserved = 0, masked = true } = options;
  const bytes = Buffer.from(payload as Uint8Array);
  const mask = masked ? 0x80 : 0;
  let length: Buffer;
  if (options.length !== undefined) {
    length = Buffer.from(options.length);
    length[0] = (length[0] ?? 0) | mask;
  } else if (bytes.length < 126) {
    length = Buffer.from([mask | bytes.length]);
  } else if (bytes.length < 65_536) {
    length = Buffer.from([mask | 126, bytes.length >> 8, bytes.length & 255]);
  } else {
    length = Buffer.alloc(9);
    length[0] = mask | 127;
    length.writeBigUInt64BE(BigInt(bytes.length), 1);
  }
  const first = Buffer.from([(fin ? 0x80 : 0) | reserved | opcode]);
  return Buffer.concat([first, length, masked ? Buffer.alloc(4) : Buffer.alloc(0), bytes]);
}

interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What a server wrote after its handshake. */
function parseFrames(latin1: string): ServerFrame[] {
  const bytes = Buffer.from(latin1, "latin1");
  const frames: ServerFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const opcode = (bytes[at] ?? 0) & 15;
    let length = (bytes[at + 1] ?? 0) & 127;
    let start = at + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    frames.push({ opcode, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}

/** The close code that the server sent before it ended the connection; `undefined` if it just ended it. */
async function closeCode(line: Line): Promise<number | undefined> {
  const text = await line.rest();
  const frames = parseFrames(text);
  const close = frames.find(({ opcode }) => opcode === 8);
  return close === undefined || close.payload.length < 2 ? undefined : close.payload.readUInt16BE(0);
}

async function handshake(line: Line, headers: Record<string, string> = {}): Promise<Line> {
  line.write(upgradeBytes(WS, headers));
  expect((await line.answer()).status).toBe(101);
  return line;
}

const text = (words: string): Buffer => frame(words);
const joined = text("40");

describe("frames that break RFC 6455", () => {
  const rows: readonly (readonly [name: string, code: number, bytes: readonly Buffer[]])[] = [
    ["reserved bit 1 without an extension", 1002, [frame("40", { reserved: 0x40 })]],
    ["reserved bits 2 and 3", 1002, [frame("40", { reserved: 0x30 })]],
    ["no mask", 1002, [frame("40", { masked: false })]],
    ["opcode 3", 1002, [frame("40", { opcode: 3 })]],
    ["opcode 11", 1002, [frame("", { opcode: 11 })]],
    ["a continuation of nothing", 1002, [frame("40", { opcode: 0 })]],
    ["a new message inside another", 1002, [frame("4", { fin: false }), frame("40")]],
    ["a ping in pieces", 1002, [frame("x", { opcode: 9, fin: false })]],
    ["a ping of 126 bytes", 1002, [frame("x".repeat(126), { opcode: 9 })]],
    ["a close with one byte", 1002, [frame("x", { opcode: 8 })]],
    ["a close with code 999", 1002, [frame(Buffer.from([3, 231]), { opcode: 8 })]],
    ["a close with code 1005", 1002, [frame(Buffer.from([3, 237]), { opcode: 8 })]],
    ["a close with text that is not UTF-8", 1007, [frame(Buffer.from([3, 232, 0xff]), { opcode: 8 })]],
    ["text that is not UTF-8", 1007, [frame(Buffer.from([0x34, 0xff, 0xfe]))]],
    ["UTF-8 that breaks off at the end", 1007, [frame(Buffer.from([0x34, 0xf0, 0x9f]))]],
    [
      "a length of 2^63 - 1 (CVE-2026-27889)",
      1009,
      [frame("", { length: Buffer.from([127, 0x7f, 255, 255, 255, 255, 255, 255, 255]) })],
    ],
    [
      "a length of 2^64 - 1",
      1009,
      [frame("", { length: Buffer.from([127, 255, 255, 255, 255, 255, 255, 255, 255]) })],
    ],
    ["a length of 2^53", 1009, [frame("", { length: Buffer.from([127, 0, 0x20, 0, 0, 0, 0, 0, 0]) })]],
    ["a message above the limit (W2)", 1009, [frame("x".repeat(1_000_001))]],
    [
      "a message above the limit in pieces (W2)",
      1009,
      [frame("4".repeat(600_000), { fin: false }), frame("4".repeat(600_000), { opcode: 0 })],
    ],
    [
      "a declared gigabyte (W2)",
      1009,
      [frame("", { length: Buffer.from([127, 0, 0, 0, 0, 0x40, 0, 0, 0]) })],
    ],
  ];
  for (const [name, code, bytes] of rows) {
    attack(`${name}: ${code}`, async ({ line, gone, io }) => {
      const peer = await handshake(line());
      peer.write(joined);
      await until(() => io.sockets.sockets.size === 2, "the peer to join");
      for (const each of bytes) peer.write(each);
      expect(await closeCode(peer)).toBe(code);
      await until(() => gone.length === 1, "the session to end");
      expect(gone).toEqual(["transport error"]);
    });
  }

  attack("one byte at a time, and good: taken", async ({ line, heard }) => {
    const peer = await handshake(line());
    const bytes = Buffer.concat([
      joined,
      frame('42["a', { fin: false }),
      frame("ping", { opcode: 9 }),
      frame("", { opcode: 0, fin: false }),
      frame('"]', { opcode: 0 }),
    ]);
    for (const byte of bytes) {
      peer.write(Uint8Array.of(byte));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await until(() => heard.length === 1, "the event");
    expect(heard).toEqual([["a"]]);
  });
});

describe("floods", () => {
  attack("of empty fragments: 1008 (W7)", async ({ line, roundTrip }) => {
    const peer = await handshake(line());
    peer.write(frame("4", { fin: false }));
    const batch = Buffer.concat(Array.from({ length: 1_000 }, () => frame("", { opcode: 0, fin: false })));
    for (let n = 0; n < 40 && !peer.ended; n++) {
      peer.write(batch);
      await turn();
    }
    await roundTrip();
    if (SUBJECT === "sockeye") expect(await closeCode(peer)).toBe(1008);
  });

  attack("of fragments of one byte: 1008 (W7)", async ({ line, roundTrip }) => {
    const peer = await handshake(line());
    peer.write(frame("4", { fin: false }));
    const batch = Buffer.concat(Array.from({ length: 1_000 }, () => frame("x", { opcode: 0, fin: false })));
    for (let n = 0; n < 40 && !peer.ended; n++) {
      peer.write(batch);
      await turn();
    }
    await roundTrip();
    if (SUBJECT === "sockeye") expect(await closeCode(peer)).toBe(1008);
  });

  attack("of pings by one who reads nothing: memory stays bounded (W8)", async ({ line, roundTrip, io }) => {
    const peer = await handshake(line());
    peer.write(joined);
    await until(() => io.sockets.sockets.size === 2, "the peer to join");
    peer.socket.pause();
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    const batch = Buffer.concat(Array.from({ length: 2_000 }, () => frame("x".repeat(120), { opcode: 9 })));
    for (let n = 0; n < 200 && !peer.ended; n++) {
      peer.write(batch);
      await turn();
    }
    await roundTrip();
    // 400,000 pings would be answered by 50 MB.
    if (SUBJECT === "sockeye") {
      const grown =
        process.memoryUsage().heapUsed + process.memoryUsage().external - before - peer.socket.writableLength;
      expect(grown).toBeLessThan(80_000_000);
    }
  });

  attack("of packets in one write, without recursion (CVE-2017-10910)", async ({ line, heard }) => {
    const peer = await handshake(line());
    peer.write(Buffer.concat([joined, ...Array.from({ length: 20_000 }, (_, n) => text(`42["e",${n}]`))]));
    await until(() => heard.length === 20_000, "all events");
    expect(heard.at(-1)).toEqual(["e", 19_999]);
  });

  attack("of engine packets that mean nothing harm nobody", async ({ line, roundTrip, heard }) => {
    const peer = await handshake(line());
    peer.write(
      Buffer.concat([
        joined,
        ...Array.from({ length: 20_000 }, (_, n) => text(n % 2 === 0 ? "3" : "6")),
        text('42["e"]'),
      ]),
    );
    await until(() => heard.length === 1, "the event");
    await roundTrip();
  });
});

describe("extensions and control frames", () => {
  attack("a ping is answered with its own bytes, whatever they are called (D3)", async ({ line }) => {
    const peer = await handshake(line());
    for (const name of ["__proto__", "constructor", "", "\u0000"]) peer.write(frame(name, { opcode: 9 }));
    peer.write(frame(Buffer.from([3, 232]), { opcode: 8 }));
    const frames = parseFrames(await peer.rest());
    const pongs = frames.filter(({ opcode }) => opcode === 10).map(({ payload }) => payload.toString());
    // The server may answer the last of several only.
    expect(pongs.at(-1)).toBe("\u0000");
    expect(frames.at(-1)?.opcode).toBe(8);
  });

  attack(
    "a bomb is measured while it is unpacked: 1009 (D2, 12)",
    async ({ line, roundTrip }) => {
      const peer = await handshake(line(), {
        "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover",
      });
      const bomb = deflateRawSync(Buffer.alloc(50_000_000, 0x34), { finishFlush: 2 });
      expect(bomb.length).toBeLessThan(100_000);
      peer.write(frame(bomb, { reserved: 0x40 }));
      expect(await closeCode(peer)).toBe(1009);
      await roundTrip();
    },
    { perMessageDeflate: true },
  );

  attack(
    "what cannot be unpacked: 1007",
    async ({ line }) => {
      const peer = await handshake(line(), {
        "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover",
      });
      peer.write(frame(Buffer.alloc(100, 0xff), { reserved: 0x40 }));
      expect(await closeCode(peer)).toBe(1007);
    },
    { perMessageDeflate: true },
  );
});

describe("engine packets out of place", () => {
  const rows: readonly (readonly [name: string, packet: string | Buffer])[] = [
    ["nothing", ""],
    ["an OPEN", '0{"sid":"x"}'],
    ["a PING, which is the server's", "2"],
    ["a probe on a session's own transport", "2probe"],
    ["packet type 7", "7"],
    ["packet type b", "bAQID"],
    ["letters", "hello"],
    ["binary that nobody announced", Buffer.from([1, 2, 3])],
    ["empty binary", Buffer.alloc(0)],
  ];
  for (const [name, packet] of rows) {
    attack(`${name}: closed`, async ({ join, gone, heard }) => {
      const { wire } = await join();
      wire.send(packet, '42["after"]');
      expect(await wire.closed).toBe(1005);
      await until(() => gone.length === 1, "the session to end");
      expect(heard).toEqual([]);
    });
  }

  attack("an UPGRADE on a session's own transport harms nobody", async ({ join, roundTrip }) => {
    const { wire } = await join();
    wire.send("5");
    await roundTrip();
  });

  attack("a CLOSE ends the session or nothing", async ({ join, roundTrip }) => {
    const { wire } = await join();
    wire.send("1");
    await roundTrip();
  });
});

describe("upgrades that race (15)", () => {
  const target = (sid: string): string => `${WS}&sid=${sid}`;

  attack(
    "another candidate while one is probed: the second is closed, the first goes on",
    async ({ wire, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      const first = await wire(target(poller.open.sid));
      first.send("2probe");
      expect(await first.next()).toBe("3probe");
      const second = await wire(target(poller.open.sid));
      await second.closed;
      const upgraded = once(socket.conn, "upgrade");
      first.send("5");
      await upgraded;
      first.send('42["still"]');
      await until(() => heard.length === 1, "the event");
    },
  );

  attack(
    "another candidate before the first says a word: the second is closed, the first takes over",
    async ({ wire, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      const first = await wire(target(poller.open.sid));
      const second = await wire(target(poller.open.sid));
      await second.closed;
      first.send("2probe");
      expect(await first.next()).toBe("3probe");
      const upgraded = once(socket.conn, "upgrade");
      first.send("5", '42["still"]');
      await upgraded;
      await until(() => heard.length === 1, "the event");
    },
  );

  attack(
    "a session that was upgraded already: the candidate is closed",
    async ({ wire, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      const first = await wire(target(poller.open.sid));
      first.send("2probe");
      await first.next();
      const upgraded = once(socket.conn, "upgrade");
      first.send("5");
      await upgraded;
      const late = await wire(target(poller.open.sid));
      await late.closed;
      first.send('42["still"]');
      await until(() => heard.length === 1, "the event");
    },
  );

  attack(
    "a session that began as a WebSocket: the candidate is closed, the session goes on",
    async ({ wire, bystander, roundTrip }) => {
      const candidate = await wire(target(bystander.io.engine.id ?? ""));
      candidate.send("2probe", "5", '42["stolen"]');
      if (SUBJECT === "sockeye") await candidate.closed;
      await roundTrip();
    },
  );

  const bad: readonly (readonly [name: string, frames: readonly (string | Buffer)[]])[] = [
    ["a message instead of the probe", ["40"]],
    ["a PING without the word", ["2"]],
    ["an UPGRADE without a probe", ["5"]],
    ["garbage", ["hello"]],
    ["nothing", [""]],
    ["binary", [Buffer.from([1])]],
    ["an OPEN", ["0{}"]],
    ["a message between probe and UPGRADE", ["2probe", '42["early"]']],
  ];
  for (const [name, frames] of bad) {
    attack(
      `${name}: the candidate is closed, the session stays on polling`,
      async ({ wire, joinByPolling, heard }) => {
        const { poller, socket } = await joinByPolling();
        const candidate = await wire(target(poller.open.sid));
        candidate.send(...frames);
        await candidate.closed;
        await poller.post('42["still"]');
        await turn();
        expect(heard).toEqual([["still"]]);
        socket.emit("down");
        expect(await poller.packets()).toEqual(['42["down"]']);
        expect(socket.conn.transport.name).toBe("polling");
        socket.disconnect(true);
      },
    );
  }

  attack(
    "a candidate that resets in the middle: the session stays on polling",
    async ({ wire, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      for (let n = 0; n < 5; n++) {
        const candidate = await wire(target(poller.open.sid));
        candidate.send("2probe");
        await candidate.next();
        candidate.end();
        // The session is free for another candidate once it has noticed.
        await until(
          () => (socket.conn as unknown as { upgrading: boolean }).upgrading !== true,
          "the probe to be given up",
        );
      }
      await poller.post('42["still"]');
      await turn();
      expect(heard).toEqual([["still"]]);
    },
  );

  attack(
    "a session that ends while it is probed takes its candidate along",
    async ({ wire, joinByPolling }) => {
      const { poller, socket } = await joinByPolling();
      const candidate = await wire(target(poller.open.sid));
      candidate.send("2probe");
      await candidate.next();
      socket.conn.close();
      await candidate.closed;
      await poller.poll();
    },
  );

  attack(
    "polls and POSTs go on while a candidate is probed, and not after",
    async ({ wire, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      const candidate = await wire(target(poller.open.sid));
      candidate.send("2probe");
      await candidate.next();
      await poller.post('42["one"]');
      const upgraded = once(socket.conn, "upgrade");
      candidate.send("5", '42["two"]');
      await upgraded;
      expect(await poller.post('42["three"]')).toMatchObject({
        status: 400,
        body: '{"code":3,"message":"Bad request"}',
      });
      expect(await poller.poll()).toMatchObject({ status: 400, body: '{"code":3,"message":"Bad request"}' });
      await until(() => heard.length === 2, "the events");
      expect(heard).toEqual([["one"], ["two"]]);
    },
  );

  attack(
    "a candidate that never comes to an end is closed (15)",
    async ({ wire, joinByPolling }) => {
      const { poller, socket } = await joinByPolling();
      for (const frames of [[], ["2probe"]]) {
        const candidate = await wire(target(poller.open.sid));
        candidate.send(...frames);
        await candidate.closed;
      }
      socket.emit("down");
      expect(await poller.packets()).toEqual(['42["down"]']);
    },
    { upgradeTimeout: 50 },
  );
});

describe("slow readers (10)", () => {
  attack("cost no other reader", async ({ line, io, bystander, roundTrip }) => {
    const slow = await handshake(line());
    slow.write(joined);
    await until(() => io.sockets.sockets.size === 2, "the peer to join");
    slow.socket.pause();
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      bystander.on("news", () => {
        heard += 1;
        if (heard === 300) resolve();
      });
    });
    const news = "x".repeat(50_000);
    for (let n = 0; n < 300; n++) {
      io.emit("news", news);
      if (n % 50 === 0) await roundTrip();
    }
    await all;
  });

  attack(
    "who read nothing at all are dropped by the heartbeat",
    async ({ line, io, gone }) => {
      const slow = await handshake(line());
      slow.write(joined);
      await until(() => io.sockets.sockets.size === 2, "the peer to join");
      slow.socket.pause();
      for (let n = 0; n < 100; n++) io.emit("news", "x".repeat(50_000));
      await until(() => gone.length === 1, "the session to end");
      expect(gone).toEqual(["ping timeout"]);
    },
    { pingInterval: 100, pingTimeout: 1_000 },
  );
});
