import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type {
  Claim,
  Clock,
  CloseReason,
  Limits,
  ResumeTerms,
  SockeyeError,
  Transport,
} from "@sockeye/protocol";
import { requireFunction } from "@sockeye/protocol";
import type { ServerConfig, Session, SessionConfig } from "@sockeye/session";
import { ResendBudget, ServerEnd } from "@sockeye/session";
import type {
  ForwardedFacts,
  ForwardedRequest,
  Gate,
  GateSink,
  HandshakeRequest,
  Middleware,
  Place,
  RefusedRequest,
  ResponseHeaders,
  There,
  UpgradeRequest,
  WebTransportRequest,
  WebTransportSession,
} from "@sockeye/transport/server";
import { createGate, loopOf, remoteAddress, Turns } from "@sockeye/transport/server";
import { DEFAULT_IPV6_PREFIX, requirePrefix } from "./address-group.js";
import type { ClientAddress } from "./addresses.js";
import { Addresses } from "./addresses.js";
import { clientGroup } from "./client-group.js";
import { configure, withDefaults } from "./engine-config.js";
import type { EngineOptions } from "./engine-options.js";
import { requirePositive, withoutNulls } from "./engine-options.js";
import type { EngineSessionSink, EngineSink } from "./engine-session.js";
import { EngineSession } from "./engine-session.js";
import type { ErrorBoundary } from "./error-boundary.js";
import { FirstRequest } from "./first-request.js";
import { SessionRegistry } from "./registry.js";
import { resumeTerms } from "./resume-options.js";
import { checkTransports } from "./transport-names.js";

/** Hears what happens in an engine, and changes nothing. No method may throw. */
export interface EngineWatcher<Above extends EngineSessionSink> {
  /** A session has begun, and OPEN is queued. What stands above it is told next. */
  began(session: EngineSession<Above>): void;
  /** It has changed to a better transport. */
  upgraded(session: EngineSession<Above>): void;
  /** Its transport is lost. */
  suspended(session: EngineSession<Above>, reason: CloseReason, cause: Error | undefined): void;
  /** It continues over another transport. */
  resumed(session: EngineSession<Above>): void;
  /** A handshake or request was refused. */
  refused(refused: RefusedRequest): void;
  /** The headers of an answer are about to be sent, and may be changed. `initial`: it answers a handshake. */
  headers(headers: ResponseHeaders, req: IncomingMessage, initial: boolean): void;
  /** A client without a session has exceeded a limit, and was told. */
  exceeded(error: SockeyeError, address: string): void;
}

/** Other nodes, whose sessions are theirs. */
export interface Neighbours {
  /** Who else may have a session of this id? By a look at the id alone: it is the peer's. */
  locate(sid: string): There | undefined;
  /** Passes a request on to the node that has its session. @param failed it does not answer; `intact`: nothing of the request was read */
  forward(request: ForwardedRequest, node: string, failed: (intact: boolean) => void): void;
  /** A claim was refused here: its client starts over. The node that has the session is told, if there is one. */
  claimRefused(claim: Claim): void;
}

/** What an engine is given. */
export interface EngineTerms<Above extends EngineSessionSink> {
  readonly clock: Clock;
  readonly codec: SessionConfig["codec"];
  /** For what clients of protocol revision 3 send. */
  readonly eio3Codec: SessionConfig["codec"];
  readonly limits: Limits;
  /** Of the secrets by which clients come back. Default: a random one, so that no other process knows them. */
  readonly key?: Uint8Array | undefined;
  readonly boundary: ErrorBoundary;
  readonly watcher: EngineWatcher<Above>;
  /** The other nodes. Absent: there are none. */
  readonly neighbours?: Neighbours | undefined;
  /** A new id for a handshake. May be the app's, so it may be asynchronous and may fail. */
  newId(req: IncomingMessage): string | Promise<string>;
  /** May the app's code have changed a request? Then the very object is kept. */
  seesRequests(): boolean;
}

/**
 * Sessions that end for what the client did, or failed to do. They are forgotten at once: a client between two polls reads a goodbye only
 * if the server has wanted the end.
 */
const FAULTS: ReadonlySet<CloseReason> = new Set(["ping timeout", "parse error"]);

/** What follows from the options. */
interface Setup {
  readonly options: EngineOptions;
  readonly config: ServerConfig;
  /** For sessions of protocol revision 3. */
  readonly eio3Config: ServerConfig;
  /** Unless sessions end with their transports. */
  readonly resume: Pick<ResumeTerms, "window" | "bytes"> | undefined;
  /** Only if a limit per address is set. */
  readonly addresses: Addresses | undefined;
  readonly gate: Gate;
  readonly turns: Turns;
}

