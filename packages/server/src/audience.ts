import type { Adapter } from "@sockeye/adapter";
import type { BroadcastFlags, OverflowPolicy, Room, SocketId } from "@sockeye/protocol";
import { CORE, REPORT, UsageError } from "@sockeye/protocol";
import type {
  AckAnswer,
  AckCallback,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Unchecked,
  WaitOptions,
  WithAnswers,
} from "@sockeye/socket";
import { requireEventName } from "@sockeye/socket";
import type { RemoteSocket } from "./broadcast.js";
import { BroadcastOperator } from "./broadcast.js";
import type { NamespaceMachine } from "./namespace-machine.js";
import { PublicEmitter } from "./public-emitter.js";
import { Selection } from "./selection.js";

const NO_FLAGS: BroadcastFlags = {};

/** Names that `serverSideEmit` must not use: the library emits them on the same object. */
export const RESERVED_SERVER_SIDE: ReadonlySet<unknown> = new Set(["connect", "connection", "new_namespace"]);

/** For whom a piece of the app's code failed. */
export interface ErrorContext {
  readonly event: string | symbol | number;
  readonly namespace: string;
  readonly socketId: SocketId | undefined;
}

/** What the library emits on a namespace. */
export interface NamespaceEvents<S> {
  connect: (socket: S) => void;
  /** A socket has joined. */
  connection: (socket: S) => void;
  /** A namespace was made. On the main namespace only. */
  new_namespace: (namespace: Unchecked) => void;
  /** A handler or middleware of the app has thrown or rejected. On the main namespace only; without a listener it is printed. */
  error: (error: unknown, context: ErrorContext) => void;
}

/**
 * Everybody in a namespace: the broadcasting half of {@link Namespace}, which sockets see as `socket.nsp`.
 *
 * @typeParam S the class of its sockets
 */
export abstract class Audience<
  EmitEvents extends EventsMap,
  ServerSideEvents extends EventsMap,
  SocketData,
  S,
> extends PublicEmitter<ServerSideEvents, NamespaceEvents<S>> {
  /** Its name, beginning with a slash. */
  abstract readonly name: string;
  /** The connected sockets of this node. */
  abstract readonly sockets: Map<SocketId, S>;
  /** Its adapter, which knows who is in which room. */
  abstract readonly adapter: Adapter;

  /** @internal */
  abstract readonly [CORE]: NamespaceMachine;

  /** @internal */
  [REPORT](error: unknown, event: string | symbol | number): void {
    this[CORE].reportError(error, event);
  }

  /** Selects the members of one or several rooms, each socket once. `to([])` selects nobody. */
  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().to(room);
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().to(room);
  }

  /** Selects everybody but the members of one or several rooms; the id of a socket is a room too. */
  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().except(room);
  }

  /** Sets whether transports may compress what is emitted through it. Default true, where compression was agreed on. */
  compress(compress: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().compress(compress);
  }

  /** Sets how long an emit through it waits for acknowledgements, in milliseconds. Default 5000. */
  timeout(timeoutMs: number, options?: WaitOptions): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().timeout(timeoutMs, options);
  }

  /** What is emitted through it has this policy for clients that read too slowly. */
  overflow(policy: OverflowPolicy): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().overflow(policy);
  }

  /** What is emitted through it is dropped for clients that cannot take it at once. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().volatile;
  }

  /** Selects the sockets of this node only. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everybody().local;
  }

  /**
   * Emits an event to all selected sockets.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<EmitEvents>, Ev>
  ): boolean {
    return this.#everybody().emit(event, ...args);
  }

  /** Emits to everybody and resolves with all answers; waits 5 s unless `timeout` says otherwise. */
  emitWithAck<Ev extends EventNamesWithAck<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParamsWithoutAck<WithAnswers<EmitEvents>, Ev>
  ): Promise<AckAnswer<WithAnswers<EmitEvents>, Ev>> {
    return this.#everybody().emitWithAck(event, ...args);
  }

  /** Emits an event named `message` to everybody. */
  send(...args: unknown[]): this {
    this.emit("message" as never, ...(args as never));
    return this;
  }

  /** The same as {@link send}. */
  write(...args: unknown[]): this {
    return this.send(...args);
  }

  /** The selected sockets. Those of other nodes are snapshots with methods to act on them. */
  fetchSockets(): Promise<Array<RemoteSocket<EmitEvents, SocketData>>> {
    return this.#everybody().fetchSockets();
  }

  /** How many sockets there are, on all nodes. @throws ClusterError (as a rejection) `ERR_NODES_MISSING` */
  count(): Promise<number> {
    return this.#everybody().count();
  }

  /** @deprecated as in Socket.IO: use {@link fetchSockets} */
  allSockets(): Promise<Set<SocketId>> {
    return this.#everybody().allSockets();
  }

  /** Makes the selected sockets join one or several rooms. */
  socketsJoin(rooms: Room | Room[]): void {
    this.#everybody().socketsJoin(rooms);
  }

  /** Makes the selected sockets leave one or several rooms. */
  socketsLeave(rooms: Room | Room[]): void {
    this.#everybody().socketsLeave(rooms);
  }

  /** Disconnects the selected sockets; `true` closes their whole connections. */
  disconnectSockets(close = false): void {
    this.#everybody().disconnectSockets(close);
  }

  /**
   * Emits to the other servers of the cluster: their `io.on(event)` gets it. The last argument may be a callback
   * `(error, responses)`.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`
   */
  serverSideEmit<Ev extends EventNames<WithAnswers<ServerSideEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<ServerSideEvents>, Ev>
  ): boolean {
    const name: unknown = event;
    if (typeof name !== "string") requireEventName(name);
    if (RESERVED_SERVER_SIDE.has(event)) {
      throw new UsageError("ERR_RESERVED_EVENT", `"${String(event)}" is a reserved event name`);
    }
    this.adapter.serverSideEmit([event, ...args]);
    return true;
  }

  /** As {@link serverSideEmit}, and resolves with one answer per other server. */
  serverSideEmitWithAck<Ev extends EventNamesWithAck<ServerSideEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<ServerSideEvents, Ev>
  ): Promise<Array<AckAnswer<ServerSideEvents, Ev>>> {
    return new Promise((resolve, reject) => {
      const ack: AckCallback = (error, answers) => {
        if (error) reject(Object.assign(error, { responses: answers }));
        else resolve(answers as Array<AckAnswer<ServerSideEvents, Ev>>);
      };
      this.serverSideEmit(event, ...([...args, ack] as never));
    });
  }

  #everybody(): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(new Selection(this.adapter), NO_FLAGS);
  }
}
