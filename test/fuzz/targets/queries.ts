import type { IncomingMessage } from "node:http";
import { EncodedPacket } from "@sockeye/protocol";
import { iframe } from "../../../packages/transport/src/server/http/iframe.js";
import { OriginPolicy } from "../../../packages/transport/src/server/request/origins.js";
import { readEngineQuery, readWholeQuery } from "../../../packages/transport/src/server/request/query.js";
import { mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";
import { text } from "../values.js";

const KEYS = [
  "EIO",
  "transport",
  "sid",
  "b64",
  "t",
  "j",
  "n",
  "resume",
  "c",
  "d",
  "origin",
  "__proto__",
  "constructor",
  "",
  "a",
];
const VALUES = [
  "4",
  "3",
  "polling",
  "websocket",
  "iframe",
  "",
  "0",
  "1",
  "__proto__",
  "12345678901234567890",
  "abc",
  "7",
  "claim",
];
const ORIGINS = [
  "http://a.example",
  "https://a.example:8443",
  "null",
  "http://a.example/",
  "https://evil.example",
  "http://a.example;script-src *",
  "javascript:1",
  "http://a.example\r\nX: y",
];
const TOKENS = [
  "&",
  "=",
  "?",
  "#",
  "%",
  "%26",
  "%3D",
  "+",
  "%00",
  "%zz",
  "%C3%28",
  "%E2%82%AC",
  "[]",
  ";",
  "<script>",
  "'",
  '"',
  "%0D%0A",
  "/",
];

/** A request's target, and a text that it is told. */
interface QueryInput {
  readonly url: string;
  readonly data: string;
}

/** What the engine reads of a request's target, and what the transport `iframe` makes of it. */
export const queries: Target = target<QueryInput>({
  name: "queries",
  cases: 6_000,
  generate: (random) => {
    const all = random.list(random.size(), () => parameter(random));
    // One of them as often as a request can hold it.
    if (random.chance(0.05))
      all.push(`${random.chance(0.5) ? parameter(random) : random.pick(KEYS)}&`.repeat(random.below(2000)));
    const url = `/socket.io/?${all.join("&")}`;
    // What Node's parser lets through has one byte for a character.
    const bytes = random.chance(0.7) ? mutateText(random, url, TOKENS) : url;
    return { url: Buffer.from(bytes.slice(0, 20_000)).toString("latin1"), data: text(random) };
  },
  run: ({ url, data }, meter) => {
    readQuery(url, meter);
    openIframe(url, data, meter);
  },
});

function parameter(random: Random): string {
  const key = random.pick(KEYS);
  const value =
    key === "origin" ? random.pick(ORIGINS) : random.chance(0.8) ? random.pick(VALUES) : text(random);
  return `${key}=${random.chance(0.5) ? value : encodeURIComponent(Buffer.from(value).toString())}`;
}

function readQuery(url: string, meter: Meter): void {
  const query = meter.time(() => readEngineQuery(url));
  const whole = meter.time(() => readWholeQuery(url));
  // It takes one question mark off, which is not the name's.
  const expected = new URLSearchParams(`?${queryText(url)}`);
  const one = (key: string): string | string[] | undefined => {
    const values = expected.getAll(key);
    return values.length > 1 ? values : values[0];
  };
  const sid = one("sid");
  const wanted = {
    transport: one("transport"),
    sid: sid === "" ? undefined : sid,
    protocol: one("EIO") === "4" ? 4 : 3,
    base64: (one("b64") ?? "") !== "",
    resume: ["offer", "claim", "leave"].find((word) => word === one("resume")),
    number: numberOf(one("n")),
  };
  check(JSON.stringify(query) === JSON.stringify(wanted), "another query than the platform's", () => [
    url,
    query,
    wanted,
  ]);
  check(Object.getPrototypeOf(whole) === null, "a query has a prototype");
  for (const key of expected.keys())
    check(whole[key] === expected.getAll(key).at(-1), "another value than the platform's", () => [url, key]);
}

function numberOf(text: unknown): number | undefined {
  const number = typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** Written here once more, and plainly. */
function queryText(url: string): string {
  const [path = ""] = url.split("?", 1);
  const [query = ""] = url.slice(path.length + 1).split("#", 1);
  return query;
}

const format = iframe(
  new OriginPolicy([
    "http://a.example",
    "https://a.example",
    "http://a.example:8443",
    "https://a.example:8443",
  ]),
);

/** Nothing of a request or a message gets out of the string that it stands in. */
function openIframe(url: string, data: string, meter: Meter): void {
  const req = { url, headers: {} } as IncomingMessage;
  if (meter.time(() => format.check?.(req)) !== undefined) return;
  const writing = meter.time(() => format.begin(req));
  const policy = String(writing.headers["Content-Security-Policy"]);
  check(
    /^default-src 'none'; script-src 'nonce-[\w+/=]+'; frame-ancestors 'self'( https?:\/\/a\.example(:8443)?)?$/.test(
      policy,
    ),
    "a policy with more in it",
    () => policy,
  );
  const prelude = String(writing.prelude);
  check(prelude.match(/<\/?script/g)?.length === 2, "a prelude with more scripts", () =>
    prelude.slice(0, 400),
  );
  check(/^[^\r\n]*\r\n$/.test(prelude), "a prelude of several lines");
  const written = String(meter.time(() => writing.encode([new EncodedPacket(`4${data}`)])));
  const [, json = ""] = /^<script nonce="[\w+/=]+">m\((".*")\)<\/script>\r\n$/.exec(written) ?? [];
  check(json !== "" && !/[<>&\u2028\u2029]/.test(json), "a script with more in it", () => written);
  check(JSON.parse(json) === `4${data}`, "a script that says something else", () => written);
}
