import type { Clock, Transport } from "@sockeye/protocol";
import { type AllowRequest, askApp } from "../request/allow-request.js";
import type { Incoming, IncomingUpgrade } from "../request/incoming.js";
import { type EngineQuery, shareQuery } from "../request/query.js";
import type { Refusal } from "../request/refusal.js";
import { RequestNumbers } from "../request/request-numbers.js";
import { REQUEST_UNITS, type Turns } from "../turns/turns.js";
import { AskedHandshake } from "./asked-handshake.js";
import { checkProtocol, HANDSHAKE_ERROR } from "./checks.js";
import { CheckedHandshake, type GateSink } from "./gate-sink.js";
import type { HttpPipeKind } from "./http-pipes.js";

/** What handshakes need of the gate. */
export interface HandshakesTerms {
  readonly clock: Clock;
  /** Very many may wait for one answer of the app's. */
  readonly turns: Turns;
  readonly allowRequest: AllowRequest | undefined;
  /** Are clients of protocol revision 3 let in? */
  readonly allowEIO3: boolean;
  /** Milliseconds that the app may take to decide. */
  readonly decisionMs: number;
  /** Bytes of a frame, once the session has begun. */
  readonly maxFrameBytes: number;
  /** Does the gate let anybody in? */
  isOpen(): boolean;
  /** Refuses a client that comes too often. @returns whether it did */
  exceeds(visit: Incoming, asks: "open" | "resume"): boolean;
  refuse(visit: Incoming, refusal: Refusal): void;
  pipesOf(query: EngineQuery): HttpPipeKind | undefined;
  /** Makes a WebSocket of it. */
  complete(visit: IncomingUpgrade, query: EngineQuery, accepted: (pipe: Transport) => void): void;
}

/** Handshakes that have passed the checks: the app is asked, then an id is made, and a session begins. */
export class Handshakes {
  readonly #acceptor: GateSink;
  readonly #terms: HandshakesTerms;

  constructor(acceptor: GateSink, terms: HandshakesTerms) {
    this.#acceptor = acceptor;
    this.#terms = terms;
  }

  /** The app decides, and may take its time. The place of the session is taken before, and given back if there is none. */
  ask(visit: Incoming, query: EngineQuery): void {
    if (this.#terms.exceeds(visit, "open")) return;
    const place = this.#acceptor.reserve(visit.req);
    const asked = new AskedHandshake(visit, query, { clock: this.#terms.clock, place });
    if (this.#terms.allowRequest === undefined) {
      this.#identify(asked);
    } else {
      shareQuery(visit.req);
      let isLate = false;
      askApp(this.#terms.allowRequest, visit.req, {
        decided: (refusal) => {
          const goOn = (): void => {
            if (refusal === undefined) this.#identify(asked);
            else this.#decline(asked, refusal);
          };
          if (isLate) this.#terms.turns.goOn(REQUEST_UNITS, goOn);
          else goOn();
        },
        failed: (error) => this.#acceptor.reportError(error, "allowRequest"),
      });
      isLate = true;
    }
    asked.await(this.#terms.decisionMs, () => this.#terms.refuse(visit, LATE));
  }

  /** The handshake is refused, unless nobody waits for that any more. */
  #decline(asked: AskedHandshake, refusal: Refusal): void {
    if (!asked.over) this.#terms.refuse(asked.visit, refusal);
    asked.end();
  }

  /** The last steps of a handshake: the protocol revision, then an id. */
  #identify(asked: AskedHandshake): void {
    const { visit, query } = asked;
    const refusal = asked.over ? undefined : checkProtocol(query, this.#terms.allowEIO3);
    if (asked.over || refusal !== undefined) {
      this.#decline(asked, refusal ?? HANDSHAKE_ERROR);
      return;
    }
    const fail = (error: unknown): void => this.#failId(asked, error);
    let id: string | Promise<string>;
    try {
      id = this.#acceptor.newId(visit.req);
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof id === "string") this.#open(asked, id);
    else {
      const { turns } = this.#terms;
      Promise.resolve(id).then(
        (later) => turns.goOn(REQUEST_UNITS, () => this.#open(asked, later)),
        (error: unknown) => turns.goOn(REQUEST_UNITS, () => fail(error)),
      );
    }
  }

  #failId(asked: AskedHandshake, error: unknown): void {
    this.#acceptor.reportError(error, "generateId");
    this.#decline(asked, idFailure(error));
  }

  #open(asked: AskedHandshake, sid: string): void {
    const { visit, query } = asked;
    if (asked.over) {
      asked.end();
      return;
    }
    if (!this.#terms.isOpen()) {
      visit.turnAway();
      asked.end();
      return;
    }
    // An app's own generator may give anything.
    if (typeof sid !== "string" || sid === "" || this.#acceptor.find(sid) !== undefined) {
      this.#failId(asked, new Error("the id of a session must be a new, non-empty string"));
      return;
    }
    const open = (pipe: Transport): void => {
      this.#acceptor.open(sid, pipe, new CheckedHandshake(visit.req, query, asked.takePlace()));
    };
    if (visit.kind === "upgrade") {
      this.#terms.complete(visit, query, (pipe) => {
        // The app hears of headers in between, and may have done anything.
        if (this.#terms.isOpen() && this.#acceptor.find(sid) === undefined) {
          open(pipe);
          return;
        }
        pipe.close("dead");
        asked.end();
      });
      return;
    }
    if (visit.kind === "session") {
      visit.pipe?.allow(this.#terms.maxFrameBytes);
      if (visit.pipe !== undefined) open(visit.pipe);
      return;
    }
    const pipe = this.#terms.pipesOf(query)?.make(sid, query, visit.req);
    // The request has passed the checks, so there is one.
    if (pipe === undefined) return;
    pipe.origin = visit.req.headers.origin;
    pipe.handle(visit.req, visit.res);
    open(pipe);
    if (this.#acceptor.find(sid)?.counted) pipe.numbers = new RequestNumbers("handshake");
  }
}

/** The app has not decided in time. */
const LATE: Refusal = { reason: "FORBIDDEN", context: { name: "HANDSHAKE_TIMEOUT" } };

function idFailure(error: unknown): Refusal {
  return { reason: "BAD_REQUEST", context: { name: "ID_GENERATION_ERROR", error } };
}
