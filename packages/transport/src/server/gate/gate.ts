import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Limits, Transport } from "@sockeye/protocol";
import type { WebTransportSession } from "../../shared/webtransport-like.js";
import type { WebTransportPipe } from "../../shared/webtransport-pipe.js";
import { answerEmpty, isHttpPipe } from "../http/http-pipe.js";
import { Lingering } from "../http/lingering.js";
import { type AllowRequest, askApp } from "../request/allow-request.js";
import type { HttpCompression } from "../request/compression.js";
import type { CookieOptions } from "../request/cookie.js";
import { type CorsOptions, type CorsOptionsDelegate, corsMiddleware } from "../request/cors.js";
import { type Incoming, IncomingRequest, IncomingUpgrade } from "../request/incoming.js";
import { IncomingWebTransport, type WebTransportRequest } from "../request/incoming-webtransport.js";
import { type Middleware, runMiddlewares } from "../request/middleware.js";
import { OriginPolicy, type Origins } from "../request/origins.js";
import { Pending, type PendingLimits } from "../request/pending.js";
import { type EngineQuery, readEngineQuery, shareQuery } from "../request/query.js";
import { describeRefusal, type Refusal } from "../request/refusal.js";
import { RequestNumbers } from "../request/request-numbers.js";
import { UpgradeResponse } from "../request/upgrade-response.js";
import { type UrlLimits, urlExcess, urlRefusal } from "../request/url-limits.js";
import { RequestLines } from "../turns/request-line.js";
import { loopOf, Turns } from "../turns/turns.js";
import { Eio3Pipe } from "../websocket/eio3-pipe.js";
import { type WebSocketEngine, WebSocketHandshakes } from "../websocket/websocket-handshakes.js";
import { Arrival, type ArrivalTerms, type Opening } from "../webtransport/webtransport.js";
import { AskedHandshake } from "./asked-handshake.js";
import {
  checkProtocol,
  checkRequest,
  checkSession,
  HANDSHAKE_ERROR,
  isClaim,
  type KnownSession,
} from "./checks.js";
import { Claims } from "./claims.js";
import { ClosingSockets } from "./closing-sockets.js";
import { CheckedHandshake, type GateSink } from "./gate-sink.js";
import { type HttpPipeKind, httpPipes, type StreamOptions } from "./http-pipes.js";
import { checkSamePage } from "./same-page.js";

export interface GateOptions {
  readonly clock: Clock;
  /** `maxMessageBytes` bounds a WebSocket message and a POST body, `maxPacketsPerPayload` the packets of a body. */
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload"> &
    Partial<PendingLimits & UrlLimits>;
  /** Names of the transports on offer; `jsonp` stands for polling in scripts. Default {@link DEFAULT_TRANSPORTS}. */
  readonly transports?: readonly string[] | undefined;
  /** Asked about each handshake, after all other checks but that of the protocol revision. */
  readonly allowRequest?: AllowRequest | undefined;
  /**
   * Which other origins may read answers over HTTP in a browser; the same may open WebSockets, which know no CORS. Off by
   * default: none.
   */
  readonly cors?: CorsOptions | CorsOptionsDelegate | boolean | undefined;
  /** Whose pages may connect, on any transport, beside the server's own and those that `cors` lets in. Default: none. */
  readonly origins?: Origins | undefined;
  /** Sets a cookie with the session id in the answer to a handshake over HTTP. Default false. */
  readonly cookie?: CookieOptions | boolean | undefined;
  /** Compresses polling bodies from `threshold` bytes on. Default `{ threshold: 1024 }`; `false`: never. */
  readonly httpCompression?: HttpCompression | boolean | undefined;
  readonly streams?: StreamOptions | undefined;
  /** Compresses WebSocket messages: `true`, or options of the `ws` package. Default false. */
  readonly perMessageDeflate?: boolean | Record<string, unknown> | undefined;
  /** Milliseconds that a WebTransport session has until the first packet of its client. Default 10000. */
  readonly upgradeTimeout?: number | undefined;
  /** Milliseconds that `allowRequest` and an id may take together until a handshake is refused. Default 45000. */
  readonly connectTimeout?: number | undefined;
  readonly wsEngine?: WebSocketEngine | undefined;
  /** For comparing: `ws` reads WebSockets with the `ws` package also where nothing needs it. Default `own`. */
  readonly webSockets?: "own" | "ws" | undefined;
  /**
   * Milliseconds for which a turn of the event loop handles what comes in, of all clients together, before the rest waits for the
   * next one. A message is never interrupted. Default 5; `Infinity`: as long as there is something.
   */
  readonly maxTurnMs?: number | undefined;
  /** Lets in clients of protocol revision 3 as well: those of Socket.IO 2. Default false. */
  readonly allowEIO3?: boolean | undefined;
}

