import { EncodedPacket, type EventPacket, OWN_EVENTS, PacketType, type SharedRoom } from "@sockeye/protocol";
import { formatPosition } from "./position.js";
import { PresenceList } from "./presence-list.js";
import type { PresenceReplica } from "./presence-replica.js";
import { RoomLog } from "./room-log.js";
import type { Rule } from "./rule.js";

/** An event of a room, as it is kept: encoded, since its objects may take many times as much, and so that the app may change what it has sent. */
export type Kept = EncodedPacket;

/** An event that was kept. What is in it is read only if it is asked for. */
export class KeptEvent implements EventPacket {
  readonly type: typeof PacketType.EVENT = PacketType.EVENT;
  readonly id: undefined = undefined;
  #data: EventPacket["data"] | undefined = undefined;

  constructor(
    readonly nsp: string,
    readonly decode: () => EventPacket["data"],
  ) {}

  get data(): EventPacket["data"] {
    this.#data ??= this.decode();
    return this.#data;
  }
}

/** Events of members by the room protocol are in this room of the adapter. */
export function memberRoom(room: string): string {
  return `sockeye:room:${room}`;
}

/** What one room has beyond its members. */
export class RoomState<S> {
  readonly log: RoomLog<Kept> | undefined;
  readonly presence: PresenceList | undefined;
  readonly rule: Rule<S>;
  readonly name: string;
  /** Those who read the log at their own pace: told when there is more of it. */
  readonly readers: Set<() => void> = new Set();
  /** On a cluster: what all nodes have of it. */
  shared: SharedRoom | undefined = undefined;
  /** The same of who is there. */
  replica: PresenceReplica | undefined = undefined;
  /** When it was used last, in ms of the clock. */
  usedAt = 0;
  /** The newest event that members were told. */
  #told: { readonly epoch: string; readonly offset: number } = { epoch: "", offset: 0 };

  constructor(name: string, rule: Rule<S>, epoch: string) {
    this.name = name;
    this.rule = rule;
    this.log = rule.keep && new RoomLog(epoch, rule.keep);
    this.presence = rule.presence && new PresenceList();
  }

  /** After its newest event. */
  get position(): string | undefined {
    return this.log?.epoch ? formatPosition({ epoch: this.log.epoch, offset: this.log.end }) : undefined;
  }

  /** Is its newest event one that members were not told? It is told now. */
  isNews(): boolean {
    if (this.log === undefined) return true;
    const { epoch, end: offset } = this.log;
    const isNews = epoch !== this.#told.epoch || offset > this.#told.offset;
    if (isNews) this.#told = { epoch, offset };
    return isNews;
  }

  /** The envelope of its next event. */
  envelope(
    nsp: string,
    [event, ...args]: EventPacket["data"],
    { id, from }: { id?: string | undefined; from?: string | undefined },
  ): EventPacket {
    const position = this.log && formatPosition({ epoch: this.log.epoch, offset: this.log.end + 1 });
    const envelope = {
      room: this.name,
      ...(position === undefined ? {} : { position }),
      event,
      args,
      ...(id === undefined ? {} : { id }),
      ...(from === undefined ? {} : { from }),
    };
    return { type: PacketType.EVENT, nsp, id: undefined, data: [OWN_EVENTS.event, envelope] };
  }
}

/** What an encoded packet takes in memory, but for the objects around it. */
export function weigh({ head, attachments }: EncodedPacket): number {
  const text = typeof head === "string" && BEYOND_LATIN1.test(head) ? 2 * head.length : head.length;
  return attachments.reduce((sum, { byteLength }) => sum + byteLength, text);
}

const BEYOND_LATIN1 = /[^\0-\xff]/;

/** A packet to send of one that is kept: what transports note at it, frames above all, goes with it. */
export function copyOf({ head, attachments, compress }: EncodedPacket): EncodedPacket {
  return new EncodedPacket(head, attachments, compress);
}
