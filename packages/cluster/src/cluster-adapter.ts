import { Adapter, type PersistedSession, type ServerSideArgs } from "@sockeye/adapter";
import type {
  AdapterCore,
  AdapterNamespace,
  AdapterSocket,
  BroadcastFlags,
  BroadcastOptions,
  EncodedPacket,
  EventPacket,
  Room,
  SocketId,
} from "@sockeye/protocol";
import { ClusterError, CORE, PacketType, REPORT } from "@sockeye/protocol";
import type { Cluster } from "./cluster.js";
import { LazyEvent, readEvent, writeEvent } from "./event.js";
import { Kind } from "./frame.js";
import { Interest } from "./interest.js";
import { isCount, listOf } from "./introduction.js";
import type { Question, Reply } from "./queries.js";
import { packSelection, type RemoteDetails, readDetails, readRooms, readSelection } from "./remote.js";
import type { Outcome, RequestTerms } from "./requests.js";
import type { Party } from "./terms.js";
import type { Topics } from "./topics.js";
import { badInput } from "./wire.js";

/** How long other nodes have to answer, as in Socket.IO's adapters. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** The broadcast's own timer comes first: it knows the clients that have not answered. */
const LATER_MS = 1_000;
/** Up to so many rooms get a message each. If there are more, the whole namespace gets one. */
const MAX_TOPICS = 4;
/** How long a room that sockets of other nodes were made to join is emitted to everybody, at most. */
export const SPREAD_MS = 2_000;
/** Sockets in one piece of an answer. */
const PIECE = 500;
const ID_LENGTH = 20;
const TAG_LENGTH = 4;

/** What else a namespace does for this adapter. */
export interface ClusterCore extends AdapterCore {
  /** What other nodes may know of a socket; it can be sent. */
  describe(socket: AdapterSocket): RemoteDetails;
  /** What the frames of an event say. @throws CodecError */
  decode(encoded: EncodedPacket): EventPacket["data"];
  /** The same event with its place in the log behind its arguments. @throws CodecError */
  withOffset(encoded: EncodedPacket, offset: string): EncodedPacket;
  /** What is kept of a socket for its return; `undefined` if it is not in, or cannot be recovered. */
  session(socket: AdapterSocket): PersistedSession | undefined;
}

/** What else the adapter needs of its namespace. */
export interface ClusterNamespace<S extends AdapterSocket = AdapterSocket> extends AdapterNamespace<S> {
  readonly [CORE]: ClusterCore;
  /** An event of another node; the last argument may take the answer. @returns whether anybody listens */
  _onServerSideEmit(args: readonly unknown[]): boolean;
}

/** Rooms and fan-out of one namespace over all nodes of a cluster: thin, since membership and queries are the {@link Cluster}'s. */
export class ClusterAdapter<S extends AdapterSocket = AdapterSocket> extends Adapter<S> {
  declare readonly nsp: ClusterNamespace<S>;
  protected readonly cluster: Cluster;
  protected readonly topics: Topics;
  protected readonly interest: Interest;
  /** Rooms that sockets elsewhere were made to join, whose subscriptions may not be in force yet. */
  readonly #spread = new Map<Room, number>();
  protected readonly party: Party = {
    event: (body) => this.#event(body),
    act: (op, args) => this.act(op, args),
    asked: (question, reply) => this.#asked(question, reply),
    subscribed: (topic) => {
      const room = this.topics.roomOf(topic);
      if (room !== undefined) this.interest.confirmed(room);
    },
  };

  constructor(nsp: ClusterNamespace<S>, cluster: Cluster) {
    super(nsp);
    this.cluster = cluster;
    this.topics = cluster.topicsOf(nsp.name);
    this.interest = new Interest({
      clock: cluster.clock,
      subscribe: (room) => cluster.subscribe(this.topics.roomToKeep(room)),
      unsubscribe: (rooms) => this.unsubscribe(rooms.map((room) => this.topics.room(room))),
    });
  }

