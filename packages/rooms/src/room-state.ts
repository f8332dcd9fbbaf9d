import { type EncodedPacket, type EventPacket, OWN_EVENTS, PacketType } from "@sockeye/protocol";
import { formatPosition } from "./position.js";
import { PresenceList } from "./presence-list.js";
import { RoomLog } from "./room-log.js";
import type { Rule } from "./rule.js";

/** An event of a room, as it is kept: encoded, so that the app may change what it has sent. */
export interface Kept {
  readonly packet: EventPacket;
  readonly encoded: EncodedPacket;
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

  constructor(name: string, rule: Rule<S>, epoch: string) {
    this.name = name;
    this.rule = rule;
    this.log = rule.keep && new RoomLog(epoch, rule.keep);
    this.presence = rule.presence && new PresenceList();
  }

  /** After its newest event. */
  get position(): string | undefined {
    return this.log && formatPosition({ epoch: this.log.epoch, offset: this.log.end });
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

/** Bytes of an encoded packet. */
export function weigh({ head, attachments }: EncodedPacket): number {
  return head.length + attachments.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
