// Requests over one link between two nodes: what arrives, what waits, what ends, and what a stranger may do.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createTcp, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { manualClock } from "@sockeye/conformance";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { turn, until, within } from "../../../test/support/wait.js";
import { InternalListener } from "../src/forward/internal-listener.js";
import { AnsweringEnd } from "../src/forward/link/answering.js";
import { AskingEnd } from "../src/forward/link/asking.js";
import { Carrier } from "../src/forward/link/carrier.js";
import { Outflow } from "../src/forward/link/flow.js";
import {
  FrameReader,
  LAST,
  LinkFrame,
  MAX_FRAME_BYTES,
  writeCredit,
  writeFrame,
} from "../src/forward/link/frames.js";
import { Links, versionFor } from "../src/forward/link/links.js";
import { forwardKey, linkKey, SIGNATURE_HEADER, Signer, Verifier } from "../src/forward/signature.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function memberAt(address: string) {
  const facts = { id: "owner", tag: "tagg", name: "o", address, key: "k" } as const;
  return { ...facts, sessions: 0, draining: false, state: "up" } as const;
}

type Handle = (req: IncomingMessage, res: ServerResponse) => void;

/** An owner that answers by `handle`, and a node in front of it that passes all on over a link. */
async function site(handle: Handle) {
  const isMember = (): boolean => true;
  const owner = new InternalListener({
    requests: new Verifier(forwardKey("k", undefined), isMember),
    links: new Verifier(linkKey("k", undefined), isMember),
    isMember,
    target: { request: (req, res) => handle(req, res), upgrade: ({ socket }) => void socket.destroy() },
  });
  const address = await owner.listen({ host: "127.0.0.1" });
  ends.push(() => owner.close());
  const dead: string[] = [];
  const failures: boolean[] = [];
  const clock = manualClock();
  const links = new Links({ id: "front", secret: undefined, clock, dead: (node) => dead.push(node) });
  ends.push(() => links.close());
  const front = createServer((req, res) => {
    const failed = (intact: boolean): void => {
      failures.push(intact);
      res.writeHead(502).end();
    };
    const facts = { address: "9.9.9.9", corsAnswer: undefined };
    if (!links.request({ req, res }, memberAt(address), { facts, failed })) res.writeHead(503).end();
  });
  const port = await listening(front);
  ends.push(() => front.closeAllConnections());
  // The link is opened with the first request, which goes another way.
  const opened = async (): Promise<void> => {
    while ((await ask(port, "OPTIONS", "/open", [])).status === 503) await turn();
  };
  await within(opened(), "the link");
  return { port, owner, dead, failures, address };
}

it("what is said on one stream in a turn is one frame, in single bytes, too; the rest is as it was", async () => {
  const written: Buffer[] = [];
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  const carrier = new Carrier(socket, Buffer.alloc(0), { frame: () => {}, closed: () => {} });
  const one = (stream: number, byte: number, type: number = LinkFrame.DATA): void =>
    carrier.send(type, stream, Uint8Array.of(byte));
  for (let n = 0; n < 1000; n++) one(7, n & 255);
  one(8, 1);
  one(7, 2);
  carrier.send(LinkFrame.CREDIT, 7, writeCredit(5));
  one(7, 3);
  one(7, 4, LinkFrame.DATA | LAST);
  one(7, 5);
  for (let n = 0; n < 3; n++) carrier.send(LinkFrame.DATA, 9, Buffer.alloc(40_000, n));
  await turn();
  one(9, 6);
  await turn();
  const frames = new FrameReader().read(Buffer.concat(written));
  expect(frames.map(({ type, isLast, stream, body }) => [type, stream, body.length, isLast])).toEqual([
    [LinkFrame.DATA, 7, 1000, false],
    [LinkFrame.DATA, 8, 1, false],
    [LinkFrame.DATA, 7, 1, false],
    [LinkFrame.CREDIT, 7, 4, false],
    [LinkFrame.DATA, 7, 2, true],
    [LinkFrame.DATA, 7, 1, false],
    [LinkFrame.DATA, 9, 40_000, false],
    [LinkFrame.DATA, 9, 40_000, false],
    [LinkFrame.DATA, 9, 40_000, false],
    [LinkFrame.DATA, 9, 1, false],
  ]);
  expect([...(frames[0]?.body ?? [])]).toEqual(Array.from({ length: 1000 }, (_, n) => n & 255));
  expect([...(frames[4]?.body ?? [])]).toEqual([3, 4]);
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

function ask(port: number, method: string, path: string, body: readonly Uint8Array[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ port, host: "127.0.0.1", method, path, agent: false }, (res) => {
      const parts: Buffer[] = [];
      res.on("data", (part: Buffer) => parts.push(part));
      res.on("error", reject);
      res.on("end", () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(parts) }),
      );
    });
    req.on("error", reject);
    for (const part of body) req.write(part);
    req.end();
  });
}

