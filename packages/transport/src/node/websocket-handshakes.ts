import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { headerLines, type ResponseHeaders } from "./headers.js";
import { endConnection, stopIgnoringErrors } from "./refusal.js";
import type { UpgradeVisit } from "./visit.js";
import { type ServerWebSocket, WebSocketPipe } from "./websocket.js";

/** A class with the interface of the `ws` package's `WebSocketServer`, as far as it is used here. */
export type WebSocketEngine = new (
  options: Record<string, unknown>,
) => {
  handleUpgrade(
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accepted: (ws: ServerWebSocket) => void,
  ): void;
  on?(event: "headers", listener: (lines: string[], req: IncomingMessage) => void): unknown;
  close(): void;
};

export interface WebSocketHandshakesOptions {
  /** Bytes of one message; a larger one closes the WebSocket with 1009. */
  readonly maxPayload: number;
  /** `true` or options of the `ws` package; the threshold defaults to 1024 bytes. Default: no compression. */
  readonly perMessageDeflate?: boolean | Record<string, unknown> | undefined;
  /** Another implementation than `ws`. It is used by its public interface only. */
  readonly wsEngine?: WebSocketEngine | undefined;
  /** May change the headers of the 101 response. Must not throw. */
  readonly headers: (headers: ResponseHeaders, req: IncomingMessage) => void;
}

/** Completes WebSocket handshakes. What is wrong with one (method, version, key) is answered by `ws`. */
export class WebSocketHandshakes {
  readonly #server: InstanceType<WebSocketEngine>;
  readonly #publicApiOnly: boolean;
  /** The visit that is being completed: `ws` asks for its headers synchronously. */
  #current: UpgradeVisit | undefined;

  constructor(options: WebSocketHandshakesOptions) {
    const { perMessageDeflate, maxPayload } = options;
    const Engine = options.wsEngine ?? (WebSocketServer as unknown as WebSocketEngine);
    this.#publicApiOnly = options.wsEngine !== undefined;
    this.#server = new Engine({
      noServer: true,
      clientTracking: false,
      // Its defaults bound fragments, buffered chunks and pending pongs.
      maxPayload,
      skipUTF8Validation: false,
      perMessageDeflate: perMessageDeflate
        ? { threshold: 1024, ...(perMessageDeflate === true ? {} : perMessageDeflate) }
        : false,
    });
    this.#server.on?.("headers", (lines, req) => {
      const headers = this.#current?.headers ?? {};
      options.headers(headers, req);
      for (const [name, value] of headerLines(headers)) lines.push(`${name}: ${value}`);
    });
  }

  /** Calls `accepted` with the open WebSocket and the pipe over it, before it returns, or not at all. */
  complete(visit: UpgradeVisit, base64: boolean, accepted: (pipe: WebSocketPipe) => void): void {
    const { req, socket, head } = visit;
    this.#current = visit;
    try {
      this.#server.handleUpgrade(req, socket, head, (ws) => {
        const pipe = new WebSocketPipe(ws, socket, { base64, publicApiOnly: this.#publicApiOnly });
        // From here on, `ws` listens to the errors of the socket.
        if (!this.#publicApiOnly) stopIgnoringErrors(socket);
        accepted(pipe);
      });
    } catch {
      endConnection(socket, "");
    } finally {
      this.#current = undefined;
    }
  }

  close(): void {
    this.#server.close();
  }
}
