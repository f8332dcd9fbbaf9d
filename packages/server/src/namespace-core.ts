import { types } from "node:util";
import { type Adapter, type PersistedSession, RecoveryAdapter, type RestoredSession } from "@sockeye/adapter";
import type { ClusterCore, RemoteDetails } from "@sockeye/cluster";
import { messageText } from "@sockeye/codec";
import type { StreamTable } from "@sockeye/contract/internal";
import type {
  AdapterNamespace,
  AdapterSocket,
  BroadcastFlags,
  BroadcastOptions,
  Clock,
  Codec,
  ContractError,
  EncodedPacket,
  EventPacket,
  OverflowPolicy,
  Room,
  ServerDisconnectReason,
  SocketId,
} from "@sockeye/protocol";
import { CodecError, PacketType, PEER, REPORT } from "@sockeye/protocol";
import type { RoomRule, RoomSocket, Rooms } from "@sockeye/rooms";
import type { DefaultEventsMap, RefusedEvent, Unchecked } from "@sockeye/socket";
import { dispatch, isHeard } from "@sockeye/socket";
import type { Admission } from "./admission.js";
import type { ErrorContext } from "./audience.js";
import { isEio3 } from "./eio3-client.js";
import { Exchange } from "./exchange.js";
import { expired } from "./expiry.js";
import { flush } from "./foreign-log.js";
import { ForeignView } from "./foreign-view.js";
import type { NamespaceMiddleware } from "./middleware.js";
import { runMiddlewares } from "./middleware.js";
import type { Monitor } from "./monitor.js";
import type { NamespaceMachine } from "./namespace-machine.js";
import type { NodeInCluster } from "./node-in-cluster.js";
import type { ServerLimits } from "./options.js";
import type { Peer } from "./peer.js";
import { roomsOf } from "./rooms-of.js";
import type { SocketNamespace } from "./socket.js";
import { Socket } from "./socket.js";
import { streamsOf } from "./streams-of.js";
import { warnOfNoRoom, warnOfUndeclaredRooms } from "./warnings.js";

/** Whether broken connections are recovered, and how. */
export interface RecoveryTerms {
  readonly skipMiddlewares: boolean;
}

/** The server, as its namespaces see it. */
export interface NamespaceHost {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly recovery: RecoveryTerms | undefined;
  readonly limits: ServerLimits;
  /** For clients that read too slowly. */
  readonly overflowPolicy: OverflowPolicy;
  readonly monitor: Monitor;
  readonly cluster: NodeInCluster | undefined;
  /** A new adapter for a namespace. */
  makeAdapter(nsp: AdapterNamespace): Adapter;
  newSocketId(): SocketId;
  /** May this be the id of a socket, here or on another node of the cluster? */
  isSocketId(room: string): boolean;
  /** What other nodes may know of a socket. */
  describe(socket: Socket): RemoteDetails;
  /** An exception or rejection of the app's code. Must not throw. */
  reportAppError(error: unknown, context: ErrorContext): void;
  /** An event of a client that does not keep to the contract. Must not throw. */
  reportRefused(error: ContractError, context: ErrorContext & { readonly answered: boolean }): void;
}

/** A namespace, as its machine sees it. */
export interface NamespaceHandle
  extends SocketNamespace<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Unchecked> {
  /** The next id of an acknowledgement. Adapters made for Socket.IO count it up themselves. */
  _ids: number;
}

/** The machine behind a `Namespace`: who comes in, who leaves, and what its adapter and its sockets ask of it. */
export class NamespaceCore implements NamespaceMachine, ClusterCore {
  readonly host: NamespaceHost;
  /** The middlewares as they are now: dynamic namespaces begin with those of their parent. */
  middlewares: readonly NamespaceMiddleware<never>[] = [];
  /** Told when the last socket has left, or nobody was let in. */
  emptied: (() => void) | undefined = undefined;
  /** Its contract and handlers; unset until one is in use. */
  exchange: Exchange | undefined = undefined;
  rooms: Rooms<RoomSocket> | undefined = undefined;
  readonly roomRules: [rooms: string | RegExp, rule: RoomRule<never>][] = [];
  readonly #handle: NamespaceHandle;
  #adapter: Adapter | undefined = undefined;
  /** Sockets about which the middlewares still decide. */
  #deciding = 0;
  /** With recovery only: the peers by their secrets. */
  #byPid: Map<string, Peer> | undefined = undefined;

  constructor(handle: NamespaceHandle, host: NamespaceHost) {
    this.#handle = handle;
    this.host = host;
  }

  get name(): string {
    return this.#handle.name;
  }

