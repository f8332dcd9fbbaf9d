import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { Adapter } from "@sockeye/adapter";
import { Adapter as InMemoryAdapter, RecoveryAdapter } from "@sockeye/adapter";
import type { CloseOptions, EngineSession, FirstRequest, ForeignEngine } from "@sockeye/engine/server";
import {
  bindEngine,
  checkTransports,
  clientGroup,
  Drain,
  ownText,
  processBudget,
  randomId,
  requirePositive,
} from "@sockeye/engine/server";
import type { AdapterNamespace, Clock, Codec, Limits, OverflowPolicy } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";
import { nativeClock, systemClock } from "@sockeye/session";
import type { DefaultEventsMap, EventsMap, Unchecked } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type { Middleware } from "@sockeye/transport/server";
import { attach, checkCors, corsMiddleware, OriginPolicy } from "@sockeye/transport/server";
import type { ErrorContext } from "./audience.js";
import { ClientFiles } from "./client-files.js";
import { Connection } from "./connection.js";
import { logForDebugging } from "./debug-log.js";
import { eio3Limits } from "./eio3-client.js";
import type { EngineHost } from "./engine.js";
import { Engine } from "./engine.js";
import type { ForeignAdapter } from "./foreign-adapter.js";
import { adopt, BareEncoder } from "./foreign-adapter.js";
import type { Handshake } from "./handshake.js";
import { JoinTimeouts } from "./join-timeouts.js";
import { MainNamespace } from "./main-namespace.js";
import type { NamespaceMatcher } from "./matchers.js";
import { Matchers } from "./matchers.js";
import { Metrics } from "./metrics.js";
import type { MetricsHandler, MetricsOptions } from "./metrics-handler.js";
import { metricsHandler } from "./metrics-handler.js";
import { Monitor } from "./monitor.js";
import type { NamespaceHost, RecoveryTerms } from "./namespace.js";
import { Namespace } from "./namespace.js";
import type { AdapterConstructor, ServerOptions } from "./options.js";
import { checkTimes, codecOf, limitsOf } from "./options.js";
import { ParentNamespace } from "./parent-namespace.js";
import { PEER } from "./peer.js";
import { failureOf, printError } from "./print-error.js";
import { warnOfRoutesOver } from "./routes-over.js";
import type { Socket } from "./socket.js";
import { warnOfUnknownOptions } from "./unknown-options.js";

/** Any HTTP server of Node.js. */
export type AnyHttpServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

/** What a health check wants to know. */
export interface Health {
  /**
   * `draining`: it closes, and lets nobody in any more. `down`: it sits on no HTTP server that listens, because it has not
   * begun or was closed.
   */
  readonly status: "up" | "draining" | "down";
  readonly sessions: number;
  /** How many of them have lost their transport and wait for their client. */
  readonly suspended: number;
  readonly namespaces: number;
}

declare module "./namespace.js" {
  interface NamespaceServer<
    _ListenEvents extends EventsMap,
    _EmitEvents extends EventsMap,
    _ServerSideEvents extends EventsMap,
    _SocketData,
  > extends Server<_ListenEvents, _EmitEvents, _ServerSideEvents, _SocketData> {}
}

const DEFAULT_PATH = "/socket.io";
const DEFAULT_CONNECT_TIMEOUT_MS = 45_000;
const DEFAULT_MAX_DISCONNECTION_MS = 120_000;
/** How long requests that are none of the engine's may take after a drain. */
const LAST_REQUESTS_MS = 500;

logForDebugging();

/**
 * The server: namespaces, and the engine that connects clients to them. Methods and options are Socket.IO's; those that emit
 * or listen mean the main namespace, `/`.
 *
 * ```ts
 * const io = new Server(httpServer);
 * io.on("connection", (socket) => socket.on("chat", (text) => io.emit("chat", text)));
 * ```
 *
 * @see Socket for the type parameters
 */
