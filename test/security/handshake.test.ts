import type { ServerOptions } from "socket.io";
import { describe, expect, it, vi } from "vitest";
import { attack, SUBJECT, timed, upgradeBytes } from "../support/attack.js";
import { type HttpRequest, http, requestBytes } from "../support/rawsocket.js";
import { loadServer } from "../support/servers.js";
import { turn } from "../support/wait.js";

// Requests that are no good, before there is a session. Numbers like S12 are rows of docs/security.md.

const REFUSALS = {
  0: "Transport unknown",
  1: "Session ID unknown",
  2: "Bad handshake method",
  3: "Bad request",
  4: "Forbidden",
  5: "Unsupported protocol version",
} as const;
type Code = keyof typeof REFUSALS;

const POLL = "EIO=4&transport=polling";
const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

const refusalBody = (code: Code): string => `{"code":${code},"message":"${REFUSALS[code]}"}`;

/** A refused upgrade, byte for byte. */
const refusalText = (message: string): string =>
  `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`;

describe("refused HTTP requests", () => {
  const rows: readonly (readonly [
    name: string,
    code: Code,
    query: string,
    request?: Partial<HttpRequest>,
  ])[] = [
    ["no query", 0, ""],
    ["no transport", 0, "EIO=4"],
    ["an unknown transport", 0, "EIO=4&transport=carrierpigeon"],
    ["an empty transport", 0, "EIO=4&transport="],
    ["webtransport over HTTP", 0, "EIO=4&transport=webtransport"],
    ["an unknown transport for an unknown session", 0, "EIO=4&transport=x&sid=y"],
    ["an unknown transport by POST", 0, "EIO=4&transport=x", { method: "POST", body: "40" }],
    ["an unknown session", 1, `${POLL}&sid=unknown`],
    ["an unknown session by POST", 1, `${POLL}&sid=unknown`, { method: "POST", body: "40" }],
    ["an unknown session with another protocol", 1, "EIO=3&transport=polling&sid=unknown"],
    ["an id full of line ends", 1, `${POLL}&sid=a%0D%0ASet-Cookie:%20a=b`],
    ["an id of 8 KB", 1, `${POLL}&sid=${"x".repeat(8000)}`],
    ["an id that is null", 1, `${POLL}&sid=%00`],
    ["POST without a session", 2, POLL, { method: "POST", body: "40" }],
    ["PUT without a session", 2, POLL, { method: "PUT", body: "40" }],
    ["DELETE without a session", 2, POLL, { method: "DELETE" }],
    ["PATCH without a session", 2, POLL, { method: "PATCH", body: "" }],
    ["OPTIONS without a session", 2, POLL, { method: "OPTIONS" }],
    [
      "POST without a session, in another protocol",
      2,
      "EIO=3&transport=polling",
      { method: "POST", body: "40" },
    ],
    ["websocket without an upgrade", 3, "EIO=4&transport=websocket"],
    ["no protocol", 5, "transport=polling"],
    ["protocol 3", 5, "EIO=3&transport=polling"],
    ["protocol 5", 5, "EIO=5&transport=polling"],
    ["a protocol that is no number", 5, "EIO=four&transport=polling"],
    ["protocol 4.0", 5, "EIO=4.0&transport=polling"],
    ...NAMES.map((name) => [`transport ${name} (S14)`, 0, `EIO=4&transport=${name}`] as const),
    ...NAMES.map((name) => [`session ${name} (S14)`, 1, `${POLL}&sid=${name}`] as const),
    ...NAMES.map(
      (name) =>
        [`session ${name} by POST (S14)`, 1, `${POLL}&sid=${name}`, { method: "POST", body: "4" }] as const,
    ),
  ];

  for (const [name, code, query, request] of rows) {
    attack(`${name}: code ${code}`, async ({ port, io }) => {
      const told: unknown[] = [];
      io.engine.on("connection_error", (error: { code: number; message: string }) =>
        told.push([error.code, error.message]),
      );
      const answer = await http(port, { target: `/socket.io/?${query}`, ...request });
      expect(answer.status).toBe(400);
      expect(answer.body).toBe(refusalBody(code));
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(told).toEqual([[code, REFUSALS[code]]]);
      expect(io.engine.clientsCount).toBe(1);
    });
  }

  attack("parameters that come twice never name a session (S12)", async ({ port, poller, io }) => {
    const { open } = await poller();
    for (const query of [
      `${POLL}&transport=websocket`,
      `EIO=4&transport=websocket&transport=polling&transport=x`,
      `${POLL}&sid=${open.sid}&sid=x`,
      `${POLL}&sid=x&sid=__proto__`,
      `${POLL}&sid[]=${open.sid}&sid[0]=x&sid=x`,
    ]) {
      const answer = await http(port, { target: `/socket.io/?${query}`, method: "POST", body: "40" });
      expect(answer.status, query).toBe(400);
    }
    expect(io.engine.clientsCount).toBe(2);
  });

  attack("HEAD without a session: status 400, no body", async ({ port }) => {
    const answer = await http(port, { target: `/socket.io/?${POLL}`, method: "HEAD" });
    expect([answer.status, answer.body]).toEqual([400, ""]);
  });

  attack(
    "a transport that is switched off: code 0",
    async ({ port }) => {
      const answer = await http(port, { target: `/socket.io/?${POLL}` });
      expect([answer.status, answer.body]).toEqual([400, refusalBody(0)]);
    },
    { transports: ["websocket"] },
  );

  attack("polling for a session that is a WebSocket: code 3", async ({ port, bystander }) => {
    const target = `/socket.io/?${POLL}&sid=${bystander.io.engine.id}`;
    for (const request of [{ target }, { target, method: "POST", body: "41" }]) {
      const answer = await http(port, request);
      expect([answer.status, answer.body]).toEqual([400, refusalBody(3)]);
    }
  });

  attack(
    "refused by the app: status 403, code 4",
    async ({ port }) => {
      const target = `/socket.io/?${POLL}`;
      const plain = await http(port, { target });
      expect([plain.status, plain.body]).toEqual([403, refusalBody(4)]);
      const own = await http(port, { target: `${target}&own=1` });
      expect([own.status, own.body]).toEqual([403, '{"code":4,"message":"a\\r\\nSet-Cookie: b=\\"c\\""}']);
      expect(own.headers["set-cookie"]).toBeUndefined();
    },
    {
      allowRequest: (req, decide) => {
        if (req.headers["x-bystander"] !== undefined) decide(null, true);
        else decide(req.url?.includes("own") ? 'a\r\nSet-Cookie: b="c"' : null, false);
      },
    },
  );

  attack(
    "an app that throws while it decides: code 4, and no word why (24)",
    async ({ port }) => {
      const answer = await http(port, { target: `/socket.io/?${POLL}` });
      expect([answer.status, answer.body]).toEqual([403, refusalBody(4)]);
      expect(answer.text).not.toContain("secret");
    },
    {
      allowRequest: (req, decide) => {
        if (req.headers["x-bystander"] === undefined) throw new Error("secret");
        decide(null, true);
      },
    },
  );

  attack("a middleware that fails or throws: code 3, and no word why (24)", async ({ port, io }) => {
    io.engine.use((req: { url: string }, _res: unknown, next: (error?: Error) => void) => {
      if (req.url.includes("fails")) next(new Error("secret"));
      else if (req.url.includes("throws")) throw new Error("secret");
      else next();
    });
    for (const how of ["fails", "throws"]) {
      const answer = await http(port, { target: `/socket.io/?${POLL}&${how}=1` });
      expect([answer.status, answer.body], how).toEqual([400, refusalBody(3)]);
      expect(answer.text).not.toContain("secret");
    }
  });

  attack("an id generator that fails: code 3, and no word why (24)", async ({ port, io }) => {
    io.engine.generateId = () => Promise.reject(new Error("secret"));
    const answer = await http(port, { target: `/socket.io/?${POLL}` });
    expect([answer.status, answer.body]).toEqual([400, refusalBody(3)]);
    expect(answer.text).not.toContain("secret");
  });

  attack("an Origin that is no header text is refused", async ({ line }) => {
    for (const origin of ["http://a\u0001b", "http://a\u007fb"]) {
      const peer = line();
      peer.write(requestBytes({ target: `/socket.io/?${POLL}`, headers: { Origin: origin } }));
      expect((await peer.answer()).status, JSON.stringify(origin)).toBe(400);
    }
  });

  attack("no answer tells what runs here (24)", async ({ port }) => {
    for (const target of [`/socket.io/?${POLL}`, "/socket.io/?EIO=4", `/socket.io/?${POLL}&sid=x`]) {
      const { text } = await http(port, { target });
      expect(text.toLowerCase()).not.toMatch(/\nserver:|x-powered-by|node_modules|\.js:\d|sockeye/);
    }
  });
});

