import { connect } from "node:net";
import { requestBytes } from "../../support/rawsocket.js";
import { type Site, startSite } from "../../support/servers.js";
import { within } from "../../support/wait.js";
import { mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";
import { text } from "../values.js";

/** One request, byte for byte but for the id of a session, which stands in it as `SID`, and its secret, `KEY`. */
interface RequestInput {
  /** In base64. */
  readonly request: string;
}

/** As long as what takes their places, so that the length of a body stays true. */
const SID = "SID".padEnd(20);
const KEY = "KEY".padEnd(22);

function claim(received: number): string {
  return `0{"sid":"${SID}","secret":"${KEY}","received":${received}}`;
}

const QUERIES = [
  "EIO=4&transport=polling",
  "EIO=4&transport=polling&sid=SID",
  "EIO=4&transport=polling&sid=SID",
  "EIO=3&transport=polling",
  "EIO=4&transport=polling&j=0",
  "EIO=4&transport=polling&j=0&sid=SID",
  "EIO=4&transport=polling&j=0&sid=SID",
  "EIO=3&transport=polling&j=7",
  "EIO=4&transport=polling&resume=offer",
  "EIO=4&transport=polling&sid=SID&resume=claim",
  "EIO=4&transport=stream&sid=SID&resume=claim&n=1",
  "EIO=4&transport=polling&sid=SID&n=1",
  "EIO=4&transport=sse&sid=SID",
  "EIO=4&transport=iframe&c=x",
  "EIO=4&transport=websocket",
  "EIO=4&transport=websocket&sid=SID",
  "EIO=4&transport=webtransport",
];
const BODIES = [
  "40",
  '42["echo",1]',
  "1",
  '40\x1e42["echo",1]',
  "2probe",
  "bAAEC",
  "d=40",
  "d=4%22%5Cn",
  "d=42%5B%22echo%22%2C%22%5C%5Cn%22%5D&x=1",
  "d=40%1E42%5B%22echo%22%2C1%5D",
  "\0\x02\xff40",
  claim(0),
];
const TYPES = [
  "text/plain",
  "text/plain;charset=UTF-8",
  "application/octet-stream",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "__proto__",
];
const FORM = "application/x-www-form-urlencoded";
const TEXT = "text/plain;charset=UTF-8";
/** POSTs that are right before they are made wrong: chance alone brings the three together too seldom. */
const FITTING: readonly (readonly [query: string, body: string, type: string])[] = [
  ["EIO=4&transport=polling&j=0&sid=SID", "d=40", FORM],
  ["EIO=4&transport=polling&j=0&sid=SID", "d=40%1E42%5B%22echo%22%2C%22%5C%5Cn%22%5D", FORM],
  ["EIO=4&transport=polling&sid=SID&resume=claim", claim(0), TEXT],
  ["EIO=4&transport=stream&sid=SID&resume=claim&n=1", claim(0), TEXT],
  ["EIO=4&transport=polling&sid=SID&resume=claim", claim(1), TEXT],
  ["EIO=4&transport=polling&sid=SID&n=1", "40", TEXT],
];
const ORIGINS = [
  "http://a.example",
  "null",
  "http://127.0.0.1",
  "https://a.example.evil",
  "http://a.example, http://b.example",
];
const TOKENS = [
  "\r\n",
  "\n",
  "\r",
  ":",
  ": ",
  "\0",
  "%",
  "&",
  "=",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "Upgrade: websocket\r\nConnection: Upgrade\r\n",
  "HTTP/1.0",
  "HTTP/2.0",
  "SID",
  "__proto__",
  "x".repeat(5000),
  '"',
  ";",
  ",",
];

let site: Site | undefined;

/** Whole requests at a server that listens: queries, JSONP and iframe parameters, headers and bodies. */
export const requests: Target = target<RequestInput>({
  name: "requests",
  cases: 600,
  begin: async () => {
    site = await startSite("sockeye", {
      cors: { origin: ["http://a.example"], credentials: true },
      cookie: true,
      allowEIO3: true,
      transports: ["polling", "websocket", "sse", "stream", "iframe", "jsonp"] as never,
      pingInterval: 200,
      pingTimeout: 200,
      connectTimeout: 500,
    });
    site.io.on("connection", (socket) => void socket.on("echo", (n: unknown) => void socket.emit("echo", n)));
  },
  end: async () => site?.end(),
  generate: (random) => ({ request: request(random).toString("base64") }),
  run: async (input) => {
    if (site === undefined) throw new Error("no server");
    const bytes = Buffer.from(input.request, "base64").toString("latin1");
    await ask(site, bytes.includes("SID") ? filled(bytes, await openSession(site, bytes)) : bytes);
  },
});

function request(random: Random): Buffer {
  const fitting = random.chance(0.2) ? random.pick(FITTING) : undefined;
  const [query, content, type] = fitting ?? [random.pick(QUERIES), random.pick(BODIES), random.pick(TYPES)];
  const isPost = fitting !== undefined || random.chance(0.4);
  const upgrades = !isPost && query.includes("websocket") && random.chance(0.8);
  const body = isPost ? odd(random, content) : undefined;
  const bytes = requestBytes({
    method: isPost ? "POST" : random.pick(["GET", "GET", "GET", "OPTIONS", "PUT", "HEAD"]),
    target: `/socket.io/?${odd(random, query)}`,
    version: random.chance(0.1) ? "1.0" : "1.1",
    headers: {
      ...(upgrades ? UPGRADE : { Connection: "close" }),
      ...(isPost && { "Content-Type": odd(random, type) }),
      ...(random.chance(0.4) && { Origin: odd(random, random.pick(ORIGINS)) }),
      ...(random.chance(0.3) && { Cookie: odd(random, "io=SID; a=b; __proto__=c") }),
      ...(random.chance(0.2) && { "Content-Encoding": random.pick(["gzip", "deflate", text(random)]) }),
      ...(random.chance(0.2) && { "Accept-Encoding": odd(random, "gzip, deflate;q=0.5") }),
    },
    ...(body !== undefined && { body: Buffer.from(body) }),
  });
  return random.chance(0.8)
    ? bytes
    : Buffer.from(mutateText(random, bytes.toString("latin1"), TOKENS), "latin1");
}

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
};

