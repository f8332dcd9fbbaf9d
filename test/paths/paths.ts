import type { Options } from "@sockeye/client";
import type { Front } from "./nginx.js";
import type { Treatment } from "./proxy.js";

/** Who dials. */
export const CLIENTS = {
  "default options": {},
  "full ladder": { transports: ["websocket", "stream", "sse", "polling"], tryAllTransports: true },
} as const satisfies Readonly<Record<string, Options>>;

export type ClientName = keyof typeof CLIENTS;

/** What must become of a client. */
export interface Expectation {
  /** Over which transport it connects, and which it has at the end. */
  readonly transports: readonly [first: string, last: string];
  /** Does its session go on over another transport? The app never sees it. Default: no. */
  readonly resumes?: true;
  /** It connects after so many ms at the earliest: as long as it takes to find out about the transports before. */
  readonly afterMs?: number;
}

export interface Path {
  readonly title: string;
  /** What stands in front of the server: a server of nginx, or a proxy of our own. */
  readonly nginx?: Front["directives"];
  readonly proxy?: Treatment;
  /** The server's, in ms. Default 25,000. */
  readonly pingInterval?: number;
  /** Nothing happens for so long between two parts of the events. */
  readonly quietMs?: number;
  readonly expected: Readonly<Record<ClientName, Expectation>>;
}

/** As docs/deployment.md has it. */
const WITH_UPGRADES = [
  "proxy_http_version 1.1;",
  "proxy_set_header Upgrade $http_upgrade;",
  'proxy_set_header Connection "upgrade";',
];
const WITHOUT_UPGRADES = [
  "proxy_http_version 1.1;",
  'proxy_set_header Connection "";',
  "if ($http_upgrade) { return 403; }",
];
const READ_TIMEOUT = ["proxy_read_timeout 5s;"];
const QUIET_MS = 6500;

/** Time after which a client gives up waiting for a transport's first packet. */
const OPEN_TIMEOUT_MS = 5000;

const POLLING: Expectation = { transports: ["polling", "polling"] };
const WEBSOCKET: Expectation = { transports: ["websocket", "websocket"] };
const STREAM: Expectation = { transports: ["stream", "stream"] };

export const PATHS: readonly Path[] = [
  {
    title: "nginx as in deployment.md",
    nginx: WITH_UPGRADES,
    expected: { "default options": WEBSOCKET, "full ladder": WEBSOCKET },
  },
  {
    title: "nginx with `proxy_pass` alone (HTTP/1.0, no upgrades)",
    nginx: ["proxy_http_version 1.0;"],
    expected: { "default options": POLLING, "full ladder": STREAM },
  },
  {
    title: "nginx that refuses upgrades",
    nginx: WITHOUT_UPGRADES,
    expected: { "default options": POLLING, "full ladder": STREAM },
  },
  {
    title: "the same, with `proxy_buffering on`, and X-Accel-Buffering ignored",
    nginx: [...WITHOUT_UPGRADES, "proxy_buffering on;", "proxy_ignore_headers X-Accel-Buffering;"],
    // It buffers for clients that are slower than the server, and passes on what comes for those that are not.
    expected: { "default options": POLLING, "full ladder": STREAM },
  },
  {
    title: "nginx, 5 s read timeout, pings every 3 s",
    nginx: [...WITH_UPGRADES, ...READ_TIMEOUT],
    pingInterval: 3000,
    quietMs: QUIET_MS,
    expected: { "default options": WEBSOCKET, "full ladder": WEBSOCKET },
  },
  {
    title: "the same, pings every 25 s",
    nginx: [...WITH_UPGRADES, ...READ_TIMEOUT],
    quietMs: QUIET_MS,
    expected: {
      "default options": { ...WEBSOCKET, resumes: true },
      "full ladder": { ...WEBSOCKET, resumes: true },
    },
  },
  {
    title: "the same, pings every 25 s, upgrades refused",
    nginx: [...WITHOUT_UPGRADES, ...READ_TIMEOUT],
    quietMs: QUIET_MS,
    expected: {
      "default options": { ...POLLING, resumes: true },
      "full ladder": { ...STREAM, resumes: true },
    },
  },
  {
    title: "WebSockets open, and then nothing passes",
    proxy: { upgrades: "swallow" },
    expected: { "default options": POLLING, "full ladder": { ...STREAM, afterMs: OPEN_TIMEOUT_MS } },
  },
  {
    title: "everything comes 300 ms later",
    proxy: { upgrades: "pass", delayMs: 300 },
    expected: { "default options": WEBSOCKET, "full ladder": WEBSOCKET },
  },
  {
    title: "the same, upgrades refused",
    proxy: { upgrades: "refuse", delayMs: 300 },
    expected: { "default options": POLLING, "full ladder": STREAM },
  },
  {
    title: "streamed responses are cut after 30,000 bytes, upgrades refused",
    proxy: { upgrades: "refuse", cutAfterBytes: 30_000 },
    expected: {
      "default options": POLLING,
      "full ladder": { transports: ["stream", "polling"], resumes: true },
    },
  },
  {
    title: "responses pass once they are complete, upgrades refused",
    proxy: { upgrades: "refuse", buffers: true },
    expected: { "default options": POLLING, "full ladder": { ...POLLING, afterMs: OPEN_TIMEOUT_MS } },
  },
];
