import type { Adapter } from "@sockeye/adapter";
import type { AdapterSocket, BroadcastFlags, OverflowPolicy, Room, SocketId } from "@sockeye/protocol";
import { CORE, PEER } from "@sockeye/protocol";
import type {
  AckAnswer,
  AckCallback,
  Emit,
  EmitTarget,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  WaitOptions,
  WithAnswers,
  WithTimeout,
} from "@sockeye/socket";
import { Emission, emitAndWait, Flagged, readEmit } from "@sockeye/socket";
import type { Handshake } from "./handshake.js";
import { Selection } from "./selection.js";

// For editors, which name the class that declares a method. The code is that of `Flagged`: a way out is no frame longer.
// biome-ignore lint/correctness/noUnusedVariables: both declarations have the same type parameters
export interface BroadcastOperator<EmitEvents extends EventsMap, SocketData> {
  /**
   * Emits an event to all selected sockets. A function as the last argument gets an error or `null`, and the answers of all receivers.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParams<WithAnswers<EmitEvents>, Ev>
  ): boolean;
}

/**
 * Emits to many sockets, or acts on them. Immutable: every call returns a new one, so it can be kept and shared.
 *
 * Each receiver gets a packet once, even if it is in several of the rooms. Where no room is named it means the
 * whole namespace; an empty list of rooms names nobody.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method, from its base
export class BroadcastOperator<EmitEvents extends EventsMap, SocketData> extends Flagged<
  WithAnswers<EmitEvents>,
  Selection
> {
  /** Adds the members of one or several rooms. An empty list adds nobody, so that `to([])` alone means nobody. */
  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    this.target.adapter.nsp[CORE].namesRooms?.(room, "to");
    return new BroadcastOperator(this.target.including(room), this.flags);
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.to(room);
  }

  /** Takes out the members of one or several rooms; the id of a socket is a room too. */
  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    this.target.adapter.nsp[CORE].namesRooms?.(room, "except");
    return new BroadcastOperator(this.target.excluding(room), this.flags);
  }

  /** The sockets of this node only. */
  get local(): this {
    return this.with({ local: true });
  }

  /** How long to wait for acknowledgements, in ms. Default 5000. */
  timeout(timeoutMs: number, options?: WaitOptions): this {
    return this.with({ ...options, timeout: timeoutMs });
  }

  /** What becomes of the event for receivers that read too slowly. Default: what each socket says. */
  overflow(policy: OverflowPolicy): this {
    return this.with({ overflow: policy });
  }

  /**
   * Emits and resolves with the answers of all receivers.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`; its `responses` are those that did come
   */
  override emitWithAck<Ev extends EventNamesWithAck<WithAnswers<EmitEvents>>>(
    event: Ev,
    ...args: EventParamsWithoutAck<WithAnswers<EmitEvents>, Ev>
  ): Promise<AckAnswer<WithAnswers<EmitEvents>, Ev>> {
    return super.emitWithAck(event, ...args);
  }

  /** The sockets that are meant. Those of this node are the real ones, others are {@link RemoteSocket}s. */
  async fetchSockets(): Promise<Array<RemoteSocket<EmitEvents, SocketData>>> {
    if (this.target.empty) return [];
    const found = await this.target.adapter.fetchSockets(this.#options());
    return found.map((socket) =>
      isLocal(socket) ? (socket as unknown as RemoteSocket<EmitEvents, SocketData>) : this.#remote(socket),
    );
  }

  /**
   * How many sockets are meant, on all nodes.
   *
   * @throws ClusterError (as a rejection) `ERR_NODES_MISSING`; its `responses` are the counts of those that have answered
   */
  async count(): Promise<number> {
    const { adapter, empty } = this.target;
    if (empty) return 0;
    // Adapters made for Socket.IO can only list them.
    if (typeof adapter.count !== "function") return (await adapter.fetchSockets(this.#options())).length;
    return await adapter.count(this.#options());
  }

  /** @deprecated as in Socket.IO: use {@link fetchSockets} */
  allSockets(): Promise<Set<SocketId>> {
    return this.target.empty ? Promise.resolve(new Set()) : this.target.adapter.sockets(this.target.rooms);
  }

  /** Makes the selected sockets join one or several rooms. */
  socketsJoin(rooms: Room | Room[]): void {
    this.target.adapter.nsp[CORE].namesRooms?.(rooms, "socketsJoin");
    if (!this.target.empty)
      this.target.adapter.addSockets(this.#options(), Array.isArray(rooms) ? rooms : [rooms]);
  }

  /** Makes the selected sockets leave one or several rooms. */
  socketsLeave(rooms: Room | Room[]): void {
    if (!this.target.empty)
      this.target.adapter.delSockets(this.#options(), Array.isArray(rooms) ? rooms : [rooms]);
  }

  /** @param close true ends the whole connections, all namespaces included */
  disconnectSockets(close = false): void {
    if (!this.target.empty) this.target.adapter.disconnectSockets(this.#options(), close);
  }

  #options(): ReturnType<Selection["options"]> {
    const { signal: _, ...flags } = this.flags;
    return this.target.options(flags);
  }

  #remote(details: unknown): RemoteSocket<EmitEvents, SocketData> {
    return new RemoteSocket(this.target.adapter, details as RemoteSocketDetails<SocketData>);
  }
}

function isLocal(socket: AdapterSocket): boolean {
  return PEER in socket;
}

/** What a node tells of its sockets. */
export interface RemoteSocketDetails<SocketData> {
  readonly id: SocketId;
  readonly handshake: Handshake;
  readonly rooms: Iterable<Room>;
  readonly data: SocketData;
}

/** One socket of another node, as a target of emits. */
class OneSocket implements EmitTarget {
  constructor(readonly selection: Selection) {}

  /** A broadcast to one: its acknowledgement gets one answer, not a list. */
  emitOut(emit: Emit): void {
    const { ack } = emit;
    const single: AckCallback | undefined =
      ack && ((error, answers) => answerOne(ack, emit, { error, answers }));
    this.selection.emitOut({ ...emit, ack: single });
  }
}

/** A socket of another node: a snapshot of what it was, and a handle to act on it. */
export class RemoteSocket<EmitEvents extends EventsMap, SocketData> {
  /** The public id of the socket. */
  readonly id: SocketId;
  /** What the client said when it connected. */
  readonly handshake: Handshake;
  /** The rooms that it was in. */
  readonly rooms: Set<Room>;
  /** What `socket.data` was; changes here change nothing there. */
  readonly data: SocketData;
  readonly #only: OneSocket;

  constructor(adapter: Adapter, details: RemoteSocketDetails<SocketData>) {
    this.id = details.id;
    this.handshake = details.handshake;
    this.rooms = new Set(details.rooms);
    this.data = details.data;
    this.#only = new OneSocket(new Selection(adapter, new Set([details.id])));
  }

  /**
   * Emits an event to the socket.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    this.#only.emitOut(readEmit(event, args, NO_FLAGS));
    return true;
  }

  /** Emits and resolves with the one answer. */
  emitWithAck<Ev extends EventNamesWithAck<EmitEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<EmitEvents, Ev>
  ): Promise<AckAnswer<EmitEvents, Ev>> {
    return emitAndWait(this.#only, readEmit(event, args, NO_FLAGS));
  }

  /** Sets how long an emit through it waits for acknowledgements, in milliseconds. Default 5000. */
  timeout(timeoutMs: number, options?: WaitOptions): Emission<WithTimeout<EmitEvents>> {
    return new Emission<WithTimeout<EmitEvents>>(this.#only, { ...options, timeout: timeoutMs });
  }

  /** Makes the socket join one or several rooms. */
  join(rooms: Room | Room[]): void {
    this.#operator().socketsJoin(rooms);
  }

  /** Makes the socket leave a room. */
  leave(room: Room): void {
    this.#operator().socketsLeave(room);
  }

  /** Disconnects the socket; `true` closes its whole connection. */
  disconnect(close = false): this {
    this.#operator().disconnectSockets(close);
    return this;
  }

  #operator(): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.#only.selection, NO_FLAGS);
  }
}

const NO_FLAGS: BroadcastFlags = {};

function answerOne(
  ack: AckCallback,
  emit: Emit,
  { error, answers }: { error: unknown; answers: unknown },
): void {
  const answer = Array.isArray(answers) ? (answers[0] as unknown) : undefined;
  if (emit.ackTakesError) ack(error, answer);
  else if (!error) ack(answer);
}
