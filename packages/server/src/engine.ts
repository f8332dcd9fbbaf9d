import type { EventEmitter } from "node:events";
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type {
  EngineSession,
  EngineSessionSink,
  EngineSink,
  EngineTerms,
  Neighbours,
} from "@sockeye/engine/server";
import { randomId, SessionEngine } from "@sockeye/engine/server";
import type { Clock, EncodedPacket, Limits } from "@sockeye/protocol";
import { REPORT } from "@sockeye/protocol";
import type { ErrorBoundary, Unchecked } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type {
  ForwardedFacts,
  Middleware,
  RefusedRequest,
  ResponseHeaders,
  UpgradeRequest,
  WebTransportRequest,
  WebTransportSession,
} from "@sockeye/transport/server";
import { attach, dropIllegal, shareQuery } from "@sockeye/transport/server";
import type { Conn } from "./conn.js";
import type { Monitor, Monitored } from "./monitor.js";
import type { AttachOptions, EngineOptions } from "./options.js";
import { PublicEmitter } from "./public-emitter.js";
import { warnOfTwoServers } from "./two-servers.js";
import { warnOfBadHeaders } from "./warnings.js";

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

/** What stands above one session of an {@link Engine}. */
export interface EngineConnection extends EngineSessionSink, Monitored {}

/** What stands above the engine. */
export interface EngineHost extends ErrorBoundary, EngineSink<EngineConnection> {
  /** Of sessions and transports. */
  readonly engineClock: Clock;
  readonly codec: EngineTerms<EngineConnection>["codec"];
  /** For what clients of Socket.IO 2 send. */
  readonly olderCodec: EngineTerms<EngineConnection>["codec"];
  readonly limits: Limits;
  readonly monitor: Monitor;
  /** The other nodes, and what marks ids of sessions so that those find their owner. Absent: there are none. */
  readonly cluster?:
    | (Neighbours & { sessionId(id: string, isRandom: boolean): string | Promise<string> })
    | undefined;
}

/** As in Socket.IO: not the path of {@link ServerOptions}, which `io.attach` passes on. */
const DEFAULT_PATH = "/engine.io";

/** The sessions of a server, and the door that they come through, as apps see them: `io.engine`. */
export class Engine extends PublicEmitter<Record<never, never>, EngineEvents> {
  /** Set by `listen` of `@sockeye/server/engine`. */
  httpServer: HttpServer | undefined;
  readonly #host: EngineHost;
  readonly #core: SessionEngine<EngineConnection>;
  /** Give back the HTTP servers of {@link attach}. */
  readonly #detachments: (() => void)[] = [];

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(host: EngineHost, options: EngineOptions) {
    super();
    this.#host = host;
    this.#core = new SessionEngine(options, this.#terms(), host);
  }

  get opts(): EngineOptions {
    return this.#core.options;
  }

  /**
   * @internal Takes other options, as long as no connection and no HTTP server has come under those that it has; listeners and
   * middlewares stay.
   *
   * @returns whether it did
   * @throws UsageError `ERR_BAD_OPTION`
   */
  reconfigure(options: EngineOptions): boolean {
    return this.#detachments.length === 0 && this.#core.reconfigure(options);
  }

  get clientsCount(): number {
    return this.#core.sessions.size;
  }

