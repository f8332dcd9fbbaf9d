import { types } from "node:util";
import type { Adapter, RestoredSession } from "@sockeye/adapter";
import type {
  AdapterNamespace,
  BroadcastFlags,
  Clock,
  Codec,
  EncodedPacket,
  EventPacket,
  Limits,
  OverflowPolicy,
  ServerDisconnectReason,
  SocketId,
} from "@sockeye/protocol";
import type { DefaultEventsMap, EventsMap, Unchecked } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type { Admission, Joinable } from "./admission.js";
import type { ErrorContext } from "./audience.js";
import { Audience, RESERVED_SERVER_SIDE } from "./audience.js";
import { isEio3 } from "./eio3-client.js";
import { expired } from "./expiry.js";
import type { NamespaceMiddleware } from "./middleware.js";
import { runMiddlewares } from "./middleware.js";
import type { Monitor } from "./monitor.js";
import { PEER, type Peer } from "./peer.js";
import { Socket } from "./socket.js";

/** Whether broken connections are recovered, and how. */
export interface RecoveryTerms {
  readonly skipMiddlewares: boolean;
}

/** The server, as its namespaces see it. */
export interface NamespaceHost {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly recovery: RecoveryTerms | undefined;
  readonly limits: Limits;
  /** For clients that read too slowly. */
  readonly overflowPolicy: OverflowPolicy;
  readonly monitor: Monitor;
  /** A new adapter for a namespace. */
  makeAdapter(nsp: AdapterNamespace): Adapter;
  /** An exception or rejection of the app's code. Must not throw. */
  reportAppError(error: unknown, context: ErrorContext): void;
}

/** Where a server keeps its machine: not in the way of those who look for methods of servers. */
export const HOST: unique symbol = Symbol("host");

/** The server of a namespace. As with {@link SocketNamespace}, server.ts adds the rest. */
export interface NamespaceServer<
  _ListenEvents extends EventsMap = DefaultEventsMap,
  _EmitEvents extends EventsMap = DefaultEventsMap,
  _ServerSideEvents extends EventsMap = DefaultEventsMap,
  _SocketData = Unchecked,
> {
  /** @internal */
  readonly [HOST]: NamespaceHost;
}

declare module "./socket.js" {
  interface SocketNamespace<
    ListenEvents extends EventsMap,
    EmitEvents extends EventsMap,
    ServerSideEvents extends EventsMap,
    SocketData,
  > extends Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {}
}

/**
 * A named lane on all connections, with its own sockets, rooms, middlewares and events.
 *
 * @see Socket for the type parameters
 */
