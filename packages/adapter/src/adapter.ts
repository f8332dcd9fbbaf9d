import { EventEmitter } from "node:events";
import type {
  AdapterNamespace,
  AdapterSocket,
  BroadcastFlags,
  BroadcastOptions,
  EncodedPacket,
  EventData,
  EventPacket,
  Room,
  SocketId,
} from "@sockeye/protocol";
import { CORE, PEER, REPORT } from "@sockeye/protocol";
import { SelfSets } from "./self-sets.js";

const NO_FLAGS: BroadcastFlags = {};

/** One event for the other servers of a cluster: its name, its arguments, and maybe a callback for their answers. */
export type ServerSideArgs = readonly unknown[];

/** What of a session is kept for connection state recovery. */
export interface PersistedSession {
  readonly sid: SocketId;
  /** The session's secret: who knows it is the client that lost it. */
  readonly pid: string;
  readonly rooms: readonly Room[];
  readonly data: unknown;
  /** The {@link Adapter.position} when it joined: where a client starts that has never got an event. */
  readonly since?: string | undefined;
  /** Until when it may stay, in milliseconds since 1970, if that is limited. */
  readonly expires?: number | undefined;
}

/** A session that is taken up again. */
export interface RestoredSession extends PersistedSession {
  /** The events that it has missed, in order, each with its offset behind the last argument. */
  readonly missedPackets: readonly EventData[];
  /** It is not taken up after all. */
  release?(): void;
}

/**
 * Membership of rooms and fan-out for one namespace, in memory: the default, and the base of adapters that span nodes.
 * Method names and meanings are Socket.IO's.
 *
 * Emits `create-room(room)`, `delete-room(room)`, `join-room(room, id)` and `leave-room(room, id)`.
 */
export class Adapter<S extends AdapterSocket = AdapterSocket> extends EventEmitter {
  readonly nsp: AdapterNamespace<S>;
  readonly rooms: Map<Room, Set<SocketId>>;
  readonly sids: Map<SocketId, Set<Room>>;
  readonly #rooms = new SelfSets();
  readonly #sids = new SelfSets();

  constructor(nsp: AdapterNamespace<S>) {
    super();
    this.nsp = nsp;
    this.rooms = this.#rooms;
    this.sids = this.#sids;
  }

  /** Called when the namespace starts to use this adapter. */
  init(): Promise<void> | void {}

  /** Called when it stops to. */
  close(): Promise<void> | void {}

  /** Servers in the cluster, this one included. */
  serverCount(): Promise<number> {
    return Promise.resolve(1);
  }

  addAll(id: SocketId, rooms: ReadonlySet<Room>): Promise<void> | void {
    if (rooms.size === 1 && rooms.has(id) && !this.sids.has(id) && !this.rooms.has(id)) {
      this.#sids.setSelf(id);
      this.#rooms.setSelf(id);
      this.#tell("create-room", id);
      this.#tell("join-room", id, id);
      return;
    }
    let joined = this.sids.get(id);
    if (!joined) {
      joined = new Set();
      this.sids.set(id, joined);
    }
    for (const room of rooms) {
      if (joined.has(room)) continue;
      joined.add(room);
      const members = this.rooms.get(room);
      if (members) members.add(id);
      else {
        this.rooms.set(room, new Set([id]));
        this.#tell("create-room", room);
      }
      this.#tell("join-room", room, id);
    }
  }

  del(id: SocketId, room: Room): Promise<void> | void {
    if (this.sids.get(id)?.delete(room)) this.#leave(room, id);
  }

  delAll(id: SocketId): void {
    const joined = this.#sids.isSelf(id) ? [id] : this.sids.get(id);
    if (!joined) return;
    this.sids.delete(id);
    for (const room of joined) this.#leave(room, id);
  }

  /** Sends a packet to all that `options` mean. Encoded once, however many receive it. */
  broadcast(packet: EventPacket, options: BroadcastOptions): void {
    const flags = options.flags ?? NO_FLAGS;
    this.fanOut(packet, this.nsp[CORE].encode(packet, flags), options);
  }

  /** The second half of {@link broadcast}, which cannot fail: what one receiver throws is reported, and the others get theirs. */
  protected fanOut(packet: EventPacket, encoded: EncodedPacket, options: BroadcastOptions): void {
    const flags = options.flags ?? NO_FLAGS;
    for (const socket of this.select(options)) {
      try {
        socket[PEER].deliver(packet, encoded, flags);
      } catch (error) {
        this.nsp[REPORT](error, packet.data[0]);
      }
    }
  }