describe("refused upgrades", () => {
  const rows: readonly (readonly [name: string, code: Code, query: string])[] = [
    ["no query (S12)", 0, ""],
    ["no transport (S12)", 0, "EIO=4"],
    ["an unknown transport (S12)", 0, "EIO=4&transport=carrierpigeon"],
    ["webtransport", 0, "EIO=4&transport=webtransport"],
    ["an unknown session", 1, "EIO=4&transport=websocket&sid=unknown"],
    ["polling with an upgrade", 3, POLL],
    ["no protocol (S12)", 5, "transport=websocket"],
    ["protocol 3", 5, "EIO=3&transport=websocket"],
    ...NAMES.map((name) => [`transport ${name} (S14)`, 0, `EIO=4&transport=${name}`] as const),
    ...NAMES.map((name) => [`session ${name} (S14)`, 1, `EIO=4&transport=websocket&sid=${name}`] as const),
  ];

  for (const [name, code, query] of rows) {
    attack(`${name}: ${REFUSALS[code]}`, async ({ line }) => {
      const peer = line();
      peer.write(upgradeBytes(query));
      expect(await peer.rest()).toBe(refusalText(REFUSALS[code]));
    });
  }

  attack(
    "refused by the app",
    async ({ line }) => {
      const plain = line();
      plain.write(upgradeBytes("EIO=4&transport=websocket"));
      expect(await plain.rest()).toBe(refusalText("Forbidden"));
      const own = line();
      own.write(upgradeBytes("EIO=4&transport=websocket&own=1"));
      // What came is compared byte by byte.
      expect(await own.rest()).toBe(Buffer.from(refusalText("not you ü")).toString("latin1"));
    },
    {
      allowRequest: (req, decide) => {
        if (req.headers["x-bystander"] !== undefined) decide(null, true);
        else decide(req.url?.includes("own") ? "not you ü" : null, false);
      },
    },
  );

  attack(
    "with another protocol than its session: nothing changes for the session (S15)",
    async ({ line, joinByPolling, heard }) => {
      const { poller, socket } = await joinByPolling();
      for (const query of [
        `EIO=3&transport=websocket&sid=${poller.open.sid}`,
        `transport=websocket&sid=${poller.open.sid}`,
      ]) {
        const peer = line();
        peer.write(upgradeBytes(query));
        expect(await peer.rest()).toBe(refusalText("Bad request"));
      }
      const wrong = await http(poller.port, {
        target: poller.target.replace("EIO=4", "EIO=3"),
        method: "POST",
        body: "2",
      });
      expect([wrong.status, wrong.body]).toEqual([400, refusalBody(3)]);
      await poller.post('42["still"]');
      await turn();
      expect(heard).toEqual([["still"]]);
      socket.disconnect(true);
    },
  );

  attack("with something else than a WebSocket in mind is answered and ended (S11, J2)", async ({ line }) => {
    const ok = "EIO=4&transport=websocket";
    const requests: readonly (readonly [string, Buffer])[] = [
      [
        "h2c",
        upgradeBytes(ok, {
          Upgrade: "h2c",
          Connection: "Upgrade, HTTP2-Settings",
          "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
        }),
      ],
      ["no version", upgradeBytes(ok, { "Sec-WebSocket-Version": "" })],
      ["version 0", upgradeBytes(ok, { "Sec-WebSocket-Version": "0" })],
      ["version 76 (D1)", upgradeBytes(ok, { "Sec-WebSocket-Version": "76" })],
      ["no key", upgradeBytes(ok, { "Sec-WebSocket-Key": "" })],
      ["a short key", upgradeBytes(ok, { "Sec-WebSocket-Key": "AAAA" })],
      ["POST", upgradeBytes(ok, {}, "POST")],
      ["DELETE", upgradeBytes(ok, {}, "DELETE")],
    ];
    for (const [name, bytes] of requests) {
      const peer = line();
      peer.write(bytes);
      expect(await peer.rest(), name).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });

  attack("by peers that reset the connection (S11)", async ({ line, roundTrip }) => {
    const requests = [
      upgradeBytes("EIO=4&transport=websocket"),
      upgradeBytes("EIO=4&transport=nothing"),
      upgradeBytes("EIO=4&transport=websocket", { "Sec-WebSocket-Key": "x" }),
      upgradeBytes("EIO=4&transport=websocket", { Upgrade: "h2c" }),
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      requestBytes({ target: `/socket.io/?${POLL}` }),
      requestBytes({ target: "/elsewhere", headers: { Connection: "Upgrade", Upgrade: "websocket" } }),
    ];
    for (let n = 0; n < 42; n++) {
      const peer = line();
      peer.write(requests[n % requests.length] ?? "");
      if (n % 3 > 0) await turn();
      if (n % 3 > 1) await turn();
      peer.reset();
    }
    await roundTrip();
  });

  attack(
    "to a path that nobody serves are ended in the end (J2)",
    async ({ line }) => {
      for (const target of [
        "/",
        "/socket.iox/?EIO=4&transport=websocket",
        "/SOCKET.IO/",
        "*",
        "http://evil.example/x",
      ]) {
        const peer = line();
        peer.write(requestBytes({ target, headers: { Connection: "Upgrade", Upgrade: "websocket" } }));
        expect(await peer.rest(), target).toMatch(/^HTTP\/1\.1 404 /);
      }
    },
    { destroyUpgradeTimeout: 40 },
  );

  attack("with bytes glued to the handshake (S10)", async ({ line, port }) => {
    const glued: readonly (readonly [string, Buffer])[] = [
      ["reserved bits", Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
      ["no mask", Buffer.from([0x81, 0x01, 0x34])],
      [
        "a length that is too long",
        Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      ],
      ["noise", Buffer.from(Array.from({ length: 256 }, (_, n) => (n * 37 + 255) & 255))],
    ];
    for (const [name, bytes] of glued) {
      const peer = line();
      peer.write(Buffer.concat([upgradeBytes("EIO=4&transport=websocket"), bytes]));
      peer.socket.end();
      expect(await peer.rest(), name).toMatch(/^HTTP\/1\.1 101 /);
    }
    // The same for a session that would be upgraded.
    const { body } = await http(port, { target: `/socket.io/?${POLL}` });
    const { sid } = JSON.parse(body.slice(1)) as { sid: string };
    const peer = line();
    peer.write(
      Buffer.concat([
        upgradeBytes(`EIO=4&transport=websocket&sid=${sid}`),
        Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
      ]),
    );
    peer.socket.end();
    await peer.rest();
  });

  attack("with more headers than Node reads (W5)", async ({ line }) => {
    const many = Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [`a${n.toString(36)}`, ""]));
    const peer = line();
    const first = requestBytes({
      target: "/socket.io/?EIO=4&transport=websocket",
      headers: { ...many, Connection: "Upgrade", Upgrade: "websocket" },
    });
    peer.write(first);
    expect((await peer.answer()).status).toBeGreaterThanOrEqual(400);
  });

  attack("with extension and subprotocol headers made to hurt (W3, W4, D4)", async ({ line }) => {
    const headers: readonly Record<string, string>[] = [
      ...NAMES.map((name) => ({
        "Sec-WebSocket-Extensions": `${name}; ${name}=1, permessage-deflate; ${name}`,
      })),
      { "Sec-WebSocket-Extensions": `x; a="${"\\".repeat(7000)}` },
      { "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99999999999" },
      { "Sec-WebSocket-Extensions": ", ".repeat(5000) },
      { "Sec-WebSocket-Protocol": `a${" ".repeat(14_000)}b` },
      { "Sec-WebSocket-Protocol": `${"a,".repeat(7000)}a` },
      { "Sec-WebSocket-Protocol": "__proto__, constructor" },
    ];
    for (const header of headers) {
      const spent = await timed(async () => {
        const peer = line();
        peer.write(upgradeBytes("EIO=4&transport=websocket", header));
        expect((await peer.answer()).status).toBeGreaterThanOrEqual(101);
        peer.end();
      });
      expect(spent, JSON.stringify(header).slice(0, 60)).toBeLessThan(1000);
    }
  });
});

