import { startTimer, stopTimer } from "@sockeye/protocol";
import {
  contentType,
  type HttpAnswer,
  type HttpBody,
  type HttpOptions,
  type HttpRequest,
} from "../shared/http-like.js";

/**
 * Sends a POST with `body`, or a GET without. Bytes of the answer are told to `onProgress` as they come, where the platform
 * tells. Never throws: what cannot be sent is a rejected answer.
 */
export function httpRequest(
  address: string,
  options: HttpOptions,
  body?: HttpBody,
  onProgress?: (bytes: number) => void,
): HttpRequest {
  const call = { ...options, address, body, onProgress };
  const hasFetch = typeof fetch === "function" && typeof AbortController === "function";
  return hasFetch ? viaFetch(call) : viaXhr(call);
}

/**
 * Sends a GET whose answer is read as it comes: a body with status 200 goes to `onBytes` and is not part of the answer,
 * which comes at the end. Never throws. Needs `fetch` and its streams.
 */
export function httpStream(
  address: string,
  options: HttpOptions,
  onBytes: (bytes: Uint8Array) => void,
): HttpRequest {
  return viaFetch({ ...options, address, body: undefined, onBytes });
}

interface Call extends HttpOptions {
  readonly address: string;
  readonly body: HttpBody | undefined;
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

function viaFetch(call: Call): HttpRequest {
  const controller = new AbortController();
  return { answer: fetched(call, controller), abort: () => controller.abort() };
}

async function fetched(
  { address, headers, body, withCredentials, requestTimeoutMs, onBytes, onProgress }: Call,
  controller: AbortController,
): Promise<HttpAnswer> {
  const timer =
    requestTimeoutMs > 0
      ? startTimer(() => controller.abort(new Error("request timeout")), requestTimeoutMs)
      : undefined;
  try {
    const response = await fetch(address, {
      method: methodOf(body),
      headers: headersOf(headers, body),
      body: body ?? null,
      credentials: withCredentials ? "include" : "same-origin",
      // The goodbye should still leave when the page is going away.
      keepalive: body === "1",
      signal: controller.signal,
    });
    const { status } = response;
    const reads = onBytes && status === 200;
    if (reads) stopTimer(timer);
    const reader = response.body?.getReader();
    if (!reader && reads) throw new TypeError("fetch has no streams here");
    // React Native has none.
    if (!reader) return { status, responseText: await response.text() };
    const decoder = new TextDecoder();
    let responseText = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (reads) onBytes(read.value);
      else {
        responseText += decoder.decode(read.value, { stream: true });
        onProgress?.(read.value.length);
      }
    }
    return { status, responseText: responseText + decoder.decode() };
  } finally {
    stopTimer(timer);
  }
}

function viaXhr({ address, headers, body, withCredentials, requestTimeoutMs }: Call): HttpRequest {
  const xhr = new XMLHttpRequest();
  // What open() and send() throw rejects the promise.
  const answer = new Promise<HttpAnswer>((resolve) => {
    xhr.open(methodOf(body), address);
    for (const [name, value] of Object.entries(headersOf(headers, body))) xhr.setRequestHeader(name, value);
    xhr.withCredentials = withCredentials;
    xhr.timeout = requestTimeoutMs;
    xhr.onloadend = () => resolve(xhr);
    xhr.send(body);
  });
  return { answer, abort: () => xhr.abort() };
}

function methodOf(body: HttpBody | undefined): string {
  return body === undefined ? "GET" : "POST";
}

function headersOf(headers: HttpOptions["headers"], body: HttpBody | undefined): Record<string, string> {
  return body === undefined ? { ...headers } : { ...headers, "Content-Type": contentType(body) };
}
