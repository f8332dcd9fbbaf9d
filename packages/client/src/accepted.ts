import type { EncodedPacket, ErrorCode, Frame, OpenData, Packet, PacketLimits } from "@sockeye/protocol";
import { CodecError, PacketType } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import { base64Length, utf8Length } from "@sockeye/session";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** The transports whose bytes travel as text. */
const IN_BASE64 = ["polling", "sse", "iframe", "jsonp", "base64"];

/** Whose packets a client does not measure: those of the server that it has chosen. */
export const TRUSTED: Required<PacketLimits> = {
  maxAttachments: NO_LIMIT,
  maxBinaryEventBytes: NO_LIMIT,
  maxJsonDepth: NO_LIMIT,
  maxEventNameLength: NO_LIMIT,
  maxNamespaceLength: NO_LIMIT,
};

/** What a server accepts, by its terms. Without a limit there is none. */
export type Accepted = PacketLimits & Partial<Pick<OpenData, "maxPayload">>;

/**
 * Refuses a packet for which the server would end the connection.
 *
 * @param transport over which it would travel: what one message weighs differs
 * @throws CodecError `ERR_PACKET_TOO_LARGE`, `ERR_TOO_MANY_ATTACHMENTS`, `ERR_BINARY_EVENT_TOO_LARGE`, `ERR_BAD_EVENT_NAME`,
 * `ERR_NAMESPACE_TOO_LONG`
 */
export function requireAccepted(
  { type, nsp, data }: Packet,
  { head, attachments }: EncodedPacket,
  limits: Accepted,
  transport: string,
): void {
  const { maxPayload = NO_LIMIT } = limits;
  const weigh = (frame: Frame): void => {
    // A character is three bytes at most.
    if (3 * frame.length + 9 > maxPayload)
      atMost(maxPayload, weightOf(frame, transport), "bytes", "ERR_PACKET_TOO_LARGE");
  };
  weigh(head);
  let bytes = 0;
  for (const frame of attachments) {
    weigh(frame);
    bytes += frame.length;
  }
  atMost(limits.maxBinaryEventBytes, bytes, "bytes", "ERR_BINARY_EVENT_TOO_LARGE");
  atMost(limits.maxAttachments, attachments.length, "attachments", "ERR_TOO_MANY_ATTACHMENTS");
  if (type === PacketType.EVENT)
    atMost(limits.maxEventNameLength, String(data[0]).length, "characters", "ERR_BAD_EVENT_NAME");
  atMost(limits.maxNamespaceLength, nsp.length, "characters", "ERR_NAMESPACE_TOO_LONG");
}

function atMost(limit = NO_LIMIT, size: number, units: string, code: ErrorCode): void {
  if (size > limit) throw new CodecError(code, prose("tooMuchForServer", limit, units));
}

/** Bytes of a message where the server measures it. */
function weightOf(frame: Frame, transport: string): number {
  const isText = typeof frame === "string";
  const length = isText ? utf8Length(frame) : frame.length;
  // Its header is measured with it.
  if (transport === "stream") return length + (length < 126 ? 1 : length < 65_536 ? 3 : 9);
  return isText || !IN_BASE64.includes(transport) ? length : 1 + base64Length(length);
}
