import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createTextCodec, readCount } from "@sockeye/codec";
import { ChunkFrameDecoder } from "@sockeye/codec/chunk-frames";
import { createMsgpackCodec } from "@sockeye/codec/msgpack";
import { decodePayload } from "@sockeye/codec/payload";
import { DEFAULT_LIMITS, PacketType, shown, shownError } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeBase64 } from "../../packages/codec/src/base64.js";
import { isDeeperThan } from "../../packages/codec/src/depth.js";
import { decodeFrame } from "../../packages/codec/src/envelope.js";
import { Slots } from "../../packages/codec/src/slots.js";
import * as web from "../../packages/codec/src/web/index.js";
import { decodePayload as decodePayloadInBrowsers } from "../../packages/codec/src/web/payload.js";
import { addressGroup } from "../../packages/engine/src/server/address-group.js";
import { ClientFiles, hasTag } from "../../packages/server/src/client-files.js";
import { splitQuery } from "../../packages/server/src/eio3-client.js";
import { memoryOf } from "../../packages/server/src/memory-of.js";
import { decodeEscaped, LineDecoder } from "../../packages/transport/src/client/escaped-payload.js";
import { CookieJar } from "../../packages/transport/src/client/node/cookie-jar.js";
import { StreamedResponse } from "../../packages/transport/src/client/streamed-response.js";
import { decodeChunkBody } from "../../packages/transport/src/server/http/chunk-body.js";
import { iframe } from "../../packages/transport/src/server/http/iframe.js";
import { jsonpFormat } from "../../packages/transport/src/server/http/jsonp.js";
import { PAYLOADS } from "../../packages/transport/src/server/http/payload-format.js";
import { readClaim } from "../../packages/transport/src/server/request/claim.js";
import { acceptedEncoding } from "../../packages/transport/src/server/request/compression.js";
import { type CorsOptions, corsMiddleware } from "../../packages/transport/src/server/request/cors.js";
import { OriginPolicy } from "../../packages/transport/src/server/request/origins.js";
import { readEngineQuery, readWholeQuery } from "../../packages/transport/src/server/request/query.js";
import { readRawHeaders } from "../../packages/transport/src/server/request/raw-headers.js";
import { readBody } from "../../packages/transport/src/server/request/request-body.js";
import { DeflateExtension } from "../../packages/transport/src/server/websocket/deflate-extension.js";
import { FrameReader, type FrameSink } from "../../packages/transport/src/server/websocket/frame-reader.js";
import { checkUpgrade } from "../../packages/transport/src/server/websocket/upgrade-check.js";
import { expectLinear } from "../support/growth.js";

// Everything that reads what strangers send, and what servers send to a client. The table is the list of all such readers:
// one that is new gets its rows here.

const NO_LIMIT = {
  ...DEFAULT_LIMITS,
  maxMessageBytes: Number.POSITIVE_INFINITY,
  maxPacketsPerPayload: Number.POSITIVE_INFINITY,
  maxBinaryEventBytes: Number.POSITIVE_INFINITY,
};

/** As much of the pattern as makes so many bytes, behind a beginning. */
const text =
  (pattern: string, begin = "", end = "") =>
  (bytes: number): string =>
    // Flat: what is glued together is put in order when it is first read, and comes so from the network.
    Buffer.from(begin + pattern.repeat(Math.ceil(bytes / pattern.length)) + end).toString("latin1");

const raw =
  (pattern: readonly number[], begin: readonly number[] = []) =>
  (bytes: number): Buffer =>
    Buffer.concat([Buffer.from(begin), Buffer.alloc(bytes, Buffer.from(pattern))]);

/** Refusing is fine, too. */
function attempt(play: () => unknown): void {
  try {
    play();
  } catch {
    // What is refused has been read as far as it takes.
  }
}

/** Each byte by itself. */
function drip(bytes: Uint8Array, take: (piece: Buffer) => unknown): void {
  attempt(() => {
    for (let at = 0; at < bytes.length; at++) take(Buffer.from(bytes.subarray(at, at + 1)));
  });
}