  get sockets(): Map<SocketId, Socket> {
    return this.#handle.sockets;
  }

  get adapter(): Adapter {
    this.#adapter ??= this.#makeAdapter();
    return this.#adapter;
  }

  get clock(): Clock {
    return this.host.clock;
  }

  get recovers(): boolean {
    return this.host.recovery !== undefined;
  }

  get recoversElsewhere(): boolean {
    return this.recovers && !(this.adapter instanceof RecoveryAdapter);
  }

  get limits(): ServerLimits {
    return this.host.limits;
  }

  get overflowPolicy(): OverflowPolicy {
    return this.host.overflowPolicy;
  }

  nextAckId(): number {
    return this.#handle._ids++;
  }

  encode(packet: EventPacket, flags: BroadcastFlags): EncodedPacket {
    return this.host.codec.encode(packet, flags.compress);
  }

  useExchange(): Exchange {
    this.exchange ??= new Exchange();
    return this.exchange;
  }

  useStreams(): StreamTable {
    const exchange = this.useExchange();
    exchange.streams ??= streamsOf(this);
    return exchange.streams;
  }

  inheritStreams({ exchange }: NamespaceMachine): void {
    if (exchange?.streams) this.useStreams().inherit(exchange.streams);
  }

  declareRooms(rooms: string | RegExp, rule: RoomRule<never>): void {
    if (this.rooms === undefined) {
      this.rooms = roomsOf(this);
      if (this.#adapter) this.#watchRooms(this.#adapter);
    }
    this.rooms.declare(rooms, rule as RoomRule<RoomSocket>);
    this.roomRules.push([rooms, rule]);
  }

  inheritRooms({ roomRules }: NamespaceMachine): void {
    for (const [rooms, rule] of roomRules) this.declareRooms(rooms, rule);
  }

  get remember(): ((packet: EventPacket, options: BroadcastOptions) => void) | undefined {
    const { rooms } = this;
    return rooms && ((packet, options) => rooms.broadcast(packet, options));
  }

  outgoing(event: readonly unknown[]): void {
    this.exchange?.contract?.outgoing(event, (error) => this.reportError(error, String(event[0])));
  }

  namesRooms(rooms: unknown, call: string): void {
    warnOfNoRoom(rooms, call);
    const contract = this.exchange?.contract;
    if (contract) warnOfUndeclaredRooms(rooms, call, contract);
  }

  newSocketId(): SocketId {
    return this.host.newSocketId();
  }

  describe(socket: AdapterSocket): RemoteDetails {
    return this.host.describe(socket as Socket);
  }

  decode({ head, attachments }: EncodedPacket): EventPacket["data"] {
    const decoder = this.host.codec.decoder();
    const frames = [typeof head === "string" ? (messageText(head) ?? "") : head, ...attachments];
    const packet = frames.map((frame) => decoder.write(frame)).at(-1);
    decoder.close?.();
    if (packet?.type !== PacketType.EVENT) throw new CodecError("ERR_PACKET_MALFORMED", "no event");
    return packet.data;
  }

  withOffset(encoded: EncodedPacket, offset: string): EncodedPacket {
    const { codec } = this.host;
    if (codec.withOffset) return codec.withOffset(encoded, offset);
    const data = this.decode(encoded);
    return codec.encode(
      { type: PacketType.EVENT, nsp: this.name, id: undefined, data, offset },
      encoded.compress,
    );
  }

  session(socket: AdapterSocket): PersistedSession | undefined {
    const session = (socket as Socket)[PEER].session();
    return session && { ...session, data: new ForeignView(socket as Socket).data };
  }

  hasListeners(event: string): boolean {
    return isHeard(this.#handle, event);
  }

  // ---- from the connections and sockets

  admit(admission: Admission): void {
    this.#deciding += 1;
    admission.onAbandoned(() => this.#undecided());
    const { pid, offset } = admission.auth;
    if (!this.recovers || isEio3(admission.connection) || typeof pid !== "string") {
      this.#examine(admission, undefined);
      return;
    }
    // The client knows that its old connection is dead, this server does not yet.
    this.#byPid?.get(pid)?.end("transport close");
    const examine = (restored: RestoredSession | undefined): void => {
      const goOn = (): void => this.#examine(admission, restored);
      if (!admission.connection.delays(goOn)) goOn();
    };
    this.#restore(pid, typeof offset === "string" ? offset : undefined).then(
      (restored) => examine(restored ?? undefined),
      (error: unknown) => {
        // Adapters made for Socket.IO say no by rejecting with a text.
        if (error instanceof Error || types.isNativeError(error)) this.reportError(error, "adapter");
        examine(undefined);
      },
    );
  }

  /** Adapters made for Socket.IO may answer without a promise. */
  async #restore(pid: string, offset: string | undefined): Promise<RestoredSession | null> {
    const restored = await this.adapter.restoreSession(pid, offset);
    // A client that may not stay any more has to pass the middlewares, like any other.
    const isOver = typeof restored?.expires === "number" && restored.expires <= this.clock.wall();
    if (isOver) restored.release?.();
    if (isOver || restored === null) return null;
    // The node that it was at may still wait for it. Only once the others are told is it here, or this node would end it as well.
    const flags: BroadcastFlags = { volatile: true };
    const copy = { rooms: new Set([restored.sid]), except: new Set<Room>(), flags };
    if (this.recoversElsewhere) await this.adapter.disconnectSockets(copy, false);
    return restored;
  }

  #examine(admission: Admission, restored: RestoredSession | undefined): void {
    if (admission.abandoned) {
      restored?.release?.();
      return;
    }
    const { connection, auth } = admission;
    const socket = new Socket(this.#handle, connection, {
      auth,
      restored,
    });
    const middlewares =
      restored && this.host.recovery?.skipMiddlewares
        ? []
        : (this.middlewares as readonly NamespaceMiddleware<Socket>[]);
    admission.onAbandoned(() => {
      socket[PEER].end("forced close");
      this.#undecided();
    });
    const decided = (refusal: Error | undefined): void => {
      if (admission.abandoned) return;
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
      delays: (goOn, isLate) => isLate && connection.delays(goOn),
      failedLate: (error) => socket[REPORT](error, "middleware"),
    });
  }

  /** An app that never decides keeps no namespace alive. */
  #undecided(): void {
    this.#deciding -= 1;
    this.#tellEmptied();
  }

  #tellEmptied(): void {
    if (this.sockets.size === 0 && this.#deciding === 0) this.emptied?.();
  }

  /** False if the adapter, which may be the app's, fails. */
  #letIn(admission: Admission, socket: Socket): boolean {
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
    this.host.monitor.socketConnected(socket);
    dispatch(this.#handle, "connect", [socket]);
    dispatch(this.#handle, "connection", [socket]);
    return true;
  }

  left(left: AdapterSocket, reason: ServerDisconnectReason | undefined): void {
    const socket = left as Socket;
    if (reason !== undefined) this.host.monitor.socketDisconnected(socket, reason);
    // Another may have come back under the same id.
    if (this.sockets.get(socket.id) === socket) this.sockets.delete(socket.id);
    const { pid } = socket[PEER];
    if (pid !== undefined) this.#byPid?.delete(pid);
    this.rooms?.gone(socket.id);
    this.#tellEmptied();
  }

  /** Ends all sockets and the adapter. */
  async shutDown(): Promise<void> {
    // Those that are there get what was said last.
    const flushed = this.#adapter && flush(this.#adapter);
    if (flushed) await flushed;
    for (const socket of [...this.sockets.values()]) socket[PEER].end("server shutting down");
    this.rooms?.close();
    this.exchange?.streams?.close();
    await this.#adapter?.close();
  }

  /** The server knows it from now on: an adapter that spans nodes must tell the others at once. */
  begin(): void {
    this.#adapter ??= this.#makeAdapter();
  }

  /** Starts over with a new adapter, for `server.adapter(…)`. */
  resetAdapter(): void {
    this.#adapter = this.#makeAdapter();
  }

  reportError(error: unknown, event: string | symbol | number): void {
    this.host.reportAppError(error, { event, namespace: this.name, socketId: undefined });
  }

  reportSocketError(error: unknown, socketId: SocketId, event: string | symbol | number): void {
    this.host.reportAppError(error, { event, namespace: this.name, socketId });
  }

  reportRefused(error: ContractError, socketId: SocketId, { name: event, answered }: RefusedEvent): void {
    this.host.reportRefused(error, { event, namespace: this.name, socketId, answered });
  }

  #watchRooms(adapter: Adapter): void {
    adapter.on("leave-room", (room: Room, id: SocketId) => this.rooms?.left(room, id));
  }

  #makeAdapter(): Adapter {
    const adapter = this.host.makeAdapter(this.#handle);
    if (this.rooms) this.#watchRooms(adapter);
    Promise.resolve(adapter.init()).catch((error: unknown) => this.reportError(error, "adapter"));
    return adapter;
  }
}

function nameOf(middleware: { readonly name: string } | undefined, index: number): string {
  return `middleware ${index + 1}${middleware?.name ? ` (${middleware.name})` : ""}`;
}
