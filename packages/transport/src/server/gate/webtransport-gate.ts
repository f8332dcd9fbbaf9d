import type { Claim } from "@sockeye/protocol";
import type { WebTransportSession } from "../../shared/webtransport-like.js";
import type { WebTransportPipe } from "../../shared/webtransport-pipe.js";
import type { Incoming } from "../request/incoming.js";
import { IncomingWebTransport, type WebTransportRequest } from "../request/incoming-webtransport.js";
import { type Middleware, runMiddlewares } from "../request/middleware.js";
import type { OriginPolicy } from "../request/origins.js";
import { type EngineQuery, readEngineQuery, shareQuery } from "../request/query.js";
import { middlewareFailure, middlewareLate, type Refusal } from "../request/refusal.js";
import { UpgradeResponse } from "../request/upgrade-response.js";
import { REQUEST_UNITS } from "../turns/turns.js";
import { Arrival, type ArrivalTerms, type Opening } from "../webtransport/webtransport.js";
import { checkSession } from "./checks.js";
import type { Claims } from "./claims.js";
import type { GateSink } from "./gate-sink.js";
import type { Handshakes } from "./handshakes.js";
import { type Located, There } from "./located.js";
import { checkSamePage } from "./same-page.js";
import type { Whereabouts } from "./whereabouts.js";

/** What WebTransport sessions need of the gate. */
export interface WebTransportGateTerms {
  readonly arrivals: ArrivalTerms;
  readonly claims: Claims;
  readonly handshakes: Handshakes;
  readonly origins: OriginPolicy;
  readonly whereabouts: Whereabouts;
  /** Milliseconds that middlewares may take. */
  readonly decisionMs: number;
  /** Is it on offer? */
  readonly offered: boolean;
  isClosed(): boolean;
  middlewares(): readonly Middleware[] | undefined;
  /** Refuses a client that comes too often. @returns whether it did */
  exceeds(visit: Incoming, asks: "open" | "resume"): boolean;
  refuse(visit: Incoming, refusal: Refusal): void;
  /** Refuses a client whose URL is longer than the limits allow. @returns whether it did */
  isTooLong(visit: Incoming): boolean;
}

/** The gate for WebTransport sessions, which say in their first packet what they want. */
export class WebTransportGate {
  readonly #acceptor: GateSink;
  readonly #terms: WebTransportGateTerms;

  constructor(acceptor: GateSink, terms: WebTransportGateTerms) {
    this.#acceptor = acceptor;
    this.#terms = terms;
  }

  handle(session: WebTransportSession, request: WebTransportRequest = {}): void {
    const visit = new IncomingWebTransport(session, request);
    if (this.#terms.isClosed()) {
      visit.turnAway();
      return;
    }
    if (!this.#terms.offered) {
      this.#terms.refuse(visit, { reason: "UNKNOWN_TRANSPORT", context: { transport: "webtransport" } });
      return;
    }
    if (this.#terms.isTooLong(visit)) return;
    const arrival = new Arrival(visit, this.#terms.arrivals);
    const receive = (corsAnswer?: unknown): void => {
      const foreign = this.#terms.origins.check(visit.req, corsAnswer);
      if (foreign === undefined) arrival.receive((pipe, opening) => this.#arrived(visit, pipe, opening));
      else this.#terms.refuse(visit, foreign);
    };
    const middlewares = this.#terms.middlewares();
    if (middlewares === undefined) {
      receive();
      return;
    }
    shareQuery(visit.req);
    const response = new UpgradeResponse(visit.req, visit.socket);
    const failed = (error: unknown): void => this.#acceptor.reportError(error, "middleware");
    const { arrivals, decisionMs: timeoutMs } = this.#terms;
    runMiddlewares(
      middlewares,
      { req: visit.req, res: response.res, failed },
      {
        clock: arrivals.clock,
        timeoutMs,
        goOn: (then) => arrivals.turns.goOn(REQUEST_UNITS, then),
        visit: response.waiting(visit),
        done: (error) => {
          if (response.answered || visit.gone) return;
          if (error === undefined) receive(response.release()["access-control-allow-origin"]);
          else this.#terms.refuse(visit, middlewareFailure(error));
        },
        late: (middleware) => this.#terms.refuse(visit, middlewareLate(middleware)),
      },
    );
  }

  /** The client of a WebTransport session has said what it wants. */
  #arrived(visit: IncomingWebTransport, pipe: WebTransportPipe, opening: Opening): void {
    if (this.#terms.isClosed()) {
      visit.turnAway();
      return;
    }
    if (opening.wants === "session") {
      this.#terms.handshakes.ask(visit, queryOf(visit, undefined));
      return;
    }
    if (opening.wants === "resume" && this.#terms.exceeds(visit, "resume")) return;
    const sid = opening.wants === "upgrade" ? opening.sid : opening.claim?.sid;
    const located = sid === undefined ? undefined : this.#acceptor.locate(sid);
    const enter = (found: Located): void => {
      if (opening.wants === "resume") this.#decide(visit, pipe, opening.claim);
      else this.#offer(visit, pipe, { sid: opening.sid, located: found });
    };
    if (located instanceof Promise) this.#terms.whereabouts.await(visit, located, enter);
    else enter(located);
  }

  /** A claim is decided by what is here. */
  #decide(visit: IncomingWebTransport, pipe: WebTransportPipe, claim: Claim | undefined): void {
    const { arrivals, claims } = this.#terms;
    if (claims.decide(visit, pipe, claim)) pipe.allow(arrivals.maxFrameBytes);
  }

  /** A session that another node has cannot take it: it is refused as unknown. */
  #offer(
    visit: IncomingWebTransport,
    pipe: WebTransportPipe,
    { sid, located }: { sid: string; located: Located },
  ): void {
    const session = located instanceof There ? undefined : located;
    const query = queryOf(visit, sid);
    const refusal = checkSamePage(visit, session) ?? checkSession({ query, session, upgrade: true }, sid);
    if (refusal !== undefined) this.#terms.refuse(visit, refusal);
    else if (session?.upgradable && !session.probing) {
      pipe.allow(this.#terms.arrivals.maxFrameBytes);
      this.#acceptor.upgrade(sid, pipe);
    } else pipe.close("dead");
  }
}

const WEBTRANSPORT = { transport: "webtransport", protocol: 4, base64: false, number: undefined } as const;

function queryOf({ req }: IncomingWebTransport, sid: string | undefined): EngineQuery {
  const { resume } = readEngineQuery(req.url ?? "");
  return { ...WEBTRANSPORT, sid, resume };
}