  /** The live connections by the ids of their sessions, as they are now. Ids are secrets of the clients. */
  get clients(): Readonly<Record<string, Conn>> {
    const clients: Record<string, Conn> = Object.create(null) as Record<string, Conn>;
    for (const [sid, { sink }] of this.#core.sessions.entries()) clients[sid] = sink.conn;
    return clients;
  }

  /** @internal */
  get sessions(): SessionEngine<EngineConnection>["sessions"] {
    return this.#core.sessions;
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
    this.#core.use(middleware);
    return this;
  }

  /** The transports to which a session on this one may change. */
  upgrades(transport: string): readonly string[] {
    return this.#core.upgrades(transport);
  }

  /** Puts the engine beside the routes of another HTTP server. `io.attach` does so for the server's own. */
  attach(server: EventEmitter, options: AttachOptions = {}): this {
    const path = options.path || DEFAULT_PATH;
    warnOfTwoServers({ server, path }, this.#host.monitor.warnings);
    const detach = attach(server, {
      ...options,
      path,
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
    this.#core.handleRequest(req, res);
  }

  /** Answers an upgrade request for the engine, whatever server it came from. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#core.handleUpgrade(req, socket, head);
  }

  /**
   * Takes a session of WebTransport from an HTTP/3 server; the option `transports` must name `webtransport`.
   *
   * @param session by W3C's interface, whatever package it is from
   * @param request what that package tells of the request: middlewares, `allowRequest`, `cors` and `socket.handshake` know
   * nothing else
   */
  onWebTransportSession(session: WebTransportSession, request?: WebTransportRequest): void {
    this.#core.handleWebTransport(session, request);
  }

  /** @internal A request that another node has passed on. */
  handleForwarded(req: IncomingMessage, res: ServerResponse, facts: ForwardedFacts): void {
    this.#core.handleForwarded(req, res, facts);
  }

  /** @internal */
  handleForwardedUpgrade(upgrade: UpgradeRequest, facts: ForwardedFacts): void {
    this.#core.handleForwardedUpgrade(upgrade, facts);
  }

  /** @internal Refuses new connections; those that there are continue. */
  drain(): void {
    this.#core.drain();
  }

  /** @internal Ends all connections, and refuses new ones. Resolves once clients between two polls are told, or half a second has passed. */
  farewell(): Promise<void> {
    return this.#core.farewell();
  }

  /** Ends all connections, and refuses new ones. */
  close(): this {
    this.#core.close();
    for (const detach of this.#detachments.splice(0)) detach();
    return this;
  }

  /** @internal An app's listener on the engine has thrown. */
  [REPORT](error: unknown, event: string | symbol | number): void {
    this.#host.reportError(error, event);
  }

  #terms(): EngineTerms<EngineConnection> {
    const host = this.#host;
    const { engineClock: clock, monitor } = host;
    // Options that come with `io.attach` may change the codec and the limits.
    return {
      clock,
      get codec() {
        return host.codec;
      },
      get eio3Codec() {
        return host.olderCodec;
      },
      get limits() {
        return host.limits;
      },
      boundary: host,
      neighbours: host.cluster,
      newId: (req) => this.#newId(req),
      seesRequests: () => this.#seesRequests(),
      watcher: {
        began: (session) => this.#began(session),
        upgraded: ({ sink }) => monitor.sessionUpgraded(sink),
        suspended: ({ sink }, reason, cause) => monitor.sessionSuspended(sink, reason, cause),
        resumed: ({ sink }) => monitor.sessionResumed(sink),
        refused: (refused) => {
          monitor.requestRefused(refused);
          if (this.hasListeners("connection_error")) shareQuery(refused.req);
          dispatch(this, "connection_error", [refused]);
        },
        headers: (headers, req, initial) => {
          const isHeard = this.hasListeners("headers") || (initial && this.hasListeners("initial_headers"));
          if (!isHeard) return;
          shareQuery(req);
          if (initial) dispatch(this, "initial_headers", [headers, req]);
          dispatch(this, "headers", [headers, req]);
          warnOfBadHeaders(dropIllegal(headers), monitor.warnings);
        },
        exceeded: (error, address) => monitor.limitExceeded(error, address),
      },
    };
  }

  #newId(req: IncomingMessage): string | Promise<string> {
    const isOurs = this.generateId === Engine.prototype.generateId;
    if (!isOurs) shareQuery(req);
    const id = this.generateId(req);
    const { cluster } = this.#host;
    if (cluster === undefined) return id;
    return typeof id === "string"
      ? cluster.sessionId(id, isOurs)
      : id.then((own) => cluster.sessionId(own, isOurs));
  }

  #began({ sink }: EngineSession<EngineConnection>): void {
    this.#host.monitor.sessionOpened(sink);
    if (this.hasListeners("flush") || this.hasListeners("drain")) this.#watch(sink.conn);
    if (this.hasListeners("connection")) dispatch(this, "connection", [sink.conn]);
  }

  #watch(conn: Conn): void {
    conn.on("flush", (batch) => dispatch(this, "flush", [conn, batch]));
    conn.on("drain", () => dispatch(this, "drain", [conn]));
  }

  /** May the app's code have changed a request? Middlewares the engine knows by itself. */
  #seesRequests(): boolean {
    return (
      this.opts.allowRequest !== undefined ||
      this.opts.clientAddress !== undefined ||
      this.hasListeners("initial_headers") ||
      this.hasListeners("headers") ||
      this.generateId !== Engine.prototype.generateId
    );
  }
}
