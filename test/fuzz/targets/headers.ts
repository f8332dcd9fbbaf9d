import type { IncomingMessage } from "node:http";
import * as ws from "ws";
import { CookieJar, MAX_COOKIES } from "../../../packages/transport/src/client/node/cookie-jar.js";
import { DeflateExtension } from "../../../packages/transport/src/server/websocket/deflate-extension.js";
import { readExtensionOffers } from "../../../packages/transport/src/server/websocket/extension-offer.js";
import { checkUpgrade } from "../../../packages/transport/src/server/websocket/upgrade-check.js";
import { mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";

const EXTENSIONS = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
  'permessage-deflate; server_max_window_bits="12"',
  "x-webkit-deflate-frame, permessage-deflate",
  "constructor; __proto__=toString",
];
const PROTOCOLS = ["chat", "chat, superchat", "a,b,c", "__proto__"];
const COOKIES = [
  "io=abc; Path=/; HttpOnly",
  "a=b; Domain=.example.com; Max-Age=10",
  "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  "__proto__=x; Secure; Path=/a",
];
const TOKENS = [
  ";",
  ",",
  "=",
  '"',
  "\\",
  " ",
  "\t",
  "constructor",
  "__proto__",
  "permessage-deflate",
  "=15",
  "=16",
  "; client_max_window_bits",
  " ".repeat(3000),
  "Path=",
  "Domain=",
  "Max-Age=-1",
];

interface HeaderInput {
  readonly method: string;
  readonly upgrade: string;
  readonly key: string;
  readonly version: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly cookies: readonly string[];
  readonly own: string;
}

const deflate = new DeflateExtension({ maxPayload: 1000, perMessageDeflate: true });

/** Headers of WebSocket handshakes that our code reads itself, and cookies at the client. */
export const headers: Target = target<HeaderInput>({
  name: "headers",
  cases: 4_000,
  generate: (random) => ({
    method: random.pick(["GET", "GET", "POST"]),
    upgrade: odd(random, "websocket"),
    key: odd(random, "dGhlIHNhbXBsZSBub25jZQ=="),
    version: odd(random, random.pick(["13", "8", "7"])),
    protocol: odd(random, random.pick(PROTOCOLS)),
    extensions: odd(random, random.pick(EXTENSIONS)),
    cookies: random.list(random.size(), () => odd(random, random.pick(COOKIES))),
    own: odd(random, "a=b; c=d"),
  }),
  run: (input, meter) => {
    askForWebSocket(input, meter);
    readExtensions(input.extensions, meter);
    keepCookies(input, meter);
  },
});

/** As Node hands it out: one line, one byte for a character, no space around. */
function odd(random: Random, valid: string): string {
  const text = random.chance(0.5) ? valid : mutateText(random, valid, TOKENS);
  const latin1 = Buffer.from(text).toString("latin1");
  return [...latin1]
    .filter((character) => character === "	" || character >= " ")
    .join("")
    .trim();
}

function askForWebSocket({ method, upgrade, key, version, protocol }: HeaderInput, meter: Meter): void {
  const values = {
    upgrade,
    "sec-websocket-key": key,
    "sec-websocket-version": version,
    "sec-websocket-protocol": protocol,
  };
  const answer = meter.time(() => checkUpgrade({ method, headers: values } as unknown as IncomingMessage));
  if ("status" in answer) return;
  check(Buffer.from(answer.key, "base64").length === 16, "a key that is none", () => key);
  check(
    answer.protocol === undefined || /^[!#$%&'*+\-.^_`|~\w]+$/.test(answer.protocol),
    "a subprotocol that is none",
    () => protocol,
  );
  const [first] = (ws as unknown as Parsers).subprotocol.parse(protocol);
  check(first === answer.protocol, "the ws package takes another subprotocol", () => [protocol, first]);
}

interface Parsers {
  readonly subprotocol: { parse(header: string): Set<string> };
  readonly extension: { parse(header: string): Record<string, Record<string, (string | true)[]>[]> };
}

function readExtensions(header: string, meter: Meter): void {
  const offers = meter.time(() => readExtensionOffers(header));
  const agreed = meter.time(() => deflate.negotiate(header));
  check((offers === undefined) === (agreed === "malformed"), "read, and yet malformed", () => header);
  if (typeof agreed === "object") {
    check(
      /^permessage-deflate; server_no_context_takeover; client_no_context_takeover(; server_max_window_bits=(9|1[0-5]))?$/.test(
        agreed.response,
      ),
      "an answer with more in it",
      () => agreed.response,
    );
  }
  let theirs: ReturnType<Parsers["extension"]["parse"]>;
  try {
    theirs = (ws as unknown as Parsers).extension.parse(header);
  } catch {
    return;
  }
  // Quotes within quotes are the one thing that it reads beyond; what is valid to it must be to us.
  check(offers !== undefined || /["\\]/.test(header), "the ws package can read it", () => header);
  const names = new Set(offers?.map(({ name }) => name));
  if (offers !== undefined)
    check(Object.keys(theirs).length === names.size, "the ws package reads other extensions", () => [
      header,
      theirs,
      offers,
    ]);
}

function keepCookies({ cookies, own }: HeaderInput, meter: Meter): void {
  const jar = new CookieJar();
  const address = new URL("http://www.example.com/a/b");
  meter.time(() => jar.store(address, cookies, 1000));
  const sent = meter.time(() => jar.header(address, own, 1001));
  check(sent === undefined || !/[\r\n\0]/.test(sent), "cookies with line ends", () => sent);
  check(
    (sent?.split("; ").length ?? 0) <= MAX_COOKIES + own.split(";").length,
    "too many cookies",
    () => sent,
  );
}
