import type { PersistedSession, RestoredSession } from "@sockeye/adapter";
import type {
  AdapterSocket,
  BroadcastOptions,
  BusLog,
  BusRecords,
  EventData,
  EventPacket,
  KeptEntry,
  Position,
  Room,
  SocketId,
} from "@sockeye/protocol";
import { ClusterError, CORE, PEER, REPORT } from "@sockeye/protocol";
import type { Cluster } from "../cluster.js";
import { ClusterAdapter, type ClusterNamespace, SPREAD_MS } from "../cluster-adapter.js";
import { LazyEvent, readEvent, writeEvent } from "../event.js";
import { Kind } from "../frame.js";
import { listOf, pack, unpack } from "../introduction.js";
import { packSelection } from "../remote.js";
import { isMeant, Missed } from "./missed.js";
import type { Hold, Logged, NamespaceLog } from "./namespace-log.js";
import { readOffset, writeOffset } from "./offset.js";
import { type Found, SessionRecords } from "./session-records.js";

/** How often the record of a session may change while it comes back. */
const MAX_ATTEMPTS = 3;

export interface LogAdapterOptions {
  /** How long a session and the events that it may have missed are kept, in ms. */
  readonly maxDisconnectionDuration: number;
  /** How many events of the namespace are kept at most. */
  readonly maxPackets: number;
}

/**
 * A {@link ClusterAdapter} whose events and acts go through the bus's log, so that every node applies them in the same order, this one
 * included. A session comes back at any node: what it has missed is what the log has from its client's offset up to what that node has applied.
 */
export class LogAdapter<S extends AdapterSocket = AdapterSocket> extends ClusterAdapter<S> {
  readonly #log: NamespaceLog;
  readonly #records: SessionRecords;
  readonly #unconfirmed: Set<string>;
  /** An act of the log is carried out. */
  #isApplying = false;

