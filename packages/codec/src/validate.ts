import type {
  AckPacket,
  ConnectErrorPacket,
  ConnectPacket,
  EventData,
  Limits,
  Packet,
} from "@sockeye/protocol";
import { CodecError, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
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
export function packetOf({ type, nsp, id }: Address, data: unknown, limits: Limits): Packet {
  switch (type) {
    case PacketType.CONNECT:
      return { type, nsp, id: undefined, data: connectData(data) };
    case PacketType.DISCONNECT:
      if (data !== undefined) throw malformed("data that DISCONNECT must not have");
      return { type, nsp, id: undefined, data };
    case PacketType.CONNECT_ERROR:
      return { type, nsp, id: undefined, data: connectErrorData(data) };
    case PacketType.EVENT:
    case PacketType.BINARY_EVENT:
      return { type: PacketType.EVENT, nsp, id, data: eventData(data, limits) };
    case PacketType.ACK:
    case PacketType.BINARY_ACK:
      if (id === undefined) throw malformed("no id for an acknowledgement");
      return { type: PacketType.ACK, nsp, id, data: ackData(data) };
    default:
      throw malformed("an unknown type");
  }
}

/**
 * An array that begins with an event's name: a string or a finite number, of bounded length, and none of the library's
 * own. `error` and `__proto__` are names like any other, since no remote name ever is a key of a plain object.
 */
export function eventData(value: unknown, limits: Limits): EventData {
  if (!isArray(value) || value.length === 0) throw malformed("no array for an event");
  const [name] = value;
  if (typeof name === "string") {
    if (name.length > limits.maxEventNameLength) throw badName("is too long");
    if (RESERVED_EVENTS.has(name)) throw badName("is reserved");
  } else if (!Number.isFinite(name)) {
    throw badName("is no string or number");
  }
  return value as readonly unknown[] as EventData;
}

/** Any array. */
export function ackData(value: unknown): AckPacket["data"] {
  if (!isArray(value)) throw malformed("no array for an acknowledgement");
  return value;
}

/** Nothing, or an object that is no array. */
export function connectData(value: unknown): ConnectPacket["data"] {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw malformed("no object for CONNECT");
  return value;
}

/** An object with a text as its `message`, or the text alone, as servers before version 3 sent it. */
export function connectErrorData(value: unknown): ConnectErrorPacket["data"] {
  if (typeof value === "string") return { message: value };
  if (!isObject(value) || !hasMessage(value)) throw malformed("no message for CONNECT_ERROR");
  return value;
}

function isArray(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasMessage(
  value: Record<string, unknown>,
): value is Record<string, unknown> & { readonly message: string } {
  return typeof value["message"] === "string";
}

function badName(why: string): CodecError {
  return new CodecError("ERR_BAD_EVENT_NAME", `the name of an event ${why}`);
}
