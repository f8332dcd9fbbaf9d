import { EventEmitter } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { manualClock } from "@sockeye/conformance";
import type { Expose } from "@sockeye/rooms";
import { describe, expect, it, vi } from "vitest";
import { once, until } from "../../../test/support/wait.js";
import { type FeedsHost, RoomFeeds } from "../src/room-feeds.js";
import { atEnd, type Site, serve } from "./site.js";

// Rooms as text/event-stream, read by plain HTTP. A real EventSource does in test/browser.

interface Message {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

interface Reading {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly messages: Message[];
  readonly ended: Promise<unknown>;
  readonly text: string;
  end(): void;
}

function read(site: Site, path: string, headers: Record<string, string> = {}): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const req = request(`${site.url}/socket.io/rooms/${path}`, { headers, agent: false }, (res) => {
      const messages: Message[] = [];
      let rest = "";
      const reading = {
        status: res.statusCode ?? 0,
        headers: res.headers,
        messages,
        ended: new Promise((over) => res.on("close", over)),
        text: "",
        end: () => req.destroy(),
      };
      res.setEncoding("utf8").on("data", (text: string) => {
        reading.text += text;
        rest += text;
        const blocks = rest.split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
          const data = field("data");
          if (data !== undefined)
            messages.push({ event: field("event"), id: field("id"), data: JSON.parse(data) });
        }
      });
      res.on("error", () => {});
      resolve(reading);
    });
    req.on("error", reject);
    req.end();
    atEnd(() => req.destroy());
  });
}

async function open(expose: Partial<Expose> = {}, options: object = {}): Promise<Site> {
  const site = await serve(options as never);
  site.io.room("news:+", {
    keep: { count: 5 },
    expose: { sse: true, authorize: () => true, ...expose },
  });
  site.io.room("last", { keep: "last", expose: { sse: true, authorize: () => true } });
  site.io.room("closed", { keep: {}, authorize: () => true });
  return site;
}

const LIMITS = {
  maxRoomFeeds: 9,
  maxRoomFeedsPerAddress: 9,
  maxHandshakesPerSecondPerAddress: 9,
  maxProcessBytes: 1e9,
};

/** Feeds without a server around them, of rooms that anybody may read and in which nothing happens. */
function byHand(about: Partial<FeedsHost> = {}) {
  const clock = manualClock();
  const rooms = {
    exposure: () => ({ sse: true, params: [], authorize: () => true }),
    open: () => undefined,
    follow: () => ({ next: () => undefined, close: () => {} }),
  } as unknown as ReturnType<FeedsHost["roomsOf"]>;
  const feeds = new RoomFeeds({
    clock,
    limits: LIMITS,
    connectTimeoutMs: 45_000,
    addressOf: () => undefined,
    roomsOf: () => rooms,
    exceeded: () => {},
    reportError: () => {},
    ...about,
  });
  return { clock, feeds };
}

/** The statuses of as many requests for the same room, one after the other; the answers stay open. */
async function statuses(site: Site, count: number, headers: Record<string, string> = {}): Promise<number[]> {
  const all: number[] = [];
  for (let n = 0; n < count; n++) all.push((await read(site, "last", headers)).status);
  return all;
}

const numbers = ({ messages }: Reading): unknown[] =>
  messages.map(({ event, data }) => (event === "joined" ? data["complete"] : (data["args"] as unknown[])[0]));