/** The door for HTTP: checks each request, then leads it to its session or begins one. Each request gets an answer. */
export interface Gate {
  handleRequest(req: IncomingMessage, res: ServerResponse): void;
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** @param request what is known of the request that asked for the session; middlewares and `allowRequest` get it */
  handleWebTransport(session: WebTransportSession, request?: WebTransportRequest): void;
  /** Adds a middleware for every request, upgrade request and WebTransport session. In order of addition. */
  use(middleware: Middleware): void;
  /** Refuses handshakes from now on, with status 503. Live sessions keep their requests, and may upgrade. */
  drain(): void;
  /** Refuses handshakes and upgrades from now on, with status 503. Live sessions keep their requests. */
  close(): void;
}

/** @throws UsageError `ERR_BAD_OPTION` if the cookie option does not make a valid cookie, or `perMessageDeflate` no sense */
export function createGate(options: GateOptions, acceptor: GateSink): Gate {
  return new HttpGate(options, acceptor);
}

/** Those that stock clients do not know are there for who asks, and never advertised. */
export const DEFAULT_TRANSPORTS: readonly string[] = ["polling", "websocket", "sse", "stream", "iframe"];

class HttpGate implements Gate {
  readonly #acceptor: GateSink;
  readonly #clock: Clock;
  readonly #transports: ReadonlySet<string>;
  readonly #allowRequest: AllowRequest | undefined;
  readonly #allowEIO3: boolean;
  readonly #httpPipes: ReadonlyMap<string, HttpPipeKind>;
  readonly #lingering: Lingering;
  readonly #origins: OriginPolicy;
  readonly #webSockets: WebSocketHandshakes;
  readonly #arrivals: ArrivalTerms;
  readonly #claims: Claims;
  readonly #closing: ClosingSockets;
  /** How long the app may take to decide about a handshake. */
  readonly #decisionMs: number;
  readonly #requests: RequestLines;
  readonly #urls: UrlLimits;
  #middlewares: Middleware[] | undefined;
  #state: "open" | "draining" | "closed" = "open";

