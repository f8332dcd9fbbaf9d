import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Transport } from "@sockeye/protocol";
import { WebSocketServer } from "ws";
import { maxBufferedChunks } from "../../shared/buffered-chunks.js";
import { headerLines, type ResponseHeaders } from "../request/headers.js";
import type { IncomingUpgrade } from "../request/incoming.js";
import { endConnection, stopIgnoringErrors } from "../request/refusal.js";
import type { Turns } from "../turns/turns.js";
import { DeflateExtension } from "./deflate-extension.js";
import { OwnHandshakes } from "./own-handshakes.js";
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
  readonly clock: Clock;
  /** Bytes of one message; a larger one closes the WebSocket with 1009. */
  readonly maxPayload: number;
  readonly turns: Turns;
  /**
   * `true` or options of the `ws` package; the threshold defaults to 1024 bytes. Default: no compression. Without context
   * takeover, unless the options demand it.
   */
  readonly perMessageDeflate?: boolean | Record<string, unknown> | undefined;
  /** Another implementation than `ws`. It is used by its public interface only. */
  readonly wsEngine?: WebSocketEngine | undefined;
  /** `ws`: by that package also where nothing needs it. Default `own`. */
  readonly webSockets?: "own" | "ws" | undefined;
  /** May change the headers of the 101 response. `initial`: it answers a handshake. Must not throw. */
  readonly headers: (headers: ResponseHeaders, req: IncomingMessage, initial: boolean) => void;
  /** Told of each WebSocket whose end has begun and whose socket may stay for a while. `cut` does not wait for the peer. */
  readonly closing?: ((socket: Duplex, cut: () => void) => void) | undefined;
}

/** A claim, or what a candidate for an upgrade sends, has less. */
const MAX_FIRST_BYTES = 8192;

/** The accepting end of a WebSocket. */
export interface WebSocketEnd extends Transport {
  /** Only so many bytes may come, until {@link allowAll}; more are told as an empty frame. */
  allowFirst(maxBytes: number): void;
  /** Messages may have all bytes of the limit from now on. */
  allowAll(): void;
}

/** What the request said, beside what concerns WebSockets. */
export interface AskedWebSocket {
  /** Does the client want bytes as base64 text? */
  readonly base64: boolean;
  /** Does it answer a handshake, and not the upgrade of a session? */
  readonly initial: boolean;
  /** Does the client listen before it is connected, as Sockeye's does? */
  readonly listens: boolean;
}

/**
 * Completes WebSocket handshakes: by itself if it can, and by `ws` if an extension may be agreed on that must keep its
 * context, or if the app or an option wants it so.
 */
export class WebSocketHandshakes {
  readonly #options: WebSocketHandshakesOptions;
  readonly #own: OwnHandshakes | undefined = undefined;
  /** Does `ws` see to clients that offer an extension? */
  readonly #leavesExtensions: boolean = false;
  #server: InstanceType<WebSocketEngine> | undefined = undefined;
  /** The visit that is being completed: `ws` asks for its headers synchronously. */
  #current: { readonly visit: IncomingUpgrade; readonly initial: boolean } | undefined = undefined;

  /** @throws UsageError `ERR_BAD_OPTION` if `perMessageDeflate` makes no sense */
  constructor(options: WebSocketHandshakesOptions) {
    this.#options = options;
    const { wsEngine, webSockets, maxPayload, perMessageDeflate = false } = options;
    if (wsEngine !== undefined || webSockets === "ws") return;
    this.#leavesExtensions = perMessageDeflate !== false && DeflateExtension.isBeyond(perMessageDeflate);
    const deflates = perMessageDeflate !== false && !this.#leavesExtensions;
    this.#own = new OwnHandshakes(
      options,
      deflates ? new DeflateExtension({ maxPayload, perMessageDeflate }) : undefined,
    );
  }

  /** Calls `accepted` with a pipe over the open WebSocket, before it returns, or not at all. */
  complete(visit: IncomingUpgrade, asked: AskedWebSocket, accepted: (pipe: WebSocketEnd) => void): void {
    const { base64, initial } = asked;
    const { headers: sent } = visit.req;
    const offers = sent["sec-websocket-extensions"] !== undefined;
    if (this.#own !== undefined && !(offers && this.#leavesExtensions)) {
      const headers = (): [string, string][] => this.#headerLines(visit, initial);
      // A page hears of one event after the other, whenever they came. A candidate for an upgrade gets nothing unasked.
      const late = initial && !asked.listens && sent.origin === undefined;
      this.#own.complete(visit, { base64, late, headers }, accepted);
    } else {
      this.#current = { visit, initial };
      this.#completeByServer(visit, asked, accepted);
      this.#current = undefined;
    }
  }

  close(): void {
    this.#server?.close();
  }

  #completeByServer(
    visit: IncomingUpgrade,
    { base64, initial }: AskedWebSocket,
    accepted: (pipe: WebSocketEnd) => void,
  ): void {
    const { req, socket, head } = visit;
    const { clock, closing, maxPayload, turns, wsEngine } = this.#options;
    const maxFirstBytes = initial ? undefined : MAX_FIRST_BYTES;
    const publicApiOnly = wsEngine !== undefined;
    this.#server ??= this.#createServer();
    try {
      this.#server.handleUpgrade(req, socket, head, (ws) => {
        const pipe = new WebSocketPipe(ws, socket, {
          base64,
          publicApiOnly,
          closing,
          turns,
          clock,
          maxPayload,
          maxFirstBytes,
        });
        // From here on, `ws` listens to the errors of the socket.
        if (!publicApiOnly) stopIgnoringErrors(socket);
        accepted(pipe);
      });
    } catch {
      endConnection(socket, "");
    }
  }

  #createServer(): InstanceType<WebSocketEngine> {
    const { perMessageDeflate, maxPayload, wsEngine } = this.#options;
    const Engine = wsEngine ?? (WebSocketServer as unknown as WebSocketEngine);
    const server = new Engine({
      noServer: true,
      clientTracking: false,
      // Its defaults bound fragments and pending pongs.
      maxPayload,
      maxBufferedChunks: maxBufferedChunks(maxPayload),
      skipUTF8Validation: false,
      perMessageDeflate: perMessageDeflate
        ? { threshold: 1024, ...(perMessageDeflate === true ? {} : perMessageDeflate) }
        : false,
    });
    server.on?.("headers", (lines) => {
      if (this.#current === undefined) return;
      const { visit, initial } = this.#current;
      for (const [name, value] of this.#headerLines(visit, initial)) lines.push(`${name}: ${value}`);
    });
    return server;
  }

  #headerLines(visit: IncomingUpgrade, initial: boolean): [name: string, value: string][] {
    this.#options.headers(visit.headers, visit.req, initial);
    return headerLines(visit.headers);
  }
}
