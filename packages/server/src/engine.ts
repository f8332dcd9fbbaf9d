import type { EventEmitter } from "node:events";
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type {
  Claim,
  Clock,
  CloseReason,
  Codec,
  EncodedPacket,
  Limits,
  PacketLimits,
  ResumeTerms,
  SockeyeError,
  Transport,
} from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { ServerRole, SessionConfig } from "@sockeye/session";
import {
  createOverflow,
  encodeMessage,
  FlushScheduler,
  ResendBudget,
  Session,
  serverEnd,
  TimerWheel,
} from "@sockeye/session";
import type { Unchecked } from "@sockeye/socket";
import { dispatch, Emitter } from "@sockeye/socket";
import type {
  Gate,
  GateSink,
  HandshakeRequest,
  Middleware,
  Place,
  RefusedRequest,
  ResponseHeaders,
  WebTransportRequest,
  WebTransportSession,
} from "@sockeye/transport/server";
import { attach, createGate, DEFAULT_TRANSPORTS } from "@sockeye/transport/server";
import { DEFAULT_IPV6_PREFIX, requirePrefix } from "./address-group.js";
import type { ClientAddress } from "./addresses.js";
import { Addresses } from "./addresses.js";
import { clientGroup } from "./client-group.js";
import type { Conn } from "./conn.js";
import type { ConnectionHost } from "./connection.js";
import { Connection } from "./connection.js";
import { FirstRequest } from "./first-request.js";
import { randomId } from "./ids.js";
import type { AttachOptions, EngineOptions } from "./options.js";
import { requirePositive } from "./options.js";
import { resumeTerms } from "./resume-options.js";
import { SessionSecrets } from "./secrets.js";

type ServerConfig = SessionConfig & { readonly role: ServerRole };

/** What follows from the options. */
interface Setup {
  readonly options: EngineOptions;
  readonly config: ServerConfig;
  /** For sessions of protocol revision 3. */
  readonly olderConfig: SessionConfig;
  /** Unless sessions end with their transports. */
  readonly resume: Pick<ResumeTerms, "window" | "bytes"> | undefined;
  /** Only if a limit per address is set. */
  readonly addresses: Addresses | undefined;
  readonly gate: Gate;
}

/** What `io.engine` emits. */
export interface EngineEvents {
  /** A session has begun. */
  connection: (conn: Conn) => void;
  /** The headers of the answer to a handshake are about to be sent, and may be changed. */
  initial_headers: (headers: ResponseHeaders, req: IncomingMessage) => void;
  /** The headers of any answer are about to be sent, and may be changed. */
  headers: (headers: ResponseHeaders, req: IncomingMessage) => void;
  /** A handshake or request was refused. */
  connection_error: (refused: RefusedRequest) => void;
  /** Packets of a connection were handed to its transport. For connections that began after the first listener was there. */
  flush: (conn: Conn, batch: readonly EncodedPacket[]) => void;
  /** A connection has nothing queued any more. For the same connections as `flush`. */
  drain: (conn: Conn) => void;
}

/** What stands above the engine. */
export interface EngineHost extends ConnectionHost {
  /** Of sessions and transports. */
  readonly engineClock: Clock;
  readonly codec: Codec;
  /** For what clients of Socket.IO 2 send. */
  readonly olderCodec: Codec;
  readonly limits: Limits;
  /** A connection has begun. */
  opened(connection: Connection): void;
  /** The app has heard of it. */
  begun(connection: Connection): void;
  /** Its transport broke, and it waits for another one. */
  suspended(connection: Connection): void;
}

/** As in Socket.IO: not the path of {@link ServerOptions}, which `io.attach` passes on. */
const DEFAULT_PATH = "/engine.io";
const DEFAULTS = { pingInterval: 25_000, pingTimeout: 20_000, upgradeTimeout: 10_000 };

/** There is nothing better. */
const NO_UPGRADE_FROM: ReadonlySet<string> = new Set(["websocket", "webtransport"]);

