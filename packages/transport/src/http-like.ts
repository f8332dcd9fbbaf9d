import type { DialOptions } from "./dial-options.js";

/**
 * What long-polling needs of HTTP. `node/client-http.ts` and `web/http-request.ts` have a function `httpRequest` for it; the
 * package's `imports` map chooses between them, by the name `#http`.
 */

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
  readonly withCredentials: boolean;
  /** Milliseconds until the answer must be there; 0 for no limit. */
  readonly requestTimeoutMs: number;
}
