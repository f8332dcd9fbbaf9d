import type { DialOptions } from "./dial-options.js";

/**
 * What the transports over HTTP need of it. `node/client-http.ts` and `web/http-request.ts` have the functions `httpRequest` and
 * `httpStream` for it; the package's `imports` map chooses between them, by the name `#http`.
 */

/** Text goes as `text/plain`, which needs no preflight from another origin; bytes as `application/octet-stream`. */
export type HttpBody = string | Uint8Array<ArrayBuffer>;

/** What came back. An `XMLHttpRequest` is one as it stands, so handlers of errors find the same fields in all worlds. */
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

export interface HttpOptions extends DialOptions {
  /** Stands for a transport that comes back to its session. Node.js: it takes no connection of those before, which may be dead. */
  readonly claim?: object | undefined;
  readonly withCredentials: boolean;
  /** Milliseconds until the answer must be there, of a stream its beginning; 0 for no limit. */
  readonly requestTimeoutMs: number;
}

/** The type of a body. */
export function contentType(body: HttpBody): string {
  return typeof body === "string" ? "text/plain;charset=UTF-8" : "application/octet-stream";
}
