import { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { jsonpFormat, unescapeLines } from "../../src/server/http/jsonp.js";
import { PAYLOADS } from "../../src/server/http/payload-format.js";
import { type GateServer, gateServer, stockServer } from "./gate-server.js";
import { type Answer, ask } from "./raw-client.js";

const POLLING = "/engine.io/?EIO=4&transport=polling";
const JSONP = { transports: ["polling", "websocket", "jsonp"] };
const LIMITS = { maxPacketsPerPayload: 100, maxMessageBytes: 1e6 };

const form = (text: string): string => `d=${encodeURIComponent(text).replaceAll("%20", "+")}`;
/** What clients do with a payload before they put it into a form. */
const escapeLines = (text: string): string => text.replaceAll("\\n", "\\\\n").replaceAll("\n", "\\n");

function submit(port: number, target: string, body: string | Uint8Array): Promise<Answer> {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return ask(port, { method: "POST", target, body, headers });
}

/** A server of ours or of npm, a session on it, and what it hears. */
interface End {
  readonly port: number;
  readonly sid: string;
  readonly opening: Answer;
  readonly heard: unknown[];
  /** Does a poll wait? */
  readonly waits: () => boolean;
  send(data: string | Uint8Array): void;
  close(): void;
}

async function ours(query: string): Promise<End> {
  const { port, acceptor } = await gateServer(JSONP);
  const heard: unknown[] = [];
  acceptor.onFrame = (_session, frame) =>
    void heard.push(typeof frame === "string" ? frame.slice(1) : Buffer.from(frame));
  const opening = await ask(port, { target: `${POLLING}&${query}` });
  const { transport } = acceptor.session("sid-1");
  return {
    port,
    sid: "sid-1",
    opening,
    heard,
    send: (data) =>
      transport.send([typeof data === "string" ? new EncodedPacket(`4${data}`) : new EncodedPacket(data)]),
    waits: () => transport.writable,
    close: () => transport.close("goodbye"),
  };
}

async function stock(query: string): Promise<End> {
  const { port, engine } = await stockServer();
  const heard: unknown[] = [];
  interface Socket {
    readonly id: string;
    readonly transport: { readonly writable: boolean };
    on(name: "data", heard: (data: unknown) => void): void;
    send(data: string | Uint8Array): void;
    close(): void;
  }
  const connected = new Promise<Socket>((resolve) => engine.on("connection", resolve));
  const opening = await ask(port, { target: `${POLLING}&${query}` });
  const socket = await connected;
  socket.on("data", (data) => heard.push(data));
  const { id } = socket;
  return {
    port,
    sid: id,
    opening,
    heard,
    send: (data) => socket.send(data),
    waits: () => socket.transport.writable,
    close: () => socket.close(),
  };
}

/** The same on both: what is answered must be the same, byte for byte. */
async function both<T>(act: (end: End) => Promise<T>, query = "j=0"): Promise<T> {
  const [mine, expected] = [await act(await ours(query)), await act(await stock(query))];
  expect(mine).toEqual(expected);
  return mine;
}

/** The answer to a poll that waits until something is said. */
async function poll(end: End, say: () => void, query = "j=0"): Promise<[number, string]> {
  const answer = ask(end.port, { target: `${POLLING}&sid=${end.sid}&${query}` });
  await vi.waitFor(() => expect(end.waits()).toBe(true));
  say();
  const { status, body } = await answer;
  return [status, body];
}

describe("answers are scripts, the same as npm's", () => {
  it.each(["0", "7", "00012345678901234567"])("the handshake, callback %s", async (j) => {
    const shape = await both(async ({ opening, sid }) => {
      expect(opening.body).toContain(sid);
      return [opening.status, opening.body.replace(/\{.*\}/, "")];
    }, `j=${j}`);
    expect(shape).toEqual([200, `___eio[${j}]("0");`]);
  });

  it.each<[name: string, data: string | Uint8Array, body: string]>([
    ["text", "hello", '___eio[0]("4hello");'],
    ["line separators", "a\u2028b\u2029c", '___eio[0]("4a\\u2028b\\u2029c");'],
    ["what ends strings", '"\\\n\r\u0000</script>', '___eio[0]("4\\"\\\\\\n\\r\\u0000</script>");'],
    ["half a character", "\ud800", '___eio[0]("4\\ud800");'],
    ["letters of all kinds", "é😀", Buffer.from('___eio[0]("4é😀");').toString("latin1")],
    ["bytes", new Uint8Array([0, 255, 60]), '___eio[0]("bAP88");'],
  ])("%s", async (_name, data, body) => {
    expect(await both((end) => poll(end, () => end.send(data)))).toEqual([200, body]);
  });

  it("the callback is that of the handshake, whatever comes later", async () => {
    for (const query of ["j=9", "", "j=alert(1)"]) {
      const answer = await both((end) => poll(end, () => end.send("a"), query), "j=3");
      expect(answer).toEqual([200, '___eio[3]("4a");']);
    }
  });

  it("close", async () => {
    expect(await both((end) => poll(end, () => end.close()))).toEqual([200, '___eio[0]("1");']);
  });

  it("close that waits for the next poll", async () => {
    const end = await ours("j=4");
    end.close();
    const { status, body } = await ask(end.port, { target: `${POLLING}&sid=${end.sid}&j=4` });
    expect([status, body]).toEqual([200, '___eio[4]("1");']);
  });

  it("of a type that browsers run, and no other", async () => {
    const { opening } = await ours("j=0");
    expect(opening.headers).toMatchObject({
      "content-type": "text/javascript; charset=UTF-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "content-length": `${Buffer.byteLength(opening.body)}`,
    });
    // With nosniff no browser would run it.
    expect((await stock("j=0")).opening.headers["content-type"]).toBe("text/plain; charset=UTF-8");
  });

  it("runs in a page: the callback gets what was sent", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const packet = new EncodedPacket(`4${text}`);
        const script = String(jsonpFormat("5", PAYLOADS.revision4).encode([packet]));
        expect(script).not.toMatch(/[\u2028\u2029\n\r]/);
        const heard: string[] = [];
        const page: ((payload: string) => void)[] = [];
        page[5] = (payload) => heard.push(payload);
        new Function("___eio", script)(page);
        expect(heard).toEqual([`4${text}`]);
      }),
    );
  });
});

