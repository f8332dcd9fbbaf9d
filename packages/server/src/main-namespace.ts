import type { OverflowPolicy, Room, SocketId } from "@sockeye/protocol";
import type {
  AckAnswer,
  EventHandler,
  EventNames,
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

  use(middleware: NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.sockets.use(middleware);
    return this;
  }

  // ---- selecting

  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.except(room);
  }

  compress(compress: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.compress(compress);
  }

  timeout(timeoutMs: number, options?: WaitOptions): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.timeout(timeoutMs, options);
  }

  /** What is emitted through it has this policy for clients that read too slowly. */
  overflow(policy: OverflowPolicy): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.overflow(policy);
  }

  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.volatile;
  }

  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.local;
  }

  // ---- emitting

  emit<Ev extends EventNames<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<EmitEvents>, Ev>
  ): boolean {
    return this.sockets.emit(event, ...args);
  }

  emitWithAck<Ev extends EventNames<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParamsWithoutAck<WithAnswers<EmitEvents>, Ev>
  ): Promise<AckAnswer<WithAnswers<EmitEvents>, Ev>> {
    return this.sockets.emitWithAck(event, ...args);
  }

  send(...args: unknown[]): this {
    this.sockets.send(...args);
    return this;
  }

  write(...args: unknown[]): this {
    return this.send(...args);
  }

  serverSideEmit<Ev extends EventNames<WithAnswers<ServerSideEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<ServerSideEvents>, Ev>
  ): boolean {
    return this.sockets.serverSideEmit(event, ...args);
  }

  serverSideEmitWithAck<Ev extends EventNames<ServerSideEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<ServerSideEvents, Ev>
  ): Promise<Array<AckAnswer<ServerSideEvents, Ev>>> {
    return this.sockets.serverSideEmitWithAck(event, ...args);
  }

  // ---- acting

  fetchSockets(): Promise<Array<RemoteSocket<EmitEvents, SocketData>>> {
    return this.sockets.fetchSockets();
  }

  /** @deprecated as in Socket.IO: use {@link fetchSockets} */
  allSockets(): Promise<Set<SocketId>> {
    return this.sockets.allSockets();
  }

  socketsJoin(rooms: Room | Room[]): void {
    this.sockets.socketsJoin(rooms);
  }

  socketsLeave(rooms: Room | Room[]): void {
    this.sockets.socketsLeave(rooms);
  }

  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close);
  }

  // ---- listening

  on<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.on(event, listener, options);
    return this;
  }

  addListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    return this.on(event, listener, options);
  }

  once<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.once(event, listener, options);
    return this;
  }

  prependListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.prependListener(event, listener, options);
    return this;
  }

  prependOnceListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
    options?: ListenOptions,
  ): this {
    this.sockets.prependOnceListener(event, listener, options);
    return this;
  }

  off<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event?: Ev,
    listener?: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
  ): this;
  off(event: string | symbol, listener?: AnyHandler): this;
  off(...given: [event?: string | symbol, listener?: AnyHandler]): this {
    this.sockets.off(...(given as [string]));
    return this;
  }

  removeListener<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
    listener: MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>,
  ): this;
  removeListener(event: string | symbol, listener: AnyHandler): this;
  removeListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  removeAllListeners(...given: [event?: string | symbol]): this {
    this.sockets.removeAllListeners(...given);
    return this;
  }

  listeners<Ev extends MainEvent<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>(
    event: Ev,
  ): MainHandler<ListenEvents, EmitEvents, ServerSideEvents, SocketData, Ev>[] {
    return this.sockets.listeners(event);
  }

  rawListeners(event: string | symbol | number): Listener[] {
    return this.sockets.rawListeners(event);
  }

  listenerCount(event: string | symbol): number {
    return this.sockets.listenerCount(event);
  }

  eventNames(): Array<string | symbol> {
    return this.sockets.eventNames();
  }

  setMaxListeners(count: number): this {
    this.sockets.setMaxListeners(count);
    return this;
  }

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