  constructor(options: GateOptions, acceptor: GateSink) {
    this.#acceptor = acceptor;
    this.#transports = new Set(options.transports ?? DEFAULT_TRANSPORTS);
    this.#allowRequest = options.allowRequest;
    this.#lingering = new Lingering(options.clock);
    this.#allowEIO3 = options.allowEIO3 === true;
    this.#origins = new OriginPolicy(options.origins);
    const turns = new Turns(loopOf(options.clock), options.maxTurnMs);
    this.#requests = new RequestLines(turns);
    const asked = { turns, origins: this.#origins, jsonp: this.#transports.has("jsonp") };
    this.#httpPipes = httpPipes({ ...options, ...asked }, acceptor, this.#lingering);
    this.#decisionMs = options.connectTimeout ?? DECISION_MS;
    const { maxPending = UNLIMITED, maxPendingPerAddress = UNLIMITED } = options.limits;
    const { maxUrlLength = UNLIMITED, maxQueryParameters = UNLIMITED } = options.limits;
    this.#urls = { maxUrlLength, maxQueryParameters };
    const pending = new Pending({ maxPending, maxPendingPerAddress }, (error, address) =>
      acceptor.exceeded?.(error, address),
    );
    const addressOf = ({ req }: Incoming): string | undefined => acceptor.addressOf?.(req);
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
    this.#arrivals = {
      clock: options.clock,
      timeoutMs: options.upgradeTimeout ?? 10_000,
      maxFrameBytes: options.limits.maxMessageBytes,
      pending,
      addressOf,
      turns,
    };
    const { clock, limits } = options;
    this.#clock = clock;
    this.#claims = new Claims(acceptor, {
      clock,
      limits,
      pending,
      timeoutMs: this.#arrivals.timeoutMs,
      closing: this.#closing,
    });
    if (options.cors) this.use(corsMiddleware(options.cors));
  }

  handleRequest(req: IncomingMessage, res: ServerResponse): void {
    const visit = new IncomingRequest(req, res);
    this.#requests.add(req.socket, visit, () => this.#request(visit));
  }

  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = new IncomingUpgrade(req, socket, head);
    this.#requests.add(socket, visit, () => this.#upgrade(visit));
  }

  #request(visit: IncomingRequest): void {
    const { req } = visit;
    if (this.#isTooLong(visit)) return;
    if (this.#middlewares === undefined) {
      this.#check(visit);
      return;
    }
    shareQuery(req);
    runMiddlewares(this.#middlewares, visit, (error) => {
      if (!visit.gone) this.#leave(visit, error);
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
    runMiddlewares(this.#middlewares, { req, res: response.res }, (error) => {
      if (response.answered || visit.gone) return;
      visit.headers = response.release();
      this.#leave(visit, error);
    });
  }

  handleWebTransport(session: WebTransportSession, request: WebTransportRequest = {}): void {
    const visit = new IncomingWebTransport(session, request);
    if (this.#state === "closed") {
      visit.turnAway();
      return;
    }
    if (!this.#transports.has("webtransport")) {
      this.#refuse(visit, { reason: "UNKNOWN_TRANSPORT", context: { transport: "webtransport" } });
      return;
    }
    if (this.#isTooLong(visit)) return;
    const arrival = new Arrival(visit, this.#arrivals);
    const receive = (corsAnswer?: unknown): void => {
      const foreign = this.#origins.check(visit.req, corsAnswer);
      if (foreign === undefined) arrival.receive((pipe, opening) => this.#arrived(visit, pipe, opening));
      else this.#refuse(visit, foreign);
    };
    if (this.#middlewares === undefined) {
      receive();
      return;
    }
    shareQuery(visit.req);
    const response = new UpgradeResponse(visit.req, visit.socket);
    runMiddlewares(this.#middlewares, { req: visit.req, res: response.res }, (error) => {
      if (response.answered || visit.gone) return;
      if (error === undefined) receive(response.release()["access-control-allow-origin"]);
      else this.#refuse(visit, middlewareFailure(error));
    });
  }

  use(middleware: Middleware): void {
    this.#middlewares ??= [];
    this.#middlewares.push(middleware);
  }

  drain(): void {
    if (this.#state === "open") this.#state = "draining";
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#claims.close();
    this.#lingering.close();
    this.#webSockets.close();
    this.#closing.close();
  }

  /** The middlewares are through with it. */
  #leave(visit: IncomingRequest | IncomingUpgrade, error: unknown): void {
    if (error === undefined) this.#check(visit);
    else this.#refuse(visit, middlewareFailure(error));
  }

  /** The client of a WebTransport session has said what it wants. */
  #arrived(visit: IncomingWebTransport, pipe: WebTransportPipe, opening: Opening): void {
    if (this.#state === "closed") {
      visit.turnAway();
      return;
    }
    const sid = opening.wants === "upgrade" ? opening.sid : undefined;
    const { resume } = readEngineQuery(visit.req.url ?? "");
    const query: EngineQuery = { ...WEBTRANSPORT, sid, resume };
    if (opening.wants === "session") {
      this.#ask(visit, query);
    } else if (opening.wants === "resume") {
      if (!this.#exceeds(visit, "resume") && this.#claims.decide(visit, pipe, opening.claim))
        pipe.allow(this.#arrivals.maxFrameBytes);
    } else {
      const session = this.#acceptor.find(opening.sid);
      const refusal = checkSamePage(visit, session) ?? checkSession({ query, session, upgrade: true }, sid);
      if (refusal !== undefined) this.#refuse(visit, refusal);
      else if (session?.upgradable && !session.probing) {
        pipe.allow(this.#arrivals.maxFrameBytes);
        this.#acceptor.upgrade(opening.sid, pipe);
      } else pipe.close("dead");
    }
  }

  #check(visit: IncomingRequest | IncomingUpgrade): void {
    const { req } = visit;
    const query = readEngineQuery(req.url ?? "");
    const { sid } = query;
    const upgrade = visit.kind === "upgrade";
    const claims = isClaim({ req, query, upgrade });
    const session = typeof sid === "string" && !claims ? this.#acceptor.find(sid) : undefined;
    const foreign = this.#origins.check(req, visit.corsAnswer) ?? checkSamePage(visit, session);
    const refusal =
      checkRequest({ req, query, upgrade, session, foreign, transports: this.#transports }) ??
      this.#checkKind(visit, query);
    if (refusal !== undefined) {
      if (refusal.reason !== "UNKNOWN_SID" || !this.#sayGoodbye(visit, query)) this.#refuse(visit, refusal);
    } else if (claims) {
      this.#awaitClaim(visit, query);
    } else if (session === undefined ? this.#state !== "open" : upgrade && this.#state === "closed") {
      visit.turnAway();
    } else if (typeof sid === "string" && session !== undefined) {
      this.#admit(visit, { sid, session, query });
    } else {
      this.#ask(visit, query);
    }
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
    this.#acceptor.exceeded?.(error, this.#acceptor.addressOf?.(visit.req));
    this.#refuse(visit, urlRefusal(error));
    return true;
  }

  /** Refuses whoever comes too often. */
  #exceeds(visit: Incoming, asks: "open" | "resume"): boolean {
    const excess = this.#acceptor.exceeds?.(visit.req, asks);
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
      this.#webSockets.complete(visit, { base64: query.base64, initial: false }, (pipe) =>
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

  /** The app decides, and may take its time. The place of the session is taken before, and given back if there is none. */
  #ask(visit: Incoming, query: EngineQuery): void {
    if (this.#exceeds(visit, "open")) return;
    const place = this.#acceptor.reserve?.(visit.req);
    const asked = new AskedHandshake(visit, query, { clock: this.#clock, place });
    if (this.#allowRequest === undefined) {
      this.#identify(asked);
    } else {
      shareQuery(visit.req);
      askApp(this.#allowRequest, visit.req, (refusal) => {
        if (refusal === undefined) this.#identify(asked);
        else this.#decline(asked, refusal);
      });
    }
    asked.await(this.#decisionMs, () => this.#refuse(visit, LATE));
  }

  /** The handshake is refused, unless nobody waits for that any more. */
  #decline(asked: AskedHandshake, refusal: Refusal): void {
    if (!asked.over) this.#refuse(asked.visit, refusal);
    asked.end();
  }

  /** A request for a session that is known. */
  #admit(
    visit: IncomingRequest | IncomingUpgrade,
    { sid, session, query }: { sid: string; session: KnownSession; query: EngineQuery },
  ): void {
    if (visit.kind === "request") {
      const { transport } = session;
      if (query.resume === "leave" && session.counted && visit.req.method === "POST") {
        this.#acceptor.leave?.(sid);
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

  /** The last steps of a handshake: the protocol revision, then an id. */
  #identify(asked: AskedHandshake): void {
    const { visit, query } = asked;
    const refusal = asked.over ? undefined : checkProtocol(query, this.#allowEIO3);
    if (asked.over || refusal !== undefined) {
      this.#decline(asked, refusal ?? HANDSHAKE_ERROR);
      return;
    }
    const fail = (error: unknown): void => this.#decline(asked, idFailure(error));
    let id: string | Promise<string>;
    try {
      id = this.#acceptor.newId(visit.req);
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof id === "string") this.#open(asked, id);
    else Promise.resolve(id).then((later) => this.#open(asked, later), fail);
  }

  #open(asked: AskedHandshake, sid: string): void {
    const { visit, query } = asked;
    if (asked.over) {
      asked.end();
      return;
    }
    if (this.#state !== "open") {
      visit.turnAway();
      asked.end();
      return;
    }
    // An app's own generator may give anything.
    if (typeof sid !== "string" || sid === "" || this.#acceptor.find(sid) !== undefined) {
      this.#decline(asked, idFailure(new Error("the id of a session must be a new, non-empty string")));
      return;
    }
    const counts = query.protocol === 4 && query.resume === "offer";
    const open = (pipe: Transport): void => {
      const place = asked.takePlace();
      this.#acceptor.open(sid, pipe, new CheckedHandshake(visit.req, query.protocol, counts, place));
    };
    if (visit.kind === "upgrade") {
      this.#completeWebSocket(visit, query, (pipe) => {
        // The app hears of headers in between, and may have done anything.
        if (this.#state === "open" && this.#acceptor.find(sid) === undefined) {
          open(pipe);
          return;
        }
        pipe.close("dead");
        asked.end();
      });
      return;
    }
    if (visit.kind === "session") {
      visit.pipe?.allow(this.#arrivals.maxFrameBytes);
      if (visit.pipe !== undefined) open(visit.pipe);
      return;
    }
    const pipe = this.#pipesOf(query)?.make(sid, query, visit.req);
    // The request has passed the checks, so there is one.
    if (pipe === undefined) return;
    pipe.origin = visit.req.headers.origin;
    pipe.handle(visit.req, visit.res);
    open(pipe);
    if (counts && this.#acceptor.find(sid)?.counted) pipe.numbers = new RequestNumbers("handshake");
  }

  #completeWebSocket(visit: IncomingUpgrade, query: EngineQuery, accepted: (pipe: Transport) => void): void {
    const initial = query.sid === undefined;
    this.#closing.remember(visit);
    if (query.protocol === 4) {
      this.#webSockets.complete(visit, { base64: query.base64, initial }, accepted);
    } else {
      const asked = query.base64 ? "base64" : "bytes";
      this.#webSockets.complete(visit, { base64: false, initial }, (pipe) =>
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

/** As long as a connection may take to join a namespace. */
const DECISION_MS = 45_000;

/** The app has not decided in time. */
const LATE: Refusal = { reason: "FORBIDDEN", context: { name: "HANDSHAKE_TIMEOUT" } };

const WEBTRANSPORT = { transport: "webtransport", protocol: 4, base64: false, number: undefined } as const;

function middlewareFailure(error: unknown): Refusal {
  return { reason: "BAD_REQUEST", context: { name: "MIDDLEWARE_FAILURE", error } };
}

function idFailure(error: unknown): Refusal {
  return { reason: "BAD_REQUEST", context: { name: "ID_GENERATION_ERROR", error } };
}
