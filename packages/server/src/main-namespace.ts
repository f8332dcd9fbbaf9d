import type {
  StreamDeclaration,
  StreamNames,
  UploadDeclaration,
  UploadNames,
} from "@sockeye/contract/internal";
import type { OverflowPolicy, Room, SocketId } from "@sockeye/protocol";
import type { RoomRule } from "@sockeye/rooms";
import type {
  AckAnswer,
  CallHandler,
  EventHandler,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Listener,
  ListenOptions,
  Unchecked,
  WaitOptions,
  WithAnswers,
} from "@sockeye/socket";
import type { NamespaceEvents } from "./audience.js";
import type { BroadcastOperator, RemoteSocket } from "./broadcast.js";
import type { NamespaceMiddleware } from "./middleware.js";
import type { Namespace } from "./namespace.js";
import type { RoomHandle } from "./room-handle.js";
import type { Socket } from "./socket.js";

/** The half of {@link Server} that stands for its main namespace: `io.emit(…)` is `io.of("/").emit(…)`, and so on. */
export abstract class MainNamespace<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  ServerSideEvents extends EventsMap,
  SocketData,
> {
  /** The main namespace, `/`. */
  abstract readonly sockets: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;

  /** Adds a middleware, which decides about each socket that wants to join the main namespace, before `connection`. They run in order of addition. */
  use(middleware: NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.sockets.use(middleware);
    return this;
  }

  /** @see Namespace.handle */
  handle<Ev extends EventNames<ListenEvents>>(
    name: Ev,
    handler: CallHandler<ListenEvents, Ev, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
    options?: ListenOptions,
  ): this {
    this.sockets.handle(name, handler, options);
    return this;
  }

  /** @see Namespace.stream */
  stream<Name extends StreamNames<ListenEvents>>(
    name: Name,
    ...rest: StreamDeclaration<
      ListenEvents,
      Name,
      Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    >
  ): this {
    this.sockets.stream(name, ...rest);
    return this;
  }

  /** @see Namespace.upload */
  upload<Name extends UploadNames<ListenEvents>>(
    name: Name,
    ...rest: UploadDeclaration<
      ListenEvents,
      Name,
      Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    >
  ): this {
    this.sockets.upload(name, ...rest);
    return this;
  }

  /** @see Namespace.room */
  room(
    rooms: string | RegExp,
    rule: RoomRule<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): this;
  room(name: string): RoomHandle;
  room(
    rooms: string | RegExp,
    rule?: RoomRule<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): this | RoomHandle {
    if (rule === undefined) return this.sockets.room(rooms as string);
    this.sockets.room(rooms, rule);
    return this;
  }

  // ---- selecting

  /** Selects the members of one or several rooms, each socket once. `to([])` selects nobody. */
  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  /** Selects everybody but the members of one or several rooms; the id of a socket is a room too. */
  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.except(room);
  }

  /** Sets whether transports may compress what is emitted through it. Default true, where compression was agreed on. */
  compress(compress: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.compress(compress);
  }

  /** Sets how long an emit through it waits for acknowledgements, in milliseconds. Default 5000. */
  timeout(timeoutMs: number, options?: WaitOptions): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.timeout(timeoutMs, options);
  }

  /** What is emitted through it has this policy for clients that read too slowly. */
  overflow(policy: OverflowPolicy): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.overflow(policy);
  }

  /** What is emitted through it is dropped for clients that cannot take it at once. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.volatile;
  }

  /** Selects the sockets of this node only. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.local;
  }

  // ---- emitting

  /**
   * Emits an event to all selected sockets.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<EmitEvents>, Ev>
  ): boolean {
    return this.sockets.emit(event, ...args);
  }

  /**
   * Emits an event and resolves with all answers.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`; its `responses` are those that did come
   */
  emitWithAck<Ev extends EventNamesWithAck<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParamsWithoutAck<WithAnswers<EmitEvents>, Ev>
  ): Promise<AckAnswer<WithAnswers<EmitEvents>, Ev>> {
    return this.sockets.emitWithAck(event, ...args);
  }

  /** Emits an event named `message`. */
  send(...args: unknown[]): this {
    this.sockets.send(...args);
    return this;
  }

  /** The same as {@link send}. */
  write(...args: unknown[]): this {
    return this.send(...args);
  }

  /**
   * Emits an event to the other servers of the cluster, where `io.on(event)` gets it. The last argument may be a callback `(error, responses)`.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`
   */
  serverSideEmit<Ev extends EventNames<WithAnswers<ServerSideEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<ServerSideEvents>, Ev>
  ): boolean {
    return this.sockets.serverSideEmit(event, ...args);
  }

  /** Emits an event to the other servers of the cluster and resolves with their answers. */
  serverSideEmitWithAck<Ev extends EventNamesWithAck<ServerSideEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<ServerSideEvents, Ev>
  ): Promise<Array<AckAnswer<ServerSideEvents, Ev>>> {
    return this.sockets.serverSideEmitWithAck(event, ...args);
  }

  // ---- acting

  /** The selected sockets. Those of other nodes are snapshots with methods to act on them. */
  fetchSockets(): Promise<Array<RemoteSocket<EmitEvents, SocketData>>> {
    return this.sockets.fetchSockets();
  }

  /** How many sockets there are, on all nodes. @throws ClusterError (as a rejection) `ERR_NODES_MISSING` */
  count(): Promise<number> {
    return this.sockets.count();
  }

  /** @deprecated as in Socket.IO: use {@link fetchSockets} */
  allSockets(): Promise<Set<SocketId>> {
    return this.sockets.allSockets();
  }

  /** Makes the selected sockets join one or several rooms. */
  socketsJoin(rooms: Room | Room[]): void {
    this.sockets.socketsJoin(rooms);
  }

  /** Makes the selected sockets leave one or several rooms. */
  socketsLeave(rooms: Room | Room[]): void {
    this.sockets.socketsLeave(rooms);
  }

  /** Disconnects the selected sockets; `true` closes their whole connections. */
  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close);
  }

  // ---- listening

  /** Adds a listener of an event. Listeners run in order of addition; what they throw or reject with is reported. */
  on<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.on(event, listener, options);
    return this;
  }

  /** The same as {@link on}. */
  addListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    return this.on(event, listener, options);
  }

  /** Adds a listener that is called at most once. */
  once<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.once(event, listener, options);
    return this;
  }

  /** Adds a listener before those that are there. */
  prependListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.prependListener(event, listener, options);
    return this;
  }

  /** Adds a listener before those that are there, which is called at most once. */
  prependOnceListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.prependOnceListener(event, listener, options);
    return this;
  }

  /** Removes one listener, all listeners of an event, or without arguments all of all events. */
  off<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event?: Ev,
    listener?: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
  ): this;
  /** Removes one listener, all listeners of an event, or without arguments all of all events. */
  off(event: string | symbol, listener?: AnyHandler): this;
  off(...given: [event?: string | symbol, listener?: AnyHandler]): this {
    this.sockets.off(...(given as [string]));
    return this;
  }

  /** The same as {@link off}. */
  removeListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
  ): this;
  /** The same as {@link off}. */
  removeListener(event: string | symbol, listener: AnyHandler): this;
  removeListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  /** Removes all listeners of an event, or of all events. */
  removeAllListeners(...given: [event?: string | symbol]): this {
    this.sockets.removeAllListeners(...given);
    return this;
  }

  /** The listeners of an event, in order. */
  listeners<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
  ): MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>[] {
    return this.sockets.listeners(event);
  }

  /** As {@link listeners}, but with the wrappers of `once`. */
  rawListeners(event: string | symbol | number): Listener[] {
    return this.sockets.rawListeners(event);
  }

  /** How many listeners an event has. */
  listenerCount(event: string | symbol): number {
    return this.sockets.listenerCount(event);
  }

  /** The events that have listeners. */
  eventNames(): Array<string | symbol> {
    return this.sockets.eventNames();
  }

  /** Does nothing: there is no limit. For code that raises Node.js's. */
  setMaxListeners(count: number): this {
    this.sockets.setMaxListeners(count);
    return this;
  }

  /** Always `Infinity`: there is no limit. */
  getMaxListeners(): number {
    return this.sockets.getMaxListeners();
  }
}

type AnyHandler = (...args: Unchecked[]) => unknown;

type Own<L extends EventsMap, E extends EventsMap, S extends EventsMap, D> = NamespaceEvents<
  Socket<L, E, S, D>
>;

type MainEvent<L extends EventsMap, E extends EventsMap, S extends EventsMap, D> =
  | EventNames<Own<L, E, S, D>>
  | EventNames<S>;

type MainHandler<
  L extends EventsMap,
  E extends EventsMap,
  S extends EventsMap,
  D,
  Ev extends string | symbol,
> = EventHandler<Own<L, E, S, D> & S, Ev>;
