import { addressOf, type Target } from "./target.js";

/** What came back. An `XMLHttpRequest` is one as it stands, so handlers of errors find the same fields in both worlds. */
export interface HttpAnswer {
  /** 0 if there was no answer at all. */
  readonly status: number;
  readonly responseText: string;
}

/** One request under way. */
export interface HttpRequest {
  /** Rejects if the network failed or the request took too long. */
  readonly answer: Promise<HttpAnswer>;
  /** Cancels the request; whether `answer` settles afterwards is left open. */
  abort(): void;
}

/** Sends a POST with `body`, or a GET without. Never throws: what cannot be sent is a rejected answer. */
export function httpRequest(target: Target, body?: string): HttpRequest {
  return typeof fetch === "function" ? viaFetch(target, body) : viaXhr(target, body);
}

function viaFetch(target: Target, body: string | undefined): HttpRequest {
  const controller = new AbortController();
  const timer =
    target.requestTimeoutMs > 0
      ? setTimeout(() => controller.abort(new Error("request timeout")), target.requestTimeoutMs)
      : undefined;
  const answer = fetch(addressOf(target, "polling", true), {
    method: methodOf(body),
    headers: headersOf(target, body),
    body: body ?? null,
    credentials: target.withCredentials ? "include" : "same-origin",
    // The goodbye should still leave when the page is going away.
    keepalive: body === "1",
    signal: controller.signal,
  })
    .then(async (response) => ({ status: response.status, responseText: await response.text() }))
    .finally(() => clearTimeout(timer));
  return { answer, abort: () => controller.abort() };
}

function viaXhr(target: Target, body: string | undefined): HttpRequest {
  const xhr = new XMLHttpRequest();
  // What open() and send() throw rejects the promise.
  const answer = new Promise<HttpAnswer>((resolve) => {
    xhr.open(methodOf(body), addressOf(target, "polling", true));
    for (const [name, value] of Object.entries(headersOf(target, body))) xhr.setRequestHeader(name, value);
    xhr.withCredentials = target.withCredentials;
    xhr.timeout = target.requestTimeoutMs;
    xhr.onloadend = () => resolve(xhr);
    xhr.send(body);
  });
  return { answer, abort: () => xhr.abort() };
}

function methodOf(body: string | undefined): string {
  return body === undefined ? "GET" : "POST";
}

// text/plain needs no preflight from another origin.
function headersOf(target: Target, body: string | undefined): Record<string, string> {
  return body === undefined
    ? { ...target.headers }
    : { ...target.headers, "Content-Type": "text/plain;charset=UTF-8" };
}
