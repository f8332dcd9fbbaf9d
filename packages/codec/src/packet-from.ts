import type { Limits, Packet } from "@sockeye/protocol";
import { CodecError } from "@sockeye/protocol";
import { malformed, mayHaveId } from "./text.js";
import { packetOf } from "./validate.js";

/**
 * A packet from an object that a format of its own has brought across: `{ type, nsp, data?, id? }`. Everything but the
 * values in the arguments is looked at. `null` counts as absent, since not every language knows the difference.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`, `ERR_BAD_EVENT_NAME`, `ERR_NAMESPACE_TOO_LONG`
 */
export function packetFrom(value: unknown, limits: Limits): Packet {
  if (typeof value !== "object" || value === null) throw malformed("no object");
  const { type, nsp, data, id } = value as { [Key in keyof Packet]?: unknown };
  if (typeof type !== "number") throw malformed("an unknown type");
  const address = { type, nsp: namespaceOf(nsp, limits), id: ackIdOf(id) };
  if (address.id !== undefined && !mayHaveId(type)) throw malformed("a bad acknowledgement id");
  return packetOf(address, data ?? undefined, limits);
}

function namespaceOf(nsp: unknown, limits: Limits): string {
  if (typeof nsp !== "string" || !nsp.startsWith("/")) throw malformed("a bad namespace");
  if (nsp.length <= limits.maxNamespaceLength) return nsp;
  throw new CodecError("ERR_NAMESPACE_TOO_LONG", "a namespace is too long");
}

function ackIdOf(id: unknown): number | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0)
    throw malformed("a bad acknowledgement id");
  return id;
}
