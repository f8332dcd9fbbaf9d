import type { IncomingMessage } from "node:http";
import type { Claim, SockeyeError, Transport } from "@sockeye/protocol";
import type { ResponseHeaders } from "../request/headers.js";
import type { IncomingRequest, IncomingUpgrade } from "../request/incoming.js";
import type { EngineQuery } from "../request/query.js";
import { readWholeQuery } from "../request/query.js";
import type { RefusedRequest } from "../request/refusal.js";
import type { KnownSession } from "./checks.js";
import type { Located } from "./located.js";

/** A place among the sessions of an address: of a handshake while it is decided about, then of its session. */
export interface Place {
  /** Gives it back. Harmless the second time. */
  free(): void;
}

/** A request, or a request to upgrade, for another node. */
export type ForwardedRequest = IncomingRequest | IncomingUpgrade;

/** What stands behind the gate. Called synchronously; no method may throw but {@link newId}. */
export interface GateSink {
  /**
   * Whose is the session that a request names? The id is the peer's. The answer may take a while; what is here should be told at once,
   * by one lookup in a `Map`.
   */
  locate(sid: string): Located | Promise<Located>;
  /** The session of this id, if it is here now: is an id taken, and whose is a claim? */
  find(sid: string): KnownSession | undefined;
  /**
   * Answers a request of a session that another node has. Nothing of the request was read, and nothing but that the session is not
   * here is wrong with it. Without this it is refused as if there were no such session.
   *
   * @param failed that node does not answer. `intact`: still nothing of the request was read
   */
  forward?(request: ForwardedRequest, node: string, failed: (intact: boolean) => void): void;
  /** A claim was refused here; another node may have the session. */
  claimRefused?(claim: Claim): void;
  /**
   * Asked first about each handshake, and about each request that claims a session: does it exceed a limit? Then it is
   * refused with status 429.
   */
  exceeds(req: IncomingMessage, asks: "open" | "resume"): SockeyeError | undefined;
  /**
   * Asked next about each handshake, in the same turn: the place that it takes until it is refused, or its session has ended.
   * `undefined`: it is not counted.
   */
  reserve(req: IncomingMessage): Place | undefined;
  /** Where a client is, for what is counted by address. `undefined`: it is not counted. */
  addressOf(req: IncomingMessage): string | undefined;
  /** Something that was held open, and was no session, was cut for a limit. @param address as {@link addressOf} has it */
  exceeded(error: SockeyeError, address: string | undefined): void;
  /** A new id for a handshake. May be the app's, so it may be asynchronous and may fail. */
  newId(req: IncomingMessage): string | Promise<string>;
  /** A handshake passed all checks: begins a session on this transport, which is writable already. */
  open(sid: string, transport: Transport, handshake: HandshakeRequest): void;
  /** A second transport of a live session wants to take over. */
  upgrade(sid: string, transport: Transport): void;
  /**
   * A client says that a session is its own and continues over this transport.
   *
   * @returns false if that is not so; nothing has changed then, and the caller closes the transport
   */
  resume(claim: Claim, transport: Transport): boolean;
  /** The page that had this session has gone: it is over, suspended or not. Only of sessions that are counted. */
  leave(sid: string): void;
  /** A handshake or request was refused. */
  refused(refused: RefusedRequest): void;
  /** The app's code has failed, before or after it had decided. @param event what it was asked for */
  reportError(error: unknown, event: string): void;
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
  /** Is the client one of Sockeye's, so that it may be told more in the OPEN packet? */
  readonly isOurs: boolean;
  /** What {@link GateSink.reserve} gave. The session has it from now on. */
  readonly place?: Place | undefined;
}

/** A handshake that has passed all checks. */
export class CheckedHandshake implements HandshakeRequest {
  readonly protocol: 3 | 4;
  readonly counts: boolean;
  readonly isOurs: boolean;
  #query: Record<string, string> | undefined;

  constructor(
    readonly req: IncomingMessage,
    { protocol, resume }: EngineQuery,
    readonly place?: Place | undefined,
  ) {
    this.protocol = protocol;
    this.counts = protocol === 4 && resume === "offer";
    this.isOurs = this.counts || (protocol === 4 && resume === "without");
  }

  get query(): Record<string, string> {
    this.#query ??= readWholeQuery(this.req.url ?? "");
    return this.#query;
  }
}