const headersOf = (headers: Record<string, string>): IncomingMessage =>
  ({ method: "GET", url: "/", headers }) as unknown as IncomingMessage;

/** As far as headers go. */
function response(): ServerResponse {
  const headers = new Map<string, unknown>();
  return {
    getHeader: (name: string) => headers.get(name.toLowerCase()),
    setHeader: (name: string, value: unknown) => headers.set(name.toLowerCase(), value),
    end() {},
  } as unknown as ServerResponse;
}

describe("queries cost as much per byte, however long they are", () => {
  it.each([
    "n&",
    "n=1&",
    "sid=a&",
    "transport=polling&",
    "EIO&",
    "b64=&",
    "resume=claim&",
    "a&",
    "a=&",
    "&",
    "=",
    "?",
    "%6e&",
    "n=%31&",
    "+&",
    "%",
    "sid=%zz&",
  ])("%s again and again", (pattern) => {
    expectLinear(text(pattern, "/socket.io/?EIO=4&transport=polling&"), (url) => readEngineQuery(url));
    expectLinear(text(pattern, "/socket.io/?EIO=4&transport=polling&"), (url) => readWholeQuery(url));
  });

  it("names that differ", () => {
    const make = (bytes: number): string =>
      `/?${Array.from({ length: bytes / 5 }, (_, n) => n.toString(36).padStart(4, "_")).join("&")}`;
    expectLinear(make, (url) => readWholeQuery(url));
  });

  it("paths", () => {
    const files = new ClientFiles();
    expectLinear(text("/x", "/socket.io"), (url) => files.find(url));
    expectLinear(text("?", "/socket.io"), (url) => files.find(url));
  });
});