  override init(): void {
    this.cluster.join(this.topics, this.party);
    for (const topic of this.#ownTopics) this.cluster.subscribe(topic);
  }

  override close(): void {
    this.cluster.leave(this.topics, this.party);
    const rooms = this.interest.close().map((room) => this.topics.room(room));
    this.cluster.unsubscribe([...this.#ownTopics, ...rooms]);
  }

  override serverCount(): Promise<number> {
    return Promise.resolve(this.cluster.members.live().length + 1);
  }

  // ---- rooms

  /** @returns resolves once messages of other nodes for these rooms come here; nothing if they do already */
  override addAll(id: SocketId, rooms: ReadonlySet<Room>): Promise<void> | void {
    super.addAll(id, rooms);
    let waiting: Promise<void>[] | undefined;
    for (const room of rooms) {
      if (room === id && this.isOwnTag(id)) continue;
      const inForce = this.interest.want(`${room}`);
      if (!inForce) continue;
      waiting ??= [];
      waiting.push(inForce);
    }
    return waiting && Promise.all(waiting).then(() => undefined);
  }

  override del(id: SocketId, room: Room): Promise<void> | void {
    super.del(id, room);
    this.dropIfEmpty(room);
  }

  override delAll(id: SocketId): void {
    const rooms = this.sids.get(id);
    if (!rooms) return;
    const joined = [...rooms];
    super.delAll(id);
    for (const room of joined) this.dropIfEmpty(room);
  }

  // ---- events

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    const flags = options.flags ?? {};
    const encoded = this.nsp[CORE].encode(packet, flags);
    // Before listeners run here, who may emit more: what came first leaves first.
    if (!flags.local)
      this.cluster.publish(this.topicsOf(options.rooms), Kind.EVENT, writeEvent(encoded, options));
    this.fanOut(packet, encoded, options);
  }

  override broadcastWithAck(
    packet: EventPacket,
    options: BroadcastOptions,
    counted: (clients: number) => void,
    answered: (...args: unknown[]) => void,
    failed?: (error: Error) => void,
  ): void {
    const flags = options.flags ?? {};
    if (!flags.local) {
      // What cannot be encoded is thrown before anything has left.
      this.nsp[CORE].encode(packet, flags);
      const answers = new Map<string, number>();
      const asked = this.#ask(
        { op: "ack", args: [...packSelection(options), packet.data, flags.timeout, flags.volatile === true] },
        {
          timeoutMs: (flags.timeout ?? DEFAULT_TIMEOUT_MS) + LATER_MS,
          part: (node, value) => {
            answers.set(node, (answers.get(node) ?? 0) + 1);
            answered(...(Array.isArray(value) ? value : []));
          },
          ended: (node, isAnswer) => {
            if (isAnswer) counted(answers.get(node) ?? 0);
          },
        },
      );
      asked.then((outcome) => {
        if (outcome.missing.length > 0) failed?.(this.#incomplete(outcome, []));
      });
    }
    super.broadcastWithAck(packet, options, counted, answered);
  }

  // ---- queries

  override async sockets(rooms: ReadonlySet<Room>): Promise<Set<SocketId>> {
    const ids = await super.sockets(rooms);
    const outcome = await this.#ask(
      { op: "ids", args: packSelection({ rooms }) },
      {
        timeoutMs: DEFAULT_TIMEOUT_MS,
        part: (_node, part) => readRooms(part).forEach((id) => void ids.add(id)),
      },
    );
    if (outcome.missing.length > 0) throw this.#incomplete(outcome, [...ids]);
    return ids;
  }

  override async fetchSockets(options: BroadcastOptions): Promise<S[]> {
    const found: unknown[] = await super.fetchSockets(options);
    if (options.flags?.local) return found as S[];
    const outcome = await this.#ask(
      { op: "fetch", args: packSelection(options) },
      {
        timeoutMs: options.flags?.timeout ?? DEFAULT_TIMEOUT_MS,
        part: (_node, part) => found.push(...listOf(part).map(readDetails)),
      },
    );
    if (outcome.missing.length > 0) throw this.#incomplete(outcome, found);
    return found as S[];
  }