describe("bodies are forms, read as npm reads them", () => {
  it.each<[name: string, body: string, heard: unknown[]]>([
    ["text", form("4hello"), ["hello"]],
    ["several packets", form("4a\x1e4b"), ["a", "b"]],
    ["bytes", form("bAP88"), [Buffer.from([0, 255, 60])]],
    ["a plus and a space", "d=4a%2Bb+c", ["a+b c"]],
    ["a line feed", form(escapeLines("4a\nb")), ["a\nb"]],
    ["what looks like a line feed", form(escapeLines("4a\\nb")), ["a\\nb"]],
    ["three backslashes", form("4\\\\\\n"), ["\\\\n"]],
    ["letters of all kinds", form("4é😀"), ["é😀"]],
    ["other fields", `a=1&${form("4a")}&b=%zz`, ["a"]],
    ["a & and a =", form("4a&d=b"), ["a&d=b"]],
  ])("%s", async (_name, body, heard) => {
    const [answer, got] = await both(async ({ port, sid, heard }) => {
      const answer = await submit(port, `${POLLING}&sid=${sid}&j=0`, body);
      return [[answer.status, answer.body, answer.headers["content-type"]], heard];
    });
    expect(answer).toEqual([200, "ok", "text/html"]);
    expect(got).toEqual(heard);
  });

  it("line feeds, whatever stands around them", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\\", "n", "\n", "a") }), (text) => {
        const stock = text
          .replace(/(\\)?\\n/g, (match, slash) => (slash ? match : "\n"))
          .replaceAll("\\\\n", "\\n");
        expect(unescapeLines(text)).toBe(stock);
      }),
    );
  });

  it.each<[name: string, body: string | Uint8Array]>([
    ["nothing", ""],
    ["no field", "e=4a"],
    ["a field without a value", "d"],
    ["an empty field", "d="],
    ["the field twice", "d=4a&d=4b"],
    ["a broken escape", "d=4%zz"],
    ["half an escape", "d=4%E"],
    ["an escape that is not UTF-8", "d=4%FF"],
    ["bytes that are not UTF-8", Buffer.from([0x64, 0x3d, 0x34, 0xff])],
    ["an empty packet", form("4a\x1e")],
    ["bad base64", form("b!")],
    ["too many packets", form(`${"4\x1e".repeat(20_000)}4`)],
    ["the payload without a form", "4a"],
  ])("%s: 400, and the session ends", async (_name, body) => {
    const { port, acceptor } = await gateServer(JSONP);
    await ask(port, { target: `${POLLING}&j=0` });
    expect((await submit(port, `${POLLING}&sid=sid-1&j=0`, body)).status).toBe(400);
    expect(acceptor.session("sid-1").endings).toMatchObject([{ reason: "parse error" }]);
    expect(acceptor.session("sid-1").frames).toEqual([]);
  });

  it("bytes: 400", async () => {
    const { port, acceptor } = await gateServer(JSONP);
    await ask(port, { target: `${POLLING}&j=0` });
    const headers = { "Content-Type": "application/octet-stream" };
    const answer = await ask(port, {
      method: "POST",
      target: `${POLLING}&sid=sid-1&j=0`,
      body: form("4a"),
      headers,
    });
    expect(answer.status).toBe(400);
    expect(acceptor.session("sid-1").endings).toMatchObject([{ reason: "transport error" }]);
  });

  it("the limit is one of the payload, not of how a form writes it", async () => {
    const { port, acceptor } = await gateServer(JSONP);
    await ask(port, { target: `${POLLING}&j=0` });
    const longest = `4${"\n".repeat(999_999)}`;
    expect((await submit(port, `${POLLING}&sid=sid-1&j=0`, form(escapeLines(longest)))).status).toBe(200);
    expect(acceptor.session("sid-1").frames).toEqual([longest]);
    for (const text of [`${longest}\n`, "x".repeat(4_000_000)]) {
      const server = await gateServer(JSONP);
      await ask(server.port, { target: `${POLLING}&j=0` });
      const answer = await submit(server.port, `${POLLING}&sid=sid-1&j=0`, form(escapeLines(text)));
      expect(answer.status).toBe(413);
      expect(server.acceptor.session("sid-1").endings).toMatchObject([{ reason: "transport error" }]);
    }
  });

  it("many fields cost no time", () => {
    const { decodeText } = jsonpFormat("0", PAYLOADS.revision4);
    const body = Buffer.from(`${"&".repeat(500_000)}${form("4a")}${"&dd=1".repeat(90_000)}`);
    expect(decodeText(body, LIMITS)).toEqual(["4a"]);
  });
});

