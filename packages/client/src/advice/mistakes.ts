import { nearest } from "@sockeye/protocol";
import type { TransportClass } from "@sockeye/transport/client";
import type { Options, TypedSocketOptions } from "../options.js";

/** The compiler sees to it that no option is missing, and none too many. */
const OPTIONS: { readonly [name in keyof Required<Options & TypedSocketOptions>]: true } = {
  host: true,
  hostname: true,
  port: true,
  secure: true,
  path: true,
  addTrailingSlash: true,
  query: true,
  transports: true,
  transportImplementations: true,
  tryAllTransports: true,
  race: true,
  remember: true,
  upgrade: true,
  rememberUpgrade: true,
  forceBase64: true,
  timestampParam: true,
  timestampRequests: true,
  transportOptions: true,
  resume: true,
  maxOutboundBytes: true,
  openTimeout: true,
  requestTimeout: true,
  withCredentials: true,
  extraHeaders: true,
  closeOnBeforeunload: true,
  useNativeTimers: true,
  autoUnref: true,
  protocols: true,
  perMessageDeflate: true,
  agent: true,
  pfx: true,
  key: true,
  passphrase: true,
  cert: true,
  ca: true,
  ciphers: true,
  rejectUnauthorized: true,
  localAddress: true,
  protocolVersion: true,
  origin: true,
  maxPayload: true,
  family: true,
  checkServerIdentity: true,
  forceNew: true,
  multiplex: true,
  autoConnect: true,
  parser: true,
  reconnection: true,
  reconnectionAttempts: true,
  reconnectionDelay: true,
  reconnectionDelayMax: true,
  randomizationFactor: true,
  timeout: true,
  auth: true,
  contract: true,
  extend: true,
  retries: true,
  ackTimeout: true,
};
/** With the options that only `io()` takes. */
const NAMES: readonly string[] = [...Object.keys(OPTIONS), "contract", "extend"];

/** Names by which options are known elsewhere, or were once. */
const OTHERWISE: Readonly<Record<string, string>> = {
  reconnect: "reconnection",
  "force new connection": "forceNew",
  headers: "extraHeaders",
  hostName: "hostname",
  codec: "parser",
};

/** Options of servers that clients do not have. */
const SERVER: ReadonlySet<string> = new Set(
  "adapter allowEIO3 allowRequest allowUpgrades connectTimeout connectionStateRecovery cookie cors httpCompression limits maxHttpBufferSize origins overflow pingInterval pingTimeout serveClient streams upgradeTimeout".split(
    " ",
  ),
);

/** Transports that are classes to import. */
const CLASSES: Readonly<Record<string, string>> = {
  webtransport: "WebTransport",
  stream: "StreamTransport",
  sse: "SseTransport",
};

/** What of a client's options has no effect, in one line each with what was probably meant. @param known the transports that may be named */
export function mistakesIn(options: object, known: readonly TransportClass[]): readonly string[] {
  const lines: string[] = [];
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name))
      lines.push(`Sockeye: unknown client option ${quoted(name)}.${optionLike(name)}`);
  }
  const { transports } = options as { readonly transports?: unknown };
  const names = known.map(({ transportName }) => transportName);
  for (const each of Array.isArray(transports) ? (transports as readonly unknown[]) : []) {
    if (typeof each !== "string" || names.includes(each)) continue;
    lines.push(`Sockeye: the client knows no transport ${quoted(each)}.${transportLike(each, names)}`);
  }
  return lines;
}

function optionLike(name: string): string {
  if (SERVER.has(name)) return " It is an option of the server: new Server(http, { … }).";
  const near = OTHERWISE[name] ?? nearest(name, [...NAMES, ...Object.keys(OTHERWISE)]);
  return suggestion(near && (OTHERWISE[near] ?? near));
}

function transportLike(name: string, names: readonly string[]): string {
  const near = nearest(name, [...names, ...Object.keys(CLASSES)]);
  const Class = near && !names.includes(near) ? CLASSES[near] : undefined;
  return Class ? ` Import the class ${Class}, and put it there.` : suggestion(near);
}

function suggestion(name: string | undefined): string {
  return name ? ` Did you mean "${name}"?` : "";
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
