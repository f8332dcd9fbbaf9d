import type { Claim, Transport } from "@sockeye/protocol";
import type { Acceptor } from "./acceptor.js";
import { AwaitedClaim, type ClaimTerms, readPostedClaim, refuseClaim } from "./claim.js";
import type { HttpPipe } from "./http-pipe.js";
import { answerPost } from "./post.js";
import { describeRefusal, type Refusal } from "./refusal.js";
import { checkSamePage } from "./same-page.js";
import type { RequestVisit, UpgradeVisit, Visit } from "./visit.js";

/** The answer to every claim that is refused. Whether there is such a session it does not say. */
const REFUSED: Refusal = { reason: "UNKNOWN_SID", context: { name: "CLAIM_REFUSED" } };

/**
 * Clients that say that a session is theirs and goes on over another transport. Each is asked for its claim, and answered; one
 * that is refused leaves nothing behind.
 *
 * @see PROTOCOL.md, "Return"
 */
export class Claims {
  readonly #acceptor: Acceptor;
  readonly #terms: ClaimTerms;
  #state: "open" | "closed" = "open";
  /** WebSockets whose first frame has not come. */
  readonly #awaited = new Set<AwaitedClaim>();

  constructor(acceptor: Acceptor, terms: ClaimTerms) {
    this.#acceptor = acceptor;
    this.#terms = terms;
  }

  /** The first frame of the pipe is the claim. @param sid of the session that the request names */
  awaitFrame(visit: UpgradeVisit, pipe: Transport, sid: string): void {
    const awaited = new AwaitedClaim(pipe, this.#terms, {
      came: (claim) => {
        this.#awaited.delete(awaited);
        this.decide(visit, pipe, ofSession(sid, claim));
      },
      gone: () => void this.#awaited.delete(awaited),
    });
    this.#awaited.add(awaited);
  }

  /** The body of the request is the claim. */
  awaitBody(visit: RequestVisit, pipe: HttpPipe, sid: string): void {
    const { req, res } = visit;
    readPostedClaim(req, { ...this.#terms, bodies: pipe.bodies }, (claim) => {
      if (visit.gone) return;
      // A body that is late or too long may still be on its way; nobody waits for it.
      if (claim === undefined && req.httpVersionMajor === 1) res.setHeader("Connection", "close");
      if (this.#grants(visit, pipe, ofSession(sid, claim))) answerPost(res, pipe);
      else visit.refuse(REFUSED);
    });
  }

  /** The pipe has brought a claim, or something else in its place. */
  decide(visit: Visit, pipe: Transport, claim: Claim | undefined): void {
    if (!this.#grants(visit, pipe, claim)) refuseClaim(pipe);
  }

  /** From now on all are refused. */
  close(): void {
    this.#state = "closed";
    for (const awaited of this.#awaited) awaited.giveUp();
  }

  #grants(visit: Visit, pipe: Transport, claim: Claim | undefined): boolean {
    if (claim !== undefined && this.#state === "open") {
      const foreign = checkSamePage(visit, this.#acceptor.find(claim.sid));
      if (foreign === undefined && this.#acceptor.resume?.(claim, pipe)) return true;
    }
    this.#acceptor.refused(describeRefusal(visit.req, REFUSED));
    return false;
  }
}

/** The claim, if it is for the session that the request names. */
function ofSession(sid: string, claim: Claim | undefined): Claim | undefined {
  return claim?.sid === sid ? claim : undefined;
}
