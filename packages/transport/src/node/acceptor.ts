import type { IncomingMessage } from "node:http";
import type { Claim, SockeyeError, Transport } from "@sockeye/protocol";
import type { KnownSession } from "./checks.js";
import type { ResponseHeaders } from "./headers.js";
import { readWholeQuery } from "./query.js";
import type { RefusedRequest } from "./refusal.js";

/** What stands behind the gate. Called synchronously; no method may throw but {@link newId}. */
export interface Acceptor {
  /** What is known of a session id. One lookup in a `Map`: the id is the peer's. */
  find(sid: string): KnownSession | undefined;
  /**
   * Asked first about each handshake, and about each request that claims a session: does it exceed a limit? Then it is
   * refused with status 429.
   */
  exceeds?(req: IncomingMessage, asks: "open" | "resume"): SockeyeError | undefined;
  /** A new id for a handshake. May be the app's, hence may be asynchronous and may fail. */
  newId(req: IncomingMessage): string | Promise<string>;
  /** A handshake passed all checks: begins a session on this transport, which is writable already. */
  open(sid: string, transport: Transport, handshake: HandshakeRequest): void;
  /** A second transport of a live session wants to take over. */
  upgrade(sid: string, transport: Transport): void;
  /**
   * A client says that a session is its own and goes on over this transport.
   *
   * @returns false if that is not so; nothing has changed then, and whoever asked closes the transport
   */
  resume?(claim: Claim, transport: Transport): boolean;
  /** The page that had this session has gone: it is over, suspended or not. Only of sessions that are counted. */
  leave?(sid: string): void;
  /** A handshake or request was refused. */
  refused(refused: RefusedRequest): void;
  /** The headers of a response are about to be sent and may be changed. `initial`: it answers a handshake. */
  headers(headers: ResponseHeaders, req: IncomingMessage, initial: boolean): void;
}

export interface HandshakeRequest {
  readonly req: IncomingMessage;
  /** All parameters of the query, without a prototype; parsed when first read. Of repeated ones, the last. */
  readonly query: Record<string, string | string[]>;
  readonly protocol: 3 | 4;
  /** Does the client offer to count, so that the session outlives its transports? */
  readonly counts: boolean;
}

/** A handshake that has passed all checks. */
export class CheckedHandshake implements HandshakeRequest {
  #query: Record<string, string> | undefined;

  constructor(
    readonly req: IncomingMessage,
    readonly protocol: 3 | 4,
    readonly counts: boolean,
  ) {}

  get query(): Record<string, string> {
    this.#query ??= readWholeQuery(this.req.url ?? "");
    return this.#query;
  }
}
