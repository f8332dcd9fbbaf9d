import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Claim, Transport } from "@sockeye/protocol";
import type { HttpPipe } from "../http/http-pipe.js";
import { answerPost } from "../http/post.js";
import {
  AwaitedClaim,
  type ClaimTerms,
  MAX_CLAIM_BYTES,
  readPostedClaim,
  refuseClaim,
} from "../request/claim.js";
import type { Incoming, IncomingRequest, IncomingUpgrade } from "../request/incoming.js";
import type { Pending, PendingVisitor } from "../request/pending.js";
import { describeRefusal, type Refusal } from "../request/refusal.js";
import type { WebSocketEnd } from "../websocket/websocket-handshakes.js";
import type { ClosingSockets } from "./closing-sockets.js";
import type { GateSink } from "./gate-sink.js";
import { checkSamePage } from "./same-page.js";

/** The answer to every claim that is refused. Whether there is such a session it does not say. */
const REFUSED: Refusal = { reason: "UNKNOWN_SID", context: { name: "CLAIM_REFUSED" } };

/** What claims need of the gate. */
export interface ClaimsTerms extends ClaimTerms {
  readonly pending: Pending;
  readonly closing: ClosingSockets;
}

/**
 * Clients that say that a session is theirs and continues over another transport. Each is asked for its claim, and answered; one
 * that is refused leaves nothing behind. Until it is granted a claim counts as held open, and has no more than its 8 KB.
 *
 * @see PROTOCOL.md, "Return"
 */
export class Claims {
  readonly #acceptor: GateSink;
  readonly #terms: ClaimsTerms;
  #state: "open" | "closed" = "open";
  /** WebSockets whose first frame has not come. */
  readonly #awaited = new Set<AwaitedClaim>();

  constructor(acceptor: GateSink, terms: ClaimsTerms) {
    this.#acceptor = acceptor;
    this.#terms = terms;
  }

  /** The first frame of the pipe is the claim. @param sid of the session that the request names */
  awaitFrame(visit: IncomingUpgrade, pipe: WebSocketEnd, sid: string): void {
    const visitor = this.#enter(visit, visit.socket);
    pipe.allowFirst(MAX_CLAIM_BYTES);
    const awaited = new AwaitedClaim(pipe, this.#terms, {
      came: (claim) => {
        this.#awaited.delete(awaited);
        if (!this.#grants(visit, pipe, ofSession(sid, claim))) {
          refuseClaim(pipe);
          this.#terms.closing.dismiss(visit.socket);
          return;
        }
        pipe.allowAll();
        this.#terms.pending.leave(visitor);
        this.#terms.closing.remember(visit);
      },
      gone: () => {
        this.#awaited.delete(awaited);
        this.#terms.closing.dismiss(visit.socket);
      },
    });
    this.#awaited.add(awaited);
  }

  /** The body of the request is the claim. */
  awaitBody(visit: IncomingRequest, pipe: HttpPipe, sid: string): void {
    const { req, res } = visit;
    this.#enter(visit, res);
    readPostedClaim(req, { ...this.#terms, bodies: pipe.bodies }, (claim) => {
      if (visit.gone) return;
      // A body that is late or too long may still be on its way; nobody waits for it.
      if (claim === undefined && req.httpVersionMajor === 1) res.setHeader("Connection", "close");
      if (this.#grants(visit, pipe, ofSession(sid, claim))) answerPost(res, pipe);
      else visit.refuse(REFUSED);
    });
  }

  /** The pipe has brought a claim, or something else in its place. @returns is it granted? */
  decide(visit: Incoming, pipe: Transport, claim: Claim | undefined): boolean {
    if (this.#grants(visit, pipe, claim)) return true;
    refuseClaim(pipe);
    return false;
  }

  /** From now on all are refused. */
  close(): void {
    this.#state = "closed";
    for (const awaited of this.#awaited) awaited.giveUp();
  }

  /** @param held what is kept open for it */
  #enter({ req }: Incoming, held: Duplex | ServerResponse): PendingVisitor {
    const { pending } = this.#terms;
    const visitor = { address: this.#acceptor.addressOf(req), cut: () => void held.destroy() };
    pending.enter(visitor);
    held.once("close", () => pending.leave(visitor));
    return visitor;
  }

  #grants(visit: Incoming, pipe: Transport, claim: Claim | undefined): boolean {
    if (claim !== undefined && this.#state === "open") {
      const foreign = checkSamePage(visit, this.#acceptor.find(claim.sid));
      if (foreign === undefined && this.#acceptor.resume(claim, pipe)) return true;
      if (foreign === undefined) this.#acceptor.claimRefused?.(claim);
    }
    this.#acceptor.refused(describeRefusal(visit.req, REFUSED));
    return false;
  }
}

/** The claim, if it is for the session that the request names. */
function ofSession(sid: string, claim: Claim | undefined): Claim | undefined {
  return claim?.sid === sid ? claim : undefined;
}
