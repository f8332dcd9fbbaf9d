import type { PersistedSession } from "@sockeye/adapter";
import type { Changed, ClusterCore, ClusterNamespace } from "@sockeye/cluster";
import { Cluster, ClusterAdapter, LogAdapter, type LogAdapterOptions } from "@sockeye/cluster";
import {
  type AdapterPeer,
  type AdapterSocket,
  type BroadcastFlags,
  type Bus,
  type Clock,
  CORE,
  EncodedPacket,
  type EventPacket,
  PacketType,
  PEER,
  REPORT,
  type Room,
  type SockeyeError,
} from "@sockeye/protocol";

export interface ClusterNodeOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly name: string;
  readonly cluster?: string | undefined;
  readonly secret?: string | undefined;
  readonly codec?: string | undefined;
  readonly tag?: string | undefined;
  readonly versions?: readonly [number, number] | undefined;
  /** Events go through the bus's log, and sockets come back. */
  readonly keep?: LogAdapterOptions | undefined;
}

/** One node without a server: a cluster, an adapter for one namespace, and sockets that note what they get. */
export class ClusterNode implements ClusterNamespace<NotingSocket> {
  readonly name = "/";
  readonly clock: Clock;
  readonly sockets: Map<string, NotingSocket> = new Map();
  readonly cluster: Cluster;
  readonly adapter: ClusterAdapter<NotingSocket>;
  /** What the cluster has told, in short. */
  readonly told: string[] = [];
  readonly failures: SockeyeError[] = [];
  readonly reported: unknown[] = [];
  /** Answers events of other nodes; without one, nobody listens. */
  onServerSideEmit: ((args: readonly unknown[]) => void) | undefined = undefined;
  readonly [CORE]: ClusterCore;
  /** Called when the app is told that something is missing. */
  onGap: () => void = () => {};
  draining = false;
  gaps = 0;
  #ackIds = 0;
  #socketIds = 0;

  constructor({
    bus,
    clock,
    name,
    cluster = "test",
    secret,
    codec = "json",
    tag,
    versions,
    keep,
  }: ClusterNodeOptions) {
    this.clock = clock;
    this[CORE] = {
      clock,
      nextAckId: () => this.#ackIds++,
      encode: ({ data }) => new EncodedPacket(`42${JSON.stringify(data)}`),
      withOffset: ({ head }, offset) => new EncodedPacket(`${String(head).slice(0, -1)},"${offset}"]`),
      session: (socket) => (socket as NotingSocket).session,
      decode: ({ head }) => JSON.parse(String(head).slice(2)) as EventPacket["data"],
      describe: (socket) => {
        const { id, data } = socket as NotingSocket;
        return { id, rooms: [...(this.adapter.socketRooms(id) ?? [])], data, handshake: { address: name } };
      },
    };
    this.cluster = new Cluster({
      bus,
      clock,
      name: cluster,
      node: name,
      secret,
      codec,
      versions,
      tag,
      key: `key of ${name}`,
      load: () => ({ sessions: this.sockets.size, draining: this.draining }),
      sink: {
        changed: ({ change, member }: Changed) => this.told.push(`${member.name} ${change}`),
        gap: (node) => {
          this.gaps += 1;
          this.onGap();
          this.told.push(`gap of ${node?.name ?? "all"}`);
        },
        bus: (state) => this.told.push(`bus ${state}`),
        failed: (error) => this.failures.push(error),
      },
    });
    const { keeps } = this.cluster;
    this.adapter =
      keep && keeps
        ? new LogAdapter<NotingSocket>(this, this.cluster, keeps, keep)
        : new ClusterAdapter<NotingSocket>(this, this.cluster);
  }

  start(): this {
    this.adapter.init();
    this.cluster.start();
    return this;
  }

  /** Live nodes, itself included. */
  get seen(): number {
    return this.cluster.members.live().length + 1;
  }

  /** A socket in these rooms, and in its own. */
  join(...rooms: Room[]): NotingSocket {
    const random = `${++this.#socketIds}`.padStart(16, "-");
    const socket = new NotingSocket(`${random}${this.cluster.tag}`, this.adapter);
    this.sockets.set(socket.id, socket);
    socket.join([socket.id, ...rooms]);
    const since = this.adapter.position();
    if (typeof since === "string") socket.kept = { pid: `${since}, of ${socket.id}`, since };
    return socket;
  }