function odd(random: Random, valid: string): string {
  return random.chance(0.6) ? valid : mutateText(random, valid, TOKENS).slice(0, 10_000);
}

interface Opened {
  readonly sid: string;
  readonly secret: string;
}

function filled(bytes: string, { sid, secret }: Opened): string {
  return bytes.replaceAll(SID, sid).replaceAll("SID", sid).replaceAll(KEY, secret).replaceAll("KEY", secret);
}

/** In scripts and forms, or one that can be claimed, if the request that will name it is of that kind: the handshake decides. */
async function openSession({ url }: Site, request: string): Promise<Opened> {
  const more = `${request.includes("&j=") ? "&j=0" : ""}${/resume|[&?]n=/.test(request) ? "&resume=offer" : ""}`;
  const answer = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling${more}`)).text();
  const value = (name: string): string => new RegExp(`${name}[^\\w-]+([\\w-]+)`).exec(answer)?.[1] ?? "";
  return { sid: value("sid"), secret: value("secret") };
}

/** Writes it, and waits for the head of an answer, or the end of the connection. */
async function ask({ port }: Site, bytes: string): Promise<void> {
  const wire = connect(port, "127.0.0.1");
  let came = "";
  const answered = new Promise<void>((resolve) => {
    wire.on("data", (chunk: Buffer) => {
      came += chunk.toString("latin1");
      if (came.includes("\r\n\r\n")) resolve();
    });
    wire.on("close", () => resolve());
    wire.on("error", () => resolve());
  });
  wire.write(Buffer.from(bytes, "latin1"));
  // A request without its end gets one.
  const half = setTimeout(() => wire.end(), 50);
  await within(answered, "an answer").finally(() => clearTimeout(half));
  wire.destroy();
  const [head = "", body = ""] = came.split("\r\n\r\n");
  const allowed = /^access-control-allow-origin: (.*)$/im.exec(head)?.[1] ?? "http://a.example";
  check(allowed === "http://a.example", "an origin is let in that is not named", () => head);
  const isPage = /^content-type: text\/html/im.test(head) && !body.includes("<!DOCTYPE");
  check(!isPage || !body.includes("<"), "a page with more in it", () => came);
  const isScript = /^content-type: text\/javascript/im.test(head);
  const whole = Number(/^content-length: (\d+)/im.exec(head)?.[1]) === body.length;
  check(!isScript || !whole || isCall(body), "a script that does more than one call", () => came);
}

/** Nothing but a call of the page's function with one string. */
function isCall(script: string): boolean {
  const [, string = ""] = /^___eio\[\d{1,20}\]\((".*")\);$/.exec(script) ?? [];
  try {
    return typeof JSON.parse(string) === "string";
  } catch {
    return false;
  }
}