/** Sessions by their ids, and the gate that they come through. */
export class SessionEngine<Above extends EngineSessionSink> implements GateSink {
  readonly #terms: EngineTerms<Above>;
  readonly #above: EngineSink<Above>;
  readonly #sessions = new SessionRegistry<Above>();
  readonly #middlewares: Middleware[] = [];
  #setup: Setup;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(options: EngineOptions, terms: EngineTerms<Above>, above: EngineSink<Above>) {
    this.#terms = terms;
    this.#above = above;
    this.#setup = this.#setUp(options);
  }

  get options(): EngineOptions {
    return this.#setup.options;
  }

  get sessions(): Omit<SessionRegistry<Above>, "add" | "suspend" | "resume" | "delete"> {
    return this.#sessions;
  }

  /**
   * Takes other options, as long as no session has come under those that it has; middlewares stay.
   *
   * @returns whether it did
   * @throws UsageError `ERR_BAD_OPTION`
   */
  reconfigure(options: EngineOptions): boolean {
    if (this.#sessions.size > 0) return false;
    this.#setup = this.#setUp(options);
    for (const middleware of this.#middlewares) this.#setup.gate.use(middleware);
    return true;
  }

  /** The transports to which a session on this one may change. */
  upgrades(transport: string): readonly string[] {
    return this.#setup.config.role.upgrades(transport);
  }

  /** Adds a middleware for every request. In order of addition. */
  use(middleware: Middleware): void {
    requireFunction(middleware, "a middleware");
    this.#middlewares.push(middleware);
    this.#setup.gate.use(middleware);
  }

  handleRequest(req: IncomingMessage, res: ServerResponse): void {
    this.#setup.gate.handleRequest(req, res);
  }

  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#setup.gate.handleUpgrade(req, socket, head);
  }

  /** A request that another node has passed on, and has checked. */
  handleForwarded(req: IncomingMessage, res: ServerResponse, facts: ForwardedFacts): void {
    this.#setup.gate.handleForwarded(req, res, facts);
  }

  /** The same for a request to upgrade. */
  handleForwardedUpgrade(upgrade: UpgradeRequest, facts: ForwardedFacts): void {
    this.#setup.gate.handleForwardedUpgrade(upgrade, facts);
  }

  handleWebTransport(session: WebTransportSession, request?: WebTransportRequest): void {
    this.#setup.gate.handleWebTransport(session, request);
  }

  /** Refuses new sessions; those that there are continue. */
  drain(): void {
    this.#setup.gate.drain();
  }

  /** Ends all sessions, and refuses new ones. Resolves once their clients are told so, as far as they ask again within half a second. */
  farewell(): Promise<void> {
    this.drain();
    for (const session of [...this.#sessions.all()]) session.shutDown();
    return this.#setup.gate.told();
  }

  /** Ends all sessions, and refuses new ones. */
  close(): void {
    for (const session of [...this.#sessions.all()]) session.shutDown();
    this.#setup.gate.close();
  }

  // ---- from the gate

  locate(sid: string): EngineSession<Above> | There | undefined {
    return this.#sessions.get(sid) ?? this.#terms.neighbours?.locate(sid);
  }

  forward(request: ForwardedRequest, node: string, failed: (intact: boolean) => void): void {
    const { neighbours } = this.#terms;
    if (neighbours) neighbours.forward(request, node, failed);
    else failed(false);
  }

  claimRefused(claim: Claim): void {
    this.#terms.neighbours?.claimRefused(claim);
  }

  find(sid: string): EngineSession<Above> | undefined {
    return this.#sessions.get(sid);
  }

  exceeds(req: IncomingMessage, asks: "open" | "resume"): SockeyeError | undefined {
    const { addresses } = this.#setup;
    const error = asks === "open" ? addresses?.handshake(req) : addresses?.claim(req);
    if (error) this.exceeded(error, remoteAddress(req));
    return error;
  }

  reserve(req: IncomingMessage): Place | undefined {
    return this.#setup.addresses?.reserve(req);
  }

  addressOf(req: IncomingMessage): string | undefined {
    return this.#setup.addresses?.of(req);
  }

  exceeded(error: SockeyeError, address: string | undefined): void {
    this.#terms.watcher.exceeded(error, address ?? "");
  }

  newId(req: IncomingMessage): string | Promise<string> {
    return this.#terms.newId(req);
  }

  open(sid: string, transport: Transport, handshake: HandshakeRequest): void {
    const { clock, limits, watcher } = this.#terms;
    const { config, eio3Config, resume, turns } = this.#setup;
    const counted = resume && handshake.counts ? new ResendBudget(resume, clock) : undefined;
    const own = handshake.protocol === 3 ? eio3Config : config;
    // The session is made first, so that what stands above can be its sink: a packet passes through nothing else.
    const made: { session?: Session } = {};
    const session = new EngineSession<Above>({
      first: new FirstRequest(handshake, this.#middlewares.length > 0 || this.#terms.seesRequests()),
      above: this.#above,
      limits,
      turns,
      converse: (sink) => {
        const limitsTold = handshake.isOurs ? config.role.limits : undefined;
        const end = new ServerEnd(own, sink, { id: sid, counted, limits: limitsTold });
        made.session = end.session;
        return { conversation: end.session, taker: end };
      },
    });
    this.#sessions.add(sid, session, handshake.place);
    made.session?.start(transport);
    watcher.began(session);
    session.sink.started?.();
  }

  upgrade(sid: string, transport: Transport): void {
    const session = this.#sessions.get(sid);
    if (session) session.offer(transport);
    else transport.close("goodbye");
  }

  resume(claim: Claim, transport: Transport): boolean {
    const session = this.#sessions.get(claim.sid);
    if (!session?.acceptClaim(transport, claim)) return false;
    this.#sessions.resume(session);
    this.#terms.watcher.resumed(session);
    session.sink.resumed?.();
    return true;
  }

  leave(sid: string): void {
    this.#sessions.get(sid)?.leave();
  }

  refused(refused: RefusedRequest): void {
    this.#terms.watcher.refused(refused);
  }

  reportError(error: unknown, event: string): void {
    this.#terms.boundary.reportError(error, event);
  }

  headers(headers: ResponseHeaders, req: IncomingMessage, initial: boolean): void {
    this.#terms.watcher.headers(headers, req, initial);
  }

  // ---- inside

  #setUp(given: EngineOptions): Setup {
    const options = withoutNulls(given);
    const { clock, codec, eio3Codec, key, limits } = this.#terms;
    checkTransports(options);
    if (options.maxTurnMs !== undefined) requirePositive("maxTurnMs", options.maxTurnMs);
    const resume = resumeTerms(options.resume);
    const hooks = this.#hooks();
    const config = configure(options, { clock, codec, key, limits, resume, hooks });
    const turns = new Turns(loopOf(clock), options.maxTurnMs);
    return {
      options: withDefaults(options),
      config,
      resume,
      eio3Config: { ...config, codec: eio3Codec, role: { ...config.role, pings: "client" } },
      addresses: this.#countAddresses(options),
      turns,
      gate: createGate({ ...options, clock, limits, turns }, this),
    };
  }

  #hooks(): Pick<ServerConfig["role"], "upgraded" | "suspended" | "ended"> {
    const { watcher } = this.#terms;
    return {
      upgraded: (_transport, sid) => {
        const session = this.#sessions.get(sid);
        if (session) watcher.upgraded(session);
      },
      suspended: (sid, reason, cause) => {
        const session = this.#sessions.get(sid);
        if (!session) return;
        this.#sessions.suspend(session);
        watcher.suspended(session, reason, cause);
        session.sink.suspended?.(reason, cause);
      },
      ended: (sid, reason) => {
        if (FAULTS.has(reason)) this.#setup.gate.forget(sid);
        this.#sessions.delete(sid);
      },
    };
  }

  #countAddresses({ clientAddress, ipv6Prefix = DEFAULT_IPV6_PREFIX }: EngineOptions): Addresses | undefined {
    const { boundary, clock, limits } = this.#terms;
    requirePrefix(ipv6Prefix);
    const { maxSessionsPerAddress, maxHandshakesPerSecondPerAddress, maxPendingPerAddress } = limits;
    const bounds = [maxSessionsPerAddress, maxHandshakesPerSecondPerAddress, maxPendingPerAddress];
    if (bounds.every((bound) => bound === Number.POSITIVE_INFINITY)) return undefined;
    const addressOf: ClientAddress = (req) =>
      clientGroup({ req, address: remoteAddress(req) }, { clientAddress, ipv6Prefix }, boundary);
    return new Addresses({ clock, limits, addressOf });
  }
}