export class Namespace<
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
    ServerSideEvents extends EventsMap = DefaultEventsMap,
    SocketData = Unchecked,
  >
  extends Audience<
    EmitEvents,
    ServerSideEvents,
    SocketData,
    Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  >
  implements AdapterNamespace, Joinable
{
  readonly name: string;
  readonly sockets: Map<SocketId, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map();
  /** The server it belongs to. */
  readonly server: NamespaceServer<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  #adapter: Adapter | undefined = undefined;
  #middlewares: ReadonlyArray<
    NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>
  > = [];
  /** @internal The next id of an acknowledgement. Adapters made for Socket.IO count it up themselves. */
  _ids = 0;
  /** Sockets about which the middlewares still decide. */
  #deciding = 0;
  /** With recovery only: the peers by their secrets. */
  #byPid: Map<string, Peer> | undefined = undefined;

  constructor(server: NamespaceServer<ListenEvents, EmitEvents, ServerSideEvents, SocketData>, name: string) {
    super();
    this.server = server;
    this.name = name;
  }

  get adapter(): Adapter {
    this.#adapter ??= this.#makeAdapter();
    return this.#adapter;
  }

  /** Decides about each socket that wants to join, before `connection`. Middlewares run in order of addition. */
  use(middleware: NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.#middlewares = [...this.#middlewares, middleware];
    return this;
  }

  // ---- from the adapter

  /** @internal */
  get clock(): Clock {
    return this.server[HOST].clock;
  }

  /** @internal */
  get recovers(): boolean {
    return this.server[HOST].recovery !== undefined;
  }

  /** @internal */
  get limits(): Limits {
    return this.server[HOST].limits;
  }

  /** @internal */
  get overflowPolicy(): OverflowPolicy {
    return this.server[HOST].overflowPolicy;
  }

  /** @internal */
  nextAckId(): number {
    return this._ids++;
  }

  /** @internal */
  encode(packet: EventPacket, flags: BroadcastFlags): EncodedPacket {
    return this.server[HOST].codec.encode(packet, flags.compress);
  }

  /** @internal An event of another server; the last argument may be a function that takes the answer. */
  _onServerSideEmit([event, ...args]: readonly unknown[]): void {
    if (typeof event === "string" && !RESERVED_SERVER_SIDE.has(event)) dispatch(this, event, args);
  }

  // ---- from the connections and sockets

  /** @internal */
  admit(admission: Admission): void {
    this.#deciding += 1;
    const { pid, offset } = admission.auth;
    if (!this.recovers || isEio3(admission.connection) || typeof pid !== "string") {
      this.#examine(admission, undefined);
      return;
    }
    // The client knows that its old connection is dead, this server does not yet.
    this.#byPid?.get(pid)?.end("transport close");
    this.#restore(pid, typeof offset === "string" ? offset : undefined).then(
      (restored) => this.#examine(admission, restored ?? undefined),
      (error: unknown) => {
        // Adapters made for Socket.IO say no by rejecting with a text.
        if (error instanceof Error || types.isNativeError(error)) this.reportError(error, "adapter");
        this.#examine(admission, undefined);
      },
    );
  }

  /** Adapters made for Socket.IO may answer without a promise. */
  async #restore(pid: string, offset: string | undefined): Promise<RestoredSession | null> {
    const restored = await this.adapter.restoreSession(pid, offset);
    // Who may not stay any more has to pass the middlewares, like anybody.
    const isOver = typeof restored?.expires === "number" && restored.expires <= this.clock.wall();
    return isOver ? null : restored;
  }

  #examine(admission: Admission, restored: RestoredSession | undefined): void {
    const { connection, auth } = admission;
    const socket = new Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>(this, connection, {
      auth,
      restored,
    });
    const middlewares = restored && this.server[HOST].recovery?.skipMiddlewares ? [] : this.#middlewares;
    const decided = (refusal: Error | undefined): void => {
      this.#deciding -= 1;
      const error = refusal ?? (socket[PEER].expired ? expired() : undefined);
      if (error && admission.awaited) admission.refuse(error as Error & { data?: unknown });
      else if (admission.awaited && this.#letIn(admission, socket)) return;
      // Nobody was let in: what middlewares did for the socket is undone.
      socket[PEER].end("forced close");
      admission.over();
    };
    runMiddlewares(middlewares, socket, decided, {
      asked: (index) => admission.asks(nameOf(middlewares[index], index)),
      failedLate: (error) => socket.reportError(error, "middleware"),
    });
  }

  /** False if the adapter, which may be the app's, fails. */
  #letIn(
    admission: Admission,
    socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
  ): boolean {
    this.sockets.set(socket.id, socket);
    const peer = socket[PEER];
    admission.letIn(peer);
    try {
      peer.enter();
    } catch (error) {
      this.reportError(error, "adapter");
      admission.refuse({ message: "Internal error" });
      return false;
    }
    if (peer.pid !== undefined) {
      this.#byPid ??= new Map();
      this.#byPid.set(peer.pid, peer);
    }
    this.server[HOST].monitor.socketConnected(socket as unknown as Socket);
    dispatch(this, "connect", [socket]);
    dispatch(this, "connection", [socket]);
    return true;
  }

  /** @internal */
  left(
    socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    reason: ServerDisconnectReason | undefined,
  ): void {
    if (reason !== undefined)
      this.server[HOST].monitor.socketDisconnected(socket as unknown as Socket, reason);
    // Another may have come back under the same id.
    if (this.sockets.get(socket.id) === socket) this.sockets.delete(socket.id);
    const { pid } = socket[PEER];
    if (pid !== undefined) this.#byPid?.delete(pid);
  }

  /** @internal Ends all sockets and the adapter. */
  async shutDown(): Promise<void> {
    for (const socket of [...this.sockets.values()]) socket[PEER].end("server shutting down");
    await this.#adapter?.close();
  }

  /** @internal The server knows it from now on: an adapter that spans nodes must tell the others at once. */
  begin(): void {
    this.#adapter ??= this.#makeAdapter();
  }

  /** @internal Starts over with a new adapter, for `server.adapter(…)`. */
  resetAdapter(): void {
    this.#adapter = this.#makeAdapter();
  }

  reportError(error: unknown, event: string | symbol | number): void {
    this.server[HOST].reportAppError(error, { event, namespace: this.name, socketId: undefined });
  }

  /** @internal */
  reportSocketError(
    error: unknown,
    {
      socket,
      event,
    }: {
      socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
      event: string | symbol | number;
    },
  ): void {
    this.server[HOST].reportAppError(error, { event, namespace: this.name, socketId: socket.id });
  }

  /** Is nobody in it, and nobody about to come in? */
  protected get deserted(): boolean {
    return this.sockets.size === 0 && this.#deciding === 0;
  }

  /** The middlewares as they are now: dynamic namespaces begin with those of their parent. */
  protected get middlewares(): ReadonlyArray<
    NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>
  > {
    return this.#middlewares;
  }

  /** @internal */
  inherit(
    middlewares: ReadonlyArray<
      NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>
    >,
  ): void {
    this.#middlewares = middlewares;
  }

  #makeAdapter(): Adapter {
    const adapter = this.server[HOST].makeAdapter(this);
    Promise.resolve(adapter.init()).catch((error: unknown) => this.reportError(error, "adapter"));
    return adapter;
  }
}

function nameOf(middleware: { readonly name: string } | undefined, index: number): string {
  return `middleware ${index + 1}${middleware?.name ? ` (${middleware.name})` : ""}`;
}