/** Answers with what was asked. */
function echo(req: IncomingMessage, res: ServerResponse): void {
  const parts: Buffer[] = [];
  req.on("data", (part: Buffer) => parts.push(part));
  req.on("end", () => {
    res.setHeader("X-One", ["a", "b"]);
    res.writeHead(207, { "X-Url": req.url ?? "", "X-Method": req.method ?? "" });
    for (const part of parts) res.write(part);
    res.end();
  });
}

describe("what is passed on", () => {
  it("arrives whole, both ways, whatever its size and its pieces, many at once", async () => {
    const { port } = await site(echo);
    const body = fc.array(fc.uint8Array({ maxLength: 4 }).chain(piece), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 6 }), async (bodies) => {
        const answers = await Promise.all(bodies.map((parts, n) => ask(port, "POST", `/${n}`, parts)));
        answers.forEach(({ status, headers, body: got }, n) => {
          expect([status, headers["x-url"], headers["x-one"]]).toEqual([207, `/${n}`, "a, b"]);
          expect(got.equals(Buffer.concat(bodies[n] ?? []))).toBe(true);
        });
      }),
      { numRuns: 15 },
    );
  });

  it("looks like any request, and says where its client is", async () => {
    const seen: unknown[] = [];
    const { port } = await site((req, res) => {
      seen.push(
        req.headers["x-forwarded-for"],
        req.headers[SIGNATURE_HEADER],
        req.rawHeaders.includes("host"),
      );
      seen.push(req.httpVersion, req.complete, req instanceof Object && "socket" in req);
      res.end("x");
    });
    seen.length = 0;
    await new Promise<void>((resolve) => {
      const headers = { "x-forwarded-for": "1.1.1.1", [SIGNATURE_HEADER]: "forged", Connection: "close" };
      request({ port, host: "127.0.0.1", path: "/", headers }, (res) =>
        res.resume().on("end", resolve),
      ).end();
    });
    expect(seen).toEqual(["1.1.1.1", undefined, true, "1.1", true, true]);
  });
});

/** Large ones without the cost of drawing each byte. */
function piece(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .constantFrom(0, 1, 1000, 70_000, 300_000)
    .map((length) => new Uint8Array(length).fill(seed[0] ?? 7));
}

/** Others are answered meanwhile, and a number does not grow any more. */
async function standsStill(port: number, number: () => number): Promise<void> {
  for (let last = -2; last < 0 || last !== number(); ) {
    last = number();
    for (let n = 0; n < 20; n++) expect(`${(await ask(port, "GET", "/", [])).body}`).toBe("quick");
  }
}

