import type { IncomingMessage } from "node:http";
import type { RestoredSession } from "@sockeye/adapter";
import type { FirstRequest } from "@sockeye/engine/server";
import { randomId, secretId } from "@sockeye/engine/server";
import type {
  AdapterSocket,
  BroadcastFlags,
  ConnectPacket,
  EncodedPacket,
  EventPacket,
  OverflowPolicy,
  Packet,
  Room,
  ServerDisconnectReason,
  SocketId,
  SockeyeError,
} from "@sockeye/protocol";
import { AckError, PacketType, UsageError } from "@sockeye/protocol";
import type { DropPolicy } from "@sockeye/session";
import type {
  AckAnswer,
  AckCallback,
  DefaultEventsMap,
  Emit,
  EmitTarget,
  ErrorBoundary,
  EventNames,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Unchecked,
  WithTimeout,
} from "@sockeye/socket";
import { Acks, callGuarded, dispatch, emitAndWait, readEmit, SocketEmitter } from "@sockeye/socket";
import type { Audience } from "./audience.js";
import type { BroadcastOperator } from "./broadcast.js";
import type { Conn } from "./conn.js";
import { dropPolicyOf, eventDropped } from "./drop-policy.js";
import { eio3SocketId, isEio3 } from "./eio3-client.js";
import { eventWeight } from "./event-bytes.js";
import { Expiry, expired, readTime } from "./expiry.js";
import type { Handshake } from "./handshake.js";
import { describeHandshake } from "./handshake.js";
import type { Histogram } from "./histogram.js";
import type { Event, SocketMiddleware } from "./middleware.js";
import { runMiddlewares } from "./middleware.js";
import { Selection } from "./selection.js";
import { SocketEmission } from "./socket-emission.js";
import { warnOfNoRoom, warnOfUnheard } from "./warnings.js";

const NO_FLAGS: BroadcastFlags = {};
const NO_ROOMS: ReadonlySet<Room> = new Set();

/** The ends after which a client may come back to what it had. */
const RECOVERABLE: ReadonlySet<ServerDisconnectReason> = new Set([
  "transport error",
  "transport close",
  "forced close",
  "ping timeout",
  "server shutting down",
  "forced server close",
]);