describe("the gate", () => {
  const begin = ({ port }: GateServer, query: string, headers = {}): Promise<Answer> =>
    ask(port, { target: `${POLLING}&${query}`, headers });

  it("answers with scripts only if told so", async () => {
    const server = await gateServer();
    for (const query of ["j=0", "j=alert(1)"]) {
      const { status, headers, body } = await begin(server, query);
      expect([status, headers["content-type"]]).toEqual([200, "text/plain; charset=UTF-8"]);
      expect(body).toMatch(/^0\{/);
    }
  });

  it("answers as ever who asks for no script", async () => {
    const server = await gateServer(JSONP);
    const { headers, body } = await begin(server, "x=1");
    expect([headers["content-type"], body]).toEqual(["text/plain; charset=UTF-8", '0{"sid":"sid-1"}']);
    const { port, acceptor } = server;
    expect((await submit(port, `${POLLING}&sid=sid-1&j=0`, "4a")).status).toBe(200);
    expect(acceptor.session("sid-1").frames).toEqual(["4a"]);
  });

  it.each([
    "",
    "alert(1)",
    "0x1",
    "1.5",
    "-1",
    "1]alert(1);[0",
    "%3Cscript%3E",
    "1%0A2",
    "1".repeat(21),
    "٣",
  ])("takes no callback %j", async (j) => {
    const server = await gateServer(JSONP);
    const { status, headers, body } = await begin(server, `j=${encodeURI(j)}`);
    expect([status, headers["content-type"]]).toEqual([400, "application/json"]);
    expect(body).toBe('{"code":3,"message":"Bad request"}');
    expect(server.acceptor.refusals).toMatchObject([{ code: 3, context: { name: "BAD_CALLBACK" } }]);
    expect(server.acceptor.sessions.size).toBe(0);
  });

  it("knows no transport of that name", async () => {
    const { port } = await gateServer(JSONP);
    const answer = await ask(port, { target: "/engine.io/?EIO=4&transport=jsonp&j=0" });
    expect([answer.status, answer.body]).toEqual([400, '{"code":0,"message":"Transport unknown"}']);
  });

  it("speaks revision 3 in scripts, too", async () => {
    const { port, acceptor } = await gateServer({ ...JSONP, allowEIO3: true });
    const target = "/engine.io/?EIO=3&transport=polling&j=2&b64=1";
    const { body } = await ask(port, { target });
    expect(body).toBe('___eio[2]("16:0{\\"sid\\":\\"sid-1\\"}");');
    expect((await submit(port, `${target}&sid=sid-1`, form("2:4a"))).status).toBe(200);
    expect(acceptor.session("sid-1").frames).toEqual(["4a"]);
  });

  it.each<[name: string, headers: Record<string, string>, status: number]>([
    ["no browser", {}, 200],
    ["its own page", { Referer: "http://own.example/a?b" }, 200],
    ["its own page, by itself", { "Sec-Fetch-Site": "same-origin" }, 200],
    ["a page that is listed", { Referer: "https://app.example/", "Sec-Fetch-Site": "cross-site" }, 200],
    ["a page that is not", { Referer: "https://evil.example/", "Sec-Fetch-Site": "cross-site" }, 403],
    ["such a page in an old browser", { Referer: "https://evil.example/" }, 403],
    ["a page that does not say", { "Sec-Fetch-Site": "cross-site" }, 403],
    ["a neighbour that does not say", { "Sec-Fetch-Site": "same-site" }, 403],
    ["what is no address", { Referer: "evil", "Sec-Fetch-Site": "cross-site" }, 403],
    ["a foreign origin", { Origin: "https://evil.example" }, 403],
  ])("a script for %s: %s %i", async (_name, headers, status) => {
    const server = await gateServer({ ...JSONP, origins: "https://app.example" });
    const answer = await begin(server, "j=0", { Host: "own.example", ...headers });
    expect(answer.status).toBe(status);
    expect(server.acceptor.sessions.size).toBe(status === 200 ? 1 : 0);
  });

  it("a form of a foreign page reaches no session", async () => {
    const server = await gateServer(JSONP);
    await begin(server, "j=0");
    const headers = {
      Origin: "https://evil.example",
      "Content-Type": "application/x-www-form-urlencoded",
    };
    const target = `${POLLING}&sid=sid-1&j=0`;
    const answer = await ask(server.port, { method: "POST", target, body: form("4a"), headers });
    expect(answer.status).toBe(403);
    expect(server.acceptor.session("sid-1").frames).toEqual([]);
  });
});
