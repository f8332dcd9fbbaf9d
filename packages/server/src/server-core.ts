import type { IncomingMessage } from "node:http";
import type { Adapter } from "@sockeye/adapter";
import type { ForwardTarget, NodeLoad, RemoteDetails } from "@sockeye/cluster";
import type { CloseOptions, EngineSession, FirstRequest, ForeignEngine } from "@sockeye/engine/server";
import { bindEngine, clientGroup, Drain, processBudget, randomId } from "@sockeye/engine/server";
import type { AdapterNamespace, Claim, Clock, Codec, ContractError, OverflowPolicy } from "@sockeye/protocol";
import { CORE, PEER } from "@sockeye/protocol";
import { nativeClock, systemClock } from "@sockeye/session";
import { dispatch } from "@sockeye/socket";
import { readWholeQuery, remoteAddress } from "@sockeye/transport/server";
import type { Admission, Joinable } from "./admission.js";
import { Attachments } from "./attachments.js";
import type { ErrorContext } from "./audience.js";
import { Connection, type ConnectionHost } from "./connection.js";
import type { Engine, EngineHost } from "./engine.js";
import { adopt, BareEncoder } from "./foreign-adapter.js";
import type { Handshake } from "./handshake.js";
import { JoinTimeouts } from "./join-timeouts.js";
import { Metrics } from "./metrics.js";
import { Monitor } from "./monitor.js";
import type { NamespaceServer } from "./namespace.js";
import type { NamespaceHost, RecoveryTerms } from "./namespace-core.js";
import { makeAdapter, Namespaces } from "./namespaces.js";
import { NodeInCluster } from "./node-in-cluster.js";
import type { ServerLimits, ServerOptions } from "./options.js";
import { failureOf, printError } from "./print-error.js";
import { describeSocket } from "./remote-view.js";
import { RoomFeeds } from "./room-feeds.js";
import { Settings } from "./settings.js";
import type { Socket } from "./socket.js";
import { warnOfUnknownOptions } from "./unknown-options.js";

/** What a health check wants to know. */
export interface Health {
  /**
   * `draining`: it is closing and accepts no new clients. `down`: it is attached to no HTTP server that listens, because it has not
   * started or was closed. `alone`: it is a node of a cluster whose bus does not work now.
   */
  readonly status: "up" | "alone" | "draining" | "down";
  /** Open sessions, one for each connected client. */
  readonly sessions: number;
  /** How many of them have lost their transport and wait for their client. */
  readonly suspended: number;
  /** Namespaces that exist, `/` included. */
  readonly namespaces: number;
}

/** How long requests to the app's own routes may take after a drain. */
const LAST_REQUESTS_MS = 500;
/** A client with more than this waiting reads slowly. */
const SLOW_BYTES = 65_536;