describe("odd requests", () => {
  attack("are all answered", async ({ line, port }) => {
    const targets = [
      "/socket.io",
      "/socket.io/",
      "/socket.io/?",
      "/socket.io/../../etc/passwd",
      "/socket.io/%00?EIO=4&transport=polling&sid=x",
      "/socket.io/%ff%fe?EIO=4&transport=%ff",
      "/socket.io/\\?EIO=4&transport=polling&sid=x",
      "/socket.io/#?EIO=4",
      "//socket.io/?EIO=4&transport=polling&sid=x",
      "http://evil.example/socket.io/?EIO=4&transport=polling&sid=x",
      "/socket.io/?EIO=4&transport=polling&sid=x&%",
      "/socket.io/?EIO=4&transport=polling&sid=%E0%A4%A",
      `/socket.io/?EIO=4&transport=polling&sid=x&${"a&".repeat(6000)}`,
      `/socket.io/?EIO=4&transport=polling&sid=x&a=${"%20".repeat(4000)}`,
      `/socket.io/${"a/".repeat(6000)}?EIO=4&transport=polling&sid=x`,
    ];
    for (const target of targets) {
      const spent = await timed(async () => {
        const peer = line();
        peer.write(requestBytes({ target, headers: { Connection: "close" } }));
        if (target.startsWith("/socket.io/"))
          expect((await peer.answer()).status, target).toBeGreaterThanOrEqual(400);
        peer.end();
      });
      expect(spent, target.slice(0, 80)).toBeLessThan(1000);
    }
    expect((await http(port, { target: "/socket.io/?EIO=4&transport=polling&sid=x" })).status).toBe(400);
  });

  attack("for client files give those and nothing else (S23)", async ({ port }) => {
    for (const name of [
      "../package.json",
      "..%2fpackage.json",
      "package.json",
      "socket.io.js/../../package.json",
      "socket.io.exe.js",
      "socket.io.msgpack.min.js.map.map",
      "sockeye.js%00.map",
      "__proto__",
      "constructor",
      "index.js",
    ]) {
      const answer = await http(port, { target: `/socket.io/${name}` });
      expect([400, 404], name).toContain(answer.status);
      expect(answer.body.length, name).toBeLessThan(200);
    }
  });

  attack("with strange header names (4, J4)", async ({ port }) => {
    const answer = await http(port, {
      target: `/socket.io/?${POLL}&__proto__=1&constructor=2&toString=3`,
      headers: {
        Cookie: "__proto__=1; constructor=2; a=%E0%A4%A; =; ;;",
        __proto__x: "1",
        "X-Forwarded-For": "__proto__",
      },
    });
    expect(answer.status).toBe(200);
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });
});

