import { runInNewContext } from "node:vm";
import { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { iframe, scriptText } from "../../src/server/http/iframe.js";
import { OriginPolicy } from "../../src/server/request/origins.js";
import { type GateServer, gateServer } from "./gate-server.js";
import { ask } from "./raw-client.js";
import { type OpenStream, openStream } from "./stream-client.js";

const IFRAME = "/engine.io/?EIO=4&transport=iframe";
const PARTNER = "https://partner.example";

interface Page {
  readonly messages: { readonly data: string; readonly target: string | undefined }[];
}

/**
 * Reads a document as a browser does: the text of a script element ends at the first `</script`, whatever stands there,
 * and comments and nested elements begin with `<`. Runs the scripts that have the nonce in a page at this address.
 */
function load(html: string, nonce: string, address = "https://here.example"): Page {
  const messages: Page["messages"][number][] = [];
  const { protocol, host } = new URL(address);
  const parent = {
    postMessage: (data: string, target: string) => messages.push({ data, target }),
    ___sockeye: new Proxy(
      {},
      {
        get: (_all, name) => (data: string) =>
          messages.push({ data: `${String(name)} ${data}`, target: undefined }),
      },
    ),
  };
  const page = { parent, location: { protocol, host } };
  const global = Object.assign(Object.create(null), page) as object;
  let at = html.indexOf("<script");
  for (;;) {
    const open = /^<script nonce="([^"]*)">/i.exec(html.slice(at));
    if (open === null) break;
    const end = html.slice(at).search(/<\/script/i);
    const code = html.slice(at + open[0].length, at + end);
    // What a parser could take for the beginning of anything.
    expect(code).not.toContain("<");
    expect(code).not.toMatch(/[\n\u2028\u2029]/);
    if (open[1] === nonce) runInNewContext(code, global);
    at += end + "</script>".length;
    const rest = /^(<\/head><body> *)?(\r\n)?/.exec(html.slice(at));
    at += rest?.[0].length ?? 0;
  }
  expect(html.slice(at)).toMatch(/^(<\/body><\/html>)?$/);
  return { messages };
}

const nonceOf = ({ headers }: Pick<OpenStream, "headers">): string =>
  /'nonce-([^']+)'/.exec(String(headers["content-security-policy"]))?.[1] ?? "none";

async function open(
  query: string,
  options: Parameters<typeof gateServer>[0] = {},
): Promise<GateServer & { document: OpenStream }> {
  const server = await gateServer(options);
  const document = await openStream(server.port, `${IFRAME}${query}`);
  await document.until("sid-1");
  return { ...server, document };
}

