import type { IncomingMessage } from "node:http";
import type { Adapter, RestoredSession } from "@sockeye/adapter";
import { answering, makeCall } from "@sockeye/contract/internal";
import type {
  BroadcastFlags,
  ContractError,
  OverflowPolicy,
  Room,
  ServerDisconnectReason,
  SocketId,
} from "@sockeye/protocol";
import {
  CORE,
  HANDLE,
  makeAssignable,
  PEER,
  REPORT,
  REQUIRE_FREE,
  requireFunction,
  UsageError,
} from "@sockeye/protocol";
import type {
  AckAnswer,
  CallAnswer,
  CallArgs,
  CallHandler,
  CallInput,
  DefaultEventsMap,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  ListenOptions,
  RefusedEvent,
  Unchecked,
  WaitOptions,
  WithTimeout,
} from "@sockeye/socket";
import { emitAndWait, readEmit, SocketEmitter } from "@sockeye/socket";
import type { Audience } from "./audience.js";
import type { BroadcastOperator } from "./broadcast.js";
import type { Conn } from "./conn.js";
import { eio3SocketId, isEio3 } from "./eio3-client.js";
import { readTime } from "./expiry.js";
import type { Handshake } from "./handshake.js";
import { describeHandshake } from "./handshake.js";
import type { SocketMiddleware } from "./middleware.js";
import { warnOfPatches } from "./patched-privates.js";
import { Peer } from "./peer.js";
import { LEFT, REFUSED } from "./peer-handle.js";
import type { SocketConnection } from "./peer-host.js";

export type { SocketConnection } from "./peer-host.js";

import { SocketEmission } from "./socket-emission.js";

const NO_FLAGS: BroadcastFlags = {};
const NO_ROOMS: ReadonlySet<Room> = new Set();
/** Times are kept as of then: V8 keeps small numbers within an object, and others in one of their own. */
const LOADED_AT = Date.now();

/** What the library emits on a socket. */
export interface SocketEvents {
  /** It is about to leave; its rooms are still full. */
  disconnecting: (reason: ServerDisconnectReason, description?: Unchecked) => void;
  /** It has left; its rooms are empty. */
  disconnect: (reason: ServerDisconnectReason, description?: Unchecked) => void;
  /** A middleware of `socket.use` refused an event. */
  error: (error: Error) => void;
}

/**
 * The namespace of a socket. All that is needed of it here is its broadcasting half; namespace.ts, which knows sockets, adds the
 * rest, so that apps have a `Namespace` in `socket.nsp`.
 */
export interface SocketNamespace<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  ServerSideEvents extends EventsMap,
  SocketData,
> extends Audience<
    EmitEvents,
    ServerSideEvents,
    SocketData,
    Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  > {}

/**
 * One client in one namespace: the handle that `io.on("connection", …)` gets. `id` is public; it is not the secret id of
 * the connection under it.
 *
 * @typeParam ListenEvents events from the client
 * @typeParam EmitEvents events to the client
 * @typeParam ServerSideEvents events between servers
 * @typeParam SocketData the type of {@link data}
 */
