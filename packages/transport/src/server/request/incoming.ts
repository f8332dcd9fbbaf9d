import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { forwardedFacts } from "./forwarded.js";
import type { ResponseHeaders } from "./headers.js";
import type { IncomingWebTransport } from "./incoming-webtransport.js";
import {
  ignoreErrors,
  type Refusal,
  refuseRequest,
  refuseUpgrade,
  turnRequestAway,
  turnUpgradeAway,
} from "./refusal.js";

/** What arrives at the gate: a request, a request to upgrade, or a session of WebTransport. Each gets one answer. */
export type Incoming = IncomingRequest | IncomingUpgrade | IncomingWebTransport;

export class IncomingRequest {
  readonly kind = "request";
  /** Has it come when the time of its session was over, and been put off for that? */
  late = false;

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
  ) {}

  /** Is nobody left to answer: answered by others, or broken off? */
  get gone(): boolean {
    const { req, res } = this;
    if (res.headersSent || res.writableEnded || res.destroyed || req.destroyed) return true;
    // An HTTP/2 response loses its socket when its stream ends.
    return req.httpVersionMajor > 1 && !res.socket;
  }

  /** Who may read the answer, as the middlewares have decided. */
  get corsAnswer(): unknown {
    return forwardedFacts(this.req)?.corsAnswer ?? this.res.getHeader("Access-Control-Allow-Origin");
  }

  /** Calls back once the client has gone, or has its answer. @returns stops that */
  onGone(gone: () => void): () => void {
    this.res.once("close", gone);
    return () => this.res.removeListener("close", gone);
  }

  refuse(refusal: Refusal): void {
    refuseRequest(this.res, refusal);
  }

  /** Ends it without a word. */
  cut(): void {
    this.res.destroy();
  }

  /** The server is closing, or has closed. */
  turnAway(): void {
    turnRequestAway(this.res);
  }
}

export class IncomingUpgrade {
  readonly kind = "upgrade";
  /** Headers for the 101 response. */
  headers: ResponseHeaders = {};

  constructor(
    readonly req: IncomingMessage,
    readonly socket: Duplex,
    /** What the client sent right behind the request. */
    readonly head: Buffer,
  ) {
    ignoreErrors(socket);
  }

  get gone(): boolean {
    return !this.socket.writable || !this.socket.readable;
  }

  /** As for requests: WebSockets know no CORS, but a page that may read our answers may open one. */
  get corsAnswer(): unknown {
    return forwardedFacts(this.req)?.corsAnswer ?? this.headers["access-control-allow-origin"];
  }

  /** Calls back once the client has gone. What it sends meanwhile stays in the socket. @returns stops that */
  onGone(gone: () => void): () => void {
    const { socket } = this;
    const ended = (): void => void socket.destroy();
    socket.once("close", gone);
    socket.once("end", ended);
    // Nobody reads it yet, and so nobody would hear of its end.
    socket.read(0);
    return () => {
      socket.removeListener("close", gone);
      socket.removeListener("end", ended);
    };
  }

  refuse(refusal: Refusal): void {
    refuseUpgrade(this.socket, refusal);
  }

  /** Ends it without a word. */
  cut(): void {
    this.socket.destroy();
  }

  /** The server is closing, or has closed. */
  turnAway(): void {
    turnUpgradeAway(this.socket);
  }
}