export class Server<
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
    ServerSideEvents extends EventsMap = DefaultEventsMap,
    SocketData = Unchecked,
  >
  extends MainNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  implements NamespaceHost, EngineHost
{
  readonly sockets: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  /** All namespaces by name. */
  readonly _nsps: Map<string, Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map();
  /** The HTTP server. As in Socket.IO it is taken to be there: it is from {@link attach} on. */
  get httpServer(): AnyHttpServer {
    return this.#httpServer as AnyHttpServer;
  }
  /** @internal For what the app waits for. */
  readonly clock: Clock = systemClock;
  /** @internal For what the server does by itself, whatever a test puts in the place of timers. */
  readonly engineClock: Clock = nativeClock;
  /** @internal */
  readonly monitor: Monitor = new Monitor(() => this.#options);
  /** @internal */
  get codec(): Codec {
    return this.#derived.codec;
  }
  /** @internal */
  get olderCodec(): Codec {
    return this.#derived.olderCodec;
  }
  /** What one client may ask of this server. */
  get limits(): Limits {
    return this.#derived.limits;
  }

  #httpServer: AnyHttpServer | undefined = undefined;
  #options: ServerOptions;
  #derived: ReturnType<typeof derive>;
  #engine: Engine | undefined = undefined;
  /** While it closes and clients may still be there, and the end of that. */
  #drain: Drain | undefined = undefined;
  #drained: Promise<Error | undefined> | undefined = undefined;
  readonly #foreign: ForeignEngine[] = [];
  /** The HTTP servers that it sits on, each with its engine. */
  #attached: { readonly httpServer: AnyHttpServer; readonly engine: Engine; readonly detach: () => void }[] =
    [];
  readonly #matchers = new Matchers<ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    (error) => this.reportError(error, "of"),
  );
  readonly #files = new ClientFiles((name) => this.#hasNo(name));
  readonly #waiting: JoinTimeouts<Connection>;

  /**
   * @param server an HTTP server beside whose routes it lives, or a port for one of its own; without one use {@link attach}
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(options?: ServerOptions);
  constructor(server: AnyHttpServer | number | string | null | undefined, options?: ServerOptions);
  constructor(given?: AnyHttpServer | number | string | ServerOptions | null, second?: ServerOptions) {
    super();
    // As in Socket.IO, what is empty is no server.
    const first = given === null || given === "" ? undefined : given;
    const isOptions = typeof first === "object" && !("listen" in first);
    this.#options = { ...(isOptions ? first : second) };
    this.#derived = derive(this.#options);
    this.#warnOfOptions();
    this.#waiting = new JoinTimeouts<Connection>(
      this.engineClock,
      () => this.connectTimeout(),
      (connection) => connection.giveUp(),
    );
    this.sockets = this.of("/");
    if (first !== undefined && !isOptions) this.attach(first as AnyHttpServer | number | string);
  }

  // ---- options

  /** The engine: raw connections, HTTP middlewares, headers. */
  get engine(): Engine {
    this.#engine ??= new Engine(this, this.#options);
    return this.#engine;
  }

  /** The options as given. */
  get _opts(): Readonly<ServerOptions> {
    return this.#options;
  }

  /** Whether the browser bundles are served. */
  serveClient(): boolean;
  serveClient(serve: boolean): this;
  serveClient(serve?: boolean): boolean | this {
    return serve === undefined ? this.#options.serveClient !== false : this.#set({ serveClient: serve });
  }

  /** The path of the engine. Changes hold for the next {@link attach}. */
  path(): string;
  path(path: string): this;
  path(path?: string): string | this {
    return path === undefined ? (this.#options.path ?? DEFAULT_PATH).replace(/\/$/, "") : this.#set({ path });
  }

  /** Milliseconds after which a connection that has joined no namespace is closed. */
  connectTimeout(): number;
  connectTimeout(timeoutMs: number): this;
  connectTimeout(timeoutMs?: number): number | this {
    if (timeoutMs === undefined) return this.#options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT_MS;
    return this.#set({ connectTimeout: timeoutMs });
  }

  /** The class of the namespaces' adapters. Setting it gives each namespace a new adapter: do it before clients come. */
  adapter(): AdapterConstructor;
  adapter(adapter: AdapterConstructor): this;
  adapter(adapter?: AdapterConstructor): AdapterConstructor | this {
    if (adapter === undefined) return this.#options.adapter ?? this.#defaultAdapter();
    this.#set({ adapter });
    for (const namespace of this._nsps.values()) namespace.resetAdapter();
    return this;
  }

  // ---- HTTP

  /**
   * Puts the engine beside the routes of an HTTP server, or on a port of its own.
   *
   * @throws UsageError `ERR_BAD_OPTION`
   */
  attach(server: AnyHttpServer | number | string, options?: ServerOptions): this {
    if (typeof server === "function") {
      throw new UsageError(
        "ERR_BAD_OPTION",
        "A request handler (an Express app, say) cannot be attached to. Pass the server: http.createServer(app).",
      );
    }
    if (options) this.#reconfigure(options);
    // An engine that was closed stays closed; one that is at work keeps its options. One that has not begun yet is the one
    // that the app has put its listeners on.
    const closed = this.#httpServer !== undefined && this.#attached.length === 0;
    const working = this.#attached.some(({ engine }) => engine === this.#engine);
    if (closed || (options && (working || !this.#engine?.reconfigure(this.#options))))
      this.#engine = undefined;
    const httpServer = typeof server === "object" ? server : listen(server);
    this.#httpServer = httpServer;
    const { engine } = this;
    const failed = (error: unknown): void => this.reportError(error, "cors.origin");
    const cors = this.#options.cors ? corsMiddleware(this.#options.cors, failed) : undefined;
    const detach = attach(httpServer, {
      ...this.#options,
      path: this.path(),
      onRequest: (req, res) => {
        this.monitor.traffic.carries(req);
        if (httpServer.listenerCount("request") > 1) warnOfRoutesOver({ req, res }, this.monitor.warnings);
        const file = this.serveClient() ? this.#files.find(req.url ?? "") : undefined;
        if (file === undefined) engine.handleRequest(req, res);
        else this.#serveFile(file, { req, res, cors });
      },
      onUpgrade: (req, socket, head) => {
        this.monitor.traffic.carries(req);
        engine.handleUpgrade(req, socket, head);
      },
    });
    this.#attached.push({ httpServer, engine, detach });
    return this;
  }

  /** The same as {@link attach}. */
  listen(server: AnyHttpServer | number | string, options?: ServerOptions): this {
    return this.attach(server, options);
  }

  /** Takes the connections of another engine: of engine.io, or one that has its interface. It must be attached by itself. */
  bind(engine: ForeignEngine): this {
    this.#foreign.push(engine);
    bindEngine(engine, () => ({ codec: this.codec, eio3Codec: this.olderCodec, limits: this.limits }), {
      opened: (session) => this.opened(session),
    });
    return this;
  }

  /**
   * Disconnects everybody with the reason `server shutting down`, closes the adapters, the engine and the HTTP server.
   * Harmless if the HTTP server does not run.
   *
   * With `drain` it takes its time: nobody new is let in, clients are sent away one after the other, each once no
   * acknowledgement is under way in either direction, and only then, or at the deadline, it does the rest. Called again
   * meanwhile, it hurries.
   *
   * @throws UsageError `ERR_BAD_OPTION` (as a rejection)
   */
  close(done?: (error?: Error) => void): Promise<void>;
  close(options: CloseOptions, done?: (error?: Error) => void): Promise<void>;
  async close(
    first?: CloseOptions | ((error?: Error) => void),
    second?: (error?: Error) => void,
  ): Promise<void> {
    const [options, done] = typeof first === "function" ? [{}, first] : [first ?? {}, second];
    this.#drain?.hurry();
    if (options.drain && !this.#drained) {
      const terms = options.drain === true ? {} : options.drain;
      this.#drain = new Drain(this.engineClock, () => this.#sessions(), terms);
      this.#drained = this.#leave(this.#drain);
    }
    const error = await (this.#drained ?? this.#end());
    done?.(error);
  }

  async #leave(drain: Drain): Promise<Error | undefined> {
    try {
      for (const engine of this.#engines()) engine.drain();
      await drain.run();
      // Requests of the app's own routes, and connections that browsers keep without one, must not hold it up.
      const servers = this.#attached.map(({ httpServer }) => httpServer);
      const rest = this.engineClock.setTimer(() => {
        for (const server of servers) if ("closeAllConnections" in server) server.closeAllConnections();
      }, LAST_REQUESTS_MS);
      const error = await this.#end();
      this.engineClock.clearTimer(rest);
      return error;
    } finally {
      this.#drain = undefined;
      this.#drained = undefined;
    }
  }

  async #end(): Promise<Error | undefined> {
    // Closing adapters takes time, and whoever came meanwhile would be let in by a server that is gone.
    for (const engine of this.#engines()) engine.drain();
    await Promise.allSettled([...this._nsps.values()].map((namespace) => namespace.shutDown()));
    this.#engine?.close();
    for (const engine of this.#foreign.splice(0)) engine.close?.();
    const attached = this.#attached.splice(0);
    for (const { engine, detach } of attached) {
      engine.close();
      detach();
    }
    const errors = await Promise.all(attached.map(({ httpServer }) => closeHttpServer(httpServer)));
    return errors.find((error) => error !== undefined);
  }

  #engines(): Set<Engine> {
    const engines = new Set(this.#attached.map(({ engine }) => engine));
    if (this.#engine) engines.add(this.#engine);
    return engines;
  }

  /** Of all engines. */
  #sum(count: (engine: Engine) => number): number {
    let sum = 0;
    for (const engine of this.#engines()) sum += count(engine);
    return sum;
  }

  /** Of all engines, those of others too. */
  #sessions(): Set<EngineSession> {
    const sessions = new Set<EngineSession>();
    for (const engine of this.#engines()) {
      for (const session of engine.sessions.all()) sessions.add(session);
    }
    if (this.#foreign.length > 0) {
      for (const { sockets } of this._nsps.values()) {
        for (const { client } of sockets.values()) sessions.add((client as Connection).session);
      }
    }
    return sessions;
  }

  // ---- what it is doing

  /**
   * A snapshot of its numbers. As text it is what Prometheus reads. Costs a look at every session and socket. Durations of handlers and
   * acknowledgements are measured from the first call on.
   */
  metrics(): Metrics {
    this.monitor.measure();
    let sockets = 0;
    let rooms = 0;
    let acksPending = 0;
    for (const namespace of this._nsps.values()) {
      sockets += namespace.sockets.size;
      rooms += namespace.adapter.rooms.size;
      for (const socket of namespace.sockets.values()) acksPending += socket[PEER].acksPending;
    }
    const sessions = new Map<string, number>();
    for (const engine of this.#engines()) {
      for (const [transport, count] of engine.sessions.countByTransport())
        sessions.set(transport, (sessions.get(transport) ?? 0) + count);
    }
    const waiting = this.#waiting.size;
    const suspended = this.#sum((engine) => engine.sessions.suspendedCount);
    const { size: namespaces } = this._nsps;
    const { bytes: heldBytes } = processBudget;
    const here = { sessions, suspended, waiting, namespaces, sockets, rooms, heldBytes, acksPending };
    return new Metrics(this.monitor, { ...here, ...waitingFor(this.#sessions()) });
  }

  /**
   * A handler of requests for a metrics page, as Prometheus reads it: for Express (`app.get("/metrics", io.metricsHandler())`), Fastify, and
   * `http`. Called without a request it returns status, headers and body, for other frameworks. Do not show the page to the world.
   */
  metricsHandler(options?: MetricsOptions): MetricsHandler {
    this.monitor.measure();
    return metricsHandler(() => this.metrics(), options);
  }

  /** For a health check: may new clients be sent here? */
  health(): Health {
    const { size: namespaces } = this._nsps;
    const sessions = this.#sum((engine) => engine.clientsCount);
    const open = this.#drain ? "draining" : "up";
    const suspended = this.#sum((engine) => engine.sessions.suspendedCount);
    return { status: this.#accepts ? open : "down", sessions, suspended, namespaces };
  }

  // ---- namespaces

  /**
   * A namespace by name; or the template of all namespaces whose name matches, made as clients ask for them.
   *
   * @param listener for `connection`
   * @throws UsageError `ERR_BAD_OPTION` for a regular expression with the flag `g` or `y`
   */
  of(
    name: string | RegExp | NamespaceMatcher,
    listener?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const namespace = typeof name === "string" ? this.#named(name) : this.#template(name);
    if (listener) namespace.on("connect", listener as never);
    return namespace;
  }

  /** @internal */
  get overflowPolicy(): OverflowPolicy {
    return this.#options.overflow ?? "close";
  }

  /** @internal */
  get recovery(): RecoveryTerms | undefined {
    const options = this.#options.connectionStateRecovery;
    return options && { skipMiddlewares: options.skipMiddlewares !== false };
  }

  // ---- from the connections

  /** @internal */
  route(
    name: string,
    auth: Handshake["auth"],
  ):
    | Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    | undefined
    | Promise<() => Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> | undefined> {
    const known = this._nsps.get(name);
    if (known) return known;
    const parent = this.#matchers.find(name, auth);
    if (parent instanceof Promise) return parent.then((found) => () => found && this.#child(found, name));
    return parent && this.#child(parent, name);
  }

  /** @internal */
  opened(session: EngineSession): Connection {
    const connection = new Connection(this, session);
    this.#waiting.enter(connection);
    return connection;
  }

  /** @internal */
  settled(connection: Connection): void {
    this.#waiting.leave(connection);
  }

  /** @internal */
  idle(connection: Connection): void {
    this.#waiting.enter(connection);
  }

  /** @internal */
  groupOf(first: FirstRequest): string | undefined {
    return clientGroup(first, this.#options, this);
  }

  /** @internal */
  ownName(name: string): string {
    return this._nsps.get(name)?.name ?? ownText(name);
  }

  /** @internal */
  rested(session: EngineSession): void {
    this.#drain?.rested(session);
  }

  // ---- from the namespaces

  /** @internal */
  makeAdapter(nsp: AdapterNamespace): Adapter {
    const make = this.adapter();
    return adopt(isAdapterClass(make) ? new make(nsp) : make(nsp));
  }

  /** @internal For adapters made for Socket.IO. */
  get encoder(): BareEncoder {
    return new BareEncoder(this.codec, (error, { nsp: namespace, data: [event] }) =>
      this.reportAppError(error, { event, namespace, socketId: undefined }),
    );
  }

  /** @internal For adapters made for Socket.IO: the options, with the defaults of recovery. */
  get opts(): Readonly<ServerOptions> {
    const given = this.#options.connectionStateRecovery;
    if (!given) return this.#options;
    const maxDisconnectionDuration = given.maxDisconnectionDuration ?? DEFAULT_MAX_DISCONNECTION_MS;
    return { ...this.#options, connectionStateRecovery: { ...given, maxDisconnectionDuration } };
  }

  /** @internal */
  reportError(error: unknown, event: string | symbol | number): void {
    this.reportAppError(error, { event, namespace: "/", socketId: undefined });
  }

  /** @internal Emits `error` on this server; prints it if nobody listens. */
  reportAppError(error: unknown, context: ErrorContext): void {
    this.monitor.failed(error, context);
    const fromListenerItself = context.event === "error" && context.socketId === undefined;
    if (!fromListenerItself && dispatch(this.sockets, "error", [error, context])) return;
    printError(failureOf(context.event, context.namespace), error);
  }

  // ---- inside

  get #accepts(): boolean {
    return this.#foreign.length > 0 || this.#attached.some(({ httpServer }) => httpServer.listening);
  }

  #defaultAdapter(): AdapterConstructor {
    const options = this.#options.connectionStateRecovery;
    if (!options) return InMemoryAdapter;
    const { maxDisconnectionDuration = DEFAULT_MAX_DISCONNECTION_MS, maxPackets = 10_000 } = options;
    requirePositive("maxDisconnectionDuration", maxDisconnectionDuration);
    requirePositive("maxPackets", maxPackets);
    return (nsp) =>
      new RecoveryAdapter(nsp, { maxDisconnectionDuration, maxPackets, epoch: randomId().slice(0, 8) });
  }

  /** Options that come with {@link attach} hold as if they had come with the constructor. */
  #reconfigure(options: ServerOptions): void {
    const all = { ...this.#options, ...options };
    this.#derived = derive(all);
    this.#options = all;
    this.#warnOfOptions();
  }

  #warnOfOptions(): void {
    warnOfUnknownOptions(this.#options, { warnings: this.monitor.warnings, of: "server" });
  }

  #hasNo(file: string): void {
    this.monitor.warnings.warnOnce("SOCKEYE_NO_CLIENT_FILES", "", () => noClientFiles(file));
  }

  #set(options: ServerOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }

  #named(given: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const name = given.startsWith("/") ? given : `/${given}`;
    const known = this._nsps.get(name);
    if (known) return known;
    const parent = this.#matchers.byName(name);
    if (parent) return this.#child(parent, name);
    const namespace = new Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>(this, name);
    this.#register(namespace);
    return namespace;
  }

  #template(
    matcher: RegExp | NamespaceMatcher,
  ): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const parent = new ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>(this);
    this.#matchers.add(matcher, parent);
    return parent;
  }

  #child(
    parent: ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    name: string,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    // Two clients may have asked at the same time.
    const known = this._nsps.get(name);
    if (known) return known;
    const child = parent.createChild(name, (emptied) => {
      if (!this.#options.cleanupEmptyChildNamespaces || this._nsps.get(name) !== emptied) return;
      this._nsps.delete(name);
      parent.children.delete(emptied);
      emptied.shutDown().catch((error: unknown) => this.reportError(error, "adapter"));
    });
    this.#register(child);
    return child;
  }

  #register(namespace: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    this._nsps.set(namespace.name, namespace);
    namespace.begin();
    if (namespace.name !== "/") dispatch(this.sockets, "new_namespace", [namespace]);
  }

  #serveFile(
    file: string,
    { req, res, cors }: { req: IncomingMessage; res: ServerResponse; cors: Middleware | undefined },
  ): void {
    const serve = (): void => void this.#files.serve(file, req, res);
    if (cors) cors(req, res, serve);
    else serve();
  }
}

/** What follows from the options. @throws UsageError `ERR_BAD_OPTION` */
function derive(options: ServerOptions): { limits: Limits; codec: Codec; olderCodec: Codec } {
  checkTimes(options);
  checkCors(options.cors);
  new OriginPolicy(options.origins);
  checkTransports(options);
  const limits = limitsOf(options);
  return { limits, codec: codecOf(options, limits), olderCodec: codecOf(options, eio3Limits(limits)) };
}

/** More than that is not on its way, it waits. */
const SLOW_BYTES = 65_536;

function waitingFor(
  sessions: Iterable<EngineSession>,
): Pick<Metrics, "waitingBytes" | "maxWaitingBytes" | "slowClients"> {
  let waitingBytes = 0;
  let maxWaitingBytes = 0;
  let slowClients = 0;
  for (const { conversation } of sessions) {
    const { bufferedBytes } = conversation;
    waitingBytes += bufferedBytes;
    maxWaitingBytes = Math.max(maxWaitingBytes, bufferedBytes);
    if (bufferedBytes > SLOW_BYTES) slowClients++;
  }
  return { waitingBytes, maxWaitingBytes, slowClients };
}

function noClientFiles(file: string): string {
  return `Sockeye has no ${file} to serve, since its files were left behind when the server was bundled. Keep @sockeye/server out of the bundle, or serve the files of @sockeye/client/dist/browser yourself, with { serveClient: false } here`;
}

function listen(port: number | string): HttpServer {
  const number = Number(port);
  if (`${port}`.trim() === "" || !Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new UsageError("ERR_BAD_OPTION", `"${port}" is no port.`);
  }
  return createServer((_req, res) => {
    res.writeHead(404).end();
  }).listen(number);
}

function closeHttpServer(server: AnyHttpServer | undefined): Promise<Error | undefined> {
  if (!server?.listening) return Promise.resolve(undefined);
  return new Promise((resolve) => server.close((error) => resolve(error)));
}

/** Adapters are given as classes, or as functions that make one, arrow functions included. */
function isAdapterClass(
  make: AdapterConstructor,
): make is new (
  nsp: AdapterNamespace,
) => Adapter | ForeignAdapter {
  return typeof (make.prototype as { broadcast?: unknown } | undefined)?.broadcast === "function";
}
