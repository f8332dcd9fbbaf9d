import type { CloseOptions, ForeignEngine } from "@sockeye/engine/server";
import type { Limits } from "@sockeye/protocol";
import { CORE, makeAssignable, UsageError } from "@sockeye/protocol";
import type {
  ContractEnd,
  ContractFor,
  DefaultEventsMap,
  EventsMap,
  Listener,
  Unchecked,
} from "@sockeye/socket";
import type { AnyHttpServer } from "./attachments.js";
import type { ClusterView } from "./cluster-view.js";
import { logForDebugging } from "./debug-log.js";
import type { Engine } from "./engine.js";
import type { BareEncoder } from "./foreign-adapter.js";
import { MainNamespace } from "./main-namespace.js";
import type { NamespaceMatcher } from "./matchers.js";
import type { Metrics } from "./metrics.js";
import type { MetricsHandler, MetricsOptions } from "./metrics-handler.js";
import { metricsHandler } from "./metrics-handler.js";
import type { Namespace, NamespaceServer } from "./namespace.js";
import type { NamespaceHost } from "./namespace-core.js";
import type { AdapterConstructor, ContractOption, ServerOptions } from "./options.js";
import type { Health } from "./server-core.js";
import { ServerCore } from "./server-core.js";
import type { Socket } from "./socket.js";

export type { AnyHttpServer } from "./attachments.js";
export type { Health } from "./server-core.js";