describe("iframe", () => {
  it("hands each write to the page's own origin, under the number that was asked for", async () => {
    const { document, acceptor } = await open("&c=42");
    acceptor
      .session("sid-1")
      .transport.send([new EncodedPacket("4a"), new EncodedPacket("4b", [Uint8Array.of(1)])]);
    acceptor.session("sid-1").transport.close("goodbye");
    const { messages } = load(await document.ended(), nonceOf(document));
    expect(messages).toEqual(
      ['0{"sid":"sid-1"}', "4a\x1e4b\x1ebAQ==", "1"].map((data) => ({
        data: `sockeye:42:${data}`,
        target: "https://here.example",
      })),
    );
  });

  it("calls a function of the page where there is no postMessage", async () => {
    const { document, acceptor } = await open("&c=42&d=1");
    acceptor.session("sid-1").transport.close("goodbye");
    expect(load(await document.ended(), nonceOf(document)).messages.map(({ data }) => data)).toEqual([
      '42 0{"sid":"sid-1"}',
      "42 1",
    ]);
  });

  it("lets nothing run but its own scripts, and only its own pages frame it", async () => {
    const [one, two] = [await open("&c=1"), await open("&c=1")];
    const nonces = [one, two].map(({ document }) => nonceOf(document));
    expect(new Set(nonces).size).toBe(2);
    expect(one.document.headers).toMatchObject({
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonces[0]}'; frame-ancestors 'self'`,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    for (const { acceptor } of [one, two]) acceptor.session("sid-1").transport.close("goodbye");
  });

  it("takes back what a middleware says about framing", async () => {
    const server = await gateServer();
    server.gate.use((_req, res, next) => {
      res.setHeader("X-Frame-Options", "DENY");
      res.setHeader("content-security-policy", "frame-ancestors 'none'");
      next();
    });
    const document = await openStream(server.port, `${IFRAME}&c=1`);
    expect(document.headers["x-frame-options"]).toBeUndefined();
    expect(document.headers["content-security-policy"]).toContain("frame-ancestors 'self'");
    document.abort();
    await vi.waitFor(() => expect(server.unanswered.size).toBe(0));
  });

  it("speaks to another origin if that one is allowed", async () => {
    const { document, acceptor } = await open(`&c=1&origin=${encodeURIComponent(PARTNER)}`, {
      origins: [PARTNER],
    });
    expect(document.headers["content-security-policy"]).toMatch(
      /frame-ancestors 'self' https:\/\/partner\.example$/,
    );
    acceptor.session("sid-1").transport.close("goodbye");
    const { messages } = load(await document.ended(), nonceOf(document));
    expect(messages.map(({ target }) => target)).toEqual([PARTNER, PARTNER]);
  });

  it.each([
    ["no number", "", 400, 3],
    ["an empty number", "&c=", 400, 3],
    ["a name", "&c=alert", 400, 3],
    ["a script", `&c=${encodeURIComponent('1"]);alert(1)//')}`, 400, 3],
    ["an element", "&c=1%3C/script%3E", 400, 3],
    ["a line end", "&c=1%0A", 400, 3],
    ["digits of another script", `&c=${encodeURIComponent("١")}`, 400, 3],
    ["a very long number", `&c=${"1".repeat(21)}`, 400, 3],
    ["an origin and no postMessage", `&c=1&d=1&origin=${PARTNER}`, 400, 3],
    ["no origin", "&c=1&origin=null", 403, 4],
    ["an empty origin", "&c=1&origin=", 403, 4],
    ["more than an origin", `&c=1&origin=${PARTNER}/`, 403, 4],
    ["a header in the origin", `&c=1&origin=${PARTNER}%0D%0AX-A:1`, 403, 4],
    ["a policy in the origin", `&c=1&origin=${PARTNER};script-src%20*`, 403, 4],
    ["a script in the origin", `&c=1&origin=https://a%22;alert(1)//`, 403, 4],
    ["an origin of another kind", "&c=1&origin=file://", 403, 4],
  ])("refuses %s, in a handshake and later", async (_name, query, status, code) => {
    // Even an app that lets in everybody must not open a script.
    const { port, acceptor, document } = await open("&c=1", { origins: "*" });
    for (const target of [`${IFRAME}${query}`, `${IFRAME}${query}&sid=sid-1`]) {
      const answer = await ask(port, { target });
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([status, { code }]);
    }
    expect(acceptor.sessions.size).toBe(1);
    expect(acceptor.session("sid-1").endings).toEqual([]);
    acceptor.session("sid-1").transport.close("goodbye");
    await document.ended();
  });

  it.each([
    ["by default", undefined],
    ["than those that are listed", ["https://other.example"]],
  ])("speaks to no other origin %s", async (_name, origins) => {
    const { port } = await gateServer({ origins });
    expect((await ask(port, { target: `${IFRAME}&c=1&origin=${PARTNER}` })).status).toBe(403);
  });
});

describe("a message in a script", () => {
  const nasty = fc.constantFrom(
    "</script>",
    "</SCRIPT ",
    "<!--",
    "-->",
    "<script>",
    "]]>",
    "&lt;",
    "\u2028",
    "\u2029",
    '"',
    "\\",
    "\r\n",
    "\0",
    "\ud800",
  );
  const text = fc.array(fc.oneof(nasty, fc.string({ unit: "binary" }))).map((parts) => parts.join(""));

  it("arrives as it was, and nothing else happens", () => {
    const { begin } = iframe(new OriginPolicy());
    const req = { url: `${IFRAME}&c=1` } as Parameters<typeof begin>[0];
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (texts) => {
        const { prelude, encode, epilogue, headers } = begin(req);
        const nonce = /'nonce-([^']+)'/.exec(String(headers["Content-Security-Policy"]))?.[1] ?? "";
        const writes = texts.map((some) => String(encode([new EncodedPacket(`4${some}`)])));
        const page = load(String(prelude) + writes.join("") + epilogue, nonce);
        expect(page.messages.map(({ data }) => data)).toEqual(texts.map((some) => `sockeye:1:4${some}`));
      }),
    );
  });

  it("has no character that a parser of HTML looks at", () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(scriptText(some)).not.toMatch(/[<>&\u2028\u2029\r\n\0]/);
        expect(JSON.parse(scriptText(some))).toBe(some);
      }),
    );
  });
});