  override async count(options: BroadcastOptions): Promise<number> {
    const own = await super.count(options);
    if (options.flags?.local) return own;
    const outcome = await this.#ask(
      { op: "count", args: packSelection(options) },
      { timeoutMs: options.flags?.timeout ?? DEFAULT_TIMEOUT_MS },
    );
    const counts = [own, ...outcome.answers.filter(isCount)];
    if (outcome.missing.length > 0) throw this.#incomplete(outcome, counts);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  override serverSideEmit(args: ServerSideArgs): void {
    const ack = args.at(-1);
    if (typeof ack !== "function") {
      this.cluster.act(this.topics, "emit", [args]);
      return;
    }
    const event = args[0] as string;
    const answer = (error: Error | null, answers: unknown[]): void => {
      try {
        ack(error, answers);
      } catch (failure) {
        this.nsp[REPORT](failure, event);
      }
    };
    this.#ask({ op: "emit", args: [args.slice(0, -1)] }, { timeoutMs: DEFAULT_TIMEOUT_MS }).then(
      (outcome) => {
        const { answers, missing } = outcome;
        answer(missing.length > 0 ? this.#incomplete(outcome, answers) : null, answers);
      },
    );
  }

  // ---- acts

  override addSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    if (!options.flags?.local) {
      const subscribed = this.spreadTo(rooms);
      const question = { op: "join", args: [...packSelection(options), [...rooms]] };
      this.#ask(question, { timeoutMs: SPREAD_MS }).then(subscribed);
    }
    super.addSockets(options, rooms);
  }

  /** Sockets of other nodes are about to join these rooms: emits to them go to all nodes until it is said that their nodes have subscribed. */
  protected spreadTo(rooms: readonly Room[]): () => void {
    for (const room of rooms) this.#spread.set(room, (this.#spread.get(room) ?? 0) + 1);
    return () => {
      for (const room of rooms) {
        const left = (this.#spread.get(room) ?? 1) - 1;
        if (left > 0) this.#spread.set(room, left);
        else this.#spread.delete(room);
      }
    };
  }

  override delSockets(options: BroadcastOptions, rooms: readonly Room[]): void {
    if (!options.flags?.local)
      this.cluster.act(this.topics, "leave", [...packSelection(options), [...rooms]]);
    super.delSockets(options, rooms);
  }

  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    if (!options.flags?.local)
      this.cluster.act(this.topics, "disconnect", [...packSelection(options), close]);
    super.disconnectSockets(options, close);
  }

  // ---- from other nodes

  #event(body: Uint8Array): void {
    const { encoded, options } = readEvent(body);
    const packet = new LazyEvent(this.nsp.name, () => this.decode(encoded));
    this.fanOut(packet, encoded, options);
  }

  protected decode(encoded: EncodedPacket): EventPacket["data"] {
    try {
      return this.nsp[CORE].decode(encoded);
    } catch (error) {
      this.nsp[REPORT](badInput("an event cannot be read", error), "cluster");
      return [""];
    }
  }

  /** What a node makes all others do. */
  protected act(op: string, args: readonly unknown[]): void {
    if (op === "emit") this.nsp._onServerSideEmit(listOf(args[0]));
    else if (op === "join") super.addSockets(readSelection(args), readRooms(args[2]));
    else if (op === "leave") super.delSockets(readSelection(args), readRooms(args[2]));
    else if (op === "disconnect") super.disconnectSockets(readSelection(args), args[2] === true);
  }

  #asked({ op, args }: Question, reply: Reply): void {
    switch (op) {
      case "count":
        reply.last([...this.select(readSelection(args))].length);
        return;
      case "ids":
        inPieces(
          [...this.select(readSelection(args))].map(({ id }) => id),
          reply,
        );
        return;
      case "fetch":
        inPieces(
          [...this.select(readSelection(args))].map((socket) => this.nsp[CORE].describe(socket)),
          reply,
        );
        return;
      case "join": {
        const rooms = readRooms(args[2]);
        super.addSockets(readSelection(args), rooms);
        this.interest.inForce(rooms.map((room) => `${room}`)).then(() => reply.last());
        return;
      }
      case "emit": {
        const ack = (value: unknown): void => reply.last(value);
        if (!this.nsp._onServerSideEmit([...listOf(args[0]), ack])) reply.none();
        return;
      }
      case "ack":
        this.#askClients(args, reply);
        return;
      default:
        reply.none();
    }
  }

  #askClients(args: readonly unknown[], reply: Reply): void {
    const data = listOf(args[2]);
    if (typeof data[0] !== "string" && typeof data[0] !== "number") throw badInput("no event");
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.nsp.name,
      id: undefined,
      data: data as EventPacket["data"],
    };
    const flags: BroadcastFlags = {
      timeout: isCount(args[3]) ? args[3] : undefined,
      volatile: args[4] === true,
    };
    let open = Number.POSITIVE_INFINITY;
    let answers = 0;
    const check = (): void => {
      if (answers === open) reply.last();
    };
    super.broadcastWithAck(
      packet,
      { ...readSelection(args), flags },
      (clients) => {
        open = clients;
        check();
      },
      (...answer) => {
        reply.part(answer);
        answers += 1;
        check();
      },
    );
  }

  // ---- inside

  get #ownTopics(): string[] {
    return [this.topics.wide, this.topics.node(this.cluster.id)];
  }

  #ask(question: Question, terms: RequestTerms): Promise<Outcome> {
    return this.cluster.ask(this.topics, question, terms);
  }

  /** Socket.IO's words, with what there is. */
  #incomplete({ answers, missing }: Outcome, responses: unknown[]): ClusterError {
    const asked = this.cluster.names(missing);
    const text = `timeout reached: only ${answers.length} responses received out of ${answers.length + missing.length}`;
    return Object.assign(new ClusterError("ERR_NODES_MISSING", text), { responses, missing: asked });
  }

  protected unsubscribe(topics: readonly string[]): void {
    this.cluster.unsubscribe(topics);
  }

  protected dropIfEmpty(room: Room): void {
    const name = `${room}`;
    // The number 5 and the text "5" are two rooms with one topic.
    if (!this.rooms.has(name) && !this.rooms.has(Number(room) as unknown as Room)) this.interest.drop(name);
  }

  protected isOwnTag(id: string): boolean {
    return id.length >= ID_LENGTH && id.endsWith(this.cluster.tag);
  }

  /** By which topics a message reaches all members of these rooms. */
  protected topicsOf(rooms: ReadonlySet<Room>): string[] {
    if (rooms.size === 0 || rooms.size > MAX_TOPICS) return [this.topics.wide];
    const topics: string[] = [];
    for (const room of rooms) {
      if (this.#spread.has(room)) return [this.topics.wide];
      const name = `${room}`;
      // Sockets of one node may be in a room that is called as a socket of another, so both are told.
      topics.push(this.topics.room(name));
      const owner =
        name.length >= ID_LENGTH ? this.cluster.members.ownerOf(name.slice(-TAG_LENGTH)) : undefined;
      if (owner !== undefined) topics.push(this.topics.node(owner));
    }
    return topics;
  }
}

function inPieces(items: readonly unknown[], reply: Reply): void {
  for (let at = 0; at < items.length; at += PIECE) reply.part(items.slice(at, at + PIECE));
  reply.last();
}