  constructor(
    nsp: ClusterNamespace<S>,
    cluster: Cluster,
    { log, records }: { readonly log: BusLog; readonly records: BusRecords },
    { maxDisconnectionDuration: ttlMs, maxPackets }: LogAdapterOptions,
  ) {
    super(nsp, cluster);
    const failed = (error: unknown): void => {
      if (!isDown(error)) nsp[REPORT](error, "cluster");
    };
    this.#log = cluster.openLog(log, this.topics, {
      keep: { ms: ttlMs, entries: maxPackets },
      apply: (message) => this.#apply(message),
    });
    this.#records = new SessionRecords({
      records,
      clock: cluster.clock,
      prefix: this.topics.group,
      owner: cluster.id,
      ttlMs,
      session: (sid) => {
        const socket = nsp.sockets.get(sid);
        return socket && nsp[CORE].session(socket);
      },
      lost: (sid) => super.disconnectSockets({ rooms: new Set([sid]), flags: { local: true } }, false),
      failed,
    });
    this.#unconfirmed = new Set([this.topics.wide, this.topics.node(cluster.id)]);
    const { subscribed, event } = this.party;
    Object.assign(this.party, {
      event: (body: Uint8Array, origin: string, seq: number) => {
        if (!readEvent(body).options.flags?.volatile) this.#log.besides(origin, seq);
        event(body, origin, seq);
      },
      subscribed: (topic: string) => {
        subscribed(topic);
        if (this.#unconfirmed.delete(topic) && this.#unconfirmed.size === 0 && cluster.isUp) this.#log.up();
      },
      logged: (entry: KeptEntry) => this.#log.heard(entry),
      bus: (state: "up" | "down") => {
        if (state === "down") this.#log.down();
        else if (this.#unconfirmed.size === 0) this.#log.up();
        this.#records[state]();
      },
    });
  }

  override async close(): Promise<void> {
    await this.#records.close();
    await this.#log.close();
    super.close();
  }

  // ---- rooms: each change is kept

  override addAll(id: SocketId, rooms: ReadonlySet<Room>): Promise<void> | void {
    this.#records.touch(id);
    return super.addAll(id, rooms);
  }

  override del(id: SocketId, room: Room): Promise<void> | void {
    this.#records.touch(id);
    return super.del(id, room);
  }

  override delAll(id: SocketId): void {
    this.#records.touch(id);
    super.delAll(id);
  }

  protected override unsubscribe(topics: readonly string[]): void {
    super.unsubscribe(topics);
    this.#log.unsubscribed(topics);
  }

  // ---- events and acts: in the order of the log

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    const flags = options.flags ?? {};
    if (this.#log.isAlone || flags.volatile || flags.local || packet.id !== undefined) {
      super.broadcast(packet, options);
      return;
    }
    const body = writeEvent(this.nsp[CORE].encode(packet, flags), options);
    const { topics, echoes } = this.#way(options.rooms);
    this.#log.append(topics, { kind: Kind.EVENT, body, echoes });
  }

  override addSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    if (!this.#actsByLog(options)) {
      super.addSockets(options, rooms);
      return;
    }
    this.cluster.clock.setTimer(this.spreadTo(rooms), SPREAD_MS);
    this.#actAll("join", [...packSelection(options), [...rooms]]);
  }

  override delSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    if (this.#actsByLog(options)) this.#actAll("leave", [...packSelection(options), [...rooms]]);
    else super.delSockets(options, rooms);
  }

  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    if (this.#actsByLog(options)) this.#actAll("disconnect", [...packSelection(options), close]);
    else super.disconnectSockets(options, close);
  }

  /** It will have left when the log tells of them, which skips it then. */
  override settle(id: SocketId): void {
    const socket = this.nsp.sockets.get(id);
    if (this.#isApplying || !socket) return;
    const rooms = this.socketRooms(id) ?? new Set([id]);
    for (const { kind, body } of this.#log.unheard) {
      if (kind !== Kind.EVENT) continue;
      const { encoded, options } = readEvent(body);
      if (!isMeant(options, rooms)) continue;
      const packet = new LazyEvent(this.nsp.name, () => this.decode(encoded), undefined, encoded);
      socket[PEER].deliver(packet, encoded, options.flags ?? {});
    }
  }

  override flush(): Promise<void> | undefined {
    return this.#log.unheard.length > 0 ? this.#log.fence().catch(() => {}) : undefined;
  }

  #actsByLog({ flags }: BroadcastOptions): boolean {
    return !this.#log.isAlone && !flags?.local && !flags?.volatile;
  }

  #actAll(op: string, args: readonly unknown[]): void {
    this.#log.append([this.topics.wide], { kind: Kind.ACT, body: pack([op, args]), echoes: true });
  }

  /** Under which topic an event is kept and by which it is told, and whether this node will hear it. */
  #way(rooms: ReadonlySet<Room>): { topics: string[]; echoes: boolean } {
    const [room] = rooms;
    if (room === undefined || rooms.size > 1) return { topics: [this.topics.wide], echoes: true };
    const topics = this.topicsOf(rooms);
    if (topics[0] === this.topics.wide) return { topics, echoes: true };
    // Nothing comes by the topic of an own socket's room, and of another not before it is in force.
    const isOwn = this.isOwnTag(`${room}`);
    const echoes = isOwn || this.rooms.has(room);
    if (isOwn || (echoes && !this.interest.isInForce(`${room}`)))
      topics.push(this.topics.node(this.cluster.id));
    return { topics, echoes };
  }

  #apply({ kind, body, at }: Logged): void {
    if (kind === Kind.ACT) {
      const [op, args] = listOf(unpack(body));
      // Whom the log sends away is sent away at this place of it.
      this.#isApplying = true;
      try {
        if (typeof op === "string") this.act(op, listOf(args));
      } finally {
        this.#isApplying = false;
      }
    } else if (kind === Kind.EVENT) {
      const { encoded, options } = readEvent(body);
      const offset = at && writeOffset(at);
      const sent = offset === undefined ? encoded : this.nsp[CORE].withOffset(encoded, offset);
      const packet = new LazyEvent(this.nsp.name, () => this.decode(encoded), offset, encoded);
      this.fanOut(packet, sent, options);
    }
  }

  // ---- sessions

  override position(): string | null {
    const { position } = this.#log;
    return position ? writeOffset(position) : null;
  }

  override persistSession(session: PersistedSession): void {
    const socket = this.nsp.sockets.get(session.sid);
    if (session.expires === 0 || (socket && this.nsp[CORE].session(socket))) this.#records.touch(session.sid);
    else this.#records.end(session);
  }

  override saveSession(id: SocketId): Promise<void> {
    return this.#records.save(id);
  }

  override async restoreSession(pid: string, offset: string | undefined): Promise<RestoredSession | null> {
    if (this.#log.position === undefined) return null;
    const hold = this.#log.hold();
    /** Held, until the socket is in them. */
    const rooms = new Set<string>();
    const letGo = (): void => {
      hold.release();
      for (const room of rooms) {
        this.interest.release(room);
        this.dropIfEmpty(room);
      }
      rooms.clear();
    };
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const found = await this.#records.find(pid);
        const after = readOffset(offset ?? found?.session.since);
        const restored = found && after && (await this.#restore(found, { after, hold, rooms, letGo }));
        if (restored) return restored;
        // Its node may have written it meanwhile, since it has noticed the end only now. If another has, that one has the session.
        const again = found && (await this.#records.find(pid));
        if (!again || again.version === found.version || again.owner !== found.owner) break;
      }
      letGo();
      return null;
    } catch (error) {
      letGo();
      if (isDown(error)) return null;
      throw error;
    }
  }

  async #restore(
    found: Found,
    { after, hold, rooms, letGo }: { after: Position; hold: Hold; rooms: Set<string>; letGo(): void },
  ): Promise<RestoredSession | undefined> {
    const { session } = found;
    if (after.epoch !== this.#log.position?.epoch) return undefined;
    const own = new Set<Room>([...session.rooms, session.sid]);
    const names = [...new Set([...own].map((room) => `${room}`))];
    for (const name of names) {
      if (rooms.has(name) || (name === session.sid && this.isOwnTag(name))) continue;
      rooms.add(name);
      this.interest.hold(name);
    }
    // From here on all of it comes, and once the fence is passed, what came before is applied.
    await this.interest.inForce(names);
    await this.#log.fence();
    const topics = [this.topics.wide, ...names.map((name) => this.topics.room(name))];
    const part = await this.#log.read(after, topics);
    if (!part) return undefined;
    const missed = new Missed(
      own,
      (entry) => this.#log.open(entry),
      (encoded) => this.nsp[CORE].decode(encoded),
    );
    const { epoch } = after;
    const events = (entries: readonly KeptEntry[]): (readonly [Position, EventData])[] =>
      entries.flatMap((entry) => {
        const data = missed.take(entry, epoch);
        return data ? [[entry.at, data] as const] : [];
      });
    const read = events(part.entries);
    if (missed.isOver || !(await this.#records.claim(found))) return undefined;
    const log = this.#log;
    let isTaken = false;
    return {
      ...session,
      rooms: [...missed.rooms].filter((room) => room !== session.sid),
      // Asked for once the socket is in its rooms: up to what this node has applied then.
      get missedPackets(): EventData[] {
        const { applied } = log;
        const early = read.filter(([at]) => applied?.epoch !== epoch || at.number <= applied.number);
        const later = events(hold.since(part.end));
        isTaken = true;
        letGo();
        return [...early, ...later].map(([, data]) => data);
      },
      release: () => {
        if (isTaken) return;
        this.#records.end(session);
        letGo();
      },
    };
  }
}

function isDown(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "ERR_BUS_DOWN";
}