  /** A client comes back that was elsewhere. @returns nothing if it is not recovered */
  async comesBack(
    { kept, offset }: NotingSocket,
    middlewares?: Promise<unknown>,
  ): Promise<NotingSocket | undefined> {
    if (!kept) return undefined;
    const restored = await this.adapter.restoreSession(kept.pid, offset);
    if (!restored) return undefined;
    await middlewares;
    await this.adapter.disconnectSockets(
      { rooms: new Set([restored.sid]), flags: { volatile: true } },
      false,
    );
    const socket = new NotingSocket(restored.sid, this.adapter);
    socket.data = restored.data;
    this.sockets.set(socket.id, socket);
    socket.join([socket.id, ...restored.rooms]);
    socket.kept = { pid: kept.pid, since: this.adapter.position() ?? undefined };
    socket.offset = offset;
    for (const [event, ...args] of restored.missedPackets) socket.gets(event, args.at(-1));
    return socket;
  }

  /** The connection of a socket breaks. */
  lose(socket: NotingSocket): void {
    const session = socket.session;
    socket.isIn = false;
    if (session) this.adapter.persistSession(session);
    this.adapter.delAll(socket.id);
    this.sockets.delete(socket.id);
  }

  emit(rooms: readonly Room[], event: string, flags: BroadcastFlags = {}): void {
    const packet: EventPacket = { type: PacketType.EVENT, nsp: "/", id: undefined, data: [event] };
    this.adapter.broadcast(packet, { rooms: new Set(rooms), flags });
  }

  /** Leaves with a goodbye. */
  async stop(): Promise<void> {
    await this.adapter.close();
    await this.cluster.close();
  }

  // ---- for the adapter

  [REPORT](error: unknown): void {
    this.reported.push(error);
  }

  _onServerSideEmit(args: readonly unknown[]): boolean {
    this.onServerSideEmit?.(args);
    return this.onServerSideEmit !== undefined;
  }
}

export class NotingSocket implements AdapterSocket {
  readonly id: string;
  /** Names of events, in order. */
  readonly got: unknown[] = [];
  /** Those of them that have no place in a log: its node told them alone. */
  readonly alone: Set<unknown> = new Set();
  readonly disconnects: unknown[] = [];
  data: unknown = undefined;
  /** For its return. */
  kept: { readonly pid: string; readonly since: string | undefined } | undefined = undefined;
  /** The last that its client has got. */
  offset: string | undefined = undefined;
  isIn = true;
  /** What it answers; undefined: nothing. */
  answer: unknown = undefined;
  readonly #adapter: ClusterAdapter<NotingSocket>;

  constructor(id: string, adapter: ClusterAdapter<NotingSocket>) {
    this.id = id;
    this.#adapter = adapter;
  }

  /** What is kept of it. */
  get session(): PersistedSession | undefined {
    if (!this.kept || !this.isIn) return undefined;
    const rooms = [...(this.#adapter.socketRooms(this.id) ?? [])];
    return { sid: this.id, rooms, data: this.data, ...this.kept };
  }

  gets(event: unknown, offset: unknown): void {
    this.got.push(event);
    if (typeof offset !== "string") this.alone.add(event);
    else if (offset.slice(0, 8) === this.kept?.pid.slice(0, 8)) this.offset = offset;
  }

  readonly [PEER]: AdapterPeer = {
    deliver: (packet) => this.gets(packet.data[0], packet.offset),
    deliverWithAck: (packet, _encoded, _flags, answered) => {
      this.got.push(packet.data[0]);
      if (this.answer !== undefined) queueMicrotask(() => answered([this.answer]));
    },
  };

  join(rooms: Room | Room[]): Promise<void> | void {
    return this.#adapter.addAll(this.id, new Set(Array.isArray(rooms) ? rooms : [rooms]));
  }

  leave(room: Room): Promise<void> | void {
    return this.#adapter.del(this.id, room);
  }

  disconnect(close?: boolean): void {
    this.disconnects.push(close);
  }
}
