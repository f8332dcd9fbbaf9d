import type { EventPacket, SharedRoom, SharedRoomSink } from "@sockeye/protocol";
import { EncodedPacket, PacketType } from "@sockeye/protocol";
import { formatPosition, parsePosition } from "./position.js";
import type { PresenceBoard } from "./presence-board.js";
import type { Request } from "./requests.js";
import { tooMuch } from "./room-error.js";
import { memberRoom, type RoomState, weigh } from "./room-state.js";
import type { RoomStore } from "./room-store.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";

/** Engines keep nothing for longer in which nothing happens. */
const MOST_MS = 604_800_000;
/** What is stored comes back within this time, or it is looked for. */
const HEARD_MS = 5_000;
/** Kinds of entries. Of an event: [EVENT, time of day, head, attachments, id, from, was it published by a client?] */
const EVENT = 1;
const CLEAR = 2;

/** Who says something, and under which name. */
export interface Said {
  readonly id?: string | undefined;
  readonly from?: string | undefined;
}

/** Rooms of which all nodes of a cluster keep the same: what is said goes into a log of the engine, and every node shows what comes out of it. */
export class SharedRooms<S extends RoomSocket> {
  readonly #host: RoomsHost<S>;
  readonly #store: RoomStore<S>;
  readonly #board: PresenceBoard<S>;
  /** Publications that wait for their own entry, by room and name. */
  readonly #awaited = new Map<RoomState<S>, Map<string, (position: string) => void>>();

  constructor(host: RoomsHost<S>, store: RoomStore<S>, board: PresenceBoard<S>) {
    this.#board = board;
    this.#host = host;
    this.#store = store;
  }

  /** Begins to follow a room. */
  open(state: RoomState<S>): void {
    const { keep, presence } = state.rule;
    if (!keep && !presence) return;
    const sink: SharedRoomSink = {
      began: (epoch, offset) => this.#store.change(state, () => state.log?.restart(epoch, offset)),
      kept: (value) => this.#kept(state, value),
      said: (from, value) => state.replica?.said(from, value),
      gone: (node) => state.replica?.gone(node),
      missed: (node) => state.replica?.missed(node),
    };
    const kept = keep && { entries: keep.count, ms: Math.min(keep.ageMs, MOST_MS) };
    state.shared = this.#host.share?.(state.name, kept, sink);
    if (state.shared) this.#board.share(state, state.shared);
  }

  close(state: RoomState<S>): void {
    state.replica?.close();
    state.shared?.close();
    this.#awaited.delete(state);
  }

  /** Is something of this node waited for in this room? */
  isAwaited(state: RoomState<S>): boolean {
    return this.#awaited.has(state);
  }

  /** What has to come before a request can be answered; nothing if it is known. */
  before(state: RoomState<S>, request?: Request): PromiseLike<void> | undefined {
    const kept = this.#beforeKept(state, request);
    // Members at nodes that do not answer are not waited for.
    const there = state.replica?.ready()?.then(() => this.#board.tellAll(state));
    return kept && there ? Promise.all([kept, there]).then(() => {}) : (kept ?? there);
  }

  #beforeKept(state: RoomState<S>, request: Request | undefined): PromiseLike<void> | undefined {
    const { shared, log } = state;
    if (shared === undefined || log === undefined) return undefined;
    const isAhead = (): boolean =>
      positionsIn(request).some(({ epoch, offset }) => epoch !== log.epoch || offset > log.end);
    const known = shared.known();
    if (known === undefined && !isAhead()) return undefined;
    const waiting = async (): Promise<void> => {
      await known;
      // Another node has told more than this one has heard.
      if (isAhead()) await shared.catchUp();
    };
    return waiting().catch(refused);
  }

