import type { Adapter, PersistedSession, RestoredSession } from "@sockeye/adapter";
import { randomId, secretId } from "@sockeye/engine/server";
import type { EventPacket, Room, ServerDisconnectReason, SocketId } from "@sockeye/protocol";
import { positionOf } from "./foreign-log.js";

/** The ends after which a client may come back to what it had. */
export const RECOVERABLE: ReadonlySet<ServerDisconnectReason> = new Set([
  "transport error",
  "transport close",
  "forced close",
  "ping timeout",
  "server shutting down",
  "forced server close",
]);

/** Of an offset. */
const EPOCH_LENGTH = 8;
/** No offset begins so. */
const NONE = " ";

/** What a socket is kept by, until its client comes back. */
export interface Interrupted {
  readonly id: SocketId;
  readonly rooms: ReadonlySet<Room>;
  readonly data: unknown;
  /** When it may not stay any more, if there is such a time. */
  readonly expires: number | undefined;
}

/** How one socket is recovered: the client's secret, where the log ended when it joined, and what it comes back to. */
export class SocketRecovery {
  #pid: string | undefined = undefined;
  #since: string | undefined = undefined;
  /** What the offsets begin with that the client knows; none, unless the log is ours. */
  #epoch = "";
  #restored: RestoredSession | undefined;
  /** What the adapter keeps, if it does. */
  #kept: SocketId | undefined = undefined;

  constructor(restored: RestoredSession | undefined) {
    this.#restored = restored;
  }

  /** The client's secret, once the socket has entered. */
  get pid(): string | undefined {
    return this.#pid;
  }

  /** The rooms that it comes back to. */
  get rooms(): readonly Room[] {
    return this.#restored?.rooms ?? [];
  }

  /** The socket enters. @returns what it has missed */
  begin(adapter: Adapter): RestoredSession["missedPackets"] {
    const restored = this.#restored;
    const since = positionOf(adapter);
    this.#since = since ?? undefined;
    this.#pid = restored?.pid ?? (since === null ? undefined : newPid(since));
    if (since !== undefined)
      this.#epoch = this.#pid === undefined ? NONE : `${this.#pid.slice(0, EPOCH_LENGTH)}.`;
    this.#restored = undefined;
    return restored?.missedPackets ?? [];
  }

  /** Does an event's offset mean something to the client? One of another epoch is an argument to it. */
  knows({ offset = "" }: EventPacket): boolean {
    return offset.startsWith(this.#epoch);
  }

  /** What is to be kept of it; nothing if it cannot be recovered. */
  session({ id: sid, rooms, data, expires }: Interrupted): PersistedSession | undefined {
    const pid = this.#pid;
    return pid === undefined ? undefined : { sid, pid, rooms: [...rooms], data, since: this.#since, expires };
  }

  /** The socket has gone or is away, and its client may come back. */
  persist(adapter: Adapter, interrupted: Interrupted): void {
    const session = this.session(interrupted);
    if (session === undefined) return;
    this.#kept = session.sid;
    adapter.persistSession(session);
  }

  /** What was kept is no longer true: the client is back here, or may not come back. No adapter can forget, so it keeps what is over. */
  revoke(adapter: Adapter): void {
    this.#restored?.release?.();
    this.#restored = undefined;
    const sid = this.#kept;
    if (sid === undefined) return;
    this.#kept = undefined;
    this.persist(adapter, { id: sid, rooms: new Set(), data: undefined, expires: 0 });
    this.#kept = undefined;
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