  /**
   * Sends a packet that every receiver acknowledges.
   *
   * @param counted told once per server how many sockets will answer
   * @param answered told each answer
   * @param _failed told if some of the answers can never come, of adapters that know that
   */
  broadcastWithAck(
    packet: EventPacket,
    options: BroadcastOptions,
    counted: (clients: number) => void,
    answered: (...args: unknown[]) => void,
    _failed?: (error: Error) => void,
  ): void {
    const flags = options.flags ?? NO_FLAGS;
    const withId: EventPacket = { ...packet, id: this.nsp[CORE].nextAckId() };
    const encoded = this.nsp[CORE].encode(withId, flags);
    const receivers = [...this.select(options)];
    for (const socket of receivers)
      socket[PEER].deliverWithAck(withId, encoded, flags, (args) => answered(...args));
    counted(receivers.length);
  }

  /** Ids of the sockets in at least one of the rooms; all of the namespace if no room is named. */
  sockets(rooms: ReadonlySet<Room>): Promise<Set<SocketId>> {
    return Promise.resolve(new Set([...this.select({ rooms })].map((socket) => socket.id)));
  }

  socketRooms(id: SocketId): Set<Room> | undefined {
    return this.sids.get(id);
  }

  fetchSockets(options: BroadcastOptions): Promise<S[]> {
    return Promise.resolve([...this.select(options)]);
  }

  /** How many sockets are meant. */
  count(options: BroadcastOptions): Promise<number> {
    let count = 0;
    for (const _ of this.select(options)) count += 1;
    return Promise.resolve(count);
  }

  addSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    for (const socket of [...this.select(options)]) {
      try {
        socket.join([...rooms]);
      } catch (error) {
        // One that is in too many rooms already must not keep the others out.
        this.nsp[REPORT](error, "join");
      }
    }
  }

  delSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    for (const socket of [...this.select(options)]) for (const room of rooms) socket.leave(room);
  }

  disconnectSockets(options: BroadcastOptions, close: boolean): void {
    for (const socket of [...this.select(options)]) socket.disconnect(close);
  }

  /** An event for all other servers. In memory there are none, so an acknowledgement gets no answers, at once. */
  serverSideEmit(args: ServerSideArgs): void {
    const ack = args.at(-1);
    if (typeof ack === "function") ack(null, []);
  }

  /** Where the log of this namespace ends now; `undefined` if none is kept, `null` if nobody can say: who comes now cannot be recovered. */
  position(): string | null | undefined {
    return undefined;
  }

  /** A socket is about to be sent away: what was said to it on this node before, and is not delivered yet, is delivered now. */
  settle(_id: SocketId): void {}

  /** Resolves once all is delivered that was said on this node; nothing if it is. */
  flush(): Promise<void> | undefined {
    return undefined;
  }

  /** Keeps a session whose connection broke, for {@link restoreSession}. */
  persistSession(_session: PersistedSession): void {}

  /** Resolves once what is kept of a session is as it is now. */
  saveSession(_id: SocketId): Promise<void> {
    return Promise.resolve();
  }

  /** @param offset the offset of the last event that the client got, if it got any */
  restoreSession(_pid: string, _offset: string | undefined): Promise<RestoredSession | null> {
    return Promise.resolve(null);
  }

  /** The local sockets that are meant, each once. */
  protected *select({ rooms, except }: BroadcastOptions): Generator<S> {
    const { sockets } = this.nsp;
    const excluded = except && except.size > 0 ? this.#excluded(except) : undefined;
    const ids =
      rooms.size === 0 ? sockets.keys() : rooms.size === 1 ? this.#room(rooms) : this.#members(rooms);
    for (const id of ids) {
      if (excluded?.has(id)) continue;
      const socket = sockets.get(id);
      if (socket) yield socket;
    }
  }

  #room(rooms: ReadonlySet<Room>): Iterable<SocketId> {
    for (const room of rooms) return this.#rooms.isSelf(room) ? [room] : (this.rooms.get(room) ?? []);
    return [];
  }

  /** One room is not copied: of a room that remembers, each event leaves out those who get it in another form. */
  #excluded(except: ReadonlySet<Room>): ReadonlySet<SocketId> | undefined {
    if (except.size > 1) return this.#members(except);
    for (const room of except) return this.#rooms.isSelf(room) ? except : this.rooms.get(room);
    return undefined;
  }

  #members(rooms: ReadonlySet<Room>): Set<SocketId> {
    const ids = new Set<SocketId>();
    for (const room of rooms) for (const id of this.rooms.get(room) ?? []) ids.add(id);
    return ids;
  }

  /** A listener of the app that throws must not leave a socket in half of its rooms. */
  #tell(event: string, room: Room, id?: SocketId): void {
    try {
      if (id === undefined) this.emit(event, room);
      else this.emit(event, room, id);
    } catch (error) {
      this.nsp[REPORT](error, event);
    }
  }

  #leave(room: Room, id: SocketId): void {
    if (!this.#rooms.isSelf(room) || room !== id) {
      const members = this.rooms.get(room);
      if (!members?.delete(id)) return;
      this.#tell("leave-room", room, id);
      if (members.size > 0) return;
    } else this.#tell("leave-room", room, id);
    this.rooms.delete(room);
    this.#tell("delete-room", room);
  }
}