  /** Keeps an event of the app. */
  emit(state: RoomState<S>, packet: EventPacket, said: Said): void {
    this.#append(state, packet, { ...said, published: false })?.catch((error: unknown) =>
      this.#host.reportError(error, String(packet.data[0])),
    );
  }

  /** Keeps what a client publishes. @returns the answer, once this node has heard it */
  async publish(
    state: RoomState<S>,
    packet: EventPacket,
    { id = this.#host.makeEpoch() + this.#host.makeEpoch(), from }: Said,
  ): Promise<object> {
    const { name: room, log, shared } = state;
    const awaited = this.#awaited.get(state) ?? new Map<string, (position: string) => void>();
    this.#awaited.set(state, awaited);
    const heard = new Promise<string>((resolve) => awaited.set(id, resolve));
    try {
      const answer = await this.#append(state, packet, { id, from, published: true }, id);
      const position = answer === "stored" && (await this.#orLost(heard, shared));
      if (position) return { room, position };
      // Where it is may not be known now; that it is there is.
      await shared?.catchUp().catch(() => {});
      const offset = log?.offsetOf(id);
      const at = log && offset !== undefined && formatPosition({ epoch: log.epoch, offset });
      return { room, ...(at ? { position: at } : {}), ...(answer === "known" ? { repeated: true } : {}) };
    } catch (error) {
      return refused(error);
    } finally {
      awaited.delete(id);
      if (awaited.size === 0) this.#awaited.delete(state);
    }
  }

  /** Forgets all events, at every node. */
  clear({ shared }: RoomState<S>): void {
    shared?.append([CLEAR]).catch((error: unknown) => this.#host.reportError(error, "clear"));
  }

  // ---- inside

  /** What was stored may be gone before this node has heard it: with its log, or behind too many others. Then nothing is returned. */
  #orLost(heard: Promise<string>, shared: SharedRoom | undefined): Promise<string | undefined> {
    const { clock } = this.#host;
    return new Promise((resolve) => {
      const timer = clock.setTimer(() => {
        const over = (): void => resolve(undefined);
        shared?.catchUp().then(over, over);
      }, HEARD_MS);
      void heard.then((position) => {
        clock.clearTimer(timer);
        resolve(position);
      });
    });
  }

  #append(
    { shared }: RoomState<S>,
    packet: EventPacket,
    { id, from, published }: Said & { readonly published: boolean },
    name?: string,
  ): Promise<"stored" | "known"> | undefined {
    const { head, attachments } = this.#host.encode(packet);
    const value = [EVENT, this.#host.clock.wall(), head, attachments, id ?? null, from ?? null, published];
    return shared?.append(value, name);
  }

  #kept(state: RoomState<S>, value: readonly unknown[]): void {
    const { log } = state;
    if (log === undefined) return;
    const { epoch, end } = log;
    try {
      if (!this.#event(state, value)) this.#store.change(state, () => log.restart(epoch, end + 1));
    } catch (error) {
      this.#host.reportError(error, "cluster");
      if (log.end === end) this.#store.change(state, () => log.restart(epoch, end + 1));
    }
    for (const wake of state.readers) wake();
  }

  /** @returns was it one? */
  #event(state: RoomState<S>, value: readonly unknown[]): boolean {
    const { log } = state;
    const [kind, wall, head, attachments, id, from, published] = value;
    const isHead = typeof head === "string" || head instanceof Uint8Array;
    if (log === undefined || kind !== EVENT || typeof wall !== "number" || !isHead) return false;
    const pieces = Array.isArray(attachments) ? attachments : [];
    const { name: nsp, clock } = this.#host;
    const data = this.#host.decode(new EncodedPacket(head, pieces.filter(isBytes))) as EventPacket["data"];
    const said = {
      id: typeof id === "string" ? id : undefined,
      from: typeof from === "string" ? from : undefined,
    };
    const envelope = state.envelope(nsp, data, said);
    const encoded = this.#host.encode(envelope);
    const at = clock.now() - Math.max(0, clock.wall() - wall);
    const bytes = weigh(encoded);
    this.#store.change(state, () => log.append(encoded, { at, bytes, id: said.id }));
    // What is read again was told before.
    if (!state.isNews()) return true;
    const room = memberRoom(state.name);
    const sender = new Set(said.from === undefined ? [] : [said.from]);
    const position = formatPosition({ epoch: log.epoch, offset: log.end });
    const awaited = said.id === undefined ? undefined : this.#awaited.get(state)?.get(said.id);
    if (awaited) {
      const plain: EventPacket = { type: PacketType.EVENT, nsp, id: undefined, data };
      this.#host.broadcast(plain, { rooms: new Set([state.name]), except: new Set([...sender, room]) });
    }
    if (this.#host.hasMembers(room)) {
      const except = published === true ? new Set<string>() : sender;
      this.#host.broadcast(envelope, { rooms: new Set([room]), except, flags: { local: true } });
    }
    awaited?.(position);
    return true;
  }
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function positionsIn(request: Request | undefined): { epoch: string; offset: number }[] {
  if (request?.kind === "join") return request.since.kind === "position" ? [request.since.position] : [];
  if (request?.kind !== "history") return [];
  return [request.before, request.after].flatMap((text) => parsePosition(text) ?? []);
}

/** The bus is down, or too much waits for it. */
function refused(error: unknown): never {
  const { code } = error as { readonly code?: unknown };
  if (code === "ERR_BUS_DOWN") throw tooMuch("What the room keeps cannot be had now");
  throw code === "ERR_CLUSTER_INPUT" ? tooMuch("The event is too large") : error;
}