describe("other origins", () => {
  attack("are told nothing by default (S2, 1)", async ({ port }) => {
    for (const request of [
      { target: `/socket.io/?${POLL}`, headers: { Origin: "http://evil.example" } },
      { target: `/socket.io/?${POLL}`, headers: { Origin: "null" } },
      {
        target: `/socket.io/?${POLL}`,
        method: "OPTIONS",
        headers: { Origin: "http://evil.example", "Access-Control-Request-Method": "POST" },
      },
    ]) {
      const answer = await http(port, request);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      if (SUBJECT === "sockeye") expect(answer.status).toBe(403);
    }
  });

  attack(
    "get in only as they are named (2, CVE-2022-42975)",
    async ({ port }) => {
      const allowed = async (origin: string): Promise<string | undefined> => {
        const answer = await http(port, { target: `/socket.io/?${POLL}`, headers: { Origin: origin } });
        expect(answer.headers["vary"]).toContain("Origin");
        return answer.headers["access-control-allow-origin"];
      };
      expect(await allowed("https://example.com")).toBe("https://example.com");
      for (const origin of [
        "http://example.com",
        "https://example.com:8443",
        "https://example.com.evil",
        "https://evil-example.com",
        "https://evil.com/https://example.com",
        "https://example.com@evil.com",
        "https://EXAMPLE.com.evil",
        "https://xn--exmple-cua.com",
        "null",
        "",
      ]) {
        expect(await allowed(origin), origin).toBeUndefined();
      }
    },
    { cors: { origin: ["https://example.com"], credentials: true } },
  );

  attack(
    "are refused over WebSocket where the app says so, like over HTTP (1)",
    async ({ line, port }) => {
      const headers = { Origin: "http://evil.example" };
      const peer = line();
      peer.write(upgradeBytes("EIO=4&transport=websocket", headers));
      expect(await peer.rest()).toBe(refusalText("Forbidden"));
      expect((await http(port, { target: `/socket.io/?${POLL}`, headers })).status).toBe(403);
    },
    // Without `origins` the app would not be asked.
    { allowRequest: (req, decide) => decide(null, req.headers.origin === undefined), origins: "*" },
  );

  it.runIf(SUBJECT === "sockeye")(
    "with everybody's cookies are not let in without a warning (18)",
    async () => {
      const { Server } = await loadServer(SUBJECT);
      const warned = new Promise<Error & { code?: string }>((resolve) => process.once("warning", resolve));
      const io = new Server({ cors: { origin: true, credentials: true } });
      io.attach(0);
      expect((await warned).code).toBe("SOCKEYE_CORS_ANY_ORIGIN");
      await io.close();
    },
  );
});