describe("headers cost as much per byte, however long they are", () => {
  it.each(["set-cookie", "cookie", "x-any", "host", "accept"])("%s again and again", (name) => {
    const make = (bytes: number): readonly string[] =>
      Array.from({ length: bytes / 10 }, () => [name, "a=b"]).flat();
    expectLinear(make, (lines) => readRawHeaders(lines));
  });

  const deflate = new DeflateExtension({ maxPayload: 1000, perMessageDeflate: true });
  it.each([
    "permessage-deflate,",
    "permessage-deflate; server_max_window_bits=7,",
    "permessage-deflate; x=1; x=2,",
    "a,",
    ",",
    " ",
    ";",
    "a;",
    "a=b;",
    "=",
    '"',
    '="',
    "\t,",
  ])("Sec-WebSocket-Extensions: %j again and again", (pattern) => {
    expectLinear(text(pattern), (header) => deflate.negotiate(header));
    expectLinear(text(pattern, "permessage-deflate; "), (header) => deflate.negotiate(header));
  });

  it.each(["gzip,", "gzip;q=0.5,", ",", ";", "q=", "*;", " ", "\t", "gzip;q=1;"])(
    "Accept-Encoding: %j again and again",
    (pattern) => expectLinear(text(pattern), (header) => acceptedEncoding(header)),
  );

  const policy = new OriginPolicy(["https://*.example.com", "https://a.example"]);
  it.each(["a.", ".", ":", "[", "]", "://", "/", "@", "1", " "])(
    "Origin, Host and Referer: %j",
    (pattern) => {
      for (const begin of ["", "https://"]) {
        const make = text(pattern, begin);
        const site = { "sec-fetch-site": "cross-site" };
        expectLinear(make, (origin) => policy.check(headersOf({ origin, host: "a.example" }), undefined));
        expectLinear(make, (host) =>
          policy.check(headersOf({ origin: "https://b.example", host }), undefined),
        );
        expectLinear(make, (referer) =>
          policy.checkScript(headersOf({ referer, host: "a.example", ...site })),
        );
      }
    },
  );

  const answers: CorsOptions[] = [
    { origin: "https://*.example.com" },
    { origin: [/^https:\/\/[a-z.]+\.example$/, "https://a.example"], credentials: true },
    { origin: true, methods: ["GET"] },
  ];
  it.each(["a.", ".", ":", "://", "/", ",", "x-a, ", " "])(
    "CORS, whatever the page asks for: %j",
    (pattern) => {
      for (const options of answers) {
        const ask = corsMiddleware(options);
        for (const method of ["GET", "OPTIONS"]) {
          expectLinear(text(pattern, "https://"), (value) => {
            const names = { origin: value, "access-control-request-headers": value };
            const req = { ...headersOf({ ...names, "access-control-request-method": value }), method };
            ask(req as IncomingMessage, response(), () => {});
          });
        }
      }
    },
  );

  it.each(["1.", ":", "::", "f:", "[", "]", "%", "1.2.3.4:", "1", ", "])(
    "addresses, as proxies write them: %j",
    (pattern) => {
      for (const begin of ["", "[", "::", "1.2.3.4:"])
        expectLinear(text(pattern, begin), (address) => addressGroup(address, 64));
    },
  );

  it.each(['"a",', 'W/"', ",", " ", '"'])("If-None-Match: %j", (pattern) => {
    expectLinear(text(pattern), (list) => hasTag(list, '"b"'));
  });

  it.each(["0", "c=1&", "%30", "a.", "xn--a.", "é", "@", "/"])("queries of iframes: %j", (pattern) => {
    const { check } = iframe(policy);
    for (const begin of ["/?c=", "/?c=1&origin=http://", "/?c=1&d=1&origin="]) {
      const make = text(encodeURI(pattern), begin);
      // As long as a URL may be.
      expectLinear(make, (url) => check?.({ ...headersOf({}), url } as IncomingMessage), 160);
    }
  });

  it.each(["\n", "\x1b", "a", '"', "\u202e", " \n"])("what is printed of them: %j", (pattern) => {
    expectLinear(text(pattern), (printed) => shown(printed));
    expectLinear(text(pattern), (printed) => shownError(printed));
  });

  it.each(["chat,", "a b,", ",", "(", " "])("Sec-WebSocket-Protocol: %j", (pattern) => {
    const valid = {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    expectLinear(text(pattern), (list) =>
      checkUpgrade(headersOf({ ...valid, "sec-websocket-protocol": list })),
    );
  });

  it.each(["a=b; ", ";", "=", " ", "a;"])("cookies at the client: %j", (pattern) => {
    const address = new URL("http://localhost/");
    expectLinear(text(pattern), (own) => new CookieJar().header(address, own));
    const lines = (bytes: number): readonly string[] => [
      text(pattern)(4000),
      ...Array(bytes / 10).fill("a=b"),
    ];
    expectLinear(lines, (given) => new CookieJar().store(address, given));
  });
});

describe("bodies cost as much per byte, however long they are", () => {
  const jsonp = jsonpFormat("0", PAYLOADS.revision4);
  it.each(["d=&", "&", "d", "&d", "=", "d=4&x=&", "&d=", "x=1&", "d=%", "%"])(
    "forms: %s again and again",
    (pattern) => {
      const make = (bytes: number): Buffer => Buffer.from(text(pattern)(bytes));
      expectLinear(make, (body) => attempt(() => jsonp.decodeText(body, NO_LIMIT)));
    },
  );

  it.each(["+", "%5Cn", "%5C", "%5C%5Cn", "4%1E", "\\n", "\\", "%E2%82%AC", "n"])(
    "a field: %s again and again",
    (pattern) => {
      const make = (bytes: number): Buffer => Buffer.from(text(pattern, "d=4")(bytes));
      expectLinear(make, (body) => attempt(() => jsonp.decodeText(body, NO_LIMIT)));
    },
  );

  it.each(["4\x1e", "\x1e", "bAAA=\x1e", "b", "4", "b=\x1e", "4😀"])(
    "payloads: %j again and again",
    (pattern) => {
      expectLinear(text(pattern), (body) => attempt(() => decodePayload(body, NO_LIMIT)));
      const make = (bytes: number): Buffer => Buffer.from(text(pattern)(bytes));
      expectLinear(make, (body) => attempt(() => PAYLOADS.revision4.decodeText(body, NO_LIMIT)));
    },
  );

  it.each(["1:4", "9", "0", ":", "2:b4", "6:b4AAA=", "1:", "10:4"])(
    "payloads of revision 3: %s",
    (pattern) => {
      const make = (bytes: number): Buffer => Buffer.from(text(pattern)(bytes));
      expectLinear(make, (body) => attempt(() => PAYLOADS.revision3.decodeText(body, NO_LIMIT)));
    },
  );

  it.each([[[0, 1, 255, 0x34]], [[1, 1, 255, 4]], [[0]], [[255]], [[0, 9, 9, 9]]])(
    "payloads of bytes of revision 3: %j",
    (pattern) => {
      expectLinear(raw(pattern), (body) => attempt(() => PAYLOADS.revision3.decodeBytes?.(body, NO_LIMIT)));
    },
  );

  it.each([
    [[0]],
    [[0x80]],
    [[1, 0x34]],
    [[0x81, 1]],
    [[126, 0, 1, 0x34]],
    [[127, 0, 0, 0, 0, 0, 0, 0, 1, 0x34]],
    [[125]],
  ])("frames in bytes: %j", (pattern) => {
    expectLinear(raw(pattern), (body) => attempt(() => decodeChunkBody(body, NO_LIMIT)));
    expectLinear(raw(pattern), (body) => attempt(() => new ChunkFrameDecoder(1e9).write(body)));
    expectLinear(raw(pattern), (body) => {
      const decoder = new ChunkFrameDecoder(1e9);
      drip(body, (piece) => decoder.write(piece));
    });
  });

  it("one long frame, byte by byte", () => {
    expectLinear(raw([0x34], [127, 0, 0, 0, 0, 0, 1, 0, 0]), (body) => {
      const decoder = new ChunkFrameDecoder(1e9);
      drip(body, (piece) => decoder.write(piece));
    });
  });

  it("a body, byte by byte", () => {
    expectLinear(raw([0x34]), (body) => {
      const req = Object.assign(new EventEmitter(), { headers: {}, resume: () => {} });
      let got: Buffer | undefined;
      readBody(req as unknown as IncomingMessage, 1e9, (read) => {
        got = read;
      });
      drip(body, (piece) => req.emit("data", piece));
      req.emit("end");
      if (got?.length !== body.length) throw new Error("it has not come");
    });
  });

  it("claims", () => {
    expectLinear(text("x", '0{"sid":"'), (frame) => readClaim(frame));
  });
});

describe("WebSocket frames cost as much per byte, however they are cut", () => {
  const sink: FrameSink = { text() {}, binary() {}, ping() {}, goodbye() {}, violation() {} };
  const MASK = [0, 0, 0, 0];
  it.each([
    ["empty texts", [0x81, 0x80, ...MASK]],
    ["short texts", [0x81, 0x81, ...MASK, 0x34]],
    ["short binaries", [0x82, 0x81, ...MASK, 0x34]],
    ["pings", [0x89, 0x80, ...MASK]],
    ["pongs", [0x8a, 0x80, ...MASK]],
    ["empty fragments", [0x00, 0x80, ...MASK], [0x01, 0x80, ...MASK]],
    ["short fragments", [0x00, 0x81, ...MASK, 0x34], [0x01, 0x80, ...MASK]],
    ["pings between fragments", [0x00, 0x80, ...MASK, 0x89, 0x80, ...MASK], [0x01, 0x80, ...MASK]],
    ["one long frame", [0x34], [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, ...MASK]],
  ] as const)("%s", (_name, pattern, begin: readonly number[] = []) => {
    // They are overwritten, and so copied.
    expectLinear(raw(pattern, begin), (bytes) => new FrameReader(sink, 1e9).read(Buffer.from(bytes)));
    expectLinear(raw(pattern, begin), (bytes) => {
      const reader = new FrameReader(sink, 1e9);
      drip(bytes, (piece) => reader.read(piece));
    });
  });
});

describe("packets cost as much per byte, however long they are", () => {
  const codec = createTextCodec(NO_LIMIT);
  it.each([
    ["", "1"],
    ["", "5"],
    ["5", "1"],
    ["51-", "1"],
    ["2", "0"],
    ["2", "9"],
    ["2/", "a"],
    ["2/", ","],
    ["2", "/"],
    ["2", "["],
    ["2", '["'],
    ["2", '{"":'],
    ['2["', "\\"],
    ['2["', '\\"'],
    ['2["e",', '"\\\\",'],
    ['2["e"', ',"["'],
    ['2["e"', ",[]"],
    ['2["e"', ",{}"],
    ['2["e"', ",0"],
    ['2["e"', " "],
    ["0", "{"],
    ["4", '"'],
    ["", "\n"],
  ])("%j, and then %j again and again", (begin, pattern) => {
    for (const end of ["", '"]', "]"]) {
      const make = text(pattern, begin, end);
      expectLinear(make, (frame) => attempt(() => codec.decoder().write(frame)));
      expectLinear(make, (frame) => attempt(() => decodeFrame(`4${frame}`)));
      expectLinear(make, (frame) => isDeeperThan(frame, 100));
    }
  });

  it.each(["1", "0", "9", " ", "-"])("counts: %j", (pattern) => {
    expectLinear(text(pattern), (digits) => readCount(digits));
  });

  it.each(["a=1&", "?", "&", "%6e=%31&", "/"])("queries behind names of revision 3: %j", (pattern) => {
    expectLinear(text(pattern, "/chat?"), (nsp) =>
      attempt(() => splitQuery({ type: PacketType.CONNECT, nsp, id: undefined, data: undefined }, NO_LIMIT)),
    );
  });

  it.each(["{},", "[],", '"",', "0,"])("what is weighed of auth: %j", (pattern) => {
    const make = (bytes: number): unknown[] =>
      JSON.parse(`[${text(pattern)(bytes).slice(0, -1)}]`) as unknown[];
    expectLinear(make, (auth) => memoryOf(auth));
  });

  it("objects of many keys, and many placeholders", () => {
    const keys = (bytes: number): string =>
      `2["e",{${Array.from({ length: bytes / 10 }, (_, n) => `"${n.toString(36)}":{}`).join(",")}}]`;
    expectLinear(keys, (frame) => codec.decoder().write(frame));
    const holders = (bytes: number): unknown[] =>
      Array.from({ length: bytes / 10 }, (_, num) => ({ _placeholder: true, num }));
    expectLinear(holders, (data) => {
      const slots = new Slots(data.slice(), data.length);
      for (let n = 0; n < data.length; n++) slots.fill(n);
    });
  });

  it.each(["A", "=", "!", "AAA=", " "])("base64: %j again and again", (pattern) => {
    expectLinear(text(pattern), (digits) => attempt(() => decodeBase64(digits)));
  });

  const msgpack = createMsgpackCodec(NO_LIMIT);
  it.each([
    ["arrays of nothing", [0x90]],
    ["maps of nothing", [0x80]],
    ["short texts", [0xa1, 0x61]],
    ["empty bytes", [0xc4, 0]],
    ["arrays in arrays", [0x91]],
    ["dates", [0xd7, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["lengths that do not fit", [0xdd, 255, 255, 255, 255]],
  ] as const)("MessagePack: %s", (_name, pattern) => {
    const make = (bytes: number): Buffer => {
      const items = Math.ceil(bytes / pattern.length);
      const head = Buffer.from([0xdd, 0, 0, 0, 0]);
      head.writeUInt32BE(items, 1);
      return Buffer.concat([head, ...Array.from({ length: items }, () => Buffer.from(pattern))]);
    };
    expectLinear(make, (bytes) => attempt(() => msgpack.decoder().write(bytes)));
  });

  it("MessagePack: maps of many keys", () => {
    const make = (bytes: number): Buffer => {
      const items = Math.ceil(bytes / 6);
      const head = Buffer.from([0xdf, 0, 0, 0, 0]);
      head.writeUInt32BE(items, 1);
      const key = (n: number): Buffer => Buffer.from(`\xa4${n.toString(36).padStart(4, "_")}\x00`, "latin1");
      return Buffer.concat([head, ...Array.from({ length: items }, (_, n) => key(n))]);
    };
    expectLinear(make, (bytes) => attempt(() => msgpack.decoder().write(bytes)));
  });
});

describe("answers of a server cost a client as much per byte, however they are cut", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it.each(["4", "4\n", "\n", " ", "%25", "€", "4\x1e"])("lines: %j, byte by byte", (pattern) => {
    const make = (bytes: number): Buffer => Buffer.from(pattern.repeat(bytes / pattern.length));
    expectLinear(make, (body) => {
      const lines = new LineDecoder();
      drip(body, (piece) => lines.write(piece));
    });
    expectLinear(make, (body) => attempt(() => new LineDecoder().write(body)));
  });

  it.each(["4", "4\x1e", "%25", "%0A", "%", "b", "bAAA=\x1e", "€", "0{"])(
    "events of sse and messages of iframes: %j",
    (pattern) => {
      expectLinear(text(pattern), (payload) => attempt(() => decodeEscaped(payload)));
      expectLinear(text(pattern), (payload) => attempt(() => decodePayload(payload, NO_LIMIT)));
      expectLinear(text(pattern), (payload) => attempt(() => decodePayloadInBrowsers(payload)));
    },
  );

  it.each(["1", "51-", "2/", '2["e",', '2["', "2[", "0{", "4", "3"])(
    "packets, read in a browser: %s",
    (begin) => {
      const codec = web.createTrustingCodec(NO_LIMIT, NO_LIMIT);
      for (const pattern of ["1", "a", ",", "[", "{},", "\\", '"', "-", " "]) {
        for (const end of ["", '"]', "]"]) {
          const make = text(pattern, begin, end);
          expectLinear(make, (frame) => attempt(() => codec.decoder().write(frame)));
          expectLinear(make, (frame) => attempt(() => web.decodeFrame(`4${frame}`)));
        }
      }
    },
  );

  it.each(["{", '{"sid":"', '"upgrades":["', "[", "9", " "])("OPEN: %j", (pattern) => {
    expectLinear(text(pattern, '0{"a":'), (frame) => attempt(() => decodeFrame(frame)));
  });

  it("frames of a first turn, one by one", () => {
    vi.useFakeTimers();
    const make = (bytes: number): readonly string[] => Array.from({ length: bytes }, () => "4");
    expectLinear(make, (frames) => {
      const options = {
        name: "stream",
        target: { url: "http://a" } as never,
        sink: { progress() {}, frames() {}, failed() {} },
      };
      const response = new StreamedResponse({ ...options, read: () => ({ abort() {} }) });
      for (const frame of frames) response.frames([frame]);
      response.abort();
    });
  });

  it("one long line of an XMLHttpRequest, piece by piece", async () => {
    const { XhrStreamTransport } = await import("../../packages/transport/src/client/xhr-stream.js");
    class Request {
      static made: Request | undefined;
      readyState = 3;
      status = 200;
      responseText = "";
      onprogress: (() => void) | null = null;
      onreadystatechange: (() => void) | null = null;
      constructor() {
        Request.made = this;
      }
      open(): void {}
      send(): void {}
      abort(): void {}
    }
    vi.stubGlobal("XMLHttpRequest", Request);
    expectLinear(text("4"), (body) => {
      const target = { url: "http://a/", transports: [], query: {}, sid: "s" };
      const transport = new XhrStreamTransport(target as never);
      const request = Request.made as Request;
      for (let at = 1; at <= body.length; at++) {
        request.responseText = body.slice(0, at);
        request.onprogress?.();
      }
      transport.close("dead");
    });
    expect(Request.made).toBeDefined();
  });
});
