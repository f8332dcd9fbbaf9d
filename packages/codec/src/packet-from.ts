import type { Limits, Packet } from "@sockeye/protocol";
import { CodecError, PacketType } from "@sockeye/protocol";
import { malformed } from "./text.js";
import { ackData, connectData, connectErrorData, eventData } from "./validate.js";

/**
 * A packet from an object that a format of its own has brought across: `{ type, nsp, data?, id? }`. Everything but the
 * values in the arguments is looked at. `null` counts as absent, since not every language knows the difference.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`, `ERR_BAD_EVENT_NAME`, `ERR_NAMESPACE_TOO_LONG`
 */
export function packetFrom(value: unknown, limits: Limits): Packet {
  if (typeof value !== "object" || value === null) throw malformed("no object");
  const { type, nsp, data, id } = value as { [Key in keyof Packet]?: unknown };
  const name = namespaceOf(nsp, limits);
  switch (type) {
    case PacketType.CONNECT:
      return { type, nsp: name, id: noId(id), data: connectData(data ?? undefined) };
    case PacketType.DISCONNECT:
      if (data !== undefined && data !== null) throw malformed("data that DISCONNECT must not have");
      return { type, nsp: name, id: noId(id), data: undefined };
    case PacketType.CONNECT_ERROR:
      return { type, nsp: name, id: noId(id), data: connectErrorData(data) };
    case PacketType.EVENT:
    case PacketType.BINARY_EVENT:
      return { type: PacketType.EVENT, nsp: name, id: ackIdOf(id), data: eventData(data, limits) };
    case PacketType.ACK:
    case PacketType.BINARY_ACK:
      return { type: PacketType.ACK, nsp: name, id: ackIdOf(id) ?? noAckId(), data: ackData(data) };
    default:
      throw malformed("an unknown type");
  }
}

function namespaceOf(nsp: unknown, limits: Limits): string {
  if (typeof nsp !== "string" || !nsp.startsWith("/")) throw malformed("a bad namespace");
  if (nsp.length <= limits.maxNamespaceLength) return nsp;
  throw new CodecError(
    "ERR_NAMESPACE_TOO_LONG",
    `a namespace is longer than ${limits.maxNamespaceLength} characters`,
  );
}

function ackIdOf(id: unknown): number | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0)
    throw malformed("a bad acknowledgement id");
  return id;
}

function noId(id: unknown): undefined {
  if (id !== undefined && id !== null) throw malformed("an id that it must not have");
}

function noAckId(): never {
  throw malformed("no id for an acknowledgement");
}
