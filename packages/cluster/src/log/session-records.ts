import { createHash } from "node:crypto";
import type { PersistedSession } from "@sockeye/adapter";
import { type BusRecords, type Clock, ClusterError, type SocketId, type Timer } from "@sockeye/protocol";
import { listOf, pack, unpack } from "../introduction.js";
import { readRooms } from "../remote.js";
import { badInput } from "../wire.js";

const VERSION = 1;
/** Records whose time is renewed in one call. */
const TOUCHED = 500;

export interface SessionRecordsTerms {
  readonly records: BusRecords;
  readonly clock: Clock;
  /** Before the keys. */
  readonly prefix: string;
  /** This node. */
  readonly owner: string;
  /** How long a client may be away. */
  readonly ttlMs: number;
  /** What is to be kept of a socket that is here; `undefined` if it is not, or cannot be recovered. */
  session(sid: SocketId): PersistedSession | undefined;
  /** Another node has taken the session over. */
  lost(sid: SocketId): void;
  failed(error: unknown): void;
}

/** A record that was found, and whose it is. */
export interface Found {
  readonly session: PersistedSession;
  readonly owner: string;
  readonly key: string;
  readonly version: number;
}

interface State {
  readonly key: string;
  version: number;
  /** The write that is under way. */
  writing: Promise<void> | undefined;
  /** How it was when the socket ended, if the client may come back. */
  ended: PersistedSession | undefined;
}

/**
 * What is kept of the sessions of one namespace, written behind, once a turn, when their rooms change. A record is found by a hash of the
 * session's secret, and holds neither that nor anything of the handshake. Its owner changes by its version alone: of two nodes that both take
 * a session for theirs, one learns that it is wrong.
 */
export class SessionRecords {
  readonly #terms: SessionRecordsTerms;
  readonly #states = new Map<SocketId, State>();
  readonly #sids = new Map<string, SocketId>();
  readonly #dirty = new Set<SocketId>();
  #isScheduled = false;
  #isUp = true;
  #timer: Timer | undefined = undefined;

  constructor(terms: SessionRecordsTerms) {
    this.#terms = terms;
  }

  /** How many records are this node's. */
  get size(): number {
    return this.#states.size;
  }

