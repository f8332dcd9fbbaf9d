import { EventEmitter } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { HandshakeRequest } from "@sockeye/transport/server";
import {
  isSharedWith,
  readRawHeaders,
  readWholeQuery,
  remoteAddress,
  shareQuery,
} from "@sockeye/transport/server";
import { type KeptHeaders, keepHeaders, rawHeadersOf, shared } from "./kept-headers.js";
import { ownText } from "./own-text.js";

const NONE: KeptHeaders = { common: "", own: "" };

/** How many properties Node.js itself puts on a request. */
const ORDINARY = Object.keys(new IncomingMessage(new Socket())).length;

/**
 * The request that opened a connection. Node's object costs a kilobyte, and few apps ever look at it: kept are its line
 * and its headers, from which it is made again when code asks for it. An app that has put something on the request, or may
 * have seen it, gets the very object.
 */
export class FirstRequest {
  readonly protocol: 3 | 4;
  /** The remote address: a closed socket does not tell it any more. */
  readonly address: string;
  readonly url: string;
  #req: IncomingMessage | undefined;
  #query: Record<string, string> | undefined = undefined;
  /** Has the app seen it with its query, which it may have changed? */
  readonly #queried: boolean;
  readonly #socket: Socket;
  readonly #common: KeptHeaders["common"];
  readonly #own: KeptHeaders["own"];

  /** @param keep an app's code has seen the request */
  constructor({ req, protocol }: Pick<HandshakeRequest, "req" | "protocol">, keep: boolean) {
    const kept = keep || isExtraordinary(req) || isShared(req);
    this.protocol = protocol;
    this.address = remoteAddress(req);
    this.url = shared(req.url ?? "");
    this.#socket = req.socket;
    this.#req = kept ? req : undefined;
    this.#queried = kept && "_query" in req;
    const { common, own } = kept ? NONE : keepHeaders(req.rawHeaders);
    this.#common = common;
    this.#own = own;
  }

  get req(): IncomingMessage {
    this.#req ??= this.#remake();
    shareQuery(this.#req, () => this.query);
    return this.#req;
  }

  /**
   * Without what Sockeye's own clients put there for the engine, and Socket.IO's do not. Read once, and the same object for
   * all namespaces: a packet of ten bytes can join another, and a query may have many kilobytes.
   */
  get query(): Record<string, string> {
    this.#query ??= this.#readQuery();
    return this.#query;
  }

  get secure(): boolean {
    return "encrypted" in this.#socket && this.#socket.encrypted === true;
  }

  #readQuery(): Record<string, string> {
    const known = this.#queried && this.#req ? sharedQuery(this.#req) : undefined;
    // As in Socket.IO, what the app has changed there shows in the handshake, too.
    if (known && !isOurs(known["resume"])) return known;
    const { resume, ...query } = known ?? readWholeQuery(this.url);
    // An app that keeps a token of it is not to keep all of the URL.
    for (const [name, value] of Object.entries(query)) query[name] = ownText(value);
    return resume === undefined || isOurs(resume) ? query : { ...query, resume };
  }

  #remake(): IncomingMessage {
    const req = new IncomingMessage(this.#socket);
    req.rawHeaders = rawHeadersOf({ common: this.#common, own: this.#own }).map(ownText);
    req.headers = readRawHeaders(req.rawHeaders);
    req.url = this.url;
    req.method = "GET";
    req.httpVersionMajor = 1;
    req.httpVersionMinor = 1;
    req.httpVersion = "1.1";
    req.complete = true;
    return req;
  }
}

/** Is it what Sockeye's own clients say in a handshake? */
function isOurs(resume: string | undefined): boolean {
  return resume === "offer" || resume === "without";
}

/** May the app hold it, because it listens to the HTTP server, too? */
function isShared(req: IncomingMessage): boolean {
  const { socket } = req;
  return !(
    socket &&
    "server" in socket &&
    socket.server instanceof EventEmitter &&
    !isSharedWith(socket.server, req)
  );
}

/** The query as the app has left it. */
function sharedQuery(req: IncomingMessage): Record<string, string> | undefined {
  const query: unknown = "_query" in req ? req._query : undefined;
  return typeof query === "object" && query !== null ? (query as Record<string, string>) : undefined;
}

/** Is it of another class (HTTP/2), or does it carry something of the app's? */
function isExtraordinary(req: IncomingMessage): boolean {
  if (Object.getPrototypeOf(req) !== IncomingMessage.prototype) return true;
  // Node.js leaves one more on upgrade requests.
  return Object.keys(req).length > ORDINARY + Number(Object.hasOwn(req, "parser"));
}