describe("one that is slow", () => {
  it.each([65_536, 1024])(
    "costs no more than its window, and the others nothing: answers in pieces of %i",
    async (size) => {
      const warnings: string[] = [];
      const warned = (warning: Error): void => void warnings.push(warning.name);
      process.on("warning", warned);
      ends.push(() => process.off("warning", warned));
      let written = 0;
      let isFull = false;
      const { port } = await site((req, res) => {
        if (req.url !== "/slow") {
          res.end("quick");
          return;
        }
        const more = (): void => {
          while (res.write(Buffer.alloc(size))) written += size;
          isFull = true;
        };
        res.on("drain", more);
        more();
      });
      const client = connect(port, "127.0.0.1");
      ends.push(() => client.destroy());
      client.pause();
      client.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
      await within(
        standsStill(port, () => (isFull ? written : -1)),
        "the answer to stand still",
      );
      // What the kernel holds of the client's connection, and the windows of this side and of Node.
      expect(written).toBeLessThan(16_000_000);
      // A listener for each piece that waits would be told of.
      expect(warnings).toEqual([]);
    },
  );

  it("costs no more than its window, and the others nothing: requests", async () => {
    let held: IncomingMessage | undefined;
    const { port } = await site((req, res) => {
      if (req.url === "/slow") held = req;
      else res.end("quick");
    });
    let sent = 0;
    const slow = request({ port, host: "127.0.0.1", method: "POST", path: "/slow" });
    slow.on("error", () => {});
    ends.push(() => slow.destroy());
    const more = (): void => {
      while (slow.write(Buffer.alloc(65_536))) sent += 65_536;
      sent += 65_536;
    };
    slow.on("drain", more);
    more();
    await within(
      standsStill(port, () => (held ? sent : -1)),
      "the request to stand still",
    );
    const last = sent;
    const { readableLength } = held as unknown as IncomingMessage;
    expect(readableLength).toBeLessThanOrEqual(131_072);
    (held as unknown as IncomingMessage).resume();
    await until(() => sent > last, "it to go on");
  });
});

describe("an end", () => {
  it("of a client is told to the owner", async () => {
    let gone = false;
    let came = false;
    const { port } = await site((req, res) => {
      if (req.url === "/wait") {
        came = true;
        res.on("close", () => {
          gone = req.destroyed;
        });
      } else res.end();
    });
    const client = request({ port, host: "127.0.0.1", path: "/wait" });
    client.on("error", () => {});
    client.end();
    await until(() => came, "the request");
    client.destroy();
    await until(() => gone, "the owner to know");
  });

  it("of an answer that is cut, or comes before the request is whole, is the client's", async () => {
    const { port } = await site((req, res) => {
      if (req.url === "/cut") {
        res.write("some");
        setImmediate(() => res.destroy());
      } else if (req.url === "/early") {
        res.writeHead(413).end("too much");
        req.resume();
      } else res.end();
    });
    await expect(ask(port, "GET", "/cut", [])).rejects.toThrow();
    const early = await ask(port, "POST", "/early", [Buffer.alloc(500_000)]).catch(() => undefined);
    if (early) expect([early.status, `${early.body}`]).toEqual([413, "too much"]);
    expect((await ask(port, "GET", "/next", [])).status).toBe(200);
  });

  it("of the owner fails what has no answer, cuts what has one, and is told to the cluster at once", async () => {
    let came = 0;
    const { port, owner, dead, failures } = await site((req, res) => {
      if (req.url === "/open") res.end();
      else came += 1;
      if (req.url === "/begun") res.write("some");
    });
    const begun = ask(port, "GET", "/begun", []).catch((error: Error) => error);
    const waiting = ask(port, "GET", "/waiting", []);
    await until(() => came === 2, "both");
    await owner.close();
    expect(await begun).toBeInstanceOf(Error);
    expect((await waiting).status).toBe(502);
    expect(failures).toEqual([false]);
    await until(() => dead.length === 1, "the cluster to know");
  });
});

