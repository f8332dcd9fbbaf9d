import type { HttpAnswer, HttpOptions, HttpRequest } from "../http-like.js";

/** Sends a POST with `body`, or a GET without. Never throws: what cannot be sent is a rejected answer. */
export function httpRequest(address: string, options: HttpOptions, body?: string): HttpRequest {
  return typeof fetch === "function" ? viaFetch(address, options, body) : viaXhr(address, options, body);
}

function viaFetch(address: string, options: HttpOptions, body: string | undefined): HttpRequest {
  const controller = new AbortController();
  const timer =
    options.requestTimeoutMs > 0
      ? setTimeout(() => controller.abort(new Error("request timeout")), options.requestTimeoutMs)
      : undefined;
  const answer = fetch(address, {
    method: methodOf(body),
    headers: headersOf(options, body),
    body: body ?? null,
    credentials: options.withCredentials ? "include" : "same-origin",
    // The goodbye should still leave when the page is going away.
    keepalive: body === "1",
    signal: controller.signal,
  })
    .then(async (response) => ({ status: response.status, responseText: await response.text() }))
    .finally(() => clearTimeout(timer));
  return { answer, abort: () => controller.abort() };
}

function viaXhr(address: string, options: HttpOptions, body: string | undefined): HttpRequest {
  const xhr = new XMLHttpRequest();
  // What open() and send() throw rejects the promise.
  const answer = new Promise<HttpAnswer>((resolve) => {
    xhr.open(methodOf(body), address);
    for (const [name, value] of Object.entries(headersOf(options, body))) xhr.setRequestHeader(name, value);
    xhr.withCredentials = options.withCredentials;
    xhr.timeout = options.requestTimeoutMs;
    xhr.onloadend = () => resolve(xhr);
    xhr.send(body);
  });
  return { answer, abort: () => xhr.abort() };
}

function methodOf(body: string | undefined): string {
  return body === undefined ? "GET" : "POST";
}

// text/plain needs no preflight from another origin.
function headersOf({ headers }: HttpOptions, body: string | undefined): Record<string, string> {
  return body === undefined ? { ...headers } : { ...headers, "Content-Type": "text/plain;charset=UTF-8" };
}
