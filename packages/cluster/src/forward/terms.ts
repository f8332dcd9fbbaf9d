import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ForwardFacts } from "./signature.js";

/** A request for another node. */
export interface ForwardableRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** A request to upgrade for another node. */
export interface ForwardableUpgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** For the 101 response. */
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
}

/** How it continues if the other node does not answer. */
export interface ForwardTerms {
  readonly facts: ForwardFacts;
  /** Nothing was answered yet. @param intact and nothing of the request was read */
  failed(intact: boolean): void;
}

/** Who answers what comes over a link. */
export interface LinkTarget extends Pick<ForwardTarget, "request"> {
  /** Takes a connection for the internal listener. Left out: none come over this link. */
  connected?(socket: Duplex): void;
}

/** Who answers what was passed on. */
export interface ForwardTarget {
  request(req: IncomingMessage, res: ServerResponse, facts: ForwardFacts): void;
  upgrade(upgrade: { req: IncomingMessage; socket: Duplex; head: Buffer }, facts: ForwardFacts): void;
}
