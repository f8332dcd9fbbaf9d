import type { HttpAnswer, HttpOptions, HttpRequest } from "../http-like.js";

/** Sends a POST with `body`, or a GET without. Never throws: what cannot be sent is a rejected answer. */
export function httpRequest(address: string, options: HttpOptions, body?: string): HttpRequest {
  // text/plain needs no preflight from another origin.
  const type = body === undefined ? undefined : { "Content-Type": "text/plain;charset=UTF-8" };
  const call = {
    ...options,
    address,
    body,
    method: type ? "POST" : "GET",
    headers: { ...options.headers, ...type },
  };
  return typeof fetch === "function" ? viaFetch(call) : viaXhr(call);
}

interface Call extends HttpOptions {
  readonly address: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function viaFetch({ address, method, headers, body, withCredentials, requestTimeoutMs }: Call): HttpRequest {
  const controller = new AbortController();
  const timer =
    requestTimeoutMs > 0
      ? setTimeout(() => controller.abort(new Error("request timeout")), requestTimeoutMs)
      : undefined;
  const answer = fetch(address, {
    method,
    headers,
    body: body ?? null,
    credentials: withCredentials ? "include" : "same-origin",
    // The goodbye should still leave when the page is going away.
    keepalive: body === "1",
    signal: controller.signal,
  })
    .then(async (response) => ({ status: response.status, responseText: await response.text() }))
    .finally(() => clearTimeout(timer));
  return { answer, abort: () => controller.abort() };
}

function viaXhr({ address, method, headers, body, withCredentials, requestTimeoutMs }: Call): HttpRequest {
  const xhr = new XMLHttpRequest();
  // What open() and send() throw rejects the promise.
  const answer = new Promise<HttpAnswer>((resolve) => {
    xhr.open(method, address);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.withCredentials = withCredentials;
    xhr.timeout = requestTimeoutMs;
    xhr.onloadend = () => resolve(xhr);
    xhr.send(body);
  });
  return { answer, abort: () => xhr.abort() };
}
