import type { IncomingMessage } from "node:http";
import { type Clock, type Limits, UsageError } from "@sockeye/protocol";
import type { HttpPipe, HttpPipeHost } from "../http/http-pipe.js";
import { BAD_CALLBACK, CALLBACK, iframe } from "../http/iframe.js";
import { jsonpFormat } from "../http/jsonp.js";
import type { Lingering } from "../http/lingering.js";
import { formatFor, PAYLOADS } from "../http/payload-format.js";
import { PollingPipe } from "../http/polling.js";
import { sse } from "../http/sse.js";
import { stream } from "../http/stream.js";
import type { StreamFormat } from "../http/stream-format.js";
import { StreamingPipe } from "../http/streaming.js";
import type { HttpCompression } from "../request/compression.js";
import { type CookieOptions, sessionCookie } from "../request/cookie.js";
import type { OriginPolicy } from "../request/origins.js";
import { type EngineQuery, readWholeQuery } from "../request/query.js";
import type { Refusal } from "../request/refusal.js";
import type { Turns } from "../turns/turns.js";
import { checkProtocol } from "./checks.js";
import type { GateSink } from "./gate-sink.js";

/** How the transports `sse`, `stream` and `iframe` write their responses. */
export interface StreamOptions {
  /**
   * A response ends once it has carried so many bytes, and the client asks for the next: browsers keep all of a response in
   * memory. Default 131072.
   */
  readonly recycleBytes?: number | undefined;
  /** Milliseconds in which a client must read something of what was written, or its session ends. Default 30000. */
  readonly writeTimeout?: number | undefined;
}

export interface HttpPipeOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload">;
  readonly turns: Turns;
  readonly cookie?: CookieOptions | boolean | undefined;
  readonly httpCompression?: HttpCompression | boolean | undefined;
  readonly streams?: StreamOptions | undefined;
  /** From whose pages a document in an iframe, or a script, may be asked for. */
  readonly origins: OriginPolicy;
  /** Does polling answer with scripts where the query has `j`? */
  readonly jsonp: boolean;
}

/** A transport that is made of HTTP requests, as the gate sees it. */
export interface HttpPipeKind {
  /** What is wrong with a GET, beyond what is checked for all transports? */
  readonly check?: ((req: IncomingMessage, query: EngineQuery) => Refusal | undefined) | undefined;
  /** The same for a POST that claims a session. */
  readonly checkClaim?: ((req: IncomingMessage) => Refusal | undefined) | undefined;
  /** The pipe that a request begins, of a new session or of one that the client claims. */
  make(sid: string, query: EngineQuery, req: IncomingMessage): HttpPipe;
}

/** All of them, by name. @throws UsageError `ERR_BAD_OPTION` */
export function httpPipes(
  options: HttpPipeOptions,
  acceptor: GateSink,
  lingering: Lingering,
): ReadonlyMap<string, HttpPipeKind> {
  const { clock, limits, turns, streams = {} } = options;
  const cookieOf = options.cookie ? sessionCookie(options.cookie) : undefined;
  const host: HttpPipeHost = {
    clock,
    limits,
    turns,
    headers: (headers, { sid, req, initial }) => {
      if (initial && cookieOf !== undefined) headers["Set-Cookie"] = [cookieOf(sid)];
      acceptor.headers(headers, req, initial);
    },
    linger: (sid, pipe) => lingering.add(sid, pipe),
    forget: (sid) => lingering.remove(sid),
  };
  const recycleBytes = positive("recycleBytes", streams.recycleBytes ?? 131_072);
  const writeTimeoutMs = positive("writeTimeout", streams.writeTimeout ?? 30_000);
  const streaming = (format: StreamFormat): [string, HttpPipeKind] => {
    const own = { ...host, format, recycleBytes, writeTimeoutMs };
    return [
      format.name,
      {
        // Revision 3 knows none of them.
        check: (req, query) => checkProtocol(query, false) ?? format.check?.(req),
        make: (sid) => new StreamingPipe(sid, own),
      },
    ];
  };
  return new Map([
    ["polling", pollingKind(host, options)],
    streaming(sse),
    streaming(stream),
    streaming(iframe(options.origins)),
  ]);
}

function pollingKind(
  host: HttpPipeHost,
  { httpCompression = { threshold: 1024 }, jsonp, origins }: HttpPipeOptions,
): HttpPipeKind {
  const compression = httpCompression === true ? {} : httpCompression || undefined;
  // One host for each way to write bodies.
  const hosts = {
    revision4: { ...host, compression, format: PAYLOADS.revision4 },
    revision3: { ...host, compression, format: PAYLOADS.revision3 },
    revision3Base64: { ...host, compression, format: PAYLOADS.revision3Base64 },
  };
  const make = (sid: string, query: EngineQuery): PollingPipe =>
    new PollingPipe(sid, hosts[formatFor(query)]);
  if (!jsonp) return { make };
  return {
    // Only the handshake says how the session's bodies are written.
    check: (req, { sid }) => (sid === undefined ? checkCallback(callbackOf(req), req, origins) : undefined),
    checkClaim: (req) => checkCallback(callbackOf(req), req, origins),
    make: (sid, query, req) => {
      const callback = callbackOf(req);
      if (callback === undefined) return make(sid, query);
      // Bytes cannot stand in a script.
      const inner = query.protocol === 4 ? PAYLOADS.revision4 : PAYLOADS.revision3Base64;
      return new PollingPipe(sid, { ...host, compression, format: jsonpFormat(callback, inner) });
    },
  };
}

function callbackOf(req: IncomingMessage): string | undefined {
  return readWholeQuery(req.url ?? "")["j"];
}

function checkCallback(
  callback: string | undefined,
  req: IncomingMessage,
  origins: OriginPolicy,
): Refusal | undefined {
  if (callback === undefined) return undefined;
  return CALLBACK.test(callback) ? origins.checkScript(req) : BAD_CALLBACK;
}

function positive(name: string, value: unknown): number {
  if (typeof value === "number" && value > 0) return value;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option streams.${name} must be a number above 0, not ${String(value)}.`,
  );
}
