import type { Packet } from "@sockeye/protocol";
import { CodecError, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";

/**
 * A packet, if the data are what its type has to have: as much as Socket.IO's client looks at.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`
 */
export function checked(type: number, nsp: string, id: number | undefined, data: unknown): Packet {
  const isText = typeof data === "string";
  const isObject = typeof data === "object" && !Array.isArray(data);
  const isFit =
    type === PacketType.CONNECT
      ? data === undefined || isObject
      : type === PacketType.DISCONNECT
        ? data === undefined
        : type === PacketType.CONNECT_ERROR
          ? isText || isObject
          : Array.isArray(data) && (type === PacketType.EVENT ? isName(data[0]) : id !== undefined);
  if (!isFit) throw malformed();
  // A text alone is what servers before version 3 sent.
  const refusal = isText ? { message: data } : { message: "Refused", ...(data as object) };
  return { type, nsp, id, data: type === PacketType.CONNECT_ERROR ? refusal : data } as Packet;
}

function isName(name: unknown): boolean {
  return typeof name === "number" || (typeof name === "string" && !RESERVED_EVENTS.has(name));
}

/** For whatever the server got wrong. */
export function malformed(): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", prose("malformedPacket"));
}