describe("a room that is exposed", () => {
  it("says where it stands, what was asked for, then what comes; it goes on from the last id", async () => {
    const site = await open();
    const say = (n: unknown): void => void site.io.to("news:1").emit("said", n);
    for (const n of [1, 2, 3]) say(n);
    const first = await read(site, "news:1?since=last:2");
    await until(() => first.messages.length === 3, "what was kept");
    say(4);
    say(Buffer.from("5"));
    await until(() => first.messages.length === 5, "what comes");
    expect(first.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    expect(first.text).toMatch(/^retry: 2000\n\n/);
    expect(numbers(first)).toEqual([true, 2, 3, 4, "NQ=="]);
    const { id, data } = first.messages[1] as Message;
    expect(data).toEqual({ position: id, event: "said", args: [2] });
    first.end();
    say(6);
    // What the browser says wins over the address.
    const again = await read(site, "news:1?since=last:5", { "last-event-id": first.messages[3]?.id ?? "" });
    await until(() => again.messages.length === 3, "the rest");
    expect(numbers(again)).toEqual([true, "NQ==", 6]);
    expect(again.messages[0]?.id).toBe(first.messages[3]?.id);
  });

  it("says if some of it is not kept any more, or it is another life of the room", async () => {
    const site = await open();
    for (let n = 1; n <= 9; n++) site.io.to("news:1").emit("said", n);
    const at = (n: number): string => (site.io.room("news:1").position ?? "").replace(/\..*/, `.${n}`);
    for (const [since, heard] of [
      [at(2), [false, 5, 6, 7, 8, 9]],
      [at(4), [true, 5, 6, 7, 8, 9]],
      [at(9), [true]],
      ["other.3", [false]],
      ["", [true]],
    ] as const) {
      const reading = await read(site, "news:1", since === "" ? {} : { "last-event-id": since });
      await until(() => reading.messages.length >= heard.length, since);
      expect(numbers(reading)).toEqual(heard);
      reading.end();
    }
    site.io.to("last").emit("said", "newest");
    const last = await read(site, "last");
    await until(() => last.messages.length === 2, "the last value");
    expect(numbers(last)).toEqual([true, "newest"]);
  });

  it("is not heard of by whoever may not: all get the same answer; the app's failure is its own", async () => {
    const asked: unknown[] = [];
    const errors: unknown[] = [];
    const site = await open({
      authorize: async (req, request) => {
        asked.push(request);
        if (request.room === "news:broken") throw new Error("no database");
        return req.headers.authorization === "Bearer 1" || ("yes" as never);
      },
    });
    site.io.on("error", (error: unknown) => errors.push(error));
    const status = async (path: string, headers = {}): Promise<number> =>
      (await read(site, path, headers)).status;
    expect(await status("news:a%20b", { authorization: "Bearer 1" })).toBe(200);
    expect(asked).toEqual([{ room: "news:a b", params: ["a b"] }]);
    for (const path of ["news:1", "closed", "nowhere", "sockeye:room:news:1", "%", "", "news:1?nsp=/no"])
      expect(`${path} ${await status(path)}`).toBe(`${path} 404`);
    expect(await status("news:1?since=nonsense", { authorization: "Bearer 1" })).toBe(400);
    expect(await status("news:broken")).toBe(500);
    expect(errors).toMatchObject([{ message: "no database" }]);
    expect((await fetch(`${site.url}/socket.io/rooms/news:1`, { method: "POST" })).status).toBe(405);
  });

  it("is for origins that may connect, and for pages that CORS lets in", async () => {
    const ROWS: [options: object, origin: string, status: number, allowed: string | undefined][] = [
      [{}, "https://other.example", 403, undefined],
      [{ origins: "https://other.example" }, "https://other.example", 200, undefined],
      [{ cors: { origin: "https://other.example" } }, "https://other.example", 200, "https://other.example"],
      [{ cors: { origin: "https://other.example" } }, "https://evil.example", 403, "https://other.example"],
    ];
    for (const [options, origin, status, allowed] of ROWS) {
      const reading = await read(await open({}, options), "news:1", { origin });
      expect([reading.status, reading.headers["access-control-allow-origin"]]).toEqual([status, allowed]);
      reading.end();
    }
  });

  it("has so many readers at most, those count who wait for authorize; places are free again", async () => {
    let decide: ((yes: boolean) => void) | undefined;
    const authorize = (): Promise<boolean> =>
      new Promise((resolve) => {
        decide = resolve;
      });
    const site = await open({ authorize }, { limits: { maxRoomFeeds: 1 } });
    const waiting = read(site, "news:1");
    await until(() => decide !== undefined, "the question");
    const refused = await read(site, "last");
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "5"]);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxRoomFeeds: 1 });
    decide?.(true);
    (await waiting).end();
    const statusNow = async (): Promise<number> => {
      const next = await read(site, "last");
      next.end();
      return next.status;
    };
    await expect.poll(statusNow, { timeout: 15_000 }).toBe(200);
  });

  it.each<[what: string, limits: object, clientAddress: string[], expected: number[], counted?: string]>([
    ["as sessions", { maxSessionsPerAddress: 2 }, [], [200, 200, 429, 429], "maxRoomFeedsPerAddress"],
    [
      "by a limit of their own",
      { maxSessionsPerAddress: 1, maxRoomFeedsPerAddress: 3 },
      [],
      [200, 200, 200, 429],
      "maxRoomFeedsPerAddress",
    ],
    [
      "by requests a second",
      { maxHandshakesPerSecondPerAddress: 3 },
      [],
      [200, 200, 200, 429],
      "maxHandshakesPerSecondPerAddress",
    ],
    [
      "all addresses of a /64 as one",
      { maxRoomFeedsPerAddress: 2 },
      ["2001:db8::1", "2001:db8::ffff:1", "[2001:db8::2]:443", "2001:db8:0:1::1"],
      [200, 200, 429, 200],
      "maxRoomFeedsPerAddress",
    ],
    [
      "all that is not known not at all",
      { maxRoomFeedsPerAddress: 1 },
      ["", "", "", ""],
      [200, 200, 200, 200],
    ],
  ])("readers of one address are counted %s", async (_what, limits, addresses, expected, counted) => {
    let n = 0;
    const options = addresses.length > 0 ? { clientAddress: () => addresses[n++] || undefined } : {};
    const site = await open({}, { limits, ...options });
    expect(await statuses(site, 4)).toEqual(expected);
    const refused = expected.filter((status) => status === 429).length;
    expect(site.io.metrics().limitsExceeded).toEqual(counted === undefined ? {} : { [counted]: refused });
  });

  it("an event is decoded and written as text once, however many readers hear it", async () => {
    const site = await open();
    const readers = await Promise.all(Array.from({ length: 12 }, () => read(site, "news:1")));
    await until(() => readers.every(({ messages }) => messages.length === 1), "the readers");
    const stringify = vi.spyOn(JSON, "stringify");
    const parse = vi.spyOn(JSON, "parse");
    try {
      site.io.to("news:1").emit("said", "mark");
      // Only what the server does: the readers parse later.
      const written = stringify.mock.calls.filter(([value]) => value?.event === "said" && !("room" in value));
      const parsed = parse.mock.calls.filter(([text]) => String(text).includes("mark"));
      expect([written.length, parsed.length]).toEqual([1, 1]);
    } finally {
      stringify.mockRestore();
      parse.mockRestore();
    }
    await until(() => readers.every(({ messages }) => messages.length === 2), "the event");
  });

  it("a place of an address is free again when its reader goes; options of attach() hold", async () => {
    const site = await open();
    site.io.attach(site.http, { limits: { maxRoomFeedsPerAddress: 1 } } as never);
    const first = await read(site, "last");
    expect(await statuses(site, 2)).toEqual([429, 429]);
    first.end();
    await expect.poll(() => statuses(site, 1), { timeout: 15_000 }).toEqual([200]);
  });

  it("whom the app never decides about is refused after connectTimeout, and when the server closes", async () => {
    const answered: number[] = [];
    const never = { exposure: () => ({ authorize: () => new Promise(() => {}) }) } as never;
    const { clock, feeds } = byHand({ roomsOf: () => never });
    const ask = (): void => {
      const res = Object.assign(new EventEmitter(), {
        headersSent: false,
        writeHead: (status: number) => {
          res.headersSent = true;
          answered.push(status);
          return res;
        },
        end: () => void res.emit("close"),
      });
      const req = { method: "GET", headers: {} };
      void feeds.serve(req as never, res as never, { room: "last", nsp: "/", since: undefined });
    };
    ask();
    clock.advance(44_999);
    ask();
    expect(answered).toEqual([]);
    clock.advance(1);
    expect(answered).toEqual([503]);
    feeds.close();
    expect([answered, clock.pendingTimers]).toEqual([[503, 503], 0]);
  });

  it("what waits for readers counts in the budget of the process, and the heaviest goes", async () => {
    const site = await open({}, { limits: { maxProcessBytes: 3e6 } });
    let cut = 0;
    site.http.on("connection", (socket: Socket) => socket.on("close", () => cut++));
    const slow: Socket[] = [];
    for (let n = 0; n < 6; n++) {
      const socket = connect(site.port, "127.0.0.1");
      atEnd(() => socket.destroy());
      socket.write("GET /socket.io/rooms/news:1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await once(socket, "data");
      socket.pause();
      slow.push(socket);
    }
    // Each has one event waiting behind what the network has taken: 900 KB, six times.
    for (let n = 0; n < 60 && cut === 0; n++) {
      site.io.to("news:1").emit("said", n, "x".repeat(900_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => cut > 0, "one to be cut");
    const held = (): number => site.io.metrics().heldBytes;
    expect([cut < 6, held() <= 3e6]).toEqual([true, true]);
    for (const socket of slow) socket.destroy();
    await until(() => held() === 0, "nothing to be held");
  });

  it("a reader who reads nothing does not keep the server from its end", async () => {
    const site = await open();
    const slow: Socket = connect(site.port, "127.0.0.1");
    atEnd(() => slow.destroy());
    await once(slow, "connect");
    slow.write("GET /socket.io/rooms/news:1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(slow, "data");
    slow.pause();
    for (let n = 0; n < 20; n++) {
      site.io.to("news:1").emit("said", n, "x".repeat(900_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await site.io.close();
  }, 30_000);

  it("names that no room can have are forgotten at once", async () => {
    const asked: string[] = [];
    const site = await open({ authorize: (_req, { room }) => asked.push(room) > 0 });
    const name = (characters: number): string => `news:${"x".repeat(characters - 5)}`;
    expect((await read(site, name(255))).status).toBe(200);
    for (const characters of [256, 1000, 12_000])
      expect((await read(site, name(characters))).status).toBe(404);
    expect(asked).toEqual([name(255)]);
  });

  it("a reader who does not read costs what the network holds, and is told of what it missed", async () => {
    const site = await open();
    const big = "x".repeat(500_000);
    const sockets: Socket[] = [];
    site.http.on("connection", (socket: Socket) => sockets.push(socket));
    const slow: Socket = connect(site.port, "127.0.0.1");
    atEnd(() => slow.destroy());
    await once(slow, "connect");
    slow.write("GET /socket.io/rooms/news:1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let text = "";
    slow.on("data", (chunk) => {
      text += String(chunk);
    });
    await until(() => text.includes("joined"), "the beginning");
    slow.pause();
    for (let n = 0; n < 200; n++) {
      site.io.to("news:1").emit("said", n, big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // 100 MB were said; the log keeps 5 events, and one waits for the reader beside what the network has taken.
    expect(sockets.map((socket) => socket.writableLength < 1_100_000)).toEqual([true]);
    text = "";
    slow.resume();
    await until(() => text.includes('"args":[199,'), "the newest");
    expect(text).toContain('{"complete":false');
  });

  it("is told every 15 s that it lives; who has read nothing for two of them is cut", () => {
    const { clock, feeds } = byHand();
    const asked = { room: "news:1", nsp: "/", since: undefined };
    const written: string[] = [];
    let takes = true;
    const res = Object.assign(new EventEmitter(), {
      writeHead: () => res,
      writableLength: 0,
      write: (text: Buffer) => written.push(String(text)) > 0 && takes,
      destroy: () => void res.emit("close"),
      end: () => void res.emit("close"),
    });
    let isCut = false;
    res.on("close", () => {
      isCut = true;
    });
    const req = { method: "GET", headers: {} };
    return feeds.serve(req as never, res as never, asked).then(() => {
      takes = false;
      clock.advance(15_000);
      expect(written).toEqual(["retry: 2000\n\n", ":\n\n"]);
      clock.advance(15_000);
      expect([written.length, isCut]).toEqual([2, false]);
      res.emit("drain");
      takes = true;
      clock.advance(15_000);
      expect(written).toHaveLength(3);
      takes = false;
      clock.advance(45_000);
      expect([isCut, clock.pendingTimers]).toEqual([true, 0]);
    });
  });

  it("is no matter of clients whose path begins like that", () => {
    const { feeds } = byHand();
    expect(feeds.find("/socket.io/rooms/a%3Ab?nsp=/x&since=last:5", "/socket.io")).toEqual({
      room: "a:b",
      nsp: "/x",
      since: "last:5",
    });
    for (const url of ["/socket.io/rooms/?EIO=4&transport=polling", "/socket.io/?EIO=4", "/other/rooms/a"])
      expect(feeds.find(url, "/socket.io")).toBe(undefined);
  });

  it("ends with the server, and comes back no more", async () => {
    const site = await open();
    const reading = await read(site, "news:1");
    await until(() => reading.messages.length === 1, "the beginning");
    const closed = site.io.close();
    await reading.ended;
    await closed;
    expect(reading.status).toBe(200);
  });
});

it.each<[string, object]>([
  ["without keep", { expose: { sse: true, authorize: () => true } }],
  ["without authorize", { keep: {}, expose: { sse: true } }],
  ["of another kind", { keep: {}, expose: { sse: false, authorize: () => true } }],
])("a rule that exposes %s is not taken", async (_what, rule) => {
  const site = await serve();
  expect(() => site.io.room("news", rule as never)).toThrow(
    expect.objectContaining({ code: "ERR_BAD_OPTION" }),
  );
});
