import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { WebTransportSession } from "../../shared/webtransport-like.js";
import { endSession, type WebTransportPipe } from "../../shared/webtransport-pipe.js";
import { readRawHeaders } from "./raw-headers.js";
import { REFUSALS, type Refusal } from "./refusal.js";

/** What an HTTP/3 server tells of the request that asked for a session. All that is left out is not known. */
export interface WebTransportRequest {
  /** Path and query. */
  readonly url?: string | undefined;
  /** Pseudo-headers may be among them: `:path` counts as the URL, `:authority` as the host. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly remoteAddress?: string | undefined;
}

/**
 * A WebTransport session at the gate. For middlewares, `allowRequest` and the app it has a request as WebSockets have: a GET
 * with what is known. Its socket stands for the session: to destroy it ends the session, and it ends with the session.
 */
export class IncomingWebTransport {
  readonly kind = "session";
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  /** Set once the client's stream is there. */
  pipe: WebTransportPipe | undefined = undefined;
  readonly session: WebTransportSession;

  constructor(session: WebTransportSession, request: WebTransportRequest) {
    this.session = session;
    this.socket = standIn(request.remoteAddress);
    this.req = requestOf(request, this.socket);
    this.socket.once("close", () => endSession(session));
    const ended = (): void => void this.socket.destroy();
    session.closed.then(ended, ended);
  }

  /** Is nobody left to answer? */
  get gone(): boolean {
    return this.socket.destroyed;
  }

  /** Calls back once the session has ended. @returns stops that */
  onGone(gone: () => void): () => void {
    this.socket.once("close", gone);
    return () => this.socket.removeListener("close", gone);
  }

  refuse({ reason, context }: Refusal): void {
    const { code, message } = REFUSALS[reason];
    const own = context["message"];
    this.#end(code, typeof own === "string" && own !== "" ? own : message);
  }

  /** The server has closed. */
  turnAway(): void {
    this.#end(REFUSALS.BAD_REQUEST.code, "the server has closed");
  }

  #end(closeCode: number, reason: string): void {
    // At most 1024 bytes of text, whatever their letters.
    endSession(this.session, { closeCode, reason: reason.slice(0, 340) });
    this.socket.destroy();
  }
}

/** What a client asks for at least. */
const UNKNOWN_URL = "/?EIO=4&transport=webtransport";

/** Swallows what is written. TLS is a fact: there is no WebTransport without it. */
function standIn(remoteAddress: string | undefined): Duplex {
  const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  return Object.assign(socket, { remoteAddress, encrypted: true });
}

function requestOf({ url, headers = {} }: WebTransportRequest, socket: Duplex): IncomingMessage {
  const req = new IncomingMessage(socket as Socket);
  req.method = "GET";
  req.url = url ?? `${headers[":path"] ?? UNKNOWN_URL}`;
  req.httpVersion = "3.0";
  req.httpVersionMajor = 3;
  req.httpVersionMinor = 0;
  for (const [name, value] of Object.entries(headers)) {
    const known = name === ":authority" ? "host" : name.toLowerCase();
    for (const each of typeof value === "object" ? value : [value]) {
      if (each !== undefined && !known.startsWith(":")) req.rawHeaders.push(known, each);
    }
  }
  req.headers = readRawHeaders(req.rawHeaders);
  // It has no body.
  req.complete = true;
  req.push(null);
  return req;
}
