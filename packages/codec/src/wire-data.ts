import type { AckPacket, EventPacket, Packet } from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";

/** What of a packet travels, whatever the format. */

/** A packet as formats write it that take it whole. What is not there has no key: some would write `undefined`. */
export interface WirePacket {
  readonly type: number;
  readonly data?: unknown;
  readonly nsp: string;
  id?: number;
}

export function wirePacket(packet: Packet): WirePacket {
  const { type, nsp, id } = packet;
  const isArguments = packet.type === PacketType.EVENT || packet.type === PacketType.ACK;
  const data = isArguments ? wireArguments(packet) : controlData(packet);
  const wire: WirePacket = data === undefined ? { type, nsp } : { type, data, nsp };
  if (id !== undefined) wire.id = id;
  return wire;
}

/** The arguments of an event or acknowledgement. An offset travels behind the last one. */
export function wireArguments(packet: EventPacket | AckPacket): readonly unknown[] {
  return packet.type === PacketType.EVENT && packet.offset !== undefined
    ? [...packet.data, packet.offset]
    : packet.data;
}

/** The data of a packet of the library itself. */
export function controlData(packet: Packet): unknown {
  if (packet.type !== PacketType.CONNECT_ERROR || packet.bare !== true) return packet.data;
  // As Socket.IO has it: anything that is falsy counts as none.
  return packet.data.data || packet.data.message;
}