describe("another node", () => {
  it.each([
    ["1-1", 1],
    ["1-7", 1],
    ["0-1", 1],
    ["2-3", undefined],
    ["", undefined],
    ["1-1&x", undefined],
  ])("that speaks versions %s gets %s", (said, version) => {
    expect(versionFor(`/link?${said}`)).toBe(version);
  });

  it("that knows no links is asked once in 30 s, and what is for it goes another way", async () => {
    let asked = 0;
    const old = createServer();
    old.on("upgrade", (_req, socket) => {
      asked += 1;
      socket.destroy();
    });
    const to = memberAt(`127.0.0.1:${await listening(old)}`);
    const clock = manualClock();
    const links = new Links({ id: "front", secret: undefined, clock, dead: () => {} });
    ends.push(() => links.close());
    const tries = (): boolean => links.request({} as never, to, {} as never);
    expect([tries(), tries()]).toEqual([false, false]);
    await until(() => asked === 1, "the question");
    clock.advance(29_000);
    expect(tries()).toBe(false);
    clock.advance(1_001);
    expect(tries()).toBe(false);
    await until(() => asked === 2, "another one");
  });

  it.each<[string, (key: Buffer) => string, string]>([
    ["with the key of single requests", () => signedBy(forwardKey("k", undefined)), "/link?1-1"],
    ["of another secret", () => signedBy(linkKey("k", "other")), "/link?1-1"],
    ["for another path", (key) => signedBy(key), "/link?1-2"],
    ["in versions that nobody speaks", (key) => signedBy(key, "/link?2-9"), "/link?2-9"],
    ["not signed", () => "", "/link?1-1"],
  ])("that asks for a link %s gets nothing", async (_how, sign, path) => {
    const { address } = await site((_req, res) => void res.end());
    const [host = "", port] = address.split(":");
    const socket = connect(Number(port), host);
    let got = "";
    socket.on("data", (chunk) => {
      got += String(chunk);
    });
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const lines = ["Host: x", "Connection: Upgrade", "Upgrade: sockeye-link"];
    const signature = sign(linkKey("k", undefined));
    socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n${SIGNATURE_HEADER}: ${signature}\r\n\r\n`,
    );
    await closed;
    expect(got).toBe("");
  });
});

function signedBy(key: Buffer, url = "/link?1-1"): string {
  return new Signer("front").sign(key, { method: "GET", url }, { address: "", corsAnswer: undefined });
}

/** Both ends of one connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createTcp();
  const port = await listening(server);
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const dialled = connect(port, "127.0.0.1");
  const both: [Socket, Socket] = [dialled, await accepted];
  for (const socket of both) {
    socket.on("error", () => {});
    ends.push(() => socket.destroy());
  }
  return both;
}

function frame(type: number, stream: number, body: string | Uint8Array = ""): Buffer {
  return Buffer.concat(writeFrame(type, stream, typeof body === "string" ? Buffer.from(body) : body));
}

const HEAD = JSON.stringify(["POST", "/", [["host", "x"]], "1.1.1.1", null]);
const BEGUN = frame(LinkFrame.REQUEST, 1, HEAD);
const CONNECTED = frame(LinkFrame.CONNECT, 1);
/** What an owner gets that no node of ours says, and whether the link ends for it. */
const TO_OWNER: Record<string, readonly [Uint8Array, boolean]> = {
  "a frame that is too large": [frame(LinkFrame.DATA, 1).fill(0xff, 5), true],
  "a head that is no JSON": [frame(LinkFrame.REQUEST, 1, "[["), true],
  "a head that is no list": [frame(LinkFrame.REQUEST, 1, "null"), true],
  "no method": [frame(LinkFrame.REQUEST, 1, '["","/",[],"",null]'), true],
  "a method with a line break": [frame(LinkFrame.REQUEST, 1, '["GET\\r\\n","/",[],"",null]'), true],
  "headers that are none": [frame(LinkFrame.REQUEST, 1, '["GET","/",[["a",1]],"",null]'), true],
  "headers as an object": [frame(LinkFrame.REQUEST, 1, '["GET","/",{"a":"b"},"",null]'), true],
  "two requests of one stream": [Buffer.concat([BEGUN, BEGUN]), true],
  "more than the window": [
    Buffer.concat([BEGUN, frame(LinkFrame.DATA, 1, new Uint8Array(MAX_FRAME_BYTES))]),
    true,
  ],
  "data after the last": [
    Buffer.concat([BEGUN, frame(LinkFrame.DATA | LAST, 1, "x"), frame(LinkFrame.DATA, 1, "y")]),
    true,
  ],
  "credit for nothing": [Buffer.concat([BEGUN, frame(LinkFrame.CREDIT, 1, Buffer.alloc(4, 1))]), true],
  "credit that is none": [Buffer.concat([BEGUN, frame(LinkFrame.CREDIT, 1, "x")]), true],
  "a connection of a stream that there is": [Buffer.concat([BEGUN, CONNECTED]), true],
  "more than the window, for a connection": [
    Buffer.concat([CONNECTED, frame(LinkFrame.DATA, 1, new Uint8Array(MAX_FRAME_BYTES))]),
    true,
  ],
  "data after the last, for a connection": [
    Buffer.concat([CONNECTED, frame(LinkFrame.DATA | LAST, 1, "x"), frame(LinkFrame.DATA, 1, "y")]),
    true,
  ],
  "credit for nothing, for a connection": [
    Buffer.concat([CONNECTED, frame(LinkFrame.CREDIT, 1, Buffer.alloc(4, 1))]),
    true,
  ],
  "a head where there is a connection": [
    Buffer.concat([CONNECTED, frame(LinkFrame.RESPONSE, 1, "x")]),
    false,
  ],
  "data of no stream": [frame(LinkFrame.DATA, 9, "x"), false],
  "a reset of no stream": [frame(LinkFrame.RESET, 9), false],
  "a kind that is not known yet": [frame(99, 1, "x"), false],
};

it.each(Object.entries(TO_OWNER))("an owner takes %s for what it is", async (_what, [bytes, isOver]) => {
  const [front, socket] = await pair();
  let closed = false;
  const answered: IncomingMessage[] = [];
  const taken: Duplex[] = [];
  const end = new AnsweringEnd(socket, Buffer.alloc(0), {
    target: {
      request: (req) => void answered.push(req.on("error", () => {})),
      connected: (connection) => void taken.push(connection),
    },
    isMember: () => true,
    closed: () => {
      closed = true;
    },
  });
  ends.push(() => end.close());
  front.write(bytes);
  if (isOver) {
    await until(() => closed, "the end of the link");
    expect([...answered, ...taken].every(({ destroyed }) => destroyed)).toBe(true);
    return;
  }
  front.write(frame(LinkFrame.REQUEST | LAST, 2, HEAD));
  await until(() => answered.some(({ complete }) => complete), "the next request");
  expect(closed).toBe(false);
});

it("an owner takes nothing more of a node that has left", async () => {
  const [front, socket] = await pair();
  let [closed, isMember, requests] = [false, true, 0];
  new AnsweringEnd(socket, Buffer.alloc(0), {
    target: { request: () => void requests++ },
    isMember: () => isMember,
    closed: () => {
      closed = true;
    },
  });
  front.write(frame(LinkFrame.REQUEST, 1, HEAD));
  await until(() => requests === 1, "the first");
  isMember = false;
  front.write(frame(LinkFrame.REQUEST, 2, HEAD));
  await until(() => closed, "the end of the link");
  expect(requests).toBe(1);
});

const ANSWER = '[200,[["Content-Length","2"]]]';
/** What a node gets from an owner that no owner says: the client gets an end, and never a byte of another's answer. */
const TO_FRONT: Record<string, Uint8Array> = {
  "no status": frame(LinkFrame.RESPONSE, 1, '["x",[]]'),
  "a status of its own": frame(LinkFrame.RESPONSE, 1, "[101,[]]"),
  "a header with a line break": frame(LinkFrame.RESPONSE | LAST, 1, '[200,[["a","b\\r\\nc: d"]]]'),
  "a name with a line break": frame(LinkFrame.RESPONSE | LAST, 1, '[200,[["a\\r\\nb","c"]]]'),
  "a body before its head": frame(LinkFrame.DATA, 1, "x"),
  "two heads": Buffer.concat([frame(LinkFrame.RESPONSE, 1, ANSWER), frame(LinkFrame.RESPONSE, 1, ANSWER)]),
  "a longer body": Buffer.concat([
    frame(LinkFrame.RESPONSE, 1, ANSWER),
    frame(LinkFrame.DATA | LAST, 1, "okHTTP/1.1 200 OK\r\n\r\n"),
  ]),
  "a body where there is none": Buffer.concat([
    frame(LinkFrame.RESPONSE, 1, '[200,[["content-length","0"]]]'),
    frame(LinkFrame.DATA | LAST, 1, "x"),
  ]),
  "a shorter body": Buffer.concat([
    frame(LinkFrame.RESPONSE, 1, ANSWER),
    frame(LinkFrame.DATA | LAST, 1, "o"),
  ]),
  "a length that is none": Buffer.concat([
    frame(LinkFrame.RESPONSE, 1, '[200,[["content-length","2, 3"]]]'),
    frame(LinkFrame.DATA | LAST, 1, "ok"),
  ]),
  "two lengths": Buffer.concat([
    frame(LinkFrame.RESPONSE, 1, '[200,[["content-length",["2","3"]]]]'),
    frame(LinkFrame.DATA | LAST, 1, "ok"),
  ]),
};

it.each(Object.entries(TO_FRONT))("a client gets an end for %s", async (_what, bytes) => {
  const [socket, owner] = await pair();
  const end = new AskingEnd(socket, Buffer.alloc(0), () => {});
  ends.push(() => end.close());
  const front = createServer((req, res) => {
    end.request({ req, res }, { facts: { address: "", corsAnswer: undefined }, failed: () => res.destroy() });
  });
  const port = await listening(front);
  owner.once("data", () => owner.write(bytes));
  const client = connect(port, "127.0.0.1");
  let got = "";
  client.on("data", (chunk) => {
    got += String(chunk);
  });
  client.on("error", () => {});
  const closed = new Promise((resolve) => client.on("close", resolve));
  client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await closed;
  expect(got).not.toMatch(/okHTTP|\r\n\r\nx|\r\nc: d|\r\nb: c/);
});

it("frames come as they were sent, however they are cut", () => {
  const sent = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 127 }),
      fc.boolean(),
      fc.nat(0xffff_ffff),
      fc.uint8Array({ maxLength: 40 }),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(sent, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
      const bytes = Buffer.concat(
        frames.map(([type, isLast, stream, body]) => frame(isLast ? type | LAST : type, stream, body)),
      );
      const reader = new FrameReader();
      const got: unknown[] = [];
      for (let at = 0, n = 0; at < bytes.length; n++) {
        const next = at + (cuts[n % cuts.length] ?? 1);
        for (const { type, isLast, stream, body } of reader.read(bytes.subarray(at, next)))
          got.push([type, isLast, stream, Uint8Array.from(body)]);
        at = next;
      }
      expect(got).toEqual(frames);
    }),
  );
});

it("what waits for room leaves in order, before its end, and never more than the other end takes", () => {
  const sizes = fc.array(fc.nat(200_000), { maxLength: 6 });
  fc.assert(
    fc.property(
      sizes,
      fc.array(fc.integer({ min: 1, max: 131_072 }), { minLength: 1 }),
      (pieces, credits) => {
        const sent: { readonly bytes: number; readonly isLast: boolean }[] = [];
        const carrier = {
          send: (type: number, _stream: number, body: Uint8Array) =>
            void sent.push({ bytes: body.length, isLast: type >= LAST }),
        };
        const flow = new Outflow(carrier as unknown as Carrier, 1);
        for (const size of pieces) flow.write(new Uint8Array(size), () => {});
        flow.end();
        const all = pieces.reduce((sum, size) => sum + size, 0);
        const gone = (): number => sent.reduce((sum, { bytes }) => sum + bytes, 0);
        for (let taken = 0, n = 0; taken < all; n++) {
          expect(gone() - taken).toBeLessThanOrEqual(131_072);
          const credit = Math.min(credits[n % credits.length] ?? 1, gone() - taken, all - taken);
          flow.credited(credit);
          taken += credit;
          if (credits.every((each) => each < 100) && n > 2_000) return;
        }
        expect([gone(), sent.filter(({ isLast }) => isLast).length, sent.at(-1)?.isLast]).toEqual([
          all,
          1,
          true,
        ]);
      },
    ),
    { numRuns: 60 },
  );
});
