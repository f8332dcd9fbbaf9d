import type {
  AdapterNamespace,
  AdapterSocket,
  BroadcastOptions,
  EventData,
  EventPacket,
  Room,
  Timer,
} from "@sockeye/protocol";
import { CORE } from "@sockeye/protocol";
import type { PersistedSession, RestoredSession } from "./adapter.js";
import { Adapter } from "./adapter.js";

export interface RecoveryOptions {
  /** How long a session and the packets that it may have missed are kept, in ms. */
  readonly maxDisconnectionDuration: number;
  /** How many packets are kept at most. A client that has missed more is not recovered. */
  readonly maxPackets: number;
  /** Names this run of the server: 8 characters. An offset of another run means nothing here. */
  readonly epoch: string;
}

interface StoredPacket {
  readonly data: EventData;
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room> | undefined;
  readonly at: number;
}

/**
 * The in-memory adapter with connection state recovery: it numbers each event that is not volatile and wants no
 * acknowledgement, keeps the latest, and can tell what a session has missed. `null` if that cannot be told for sure.
 *
 * An offset is the epoch, a dot, and the number in base 36.
 */
export class RecoveryAdapter<S extends AdapterSocket = AdapterSocket> extends Adapter<S> {
  readonly #options: RecoveryOptions;
  /** The latest packets; the first has the number {@link #first}. */
  #packets: StoredPacket[] = [];
  #first = 0;
  /** Oldest first: all are kept equally long. */
  readonly #sessions = new Map<string, { readonly session: PersistedSession; readonly until: number }>();
  #timer: Timer | undefined = undefined;

  constructor(nsp: AdapterNamespace<S>, options: RecoveryOptions) {
    super(nsp);
    this.#options = options;
  }

  override position(): string {
    return this.#offset(this.#first + this.#packets.length);
  }

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    if (options.flags?.volatile || packet.id !== undefined) {
      super.broadcast(packet, options);
      return;
    }
    const offset = this.#offset(this.#first + this.#packets.length + 1);
    const numbered = { ...packet, offset };
    // What cannot be encoded is thrown here: once kept, it would keep everybody from being recovered.
    const encoded = this.nsp[CORE].encode(numbered, options.flags ?? {});
    this.#packets.push({
      data: [...packet.data, offset],
      rooms: options.rooms,
      except: options.except,
      at: this.nsp[CORE].clock.now(),
    });
    this.#purge();
    this.fanOut(numbered, encoded, options);
  }

  override persistSession(session: PersistedSession): void {
    this.#sessions.set(session.pid, {
      session,
      until: this.nsp[CORE].clock.now() + this.#options.maxDisconnectionDuration,
    });
    this.#purge();
  }

  /** A session can be restored once. */
  override restoreSession(pid: string, offset: string | undefined): Promise<RestoredSession | null> {
    this.#purge();
    const session = this.#sessions.get(pid)?.session;
    if (!session) return Promise.resolve(null);
    const rooms = new Set([...session.rooms, session.sid]);
    const missed = this.#missedSince(offset ?? session.since, rooms);
    if (missed === undefined) return Promise.resolve(null);
    this.#sessions.delete(pid);
    const now = this.position();
    const later = (): EventData[] => this.#missedSince(now, rooms) ?? [];
    return Promise.resolve({
      ...session,
      // Asked for when the socket joins: middlewares may have taken their time, and more may have been sent.
      get missedPackets(): EventData[] {
        return [...missed, ...later()];
      },
    });
  }

  override close(): Promise<void> | void {
    if (this.#timer !== undefined) this.nsp[CORE].clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#sessions.clear();
    this.#packets = [];
    return super.close();
  }

  #missedSince(offset: string | undefined, rooms: ReadonlySet<Room>): EventData[] | undefined {
    const number = this.#number(offset);
    if (number === undefined || number < this.#first || number > this.#first + this.#packets.length)
      return undefined;
    return this.#packets
      .slice(number - this.#first)
      .flatMap((packet) => (isFor(packet, rooms) ? [packet.data] : []));
  }

  /** The offset after so many packets. */
  #offset(number: number): string {
    return `${this.#options.epoch}.${number.toString(36)}`;
  }

  #number(offset: string | undefined): number | undefined {
    const [epoch, digits, more] = offset?.split(".", 3) ?? [];
    if (epoch !== this.#options.epoch || digits === undefined || more !== undefined) return undefined;
    const number = Number.parseInt(digits, 36);
    return this.#offset(number) === offset ? number : undefined;
  }

  #purge(): void {
    const now = this.nsp[CORE].clock.now();
    for (const [pid, { until }] of this.#sessions) {
      if (until > now) break;
      this.#sessions.delete(pid);
    }
    const oldest = now - this.#options.maxDisconnectionDuration;
    let gone = Math.max(0, this.#packets.length - this.#options.maxPackets);
    while ((this.#packets[gone]?.at ?? Number.POSITIVE_INFINITY) < oldest) gone++;
    // Taking off one by one would move the whole list each time.
    if (gone > 0 && (gone * 4 >= this.#packets.length || gone >= 1024)) {
      this.#packets = this.#packets.slice(gone);
      this.#first += gone;
    }
    if (this.#timer === undefined && (this.#sessions.size > 0 || this.#packets.length > 0))
      this.#purgeLater();
  }

  #purgeLater(): void {
    this.#timer = this.nsp[CORE].clock.setTimer(() => {
      this.#timer = undefined;
      this.#purge();
    }, this.#options.maxDisconnectionDuration);
  }
}

function isFor({ rooms, except }: StoredPacket, joined: ReadonlySet<Room>): boolean {
  return (rooms.size === 0 || intersects(rooms, joined)) && !(except && intersects(except, joined));
}

function intersects(some: ReadonlySet<Room>, others: ReadonlySet<Room>): boolean {
  for (const room of some) if (others.has(room)) return true;
  return false;
}