describe("what the server makes up itself", () => {
  attack("are ids that nobody guesses (S1, 3)", async ({ poller, join }) => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    const ids = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const { open } = await poller();
      ids.add(open.sid);
    }
    for (let n = 0; n < 10; n++) ids.add((await join()).socket.id);
    random.mockRestore();
    expect(ids.size).toBe(50);
    const characters = [...ids].map((id) => id.replace(/[^A-Za-z0-9_-]/g, "?"));
    // 15 random bytes of 8 bits each, or more. Few of 20 characters are alike by chance.
    for (const id of characters) expect(id).toMatch(/^[A-Za-z0-9_-]{20,}$/);
    for (let at = 0; at < 16; at++)
      expect(new Set(characters.map((id) => id[at])).size, `column ${at}`).toBeGreaterThan(10);
  });

  attack("is never an id that the client wants (3)", async ({ port, line }) => {
    const own = await http(port, { target: `/socket.io/?${POLL}&sid=`, headers: { Cookie: "io=mine" } });
    expect(own.status).toBe(200);
    expect(own.body).not.toContain("mine");
    const peer = line();
    peer.write(upgradeBytes("EIO=4&transport=websocket&sid=mine"));
    expect(await peer.rest()).toBe(refusalText("Session ID unknown"));
  });

  it("are cookies without what the options smuggle in (S21, 17)", async () => {
    const { Server } = await loadServer(SUBJECT);
    const cookies: readonly NonNullable<ServerOptions["cookie"]>[] = [
      { name: "io; evil=1" },
      { name: "a=b" },
      { name: "io\r\nX: y" },
      { name: "io", path: "/; evil=1" },
      { name: "io", domain: "a.example; evil=1" },
      { name: "io", path: "/\r\nX: y" },
    ];
    for (const cookie of cookies) {
      const make = (): void => {
        const io = new Server({ cookie });
        io.attach(0);
        io.close();
      };
      expect(make, JSON.stringify(cookie)).toThrow();
    }
  });
});