/** What the library emits on a socket. */
export interface SocketEvents {
  /** It is about to leave; its rooms are still full. */
  disconnecting: (reason: ServerDisconnectReason, description?: unknown) => void;
  /** It has left; its rooms are empty. */
  disconnect: (reason: ServerDisconnectReason, description?: unknown) => void;
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

/** The connection under a socket. */
export interface SocketConnection {
  readonly id: string;
  readonly first: FirstRequest;
  readonly conn: Conn;
  readonly request: IncomingMessage;
  /** Would a packet leave at once? */
  readonly ready: boolean;
  readonly bufferedBytes: number;
  /** Set if somebody wants to know how long acknowledgements take. */
  readonly ackTime?: Histogram | undefined;
  /** Where the client is, for what is counted per address; `undefined` if it is not counted. */
  readonly group: string | undefined;
  /** An event waits for the app. @returns false if too much does: then the connection is at its end */
  hold(bytes: number): boolean;
  /** It waits no more. */
  release(bytes: number): void;
  /** So many bytes more are kept for the client, or fewer: for the budget of the process. */
  keep(bytes: number): void;
  encode(packet: Packet, compress: boolean | undefined): EncodedPacket;
  send(packet: EncodedPacket, droppable?: DropPolicy): void;
  /** Takes a packet back that was given up, unless it was written. */
  takeBack?(packet: EncodedPacket): unknown;
  drained(): Promise<boolean>;
  /** A limit was exceeded for its sake. */
  exceeded(error: SockeyeError): void;
  /** A socket has left its namespace. */
  left(namespace: string): void;
  /** A socket waits for no acknowledgement any more, and owes none. */
  rested(): void;
  /** Ends all sockets of the connection, and the connection itself. */
  disconnect(): void;
}

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
  >
  extends SocketEmitter<ListenEvents, SocketEvents>
  implements AdapterSocket, EmitTarget, ErrorBoundary
{
  readonly nsp: SocketNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  readonly client: SocketConnection;
  readonly id: SocketId;
  /** Has it come back after an interruption, with all that it missed? */
  readonly recovered: boolean;

  #phase: "joining" | "connected" | "leaving" | "left" = "joining";
  #overflow: OverflowPolicy;
  readonly #auth: Handshake["auth"];
  readonly #issued = Date.now();
  /** For recovery: the client's secret, where the log ended when it joined, and what it comes back to. */
  #pid: string | undefined = undefined;
  #since: string | undefined = undefined;
  #restored: RestoredSession | undefined;
  #handshake: Handshake | undefined = undefined;
  #data: SocketData | undefined = undefined;
  #acks: Acks | undefined = undefined;
  /** Acknowledgements that the app's handlers have not given yet. */
  #owed = 0;
  #middlewares: SocketMiddleware[] | undefined = undefined;
  #expiry: Expiry | undefined = undefined;

  constructor(
    nsp: SocketNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    client: SocketConnection,
    { auth, restored }: { auth: Handshake["auth"]; restored: RestoredSession | undefined },
  ) {
    super();
    this.nsp = nsp;
    this.client = client;
    this.#auth = auth;
    this.id = restored?.sid ?? (isEio3(client) ? eio3SocketId(nsp.name, client.id) : randomId());
    this.recovered = restored !== undefined;
    this.#data = restored?.data as SocketData | undefined;
    this.#restored = restored;
    this.#overflow = nsp.overflowPolicy;
    if (typeof restored?.expires === "number") this.#expiry = new Expiry(nsp.clock, restored.expires);
  }

  // ---- what it is

  get connected(): boolean {
    return this.#phase === "connected" || this.#phase === "leaving";
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  get handshake(): Handshake {
    this.#handshake ??= describeHandshake(this.client.first, {
      issued: this.#issued,
      auth: this.#auth,
    });
    return this.#handshake;
  }

  /** Whatever the app keeps with the socket. `fetchSockets` shows it to other servers. */
  get data(): SocketData {
    this.#data ??= {} as SocketData;
    return this.#data;
  }

  set data(data: SocketData) {
    this.#data = data;
  }

