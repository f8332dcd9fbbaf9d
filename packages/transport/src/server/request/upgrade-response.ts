import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ResponseHeaders } from "./headers.js";
import type { Patience } from "./middleware.js";
import { ignoreErrors } from "./refusal.js";

/**
 * A response for middlewares of an upgrade request. If one of them answers, the answer is plain HTTP and the connection
 * ends with it; if none does, the headers that they have set go into the 101 response.
 */
export class UpgradeResponse {
  readonly res: ServerResponse;
  readonly #socket: Duplex;

  constructor(req: IncomingMessage, socket: Duplex) {
    this.#socket = socket;
    this.res = new ServerResponse(req);
    this.res.shouldKeepAlive = false;
    // Node passes sockets of HTTP servers as Duplex; responses ask for no more than that.
    this.res.assignSocket(socket as Socket);
    this.res.on("finish", () => {
      ignoreErrors(socket);
      socket.end(() => socket.destroy());
    });
  }

  /** Has a middleware answered? Then the socket belongs to that answer. */
  get answered(): boolean {
    return this.res.headersSent || this.res.writableEnded;
  }

  /** A visit that also counts as gone once a middleware has answered. */
  waiting(visit: Patience["visit"]): Patience["visit"] {
    const isOver = (): boolean => this.answered || visit.gone;
    return {
      get gone() {
        return isOver();
      },
      onGone: (gone) => visit.onGone(gone),
    };
  }

  /** Takes the socket back, and the headers that belong into the 101 response. Not to be called once {@link answered}. */
  release(): ResponseHeaders {
    // Some middlewares (sessions) set their headers when they see this call. Nothing is written by it.
    this.res.writeHead(200);
    const headers: ResponseHeaders = {};
    for (const [name, value] of Object.entries(this.res.getHeaders())) {
      if (value !== undefined) headers[name] = typeof value === "number" ? `${value}` : value;
    }
    this.res.detachSocket(this.#socket as Socket);
    return headers;
  }
}
