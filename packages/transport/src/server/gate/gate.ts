import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Transport } from "@sockeye/protocol";
import type { WebTransportSession } from "../../shared/webtransport-like.js";
import { answerEmpty, isHttpPipe } from "../http/http-pipe.js";
import { Lingering } from "../http/lingering.js";
import { corsMiddleware } from "../request/cors.js";
import { type ForwardedFacts, forwardedFacts, markForwarded } from "../request/forwarded.js";
import { type Incoming, IncomingRequest, IncomingUpgrade } from "../request/incoming.js";
import type { WebTransportRequest } from "../request/incoming-webtransport.js";
import type { Exchange, Middleware, Patience } from "../request/middleware.js";
import { runMiddlewares } from "../request/middleware.js";
import { OriginPolicy } from "../request/origins.js";
import { Pending } from "../request/pending.js";
import { type EngineQuery, readEngineQuery, shareQuery } from "../request/query.js";
import { describeRefusal, middlewareFailure, middlewareLate, type Refusal } from "../request/refusal.js";
import { RequestNumbers } from "../request/request-numbers.js";
import { UpgradeResponse } from "../request/upgrade-response.js";
import { type UrlLimits, urlExcess, urlRefusal } from "../request/url-limits.js";
import { RequestLines } from "../turns/request-line.js";
import { loopOf, REQUEST_UNITS, Turns } from "../turns/turns.js";
import { Eio3Pipe } from "../websocket/eio3-pipe.js";
import { WebSocketHandshakes } from "../websocket/websocket-handshakes.js";
import { checkRequest, HANDSHAKE_ERROR, isClaim, type KnownSession } from "./checks.js";
import { Claims } from "./claims.js";
import { ClosingSockets } from "./closing-sockets.js";
import { DEFAULT_TRANSPORTS, type Gate, type GateOptions, type UpgradeRequest } from "./gate-options.js";
import type { GateSink } from "./gate-sink.js";
import { Handshakes } from "./handshakes.js";
import { type HttpPipeKind, httpPipes } from "./http-pipes.js";
import { type Located, There } from "./located.js";
import { checkSamePage } from "./same-page.js";
import { WebTransportGate } from "./webtransport-gate.js";
import { Whereabouts } from "./whereabouts.js";

/** @throws UsageError `ERR_BAD_OPTION` if the cookie option does not make a valid cookie, or `perMessageDeflate` no sense */
export function createGate(options: GateOptions, acceptor: GateSink): Gate {
  return new HttpGate(options, acceptor);
}

class HttpGate implements Gate {
  readonly #acceptor: GateSink;
  readonly #clock: Clock;
  readonly #transports: ReadonlySet<string>;
  readonly #httpPipes: ReadonlyMap<string, HttpPipeKind>;
  readonly #lingering: Lingering;
  readonly #origins: OriginPolicy;
  readonly #webSockets: WebSocketHandshakes;
  readonly #whereabouts: Whereabouts;
  readonly #claims: Claims;
  readonly #handshakes: Handshakes;
  readonly #webTransport: WebTransportGate;
  readonly #closing: ClosingSockets;
  readonly #requests: RequestLines;
  readonly #turns: Turns;
  readonly #urls: UrlLimits;
  /** Milliseconds that the app may take to decide about a visit, middlewares and `allowRequest` each. */
  readonly #decisionMs: number;
  #middlewares: Middleware[] | undefined;
  #state: "open" | "draining" | "closed" = "open";