  /** The rooms it is in, its own id among them. */
  get rooms(): Set<Room> {
    return this.nsp.adapter.socketRooms(this.id) ?? new Set();
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
    if (this.#phase === "left") return;
    warnOfNoRoom(rooms, "join");
    const { adapter, limits } = this.nsp;
    const wanted = new Set(Array.isArray(rooms) ? rooms : [rooms]);
    const joined = adapter.socketRooms(this.id) ?? NO_ROOMS;
    if (joined.size + wanted.size > limits.maxRoomsPerSocket) {
      const added = [...wanted].filter((room) => !joined.has(room)).length;
      if (joined.size + added > limits.maxRoomsPerSocket) throw this.#exceeded(tooManyRooms());
    }
    return adapter.addAll(this.id, wanted);
  }

  leave(room: Room): Promise<void> | void {
    return this.nsp.adapter.del(this.id, room);
  }

  // ---- to the client

  /**
   * Sends an event; a function as the last argument gets the client's acknowledgement.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    this.emitOut(readEmit(event, args, NO_FLAGS));
    return true;
  }

  /**
   * Sends an event and resolves with the acknowledgement.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  emitWithAck<Ev extends EventNames<EmitEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<EmitEvents, Ev>
  ): Promise<AckAnswer<EmitEvents, Ev>> {
    return emitAndWait(this, readEmit(event, args, NO_FLAGS));
  }

  /** Sends an event named `message`. */
  send(...args: unknown[]): this {
    this.emitOut(readEmit("message", args, NO_FLAGS));
    return this;
  }

  write(...args: unknown[]): this {
    return this.send(...args);
  }

  get volatile(): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ volatile: true });
  }

  compress(compress: boolean): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ compress });
  }

  timeout(timeoutMs: number): SocketEmission<WithTimeout<EmitEvents>, SocketData> {
    return new SocketEmission(this, { timeout: timeoutMs });
  }

  /** What is emitted through it has this policy for a client that reads too slowly. */
  overflow(policy: OverflowPolicy): SocketEmission<EmitEvents, SocketData> {
    return this.#flagged({ overflow: policy });
  }

  // ---- a client that reads too slowly

  /** What becomes of events for this client, once `maxOutboundBytes` wait for it. Default: the server's `overflow`. */
  get overflowPolicy(): OverflowPolicy {
    return this.#overflow;
  }

  set overflowPolicy(policy: OverflowPolicy) {
    this.#overflow = policy;
  }

  /**
   * Bytes that wait for the client, of all of its namespaces: in this process, as far as it knows. Each packet counts about
   * 100 bytes more than it has, for the memory around it.
   */
  get bufferedBytes(): number {
    return this.client.bufferedBytes;
  }

  /**
   * Waits until the client has caught up: nothing waits, and more could leave at once. Whoever produces much awaits it
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

  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.local;
  }

  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.except(room);
  }

  // ---- the end

  /** Leaves the namespace, or ends the whole connection with all its namespaces. */
  disconnect(close = false): this {
    if (this.#phase !== "connected") return this;
    if (close) this.client.disconnect();
    else this.#dismiss(undefined);
    return this;
  }

  /**
   * Lets the client stay until then, by the system's clock: as long as a token or ticket is good. The latest call holds, so
   * whoever has checked a new token renews by calling it again. In a middleware a time that has passed refuses the client.
   * A recovered socket keeps its time.
   *
   * When the time has come the socket leaves as by {@link disconnect}: the client's `disconnect` says `io server disconnect`;
   * here it says `server namespace disconnect`, with a {@link NamespaceError} `ERR_EXPIRED` as its description.
   *
   * @param when milliseconds since 1970; `Infinity`: no limit any more
   * @throws UsageError `ERR_BAD_OPTION` for what is no time
   */
  expireAt(when: Date | number): this {
    const at = readTime(when);
    if (this.#phase === "leaving" || this.#phase === "left") return this;
    if (this.#expiry) this.#expiry.move(at);
    else this.#expiry = new Expiry(this.nsp.clock, at);
    if (this.#phase === "connected") this.#watchExpiry();
    return this;
  }

  // ---- listening

  /** Adds a middleware that sees each event from the client before its handlers. Refusals are emitted as `error` here. */
  use(middleware: SocketMiddleware): this {
    this.#middlewares = [...(this.#middlewares ?? []), middleware];
    return this;
  }

  // ---- the way out (from emits and from the adapter)

  /** @internal */
  emitOut(emit: Emit): void {
    const { ack, flags } = emit;
    if (this.#phase === "left") {
      // Nobody will answer: whoever can be told is told.
      if (ack && emit.ackTakesError) {
        callGuarded(
          ack,
          [new AckError("ERR_ACK_DISCONNECTED", "socket has been disconnected")],
          this.#context(emit.event),
        );
      }
      return;
    }
    const dropped = flags.volatile === true && !this.client.ready;
    if (dropped && !emit.ackTakesError) return;
    if (this.nsp.recovers && !ack && !flags.volatile && this.connected) {
      new Selection(this.nsp.adapter, new Set([this.id])).emitOut(emit);
      return;
    }
    if (ack && this.#fullOfAcks) {
      const error = this.#exceeded(tooManyAcks());
      if (emit.ackTakesError) callGuarded(ack, [error], this.#context(emit.event));
      else this.reportError(error, emit.event);
      return;
    }
    const id = ack ? this.nsp.nextAckId() : undefined;
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.nsp.name,
      id,
      data: [emit.event, ...emit.args],
    };
    const encoded = this.client.encode(packet, flags.compress);
    if (ack && id !== undefined) {
      const callback: AckCallback = (...args) => callGuarded(ack, args, this.#context(emit.event));
      this.#expected().expect(id, {
        callback: this.client.ackTime === undefined ? callback : timed(callback, emit, this.client.ackTime),
        takesError: emit.ackTakesError,
        timeoutMs: flags.timeout,
        givenUp: this.#takingBack(encoded),
      });
    }
    // Who takes an error hears of a packet that was dropped as of one that nobody answers.
    if (dropped) return;
    this.showOutgoing(packet.data);
    this.#leave(packet, encoded, flags);
  }

  /** Hands an event to the connection, with what may become of it there. */
  #leave(packet: EventPacket, encoded: EncodedPacket, flags: BroadcastFlags): void {
    const policy = flags.overflow ?? this.#overflow;
    if (policy === "close") this.client.send(encoded);
    else
      this.client.send(
        encoded,
        dropPolicyOf(packet, policy, (id) => this.#acks?.fail(id, eventDropped())),
      );
  }

  /** @internal Everybody in the namespace but this socket. */
  others(): Selection {
    return new Selection(this.nsp.adapter, undefined, new Set([this.id]));
  }

  /** @internal */
  deliver(packet: EventPacket, encoded: EncodedPacket, flags: BroadcastFlags): void {
    if (this.#phase === "left" || (flags.volatile && !this.client.ready)) return;
    this.showOutgoing(packet.data);
    const known = packet.offset === undefined || this.#recovers;
    const bytes = known ? encoded : this.client.encode({ ...packet, offset: undefined }, flags.compress);
    this.#leave(packet, bytes, flags);
  }

  /** @internal */
  deliverWithAck(
    packet: EventPacket,
    encoded: EncodedPacket,
    flags: BroadcastFlags,
    answered: (args: readonly unknown[]) => void,
  ): void {
    if (this.#fullOfAcks) {
      this.reportError(this.#exceeded(tooManyAcks()), packet.data[0]);
      return;
    }
    if (packet.id !== undefined) {
      const callback: AckCallback = (...args) => answered(args);
      this.#expected().expect(packet.id, {
        callback,
        takesError: false,
        timeoutMs: flags.timeout,
        givenUp: this.#takingBack(encoded),
      });
    }
    this.deliver(packet, encoded, flags);
  }

  /** @internal For adapters made for Socket.IO. */
  notifyOutgoingListeners({ data }: EventPacket): void {
    this.showOutgoing(data);
  }

  /** @internal For adapters made for Socket.IO: `set(id, callback)` waits for an acknowledgement. */
  get acks(): { set(id: number, callback: AckCallback): void } {
    const set = (id: number, callback: AckCallback): void => {
      const guarded: AckCallback = (...args) => callGuarded(callback, args, this.#context("acknowledgement"));
      this.#expected().expect(id, { callback: guarded, takesError: false, timeoutMs: undefined });
    };
    return { set };
  }

  // ---- the way in (from the connection)

  /** @internal One packet from the client. CONNECT and CONNECT_ERROR never come here. */
  receive(packet: Packet): void {
    switch (packet.type) {
      case PacketType.EVENT:
        this.#event(packet);
        return;
      case PacketType.ACK:
        this.#acks?.settle(packet.id, packet.data);
        if (!this.busy) this.client.rested();
        return;
      case PacketType.DISCONNECT:
        this.end("client namespace disconnect");
        return;
      default:
    }
  }

  /** @internal The namespace lets it in: it is told, and from now on events flow. */
  enter(): void {
    const { name: nsp, adapter } = this.nsp;
    this.#phase = "connected";
    this.#watchExpiry();
    this.join(this.#restored ? [this.id, ...this.#restored.rooms] : this.id);
    if (this.#recovers) {
      this.#since = adapter.position();
      this.#pid = this.#restored?.pid ?? newPid(this.#since);
      // Before CONNECT, as in Socket.IO: the client's handlers see them before its `connect` event.
      for (const data of this.#restored?.missedPackets ?? []) {
        this.#send({ type: PacketType.EVENT, nsp, id: undefined, data });
      }
      this.#restored = undefined;
    }
    this.#send({ type: PacketType.CONNECT, nsp, id: undefined, data: this.#welcome() });
  }

  /** @internal Is an acknowledgement under way, in either direction? One that a handler never gives is for ever. */
  /** @internal */
  get acksPending(): number {
    return this.#acks?.size ?? 0;
  }

  /** @internal */
  get busy(): boolean {
    return this.#owed > 0 || (this.#acks?.size ?? 0) > 0;
  }

  /** @internal May it not stay any more? */
  get expired(): boolean {
    return this.#expiry?.passed === true;
  }

  /** @internal The client's secret for recovery. */
  get pid(): string | undefined {
    return this.#pid;
  }

  /** @internal Leaves the namespace, for whatever reason. A socket that was never let in goes without a word. */
  end(reason: ServerDisconnectReason, description?: unknown): void {
    const was = this.#phase;
    if (was === "left" || was === "leaving") return;
    this.#phase = "leaving";
    this.#expiry?.stop();
    if (was === "connected") dispatch(this, "disconnecting", [reason, description]);
    this.#phase = "left";
    this.#forget(was === "connected" && RECOVERABLE.has(reason));
    this.nsp.left(this, was === "connected" ? reason : undefined);
    this.client.left(this.nsp.name);
    this.#acks?.failAll();
    if (was === "connected") dispatch(this, "disconnect", [reason, description]);
  }

  reportError(error: unknown, event: string | symbol | number): void {
    this.nsp.reportSocketError(error, { socket: this, event });
  }

  // ---- inside

  /** Does it wait for as many acknowledgements as it may? */
  get #fullOfAcks(): boolean {
    return this.#acks !== undefined && this.#acks.size >= this.nsp.limits.maxPendingAcks;
  }

  #exceeded<E extends SockeyeError>(error: E): E {
    this.client.exceeded(error);
    return error;
  }

  /** May this client come back after an interruption? Those of Socket.IO 2 don't know how. */
  get #recovers(): boolean {
    return this.nsp.recovers && !isEio3(this.client);
  }

  /** What the client is told when it is in. Those of Socket.IO 2 know their id. */
  #welcome(): ConnectPacket["data"] {
    if (isEio3(this.client)) return undefined;
    return this.#pid === undefined ? { sid: this.id } : { sid: this.id, pid: this.#pid };
  }

  /** The adapter may be the app's: what it throws must not come back to whoever noticed the end. */
  #forget(comesBack: boolean): void {
    try {
      if (comesBack && this.#pid !== undefined) this.#persist(this.#pid);
      this.nsp.adapter.delAll(this.id);
    } catch (error) {
      this.reportError(error, "adapter");
    }
  }

  #persist(pid: string): void {
    this.nsp.adapter.persistSession({
      sid: this.id,
      pid,
      rooms: [...this.rooms],
      data: this.#data,
      since: this.#since,
      expires: this.#expiry?.at,
    });
  }

  #watchExpiry(): void {
    this.#expiry?.watch(() => this.#dismiss(expired()));
  }

  /** Leaves the namespace by this end's wish. */
  #dismiss(why: Error | undefined): void {
    this.#send({ type: PacketType.DISCONNECT, nsp: this.nsp.name, id: undefined, data: undefined });
    this.end("server namespace disconnect", why);
  }

  #event(packet: EventPacket): void {
    const { id, data } = packet;
    if (!this.#middlewares) {
      this.#handle(id === undefined ? data : [...data, this.#acknowledger(id, data[0])]);
      return;
    }
    // Middlewares may change it.
    const event: Event = [...data];
    if (id !== undefined) event.push(this.#acknowledger(id, undefined));
    runMiddlewares(
      this.#middlewares,
      event,
      (error) => {
        if (error) dispatch(this, "error", [error]);
        else if (this.connected) this.#handle(event);
      },
      {
        waits: (promise) => this.#hold(event, promise),
        failedLate: (error) => this.reportError(error, "middleware"),
      },
    );
  }

  /** An asynchronous middleware has the event as long as its promise is open. */
  #hold(event: Event, promise: PromiseLike<unknown>): void {
    const { client } = this;
    const weight = eventWeight(event);
    if (!client.hold(weight)) return;
    const release = (): void => client.release(weight);
    promise.then(release, release);
  }

  /** @param event its name, its arguments, and the acknowledgement if one is wanted */
  #handle(event: EventPacket["data"]): void {
    this.showIncoming(event);
    if (!dispatch(this, event[0], event.slice(1))) this.#unheard(event[0]);
  }

  /** The listener may have been put on `io` by mistake. */
  #unheard(name: string | number): void {
    const { nsp } = this;
    if (nsp.hasListeners(String(name)) && this.listenersAny().length === 0) warnOfUnheard(String(name));
  }

  /**
   * What a handler gets as its last argument if the client waits for an answer. Answers once.
   *
   * @param event left out: a middleware may rename it
   */
  #acknowledger(id: number, event: string | number | undefined): AckCallback {
    let answered = false;
    // Where nobody listens, nobody will answer.
    const heard = event === undefined || this.hasListeners(event as string) || this.listenersAny().length > 0;
    const owed = heard ? 1 : 0;
    this.#owed += owed;
    return (...args) => {
      if (answered || this.#phase === "left") return;
      const packet: Packet = { type: PacketType.ACK, nsp: this.nsp.name, id, data: args };
      // What cannot be sent is told to the caller, who may answer something else.
      const encoded = this.client.encode(packet, undefined);
      answered = true;
      this.#owed -= owed;
      this.client.send(encoded);
      if (!this.busy) this.client.rested();
    };
  }

  #send(packet: Packet): void {
    this.client.send(this.client.encode(packet, undefined));
  }

  #flagged(flags: BroadcastFlags): SocketEmission<EmitEvents, SocketData> {
    return new SocketEmission(this, flags);
  }

  /** An event whose answer nobody waits for any more never leaves, if it has not left. What left a moment ago still gets through before a goodbye. */
  #takingBack(encoded: EncodedPacket): (error: { readonly code: string }) => void {
    return ({ code }) => {
      if (code === "ERR_ACK_TIMEOUT") this.client.takeBack?.(encoded);
    };
  }

  #expected(): Acks {
    this.#acks ??= new Acks(this.nsp.clock);
    return this.#acks;
  }

  #context(event: string): { target: ErrorBoundary; event: string } {
    return { target: this, event };
  }
}

/**
 * A secret for recovery. The same one tells the client that it is recovered. The epoch in front lets it tell an offset from
 * an argument; where there is none the length of Socket.IO's says that any text may be an offset.
 *
 * @param since where the log ended, of an adapter of ours
 */
function newPid(since: string | undefined): string {
  return since === undefined ? randomId() : `${since.split(".", 1)[0]}${secretId()}`;
}

function tooManyRooms(): UsageError {
  return new UsageError("ERR_TOO_MANY_ROOMS", "the socket is in maxRoomsPerSocket rooms already");
}

function tooManyAcks(): AckError {
  return new AckError("ERR_TOO_MANY_ACKS", "the socket waits for maxPendingAcks acknowledgements already");
}

/** Notes how long the answer takes, if there is one. */
function timed(callback: AckCallback, { ackTakesError }: Emit, time: Histogram): AckCallback {
  const began = performance.now();
  return (...args) => {
    if (!ackTakesError || !args[0]) time.note(began);
    callback(...args);
  };
}
