import type { ConnectErrorPacket, EventData, Packet } from "@sockeye/protocol";
import { CodecError, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import type { Measures } from "./text.js";
import { malformed } from "./text.js";

/** The line between the wire and the types: JSON goes in as `unknown` and comes out as a packet's data, or not at all. */

/** What of a packet stands before its data. */
export interface Address {
  /** Digit on the wire, the binary types included. */
  readonly type: number;
  readonly nsp: string;
  readonly id: number | undefined;
}

/**
 * A packet of these parts, if the data are what its type has to have.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`, `ERR_BAD_EVENT_NAME`
 */
export function packetOf({ type, nsp, id }: Address, data: unknown, limits: Measures): Packet {
  const plain = type >= PacketType.BINARY_EVENT ? type - PacketType.BINARY_EVENT + PacketType.EVENT : type;
  const packet = { type: plain, nsp, id, data } as Packet;
  if (plain === PacketType.EVENT) eventData(data, limits);
  else if (type === PacketType.CONNECT_ERROR) return { ...packet, data: refusalOf(data) } as Packet;
  else if (!isFit(packet, data)) throw malformed("data of a wrong kind");
  return packet;
}

function isFit({ type, id }: Packet, data: unknown): boolean {
  switch (type) {
    case PacketType.CONNECT:
      return data === undefined || isObject(data);
    case PacketType.DISCONNECT:
      return data === undefined;
    case PacketType.ACK:
      return id !== undefined && Array.isArray(data);
    default:
      return false;
  }
}

/**
 * A refusal is one whatever stands in it: servers send what their apps gave them as an error. The text alone is what servers before
 * version 3 sent.
 */
function refusalOf(value: unknown): ConnectErrorPacket["data"] {
  if (typeof value === "string") return { message: value };
  const refusal = isObject(value) ? value : { data: value };
  return { ...refusal, message: typeof refusal["message"] === "string" ? refusal["message"] : "Refused" };
}

/**
 * An array that begins with an event's name: a string or a finite number, of bounded length, and none of the library's
 * own. `error` and `__proto__` are names like any other, since no remote name ever is a key of a plain object.
 */
export function eventData(value: unknown, limits: Measures): EventData {
  if (!Array.isArray(value) || value.length === 0) throw malformed("data of a wrong kind");
  const name: unknown = value[0];
  const isName =
    typeof name === "string"
      ? name.length <= limits.maxEventNameLength && !RESERVED_EVENTS.has(name)
      : Number.isFinite(name);
  if (!isName)
    throw new CodecError("ERR_BAD_EVENT_NAME", "the name of an event is too long, reserved, or no name");
  return value as unknown as EventData;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