  /** Something of a session has changed, or it has ended for good. */
  touch(sid: SocketId): void {
    this.#dirty.add(sid);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#terms.clock.defer(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** A socket has ended, and its client may come back. */
  end(session: PersistedSession): void {
    const state = this.#stateOf(session);
    state.ended = session;
    this.touch(session.sid);
  }

  /** Resolves once a session is kept as it is now. @throws ClusterError `ERR_BUS_DOWN` (as a rejection) */
  async save(sid: SocketId): Promise<void> {
    this.touch(sid);
    this.#flush();
    while (this.#states.get(sid)?.writing) await this.#states.get(sid)?.writing;
    if (this.#dirty.has(sid)) throw new ClusterError("ERR_BUS_DOWN", "the record could not be written");
  }

  up(): void {
    this.#isUp = true;
    this.#flush();
  }

  down(): void {
    this.#isUp = false;
  }

  /** Resolves once all is written. */
  async close(): Promise<void> {
    this.#flush();
    const open = (): Promise<void>[] => [...this.#states.values()].flatMap(({ writing }) => writing ?? []);
    while (this.#isUp && open().length > 0) await Promise.all(open());
    if (this.#timer !== undefined) this.#terms.clock.clearTimer(this.#timer);
  }

  /** The record of the client that knows this secret. */
  async find(pid: string): Promise<Found | undefined> {
    const key = this.#keyOf(pid);
    // What this node is about to write of it comes first.
    const here = this.#sids.get(key);
    if (here !== undefined) await this.save(here).catch(() => {});
    const record = await this.#terms.records.get(key);
    return record && { ...readRecord(record.bytes, pid), key, version: record.version };
  }

  /** Takes a session over. @returns false if it was written meanwhile */
  async claim({ session, key, version }: Found): Promise<boolean> {
    const { records, ttlMs } = this.#terms;
    const next = await records.put(key, this.#pack(session), version, ttlMs);
    if (next === undefined) return false;
    this.#set(session.sid, fresh(key, next));
    return true;
  }

  // ---- inside

  #flush(): void {
    if (!this.#isUp) return;
    for (const sid of [...this.#dirty]) {
      const state = this.#states.get(sid) ?? this.#begin(sid);
      if (!state) this.#dirty.delete(sid);
      else if (!state.writing) this.#write(sid, state);
    }
  }

  #begin(sid: SocketId): State | undefined {
    const session = this.#terms.session(sid);
    return session && this.#stateOf(session);
  }

  #stateOf({ sid, pid }: PersistedSession): State {
    const known = this.#states.get(sid);
    const key = this.#keyOf(pid);
    if (known?.key === key) return known;
    const state = fresh(key, 0);
    this.#set(sid, state);
    return state;
  }

  #set(sid: SocketId, state: State): void {
    this.#states.set(sid, state);
    this.#sids.set(state.key, sid);
    this.#watch();
  }

  #write(sid: SocketId, state: State): void {
    this.#dirty.delete(sid);
    state.writing = this.#written(sid, state).then(
      () => {
        state.writing = undefined;
        if (this.#dirty.has(sid)) this.#flush();
      },
      (error: unknown) => {
        state.writing = undefined;
        // It is written once the bus is back.
        if (this.#states.get(sid) === state) this.#dirty.add(sid);
        this.#terms.failed(error);
      },
    );
  }

  async #written(sid: SocketId, state: State): Promise<void> {
    const { records, ttlMs, session, lost } = this.#terms;
    const live = session(sid);
    const now = live ?? state.ended;
    if (live) state.ended = undefined;
    if (now === undefined) {
      this.#forget(sid, state);
      await records.delete(state.key, state.version);
      return;
    }
    // One whose node is killed may be away for so long from then on.
    const ttl = live ? 2 * ttlMs : ttlMs;
    const bytes = this.#pack(now);
    let version = await records.put(state.key, bytes, state.version, ttl);
    if (version === undefined) {
      // It may be this node's own write whose answer was lost.
      const there = await records.get(state.key);
      const isOwn = there === undefined || readRecord(there.bytes, now.pid).owner === this.#terms.owner;
      if (isOwn) version = await records.put(state.key, bytes, there?.version ?? 0, ttl);
    }
    if (version !== undefined) {
      state.version = version;
      if (!live && !session(sid)) this.#forget(sid, state);
    } else if (this.#states.get(sid) === state) {
      this.#forget(sid, state);
      lost(sid);
    }
  }

  #forget(sid: SocketId, state: State): void {
    if (this.#states.get(sid) === state) this.#states.delete(sid);
    if (this.#sids.get(state.key) === sid) this.#sids.delete(state.key);
  }

  /** Records of sockets that are here stay, however long nothing changes. */
  #watch(): void {
    this.#timer ??= this.#terms.clock.setTimer(() => {
      this.#timer = undefined;
      const { records, ttlMs, failed } = this.#terms;
      const keys = [...this.#states.values()].filter(({ ended }) => !ended).map(({ key }) => key);
      if (this.#isUp)
        for (let at = 0; at < keys.length; at += TOUCHED)
          records.touch(keys.slice(at, at + TOUCHED), 2 * ttlMs).catch(failed);
      this.#flush();
      if (this.#states.size > 0) this.#watch();
    }, this.#terms.ttlMs / 2);
  }

  #pack({ sid, rooms, data, since, expires }: PersistedSession): Uint8Array {
    return pack([VERSION, this.#terms.owner, sid, rooms, data ?? null, since ?? null, expires ?? null]);
  }

  #keyOf(pid: string): string {
    return this.#terms.prefix + createHash("sha256").update(pid).digest("base64url");
  }
}

function fresh(key: string, version: number): State {
  return { key, version, writing: undefined, ended: undefined };
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
function readRecord(bytes: Uint8Array, pid: string): { session: PersistedSession; owner: string } {
  const [version, owner, sid, rooms, data, since, expires] = listOf(unpack(bytes));
  if (version !== VERSION || typeof owner !== "string" || typeof sid !== "string")
    throw badInput("no record of a session");
  const session: PersistedSession = {
    sid,
    pid,
    rooms: readRooms(rooms),
    data: data ?? undefined,
    since: typeof since === "string" ? since : undefined,
    expires: typeof expires === "number" ? expires : undefined,
  };
  return { session, owner };
}