export class Socket<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = Unchecked,
> extends SocketEmitter<ListenEvents, SocketEvents> {
  /** The namespace it is in. */
  readonly nsp: SocketNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  /** The connection under it, which other namespaces may share. */
  readonly client: SocketConnection;
  /** The public id, a room of its own. It is not the secret id of the connection. */
  readonly id: SocketId;
  /** Has it come back after an interruption, with all that it missed? */
  readonly recovered: boolean;

  /** @internal */
  readonly [PEER]: Peer;
  readonly #auth: Handshake["auth"];
  readonly #issued = Date.now() - LOADED_AT;
  #handshake: Handshake | undefined = undefined;

  constructor(
    nsp: SocketNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    client: SocketConnection,
    { auth, restored }: { auth: Handshake["auth"]; restored: RestoredSession | undefined },
  ) {
    super();
    this.nsp = nsp;
    this.client = client;
    this.#auth = auth;
    this.id = restored?.sid ?? (isEio3(client) ? eio3SocketId(nsp.name, client.id) : nsp[CORE].newSocketId());
    this.recovered = restored !== undefined;
    this[PEER] = new Peer(this, { nsp: nsp[CORE], client, restored });
  }

  // ---- what it is

  /** Is it in its namespace? */
  get connected(): boolean {
    return this[PEER].connected;
  }

  /** Is it not in its namespace? */
  get disconnected(): boolean {
    return !this.connected;
  }

  /** What the client said when it connected: headers, query, `auth`, address, time. */
  get handshake(): Handshake {
    this.#handshake ??= describeHandshake(this.client.first, {
      issued: LOADED_AT + this.#issued,
      auth: this.#auth,
    });
    return this.#handshake;
  }

  /** Whatever the app keeps with the socket. `fetchSockets` shows it to other servers. */
  get data(): SocketData {
    const peer = this[PEER];
    peer.data ??= {};
    return peer.data as SocketData;
  }

  set data(data: SocketData) {
    this[PEER].data = data;
  }

  /** The rooms it is in, its own id among them. */
  get rooms(): Set<Room> {
    return this.nsp.adapter.socketRooms(this.id) ?? new Set();
  }

  /** The server that it is a socket of. */
  get server(): SocketNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>["server"] {
    return this.nsp.server;
  }

  /** The adapter of its namespace. */
  get adapter(): Adapter {
    return this.nsp.adapter;
  }

  /** The connection: transports, raw packets. */
  get conn(): Conn {
    return this.client.conn;
  }

  /** The request that opened the connection. */
  get request(): IncomingMessage {
    return this.client.request;
  }

  // ---- rooms

  /** @throws UsageError `ERR_TOO_MANY_ROOMS`; it has joined none of them then */
  join(rooms: Room | Room[]): Promise<void> | void {
    if (this[PEER].left) return;
    this.nsp[CORE].namesRooms(rooms, "join");
    const { adapter, limits } = this.nsp[CORE];
    const wanted = new Set(Array.isArray(rooms) ? rooms : [rooms]);
    const joined = adapter.socketRooms(this.id) ?? NO_ROOMS;
    if (joined.size + wanted.size > limits.maxRoomsPerSocket) {
      const added = [...wanted].filter((room) => !joined.has(room)).length;
      if (joined.size + added > limits.maxRoomsPerSocket) throw this.#tooManyRooms();
    }
    return adapter.addAll(this.id, wanted);
  }

  /** Leaves a room. */
  leave(room: Room): Promise<void> | void {
    return this.nsp.adapter.del(this.id, room);
  }

  /**
   * Resolves once `data` is kept for the client's return as it is now. Of a node of a cluster with `connectionStateRecovery` it is kept
   * besides whenever the rooms change; in memory, and by adapters made for Socket.IO, when the connection ends.
   *
   * @throws ClusterError `ERR_BUS_DOWN` (as a rejection): it cannot be kept now
   */
  save(): Promise<void> {
    return this.nsp.adapter.saveSession?.(this.id) ?? Promise.resolve();
  }

  /** Leaves all rooms, its own one too. */
  leaveAll(): void {
    this.nsp.adapter.delAll(this.id);
  }

  // ---- to the client

  /**
   * Sends an event; a function as the last argument gets the client's acknowledgement.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    this[PEER].emitOut(readEmit(event, args, NO_FLAGS));
    return true;
  }

  /**
   * Sends an event and resolves with the acknowledgement.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  emitWithAck<Ev extends EventNamesWithAck<EmitEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<EmitEvents, Ev>
  ): Promise<AckAnswer<EmitEvents, Ev>> {
    return emitAndWait(this[PEER], readEmit(event, args, NO_FLAGS));
  }

  /** Sends an event named `message`. */
  send(...args: unknown[]): this {
    this.emit("message" as never, ...(args as never));
    return this;
  }

  /** The same as {@link send}. */
  write(...args: unknown[]): this {
    return this.send(...args);
  }

  /** What is emitted through it is dropped if the client cannot take it at once. */
  get volatile(): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ volatile: true });
  }

  /** Sets whether the transport may compress what is emitted through it. */
  compress(compress: boolean): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ compress });
  }

  /** Acknowledgements of what is emitted through it get an error first, `ERR_ACK_TIMEOUT` after so many milliseconds. */
  timeout(timeoutMs: number, options?: WaitOptions): SocketEmission<WithTimeout<EmitEvents>, SocketData> {
    return new SocketEmission(this[PEER], { ...options, timeout: timeoutMs });
  }

  /** What is emitted through it has this policy for a client that reads too slowly. */
  overflow(policy: OverflowPolicy): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ overflow: policy });
  }

  // ---- a client that reads too slowly

  /** What becomes of events for this client, once `maxOutboundBytes` wait for it. Default: the server's `overflow`. */
  get overflowPolicy(): OverflowPolicy {
    return this[PEER].overflow;
  }

  set overflowPolicy(policy: OverflowPolicy) {
    this[PEER].overflow = policy;
  }

  /**
   * Bytes that wait for the client, of all of its namespaces: in this process, as far as it knows. Each packet counts about
   * 100 bytes more than it has, for the memory around it.
   */
  get bufferedBytes(): number {
    return this.client.bufferedBytes;
  }

  /**
   * Waits until the client has caught up: nothing waits, and more could leave at once. Await it in a loop that sends much,
   * between the pieces.
   *
   * @returns false if the connection ends before that; it never rejects
   */
  drained(): Promise<boolean> {
    return this.client.drained();
  }

  // ---- to the others

  /** All others in the namespace. */
  get broadcast(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#flagged(NO_FLAGS).broadcast;
  }

  /** Selects the other sockets of this node. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.local;
  }

  /** Selects the other members of one or several rooms. */
  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  /** Selects all other sockets but the members of one or several rooms. */
  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.except(room);
  }

  // ---- the end

  /** Leaves the namespace, or ends the whole connection with all its namespaces. */
  disconnect(close = false): this {
    if (close && this[PEER].entered) this.client.disconnect();
    else this[PEER].disconnect();
    return this;
  }

  /**
   * Lets the client stay until then, by the system's clock: as long as a token or ticket is good. The latest call holds, so
   * to renew, call it again once a new token has been checked. In a middleware a time that has passed refuses the client.
   * A recovered socket keeps its time.
   *
   * When the time has come the socket leaves as by {@link disconnect}: the client's `disconnect` says `io server disconnect`;
   * here it says `server namespace disconnect`, with a {@link NamespaceError} `ERR_EXPIRED` as its description.
   *
   * @param when milliseconds since 1970; `Infinity`: no limit any more
   * @throws UsageError `ERR_BAD_OPTION` for what is not a time
   */
  expireAt(when: Date | number): this {
    this[PEER].expireAt(readTime(when));
    return this;
  }

  // ---- calls

  /**
   * Calls the client, and resolves with its answer.
   *
   * @throws CallError (as a rejection) if the client refuses: branch on its `code`; AckError `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  call<Ev extends EventNames<EmitEvents>>(
    name: Ev,
    ...args: CallArgs<CallInput<EmitEvents, Ev>>
  ): Promise<CallAnswer<EmitEvents, Ev>> {
    this.nsp[CORE].useExchange();
    return makeCall(this[PEER].calls, name as string, args) as Promise<CallAnswer<EmitEvents, Ev>>;
  }

  /**
   * Answers calls of this client: with what the handler returns, or the `CallError` that it throws. What else it throws goes to
   * `io.on("error")`, and the client is told `ERR_INTERNAL`. For all clients of a namespace: `io.handle`.
   *
   * @throws UsageError `ERR_HANDLED` if the name has a handler or a listener
   */
  handle<Ev extends EventNames<ListenEvents>>(
    name: Ev,
    handler: CallHandler<ListenEvents, Ev, this>,
    options?: ListenOptions,
  ): this {
    this.nsp[CORE].useExchange();
    const listener = answering(name as string, handler, () => this[PEER].calls);
    this[HANDLE](name as string, listener, options);
    return this;
  }

  override [REQUIRE_FREE](event: string | symbol | number): void {
    super[REQUIRE_FREE](event);
    this.nsp[CORE].exchange?.requireFree(event);
  }

  // ---- listening

  /** Adds a middleware that sees each event from the client before its handlers. Refusals are emitted as `error` here. */
  use(middleware: SocketMiddleware): this {
    requireFunction(middleware, "a middleware");
    this[PEER].use(middleware);
    return this;
  }

  // ---- from the peer

  /** Hands an error of the app's code to `io.on("error")`, as one that happened for this socket. */
  [REPORT](error: unknown, event: string | symbol | number): void {
    this.nsp[CORE].reportSocketError(error, this.id, event);
  }

  /** @internal */
  [REFUSED](error: ContractError, event: RefusedEvent): void {
    this.nsp[CORE].reportRefused(error, this.id, event);
  }

  /** @internal */
  [LEFT](reason: ServerDisconnectReason | undefined): void {
    this.nsp[CORE].left(this, reason);
  }

  // ---- inside

  #tooManyRooms(): UsageError {
    const error = new UsageError("ERR_TOO_MANY_ROOMS", "the socket is in maxRoomsPerSocket rooms already");
    this.client.exceeded(error);
    return error;
  }

  #flagged(flags: BroadcastFlags): SocketEmission<EmitEvents, SocketData> {
    return new SocketEmission(this[PEER], flags);
  }
}

warnOfPatches(Socket.prototype);

makeAssignable(Socket.prototype, ["bufferedBytes", "connected", "handshake"]);