declare module "./namespace.js" {
  interface NamespaceServer<
    _ListenEvents extends EventsMap,
    _EmitEvents extends EventsMap,
    _ServerSideEvents extends EventsMap,
    _SocketData,
  > extends Server<_ListenEvents, _EmitEvents, _ServerSideEvents, _SocketData> {}
}

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
> extends MainNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  /** The main namespace, `/`. */
  readonly sockets: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  /** All namespaces by name. */
  readonly _nsps: Map<string, Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>;
  /** @internal */
  readonly [CORE]: NamespaceHost;
  readonly #core: ServerCore;

  /**
   * @param server an HTTP server whose other routes keep working, or a port for a server of its own; without one use {@link attach}
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(options?: ServerOptions & ContractOption<ListenEvents, EmitEvents, SocketData>);
  constructor(
    // Options belong to the other form. They are here, too, so that the compiler speaks of a mistaken option, not of HTTP servers.
    server:
      | AnyHttpServer
      | number
      | string
      | (ServerOptions & ContractOption<ListenEvents, EmitEvents, SocketData>)
      | null
      | undefined,
    options?: ServerOptions & ContractOption<ListenEvents, EmitEvents, SocketData>,
  );
  constructor(given?: AnyHttpServer | number | string | ServerOptions | null, second?: ServerOptions) {
    super();
    // As in Socket.IO, an empty value is not a server.
    const first = given === null || given === "" ? undefined : given;
    const isOptions = typeof first === "object" && !("listen" in first);
    const core = new ServerCore(this as unknown as NamespaceServer, { ...(isOptions ? first : second) });
    this.#core = core;
    this[CORE] = core;
    this._nsps = core.namespaces.byName as unknown as typeof this._nsps;
    this.sockets = this.of("/");
    const { contract } = core.settings.given;
    if (contract) this.sockets[CORE].useExchange().contract = contract.server;
    if (first !== undefined && !isOptions) this.attach(first as AnyHttpServer | number | string);
  }

  // ---- options

  /** The HTTP server. As in Socket.IO its type says that it is there; it is there from {@link attach} on. */
  get httpServer(): AnyHttpServer {
    return this.#core.attachments.httpServer as AnyHttpServer;
  }

  /** The engine: raw connections, HTTP middlewares, headers. */
  get engine(): Engine {
    return this.#core.attachments.engine;
  }

  /** The cluster that this server is a node of. @throws UsageError `ERR_NOT_SUPPORTED` without the option `cluster` */
  get cluster(): ClusterView {
    const { cluster } = this.#core;
    if (cluster) return cluster.view;
    throw new UsageError(
      "ERR_NOT_SUPPORTED",
      "This server has no option cluster, and so it is no node of one.",
    );
  }

  /** The limits for each client, as the options and the defaults set them. */
  get limits(): Limits {
    return this.#core.limits;
  }

  /** The options as given. */
  get _opts(): Readonly<ServerOptions> {
    return this.#core.settings.given;
  }

  /** @internal Adapters made for Socket.IO read it. */
  get opts(): Readonly<ServerOptions> {
    return this.#core.settings.withRecoveryDefaults;
  }

  /** @internal Adapters made for Socket.IO encode by it. */
  get encoder(): BareEncoder {
    return this.#core.encoder;
  }

  /** Whether the browser bundles are served, or sets it. Default true. */
  serveClient(): boolean;
  serveClient(serve: boolean): this;
  serveClient(serve?: boolean): boolean | this {
    if (serve === undefined) return this._opts.serveClient !== false;
    this.#core.settings.set({ serveClient: serve });
    return this;
  }

  /** The path of the engine, or sets it for the next {@link attach}. Default `/socket.io`. */
  path(): string;
  path(path: string): this;
  path(path?: string): string | this {
    if (path === undefined) return this.#core.settings.path;
    this.#core.settings.set({ path });
    return this;
  }

  /** Milliseconds after which a connection that has joined no namespace is closed, or sets them. Default 45000. */
  connectTimeout(): number;
  connectTimeout(timeoutMs: number): this;
  connectTimeout(timeoutMs?: number): number | this {
    if (timeoutMs === undefined) return this.#core.settings.connectTimeoutMs;
    this.#core.settings.set({ connectTimeout: timeoutMs });
    return this;
  }

  /** The class of the namespaces' adapters. Setting it gives each namespace a new adapter: do it before clients connect. */
  adapter(): AdapterConstructor;
  adapter(adapter: AdapterConstructor): this;
  adapter(adapter?: AdapterConstructor): AdapterConstructor | this {
    if (adapter === undefined) return this.#core.settings.adapter;
    this.#core.settings.set({ adapter });
    for (const namespace of this._nsps.values()) namespace[CORE].resetAdapter();
    return this;
  }

  // ---- HTTP

  /**
   * Answers the engine's requests on an HTTP server, whose other routes keep working, or on a port of its own.
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
    if (!isAttachable(server)) throw new UsageError("ERR_BAD_OPTION", NO_HTTP_SERVER);
    if (options) this.#core.addOptions(options);
    this.#core.attachments.attach(server, options !== undefined);
    return this;
  }

  /** The same as {@link attach}. */
  listen(server: AnyHttpServer | number | string, options?: ServerOptions): this {
    return this.attach(server, options);
  }

  /** Takes the connections of another engine: of engine.io, or one with the same interface. Attach that engine yourself. */
  bind(engine: ForeignEngine): this {
    this.#core.bind(engine);
    return this;
  }

  /**
   * Disconnects all clients with the reason `server shutting down`, and closes the adapters, the engine and the HTTP server.
   * `done` gets Node's `ERR_SERVER_NOT_RUNNING` if an HTTP server did not listen; the promise resolves then, too.
   *
   * With `drain` the server shuts down gracefully: it accepts no new clients and disconnects the others one after the other, each
   * once no acknowledgement is under way in either direction. The rest follows then, or at the deadline. A second call during the
   * drain ends it at once. With `detach` the HTTP server stays open.
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
    const error = await this.#core.close(options);
    done?.(error);
  }

  // ---- what it is doing

  /**
   * A snapshot of the server's numbers; as text it is in Prometheus's format. Costs a look at every session and socket. Durations
   * of handlers and acknowledgements are measured from the first call on.
   */
  metrics(): Metrics {
    return this.#core.metrics();
  }

  /**
   * A request handler for a metrics page in Prometheus's format: for Express (`app.get("/metrics", io.metricsHandler())`), Fastify
   * and `http`. Called without a request it returns status, headers and body, for other frameworks. Do not make the page public.
   */
  metricsHandler(options?: MetricsOptions): MetricsHandler {
    const core = this.#core;
    core.monitor.measure();
    return metricsHandler(() => core.metrics(), options);
  }

  /** For a health check: may new clients be sent to this server? */
  health(): Health {
    return this.#core.health();
  }

  // ---- namespaces

  /**
   * A namespace by name; or the template of all namespaces whose name matches, which are created as clients ask for them.
   *
   * @param contract what travels in it: give it before clients come
   * @param listener for `connection`
   * @throws UsageError `ERR_BAD_OPTION` for a regular expression with the flag `g` or `y`
   */
  of(
    name: string | RegExp | NamespaceMatcher,
    listener?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of<Listen extends EventsMap, Emit extends EventsMap, Data>(
    name: string | RegExp | NamespaceMatcher,
    contract: { readonly server: ContractFor<Listen, Emit, Data> },
    listener?: (socket: Socket<Listen, Emit, ServerSideEvents, Data>) => void,
  ): Namespace<Listen, Emit, ServerSideEvents, Data>;
  of(
    name: string | RegExp | NamespaceMatcher,
    ...rest: readonly ({ readonly server: ContractEnd } | Listener | undefined)[]
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const namespace = this.#core.namespaces.of(name) as unknown as typeof this.sockets;
    const contract = rest.find((each) => typeof each === "object");
    const listener = rest.find((each) => typeof each === "function");
    if (contract) namespace[CORE].useExchange().contract = contract.server;
    if (listener) namespace.on("connect", listener as never);
    return namespace;
  }
}

const NO_HTTP_SERVER =
  "This is no HTTP server. Pass the one under your framework: app.server of Fastify, what serve() of Hono returns, http.createServer(app.callback()) of Koa.";

/** Koa's `app` has listeners, too. */
function isAttachable(server: AnyHttpServer | number | string | null): boolean {
  if (typeof server !== "object") return true;
  return server !== null && typeof server.listeners === "function" && !("callback" in server);
}

makeAssignable(Server.prototype, ["cluster", "limits"]);
