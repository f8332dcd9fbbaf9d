import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequestOf,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequestOf } from "node:https";
import { startTimer, stopTimer } from "@sockeye/protocol";
import { GrowingBytes } from "../../shared/growing-bytes.js";
import {
  contentType,
  type HttpAnswer,
  type HttpBody,
  type HttpOptions,
  type HttpRequest,
} from "../../shared/http-like.js";
import { cookieJarOf, headersWithCookies } from "./cookie-jar.js";
import { isUnref, socketOptions } from "./options.js";

/**
 * How long a connection may wait for the next request. Polls follow each other at once; one that waited longer might be
 * closed by the server at the very moment when a request goes out, and a POST can't be sent twice.
 */
const IDLE_MS = 2000;

/** Bytes of an answer, as `ws` has it for a message. Without an end, a string would become too long for Node.js. */
const MAX_ANSWER_BYTES = 100 * 1024 * 1024;

const agents = new WeakMap<object, HttpAgent>();

/**
 * Sends a POST with `body`, or a GET without. Bytes of the answer are told to `onProgress` as they come. Never throws: what cannot be sent is a rejected answer. Redirects are not followed.
 */
export function httpRequest(
  address: string,
  options: HttpOptions,
  body?: HttpBody,
  onProgress?: (bytes: number) => void,
): HttpRequest {
  return ask({ address, options, body, onProgress });
}

/**
 * Sends a GET whose answer is read as it comes: a body with status 200 goes to `onBytes` and is not part of the answer,
 * which comes at the end. Never throws. Redirects are not followed.
 */
export function httpStream(
  address: string,
  options: HttpOptions,
  onBytes: (bytes: Uint8Array) => void,
): HttpRequest {
  return ask({ address, options, onBytes });
}

interface Call {
  readonly address: string;
  readonly options: HttpOptions;
  readonly body?: HttpBody | undefined;
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

function ask({ address, options, body, onBytes, onProgress }: Call): HttpRequest {
  let request: ClientRequest | undefined;
  let timer: NodeJS.Timeout | undefined;
  // What request() throws rejects the promise.
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    const url = new URL(address);
    request = requestTo(url, options, body);
    request.on("error", reject);
    request.on("response", (response) => {
      cookieJarOf(options)?.store(url, response.headers["set-cookie"] ?? []);
      const body = new GrowingBytes();
      const keep = (chunk: Buffer): void => {
        if (body.length + chunk.length <= MAX_ANSWER_BYTES) body.append(chunk, MAX_ANSWER_BYTES);
        else request?.destroy(new Error("answer too large"));
        onProgress?.(chunk.length);
      };
      const stream = response.statusCode === 200 ? onBytes : undefined;
      if (stream) stopTimer(timer);
      response.on("data", stream ?? keep);
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, responseText: body.bytes.toString() });
      });
    });
    if (options.requestTimeoutMs > 0) {
      timer = startTimer(() => request?.destroy(new Error("request timeout")), options.requestTimeoutMs);
    }
    if (isUnref(options.client)) {
      timer?.unref();
      request.on("socket", (socket) => socket.unref());
    }
    request.end(body);
  }).finally(() => stopTimer(timer));
  return { answer, abort: () => request?.destroy() };
}

function requestTo(url: URL, options: HttpOptions, body: HttpBody | undefined): ClientRequest {
  const isSecure = url.protocol === "https:";
  const type = body === undefined ? undefined : { "Content-Type": contentType(body) };
  const init: RequestOptions = {
    agent: agentOf(options.claim ?? options.session ?? options, isSecure),
    ...socketOptions(options.client),
    method: body === undefined ? "GET" : "POST",
    headers: { Accept: "*/*", ...headersWithCookies(url, options), ...type },
  };
  return isSecure ? httpsRequestOf(url, init) : httpRequestOf(url, init);
}

/** Connections of one session, or of one transport of it, serve no other: they were opened with its certificates, and checked as it asked. */
function agentOf(session: object, isSecure: boolean): HttpAgent {
  let agent = agents.get(session);
  if (!agent) {
    agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_MS });
    agents.set(session, agent);
  }
  return agent;
}