/** The connections of a server, and the door that they come through: `io.engine`. */
export class Engine extends Emitter<Record<never, never>, EngineEvents> implements GateSink {
  /** Set by `listen` of `@sockeye/server/engine`. */
  httpServer: HttpServer | undefined;
  readonly #host: EngineHost;
  #setup: Setup;
  readonly #middlewares: Middleware[] = [];
  /** Give back the HTTP servers of {@link attach}. */
  readonly #detachments: (() => void)[] = [];
  /** Connections by the id of their session. The ids of requests come from the wire: only a `Map` may be asked. */
  readonly #connections = new Map<string, Connection>();
  /** Those whose transport is lost. */
  readonly #suspended = new Set<Connection>();
  /** Of the sessions that are counted by address, by their ids. */
  readonly #places = new Map<string, Place>();

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(host: EngineHost, options: EngineOptions) {
    super();
    this.#host = host;
    this.#setup = this.#setUp(options);
  }

  get opts(): EngineOptions {
    return this.#setup.options;
  }

  /**
   * @internal Takes other options, as long as no connection and no HTTP server has come under those that it has; listeners and
   * middlewares stay.
   *
   * @returns whether it did
   * @throws UsageError `ERR_BAD_OPTION`
   */
  reconfigure(options: EngineOptions): boolean {
    if (this.#connections.size > 0 || this.#detachments.length > 0) return false;
    this.#setup = this.#setUp(options);
    for (const middleware of this.#middlewares) this.#setup.gate.use(middleware);
    return true;
  }

  get clientsCount(): number {
    return this.#connections.size;
  }

  /** The live connections by the ids of their sessions, as they are now. Ids are secrets of the clients. */
  get clients(): Readonly<Record<string, Conn>> {
    const clients: Record<string, Conn> = Object.create(null) as Record<string, Conn>;
    for (const [sid, { conn }] of this.#connections) clients[sid] = conn;
    return clients;
  }

  /** @internal How many of them wait for their client to come back. */
  get suspendedCount(): number {
    return this.#suspended.size;
  }

  /** @internal Live sessions by transport, without those that are suspended. */
  countByTransport(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { transport, suspended } of this.#connections.values()) {
      if (transport && !suspended) counts.set(transport.name, (counts.get(transport.name) ?? 0) + 1);
    }
    return counts;
  }

  /** A new session id. May be replaced by the app's own, also an asynchronous one; ids must be unguessable. */
  generateId(_req: IncomingMessage): string | Promise<string> {
    return randomId();
  }

  /** Adds a middleware in the style of Express for every request and upgrade request of the engine. */
  use(middleware: Middleware): this;
  /** One that asks for a framework's own requests, as Express's do: it gets Node.js's all the same. */
  use(middleware: (req: Unchecked, res: Unchecked, next: Unchecked) => unknown): this;
  use(middleware: Middleware): this {
    this.#middlewares.push(middleware);
    this.#setup.gate.use(middleware);
    return this;
  }

  /** The transports to which a session on this one may change. */
  upgrades(transport: string): readonly string[] {
    return this.#setup.config.role.upgrades(transport);
  }

  /** Puts the engine beside the routes of another HTTP server. `io.attach` does so for the server's own. */
  attach(server: EventEmitter, options: AttachOptions = {}): this {
    const detach = attach(server, {
      ...options,
      path: options.path ?? DEFAULT_PATH,
      onRequest: (req, res) => this.handleRequest(req, res),
      onUpgrade: (req, socket, head) => this.handleUpgrade(req, socket, head),
    });
    this.#detachments.push(detach);
    return this;
  }

  /** Calls the listeners of an event, as an app's own engine might. @returns whether there was one */
  emit(event: string | symbol, ...args: Unchecked[]): boolean {
    return dispatch(this, event, args);
  }

  /** Answers a request for the engine, whatever server it came from. */
  handleRequest(req: IncomingMessage, res: ServerResponse): void {
    this.#setup.gate.handleRequest(req, res);
  }

  /** Answers an upgrade request for the engine, whatever server it came from. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#setup.gate.handleUpgrade(req, socket, head);
  }

  /**
   * Takes a session of WebTransport from an HTTP/3 server; the option `transports` must name `webtransport`.
   *
   * @param session by W3C's interface, whatever package it is from
   * @param request what that package tells of the request: middlewares, `allowRequest`, `cors` and `socket.handshake` know
   * nothing else
   */
  onWebTransportSession(session: WebTransportSession, request?: WebTransportRequest): void {
    this.#setup.gate.handleWebTransport(session, request);
  }

  /** @internal Its connections, those among them that still write what is queued. */
  connections(): Iterable<Connection> {
    return this.#connections.values();
  }

  /** @internal Refuses new connections; those that there are go on. */
  drain(): void {
    this.#setup.gate.drain();
  }

  /** Ends all connections, and refuses new ones. */
  close(): this {
    for (const connection of [...this.#connections.values()]) connection.shutDown();
    this.#setup.gate.close();
    for (const detach of this.#detachments.splice(0)) detach();
    return this;
  }

  // ---- from the gate

  /** @internal */
  find(sid: string): Connection | undefined {
    return this.#connections.get(sid);
  }

  /** @internal */
  exceeds(req: IncomingMessage, asks: "open" | "resume"): SockeyeError | undefined {
    const { addresses } = this.#setup;
    const error = asks === "open" ? addresses?.handshake(req) : addresses?.claim(req);
    if (error) this.#host.monitor.limitExceeded(error, req.socket?.remoteAddress ?? "");
    return error;
  }

  /** @internal */
  reserve(req: IncomingMessage): Place | undefined {
    return this.#setup.addresses?.reserve(req);
  }

  /** @internal */
  addressOf(req: IncomingMessage): string | undefined {
    return this.#setup.addresses?.of(req);
  }

  /** @internal */
  exceeded(error: SockeyeError, address: string | undefined): void {
    this.#host.monitor.limitExceeded(error, address ?? "");
  }

  /** @internal */
  newId(req: IncomingMessage): string | Promise<string> {
    return this.generateId(req);
  }

  /** @internal */
  open(sid: string, transport: Transport, handshake: HandshakeRequest): void {
    const connection = new Connection(this.#host, new FirstRequest(handshake, this.#seesRequests()));
    const { config, olderConfig, resume } = this.#setup;
    const counted = resume && handshake.counts ? new ResendBudget(resume, this.#host.engineClock) : undefined;
    const session = new Session(handshake.protocol === 3 ? olderConfig : config, connection, {
      id: sid,
      counted,
    });
    connection.bind(session);
    this.#connections.set(sid, connection);
    if (handshake.place !== undefined) this.#places.set(sid, handshake.place);
    session.start(transport, handshake.counts ? config.role.limits : undefined);
    this.#host.monitor.sessionOpened(connection);
    this.#host.opened(connection);
    if (this.hasListeners("flush") || this.hasListeners("drain")) this.#watch(connection.conn);
    if (this.hasListeners("connection")) dispatch(this, "connection", [connection.conn]);
    this.#host.begun(connection);
  }

  /** @internal */
  upgrade(sid: string, transport: Transport): void {
    const connection = this.#connections.get(sid);
    if (connection) connection.offer(transport);
    else transport.close("goodbye");
  }

  /** @internal */
  resume(claim: Claim, transport: Transport): boolean {
    const connection = this.#connections.get(claim.sid);
    if (!connection?.claimed(transport, claim)) return false;
    this.#suspended.delete(connection);
    this.#host.monitor.sessionResumed(connection);
    return true;
  }

  /** @internal */
  leave(sid: string): void {
    this.#connections.get(sid)?.leave();
  }

  /** @internal */
  refused(refused: RefusedRequest): void {
    this.#host.monitor.requestRefused(refused);
    dispatch(this, "connection_error", [refused]);
  }

  /** @internal */
  headers(headers: ResponseHeaders, req: IncomingMessage, initial: boolean): void {
    if (initial) dispatch(this, "initial_headers", [headers, req]);
    dispatch(this, "headers", [headers, req]);
  }

  /** An app's listener on the engine has thrown. */
  reportError(error: unknown, event: string | symbol | number): void {
    this.#host.reportError(error, event);
  }

  #watch(conn: Conn): void {
    conn.on("flush", (batch) => dispatch(this, "flush", [conn, batch]));
    conn.on("drain", () => dispatch(this, "drain", [conn]));
  }

  /** May the app's code have changed a request? */
  #seesRequests(): boolean {
    return (
      this.#middlewares.length > 0 ||
      this.opts.allowRequest !== undefined ||
      this.opts.clientAddress !== undefined ||
      this.hasListeners("initial_headers") ||
      this.hasListeners("headers") ||
      this.generateId !== Engine.prototype.generateId
    );
  }

  #countAddresses({ clientAddress, ipv6Prefix = DEFAULT_IPV6_PREFIX }: EngineOptions): Addresses | undefined {
    const { engineClock: clock, limits } = this.#host;
    requirePrefix(ipv6Prefix);
    const { maxSessionsPerAddress, maxHandshakesPerSecondPerAddress, maxPendingPerAddress } = limits;
    const bounds = [maxSessionsPerAddress, maxHandshakesPerSecondPerAddress, maxPendingPerAddress];
    if (bounds.every((bound) => bound === Number.POSITIVE_INFINITY)) return undefined;
    const addressOf: ClientAddress = (req) =>
      clientGroup({ req, address: req.socket?.remoteAddress ?? "" }, { clientAddress, ipv6Prefix }, this);
    return new Addresses({ clock, limits, addressOf });
  }

  #setUp(options: EngineOptions): Setup {
    const { engineClock: clock, codec, limits, olderCodec } = this.#host;
    if (options.maxTurnMs !== undefined) requirePositive("maxTurnMs", options.maxTurnMs);
    const resume = resumeTerms(options.resume);
    const config = this.#configure(options, codec, resume);
    return {
      options,
      config,
      resume,
      olderConfig: { ...config, codec: olderCodec, role: { ...config.role, pings: "client" } },
      addresses: this.#countAddresses(options),
      gate: createGate({ ...options, clock, limits }, this),
    };
  }

  #configure(options: EngineOptions, codec: Codec, resume: Setup["resume"]): ServerConfig {
    const { engineClock: clock, limits } = this.#host;
    const terms = { ...DEFAULTS };
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      terms[name] = options[name] ?? DEFAULTS[name];
      requirePositive(name, terms[name]);
    }
    const offered = options.transports ?? DEFAULT_TRANSPORTS;
    const better = options.allowUpgrades === false ? [] : ["websocket", "webtransport"];
    const upgrades = better.filter((name) => offered.includes(name));
    return {
      codec,
      clock,
      deadlines: new TimerWheel(clock, Math.min(terms.pingInterval, terms.pingTimeout)),
      turn: new FlushScheduler(clock),
      overflow: createOverflow(limits.maxOutboundBytes),
      suspendedOverflow: resume && createOverflow(resume.bytes, tooMuch),
      role: {
        side: "server",
        end: serverEnd,
        pingIntervalMs: terms.pingInterval,
        pingTimeoutMs: terms.pingTimeout,
        upgradeTimeoutMs: terms.upgradeTimeout,
        maxPayload: limits.maxMessageBytes,
        limits: packetLimits(limits),
        initialPacket: options.initialPacket === undefined ? undefined : encodeMessage(options.initialPacket),
        secrets: resume && new SessionSecrets(),
        upgrades: (transport) => (NO_UPGRADE_FROM.has(transport) ? [] : upgrades),
        upgraded: (_transport, sid) => {
          const connection = this.#connections.get(sid);
          if (connection) this.#host.monitor.sessionUpgraded(connection);
        },
        suspended: (sid, reason, cause) => {
          const connection = this.#connections.get(sid);
          if (!connection) return;
          this.#suspended.add(connection);
          this.#host.monitor.sessionSuspended(connection, reason, cause);
          this.#host.suspended(connection);
        },
        ended: (sid, reason) => {
          if (FAULTS.has(reason)) this.#setup.gate.forget(sid);
          const connection = this.#connections.get(sid);
          if (connection) this.#suspended.delete(connection);
          this.#connections.delete(sid);
          this.#places.get(sid)?.free();
          this.#places.delete(sid);
        },
      },
    };
  }
}

/**
 * Sessions that end for what the client did, or failed to do. They are forgotten at once: a client between two polls reads a goodbye only
 * if the server has wanted the end.
 */
const FAULTS: ReadonlySet<CloseReason> = new Set(["ping timeout", "parse error"]);

function packetLimits(limits: Limits): PacketLimits {
  const { maxAttachments, maxBinaryEventBytes, maxJsonDepth, maxEventNameLength, maxNamespaceLength } =
    limits;
  return { maxAttachments, maxBinaryEventBytes, maxJsonDepth, maxEventNameLength, maxNamespaceLength };
}

function tooMuch(): SessionError {
  return new SessionError("ERR_SUSPENDED_FULL", "too much waits for a client that is away");
}