  constructor(options: GateOptions, acceptor: GateSink) {
    this.#acceptor = acceptor;
    this.#clock = options.clock;
    this.#decisionMs = options.connectTimeout ?? DECISION_MS;
    this.#transports = new Set(options.transports ?? DEFAULT_TRANSPORTS);
    this.#lingering = new Lingering(options.clock);
    this.#origins = new OriginPolicy(options.origins);
    const { turns = new Turns(loopOf(options.clock), options.maxTurnMs) } = options;
    this.#turns = turns;
    this.#requests = new RequestLines(turns);
    const asked = { turns, origins: this.#origins, jsonp: this.#transports.has("jsonp") };
    this.#httpPipes = httpPipes({ ...options, ...asked }, acceptor, this.#lingering);
    const { maxPending = UNLIMITED, maxPendingPerAddress = UNLIMITED } = options.limits;
    const { maxUrlLength = UNLIMITED, maxQueryParameters = UNLIMITED } = options.limits;
    this.#urls = { maxUrlLength, maxQueryParameters };
    const pending = new Pending({ maxPending, maxPendingPerAddress }, (error, address) =>
      acceptor.exceeded(error, address),
    );
    const addressOf = ({ req }: Incoming): string | undefined => acceptor.addressOf(req);
    this.#closing = new ClosingSockets(options.clock, pending, addressOf);
    this.#webSockets = new WebSocketHandshakes({
      maxPayload: options.limits.maxMessageBytes,
      perMessageDeflate: options.perMessageDeflate,
      clock: options.clock,
      turns,
      wsEngine: options.wsEngine,
      webSockets: options.webSockets,
      headers: (headers, req, initial) => acceptor.headers(headers, req, initial),
      closing: (socket, cut) => this.#closing.closing(socket, cut),
    });
    const { clock, limits, upgradeTimeout: timeoutMs = 10_000 } = options;
    const maxFrameBytes = limits.maxMessageBytes;
    this.#whereabouts = new Whereabouts({ clock, pending, timeoutMs, addressOf });
    this.#claims = new Claims(acceptor, { clock, limits, pending, timeoutMs, closing: this.#closing });
    const answers = {
      exceeds: (visit: Incoming, asks: "open" | "resume") => this.#exceeds(visit, asks),
      refuse: (visit: Incoming, refusal: Refusal) => this.#refuse(visit, refusal),
    };
    this.#handshakes = new Handshakes(acceptor, {
      ...answers,
      clock,
      turns,
      maxFrameBytes,
      allowRequest: options.allowRequest,
      allowEIO3: options.allowEIO3 === true,
      decisionMs: this.#decisionMs,
      isOpen: () => this.#state === "open",
      pipesOf: (query) => this.#pipesOf(query),
      complete: (visit, query, accepted) => this.#completeWebSocket(visit, query, accepted),
    });
    this.#webTransport = new WebTransportGate(acceptor, {
      ...answers,
      decisionMs: this.#decisionMs,
      arrivals: { clock, timeoutMs, maxFrameBytes, pending, addressOf, turns },
      claims: this.#claims,
      handshakes: this.#handshakes,
      origins: this.#origins,
      whereabouts: this.#whereabouts,
      offered: this.#transports.has("webtransport"),
      isClosed: () => this.#state === "closed",
      middlewares: () => this.#middlewares,
      isTooLong: (visit) => this.#isTooLong(visit),
    });
    if (options.cors) {
      this.use(corsMiddleware(options.cors, (error) => acceptor.reportError(error, "cors.origin")));
    }
  }

  handleRequest(req: IncomingMessage, res: ServerResponse): void {
    const visit = new IncomingRequest(req, res);
    this.#requests.add(req.socket, visit, () => this.#request(visit));
  }

  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = new IncomingUpgrade(req, socket, head);
    this.#requests.add(socket, visit, () => this.#upgrade(visit));
  }

  handleForwarded(req: IncomingMessage, res: ServerResponse, facts: ForwardedFacts): void {
    markForwarded(req, facts);
    const visit = new IncomingRequest(req, res);
    this.#requests.add(req.socket, visit, () => this.#check(visit));
  }

  handleForwardedUpgrade({ req, socket, head }: UpgradeRequest, facts: ForwardedFacts): void {
    markForwarded(req, facts);
    const visit = new IncomingUpgrade(req, socket, head);
    this.#requests.add(socket, visit, () => this.#check(visit));
  }

  #request(visit: IncomingRequest): void {
    const { req } = visit;
    if (this.#isTooLong(visit)) return;
    if (this.#middlewares === undefined) {
      this.#check(visit);
      return;
    }
    shareQuery(req);
    runMiddlewares(this.#middlewares, this.#exchange(req, visit.res), {
      ...this.#patience(visit),
      visit,
      done: (error) => {
        if (!visit.gone) this.#leave(visit, error);
      },
    });
  }

  #upgrade(visit: IncomingUpgrade): void {
    const { req, socket } = visit;
    if (this.#isTooLong(visit)) return;
    if (this.#middlewares === undefined) {
      this.#check(visit);
      return;
    }
    shareQuery(req);
    const response = new UpgradeResponse(req, socket);
    runMiddlewares(this.#middlewares, this.#exchange(req, response.res), {
      ...this.#patience(visit),
      visit: response.waiting(visit),
      done: (error) => {
        if (response.answered || visit.gone) return;
        visit.headers = response.release();
        this.#leave(visit, error);
      },
    });
  }

  handleWebTransport(session: WebTransportSession, request?: WebTransportRequest): void {
    this.#webTransport.handle(session, request);
  }

  use(middleware: Middleware): void {
    this.#middlewares ??= [];
    this.#middlewares.push(middleware);
  }

  drain(): void {
    if (this.#state === "open") this.#state = "draining";
  }

  forget(sid: string): void {
    this.#lingering.remove(sid);
  }

  told(): Promise<void> {
    return this.#lingering.told();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#whereabouts.close();
    this.#claims.close();
    this.#lingering.close();
    this.#webSockets.close();
    this.#closing.close();
  }

  #exchange(req: IncomingMessage, res: ServerResponse): Exchange {
    return { req, res, failed: (error) => this.#acceptor.reportError(error, "middleware") };
  }

  /** What middlewares may take of the time of a visit. What has no decision then is cut: an answer would be in their way. */
  #patience(
    visit: IncomingRequest | IncomingUpgrade,
  ): Pick<Patience, "clock" | "timeoutMs" | "goOn" | "late"> {
    const late = (middleware: string): void => {
      this.#acceptor.refused(describeRefusal(visit.req, middlewareLate(middleware)));
      visit.cut();
    };
    const goOn = (then: () => void): void => this.#turns.goOn(REQUEST_UNITS, then);
    return { clock: this.#clock, timeoutMs: this.#decisionMs, goOn, late };
  }

  /** The middlewares are through with it. */
  #leave(visit: IncomingRequest | IncomingUpgrade, error: unknown): void {
    if (error === undefined) this.#check(visit);
    else this.#refuse(visit, middlewareFailure(error));
  }

  /** Asks whose the session is that a request names, if it names one. */
  #check(visit: IncomingRequest | IncomingUpgrade): void {
    const query = readEngineQuery(visit.req.url ?? "");
    const located = typeof query.sid === "string" ? this.#acceptor.locate(query.sid) : undefined;
    if (located instanceof Promise) {
      this.#whereabouts.await(visit, located, (found) => this.#lead(visit, query, found));
    } else this.#lead(visit, query, located);
  }

  /** Leads a request to its session, or to a new one; or refuses it. */
  #lead(visit: IncomingRequest | IncomingUpgrade, query: EngineQuery, located: Located): void {
    const { req } = visit;
    const { sid } = query;
    const upgrade = visit.kind === "upgrade";
    const claims = isClaim({ req, query, upgrade });
    // Whether there is a session is not said to a claim before it has proved that it is its own.
    const session = claims || located instanceof There ? undefined : located;
    const foreign = this.#origins.check(req, visit.corsAnswer) ?? checkSamePage(visit, session);
    const refusal =
      checkRequest({ req, query, upgrade, session, foreign, transports: this.#transports }) ??
      this.#checkKind(visit, query);
    const failed = (intact: boolean): void => {
      // As if there were no such session: its client starts over. From a claim the owner learns that.
      if (claims && intact && refusal === undefined) this.#awaitClaim(visit, query);
      else this.#refuse(visit, { reason: "UNKNOWN_SID", context: {} });
    };
    if (located instanceof There && this.#forwards(visit, located, { refusal, failed })) return;
    if (refusal !== undefined) {
      if (refusal.reason !== "UNKNOWN_SID" || !this.#sayGoodbye(visit, query)) this.#refuse(visit, refusal);
    } else if (claims) {
      this.#awaitClaim(visit, query);
    } else if (session === undefined ? this.#state !== "open" : upgrade && this.#state === "closed") {
      visit.turnAway();
    } else if (typeof sid === "string" && session !== undefined) {
      this.#admit(visit, { sid, session, query });
    } else {
      this.#handshakes.ask(visit, query);
    }
  }

  /** Passes a request on to the node that has its session, if nothing is wrong but that the session is not here. */
  #forwards(
    visit: IncomingRequest | IncomingUpgrade,
    { node }: There,
    { refusal, failed }: { refusal: Refusal | undefined; failed(intact: boolean): void },
  ): boolean {
    if (this.#state === "closed" || (refusal !== undefined && refusal.reason !== "UNKNOWN_SID")) return false;
    if (this.#acceptor.forward === undefined || forwardedFacts(visit.req) !== undefined) return false;
    this.#acceptor.forward(visit, node, failed);
    return true;
  }

  /** What the transport itself has to say about a request. */
  #checkKind({ kind, req }: Incoming, query: EngineQuery): Refusal | undefined {
    if (kind === "upgrade") return undefined;
    const pipes = this.#pipesOf(query);
    if (pipes === undefined) return HANDSHAKE_ERROR;
    if (isClaim({ req, query, upgrade: false })) return pipes.checkClaim?.(req);
    return req.method === "GET" ? pipes.check?.(req, query) : undefined;
  }

  #pipesOf({ transport }: EngineQuery): HttpPipeKind | undefined {
    return typeof transport === "string" ? this.#httpPipes.get(transport) : undefined;
  }

  /** Refuses what asks by too long a URL, before anybody reads it. */
  #isTooLong(visit: Incoming): boolean {
    const error = urlExcess(visit.req.url ?? "", this.#urls);
    if (error === undefined) return false;
    this.#acceptor.exceeded(error, this.#acceptor.addressOf?.(visit.req));
    this.#refuse(visit, urlRefusal(error));
    return true;
  }

  /** Refuses clients that come too often. */
  #exceeds(visit: Incoming, asks: "open" | "resume"): boolean {
    const excess = this.#acceptor.exceeds(visit.req, asks);
    if (excess === undefined) return false;
    const context = { name: excess.code, message: excess.message, error: excess };
    this.#refuse(visit, { reason: "FORBIDDEN", status: 429, context });
    return true;
  }

  /** A request that claims a session. Whether there is such a session is looked at once the claim is there. */
  #awaitClaim(visit: IncomingRequest | IncomingUpgrade, query: EngineQuery): void {
    if (this.#state === "closed") {
      visit.turnAway();
      return;
    }
    if (this.#exceeds(visit, "resume")) return;
    const sid = `${query.sid}`;
    if (visit.kind === "upgrade") {
      this.#webSockets.complete(visit, { base64: query.base64, initial: false, listens: true }, (pipe) =>
        this.#claims.awaitFrame(visit, pipe, sid),
      );
      return;
    }
    const pipe = this.#pipesOf(query)?.make(sid, query, visit.req);
    // The request has passed the checks, so there is one.
    if (pipe === undefined) return;
    pipe.origin = visit.req.headers.origin;
    pipe.numbers = new RequestNumbers("claim", query.number);
    this.#claims.awaitBody(visit, pipe, sid);
  }

  /** Is the time of its session over, and only the timer has not come yet? Then it comes after that. */
  #isLate({ req, late }: IncomingRequest, { counted, dueAt, protocol }: KnownSession): boolean {
    if (late || counted || dueAt === undefined) return false;
    // A POST of revision 4 may bring the answer that is waited for.
    if (req.method !== "GET" && protocol === 4) return false;
    const lateMs = this.#clock.now() - dueAt;
    return lateMs >= 0 && lateMs < STOOD_STILL_MS;
  }

  /** A request for a session that is known. */
  #admit(
    visit: IncomingRequest | IncomingUpgrade,
    { sid, session, query }: { sid: string; session: KnownSession; query: EngineQuery },
  ): void {
    if (visit.kind === "request" && this.#isLate(visit, session)) {
      visit.late = true;
      this.#clock.setTimer(() => {
        if (!visit.gone) this.#check(visit);
      }, 0);
      return;
    }
    if (visit.kind === "request") {
      const { transport } = session;
      if (query.resume === "leave" && session.counted && visit.req.method === "POST") {
        this.#acceptor.leave(sid);
        visit.req.resume();
        answerEmpty(visit.res, 200);
      } else if (isHttpPipe(transport)) transport.handle(visit.req, visit.res, query.number);
      else this.#refuse(visit, HANDSHAKE_ERROR);
      return;
    }
    // One that is not wanted is answered and closed, as by Socket.IO; more of them are not even answered.
    if ((session.probing || !session.upgradable) && this.#closing.isTurningAway(session)) {
      this.#refuse(visit, { reason: "BAD_REQUEST", context: { name: "UPGRADE_UNDER_WAY" } });
      return;
    }
    this.#completeWebSocket(visit, query, (pipe) => {
      if (session.upgradable && !session.probing) {
        this.#acceptor.upgrade(sid, pipe);
        return;
      }
      pipe.close("dead");
      this.#closing.turnAway(session, visit.socket);
    });
  }

  #completeWebSocket(visit: IncomingUpgrade, query: EngineQuery, accepted: (pipe: Transport) => void): void {
    const initial = query.sid === undefined;
    const listens = query.resume !== undefined;
    this.#closing.remember(visit);
    if (query.protocol === 4) {
      this.#webSockets.complete(visit, { base64: query.base64, initial, listens }, accepted);
    } else {
      const asked = query.base64 ? "base64" : "bytes";
      this.#webSockets.complete(visit, { base64: false, initial, listens }, (pipe) =>
        accepted(new Eio3Pipe(pipe, asked)),
      );
    }
  }

  /** A session that has just closed may still owe its client the CLOSE packet. */
  #sayGoodbye(visit: Incoming, query: EngineQuery): boolean {
    const { sid, transport } = query;
    if (visit.kind !== "request" || typeof sid !== "string") return false;
    const pipe = this.#lingering.find(sid);
    if (pipe === undefined || pipe.name !== transport || this.#checkKind(visit, query) !== undefined)
      return false;
    pipe.handle(visit.req, visit.res, query.number);
    return true;
  }

  #refuse(visit: Incoming, refusal: Refusal): void {
    this.#acceptor.refused(describeRefusal(visit.req, refusal));
    visit.refuse(refusal);
  }
}

const UNLIMITED = Number.POSITIVE_INFINITY;

/** A process whose timers are as late as this has stood still, and what has come meanwhile counts as come in time. */
const STOOD_STILL_MS = 250;

/** As long as a connection may take to join a namespace. */
const DECISION_MS = 45_000;
