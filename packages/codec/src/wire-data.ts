import type { AckPacket, EventPacket, Packet } from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";

/** What of a packet travels as its `data`, whatever the format. */

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