/** The machine behind a `Server`: what namespaces, connections and engines ask of it, and what it does for them. */
export class ServerCore implements NamespaceHost, EngineHost, ConnectionHost {
  /** For what the app waits for. */
  readonly clock: Clock = systemClock;
  /** For what the server does by itself, whatever a test puts in the place of timers. */
  readonly engineClock: Clock = nativeClock;
  readonly settings: Settings;
  readonly monitor: Monitor;
  readonly attachments: Attachments;
  readonly namespaces: Namespaces;
  /** Undefined for a server that is alone. */
  readonly cluster: NodeInCluster | undefined;
  readonly #joining: JoinTimeouts<Connection>;
  /** What the app's middlewares have not decided at once. */
  readonly #deciding: JoinTimeouts<Admission>;
  readonly #foreign: ForeignEngine[] = [];
  /** Set while it closes and clients may still be there, with the promise of the end. */
  #drain: Drain | undefined = undefined;
  #drained: Promise<Error | undefined> | undefined = undefined;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(handle: NamespaceServer, options: ServerOptions) {
    const settings = new Settings(options);
    this.settings = settings;
    this.monitor = new Monitor(() => settings.given);
    const feeds = new RoomFeeds({
      clock: this.engineClock,
      get limits() {
        return settings.limits;
      },
      get connectTimeoutMs() {
        return settings.connectTimeoutMs;
      },
      addressOf: (req) => clientGroup({ req, address: remoteAddress(req) }, settings.given, this),
      roomsOf: (nsp) => this.namespaces.byName.get(nsp)?.[CORE].rooms,
      exceeded: (limit, error, req) => this.monitor.feedRefused(limit, error, remoteAddress(req)),
      reportError: (error, event) => this.reportError(error, event),
    });
    this.attachments = new Attachments(this, settings, feeds);
    this.namespaces = new Namespaces({
      handle,
      get deletesEmpty() {
        return settings.given.cleanupEmptyChildNamespaces === true;
      },
      reportError: (error, event) => this.reportError(error, event),
    });
    this.#joining = new JoinTimeouts<Connection>(
      this.engineClock,
      () => settings.connectTimeoutMs,
      (connection) => connection.giveUp(),
    );
    this.#deciding = new JoinTimeouts<Admission>(
      this.engineClock,
      () => settings.connectTimeoutMs,
      (admission) => admission.expire(),
    );
    const { cluster } = this.settings.given;
    this.cluster = cluster && new NodeInCluster(cluster, this);
    this.cluster?.start();
    this.#warnOfOptions();
  }

  get codec(): Codec {
    return this.settings.codec;
  }

  get olderCodec(): Codec {
    return this.settings.olderCodec;
  }

  get limits(): ServerLimits {
    return this.settings.limits;
  }

  get overflowPolicy(): OverflowPolicy {
    return this.settings.given.overflow ?? "close";
  }

  get recovery(): RecoveryTerms | undefined {
    return this.settings.recovery;
  }

  // ---- from the handle

  /** Options that come with `io.attach`. @throws UsageError `ERR_BAD_OPTION` */
  addOptions(options: ServerOptions): void {
    this.settings.add(options);
    this.#warnOfOptions();
  }

  /** Takes the sessions of an engine that is not ours. */
  bind(engine: ForeignEngine): void {
    this.#foreign.push(engine);
    bindEngine(engine, () => ({ codec: this.codec, eio3Codec: this.olderCodec, limits: this.limits }), {
      opened: (session) => this.opened(session),
    });
  }

  /**
   * Closes everything, after a drain if one is asked for. Called again during a drain, it ends the drain.
   *
   * @throws UsageError `ERR_BAD_OPTION` (as a rejection)
   */
  async close({ drain, detach = false }: CloseOptions): Promise<Error | undefined> {
    this.#drain?.hurry();
    if (drain && !this.#drained) {
      this.#drain = new Drain(this.engineClock, () => this.#sessions(), drain === true ? {} : drain);
      this.#drained = this.#drainAndEnd(this.#drain, detach);
    }
    return await (this.#drained ?? this.#end(detach));
  }

  /** What other nodes are told of this one. */
  load(): NodeLoad {
    return { sessions: this.#sum(({ sessions }) => sessions.size), draining: this.#drain !== undefined };
  }

  /** Of requests that other nodes pass on, the engine that has the session. */
  readonly forwardTarget: ForwardTarget = {
    request: (req, res, facts) => this.#engineOf(req).handleForwarded(req, res, facts),
    upgrade: (upgrade, facts) => this.#engineOf(upgrade.req).handleForwardedUpgrade(upgrade, facts),
  };

  abandon(claim: Pick<Claim, "sid" | "secret">): void {
    for (const { sessions } of this.attachments.engines) sessions.get(claim.sid)?.abandon(claim);
  }

  newSocketId(): string {
    return this.cluster?.socketId() ?? randomId();
  }

  isSocketId(room: string): boolean {
    return this.cluster?.isSocketId(room) === true;
  }

  describe(socket: Socket): RemoteDetails {
    return describeSocket(socket, this.cluster?.handshakes ?? "full");
  }

  metrics(): Metrics {
    this.monitor.measure();
    let sockets = 0;
    let rooms = 0;
    let acksPending = 0;
    const namespaces = this.namespaces.byName;
    for (const namespace of namespaces.values()) {
      sockets += namespace.sockets.size;
      rooms += namespace.adapter.rooms.size;
      for (const socket of namespace.sockets.values()) acksPending += socket[PEER].acksPending;
    }
    const sessions = new Map<string, number>();
    for (const engine of this.attachments.engines) {
      for (const [transport, count] of engine.sessions.countByTransport())
        sessions.set(transport, (sessions.get(transport) ?? 0) + count);
    }
    const here = { sessions, sockets, rooms, acksPending, namespaces: namespaces.size };
    const held = { suspended: this.#suspendedCount, waiting: this.#joining.size };
    const { bytes: heldBytes } = processBudget;
    const cluster = this.cluster?.view.numbers();
    return new Metrics(this.monitor, {
      ...here,
      ...held,
      heldBytes,
      ...waitingFor(this.#sessions()),
      cluster,
    });
  }

  health(): Health {
    const isUp = this.#foreign.length > 0 || this.attachments.isListening;
    return {
      status: isUp ? (this.#drain ? "draining" : this.cluster?.view.isUp === false ? "alone" : "up") : "down",
      sessions: this.#sum(({ sessions }) => sessions.size),
      suspended: this.#suspendedCount,
      namespaces: this.namespaces.byName.size,
    };
  }

  // ---- from the connections

  route(name: string, auth: Handshake["auth"]): Joinable | undefined | Promise<() => Joinable | undefined> {
    return this.namespaces.route(name, auth);
  }

  opened(session: EngineSession): Connection {
    const connection = new Connection(this, session);
    this.#joining.enter(connection);
    return connection;
  }

  settled(connection: Connection): void {
    this.#joining.leave(connection);
  }

  idle(connection: Connection): void {
    this.#joining.enter(connection);
  }

  deciding(admission: Admission): void {
    this.#deciding.enter(admission);
  }

  decided(admission: Admission): void {
    this.#deciding.leave(admission);
  }

  groupOf(first: FirstRequest): string | undefined {
    return clientGroup(first, this.settings.given, this);
  }

  ownName(name: string): string {
    return this.namespaces.ownName(name);
  }

  rested(session: EngineSession): void {
    this.#drain?.rested(session);
  }

  // ---- from the namespaces

  makeAdapter(nsp: AdapterNamespace): Adapter {
    return (
      this.cluster?.makeAdapter(nsp, this.settings.keep) ?? adopt(makeAdapter(this.settings.adapter, nsp))
    );
  }

  /** For adapters made for Socket.IO. */
  get encoder(): BareEncoder {
    return new BareEncoder(this.codec, (error, { nsp: namespace, data: [event] }) =>
      this.reportAppError(error, { event, namespace, socketId: undefined }),
    );
  }

  reportError(error: unknown, event: string | symbol | number): void {
    this.reportAppError(error, { event, namespace: "/", socketId: undefined });
  }

  /** Emits `error` on the main namespace, or prints it if nobody listens. */
  reportAppError(error: unknown, context: ErrorContext): void {
    this.monitor.failed(error, context);
    const fromListenerItself = context.event === "error" && context.socketId === undefined;
    const main = this.namespaces.byName.get("/");
    if (!fromListenerItself && main && dispatch(main, "error", [error, context])) return;
    printError(failureOf(context.event, context.namespace), error);
  }

  /** Counts it. Unless its sender was told, emits `error`. It is no failure of the app: strangers decide how many there are. */
  reportRefused(error: ContractError, { answered, ...context }: ErrorContext & { answered: boolean }): void {
    this.monitor.eventRefused(error, context);
    if (error.code === "ERR_INTERNAL") this.reportAppError(error.cause, context);
    else if (!answered) {
      const main = this.namespaces.byName.get("/");
      if (main) dispatch(main, "error", [error, context]);
    }
  }

  // ---- inside

  async #drainAndEnd(drain: Drain, detaches: boolean): Promise<Error | undefined> {
    try {
      this.#refuseNew();
      this.cluster?.drains();
      await drain.run();
      // Requests of the app's own routes, and connections that browsers keep without one, must not hold it up.
      const servers = detaches ? [] : this.attachments.httpServers;
      const rest = this.engineClock.setTimer(() => {
        for (const server of servers) if ("closeAllConnections" in server) server.closeAllConnections();
      }, LAST_REQUESTS_MS);
      const error = await this.#end(detaches);
      this.engineClock.clearTimer(rest);
      return error;
    } finally {
      this.#drain = undefined;
      this.#drained = undefined;
    }
  }

  async #end(detaches: boolean): Promise<Error | undefined> {
    // Closing adapters takes time, and a client that came meanwhile would be let in by a server that is gone.
    this.#refuseNew();
    await Promise.allSettled(
      [...this.namespaces.byName.values()].map((namespace) => namespace[CORE].shutDown()),
    );
    for (const engine of this.#foreign.splice(0)) engine.close?.();
    await this.cluster?.leave();
    const error = await this.attachments.close(detaches);
    await this.cluster?.close();
    return error;
  }

  #refuseNew(): void {
    for (const engine of this.attachments.engines) engine.drain();
  }

  #engineOf(req: IncomingMessage): Engine {
    const { sid } = readWholeQuery(req.url ?? "");
    const { engine, engines } = this.attachments;
    if (sid === undefined) return engine;
    for (const each of engines) if (each.sessions.get(sid) !== undefined) return each;
    return engine;
  }

  get #suspendedCount(): number {
    return this.#sum(({ sessions }) => sessions.suspendedCount);
  }

  /** The sum over all engines. */
  #sum(count: (engine: Attachments["engine"]) => number): number {
    let sum = 0;
    for (const engine of this.attachments.engines) sum += count(engine);
    return sum;
  }

  /** The sessions of all engines, foreign ones too. */
  #sessions(): Set<EngineSession> {
    const sessions = new Set<EngineSession>();
    for (const engine of this.attachments.engines) {
      for (const session of engine.sessions.all()) sessions.add(session);
    }
    if (this.#foreign.length > 0) {
      for (const { sockets } of this.namespaces.byName.values()) {
        for (const { client } of sockets.values()) sessions.add((client as Connection).session);
      }
    }
    return sessions;
  }

  #warnOfOptions(): void {
    warnOfUnknownOptions(this.settings.given, { warnings: this.monitor.warnings, of: "server" });
  }
}

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
