import type { Limits, Packet } from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";
import { malformed, mayHaveId, readNamespace } from "./text.js";
import { packetOf } from "./validate.js";

/**
 * A packet from an object that a format of its own has brought across: `{ type, nsp, data?, id? }`. Everything but the
 * values in the arguments is looked at. `null` counts as absent, since not every language knows the difference.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`, `ERR_BAD_EVENT_NAME`, `ERR_NAMESPACE_TOO_LONG`
 */
export function packetFrom(value: unknown, limits: Limits): Packet {
  // Something that is no object has none of them.
  const { type, nsp, data, id } = Object(value ?? 0) as { [Key in keyof Packet]?: unknown };
  if (typeof type !== "number" || typeof nsp !== "string" || !isIdFor(type, id))
    throw malformed("a bad field");
  const address = { type, nsp: readNamespace(nsp, limits), id: id ?? undefined };
  return packetOf(address, data ?? undefined, limits);
}

/** A CONNECT whose payload is larger than allowed, without it. Any other packet is returned as it is. */
export function oversized(packet: Packet): Packet {
  return packet.type === PacketType.CONNECT ? { ...packet, data: undefined, oversized: true } : packet;
}

function isIdFor(type: number, id: unknown): id is number | null | undefined {
  if (id === undefined || id === null) return true;
  return typeof id === "number" && Number.isSafeInteger(id) && id >= 0 && mayHaveId(type);
}
