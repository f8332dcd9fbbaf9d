import type { EncodedPacket, Frame, OpenData, Packet, PacketLimits } from "@sockeye/protocol";
import { CodecError, PacketType } from "@sockeye/protocol";
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

/** What a server accepts, by its terms. */
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
  const { maxPayload = NO_LIMIT, maxBinaryEventBytes = NO_LIMIT, maxEventNameLength = NO_LIMIT } = limits;
  const fits = (frame: Frame): boolean =>
    // A character is three bytes at most.
    3 * frame.length + 9 <= maxPayload || weightOf(frame, transport) <= maxPayload;
  let bytes = 0;
  for (const { length } of attachments) bytes += length;
  if (!fits(head) || !attachments.every(fits)) {
    throw new CodecError(
      "ERR_PACKET_TOO_LARGE",
      `the server takes no message of more than ${maxPayload} bytes`,
    );
  }
  if (bytes > maxBinaryEventBytes)
    throw new CodecError("ERR_BINARY_EVENT_TOO_LARGE", `more than ${maxBinaryEventBytes} bytes`);
  if (attachments.length > (limits.maxAttachments ?? NO_LIMIT))
    throw new CodecError("ERR_TOO_MANY_ATTACHMENTS", `more than ${limits.maxAttachments} attachments`);
  if (type === PacketType.EVENT && String(data[0]).length > maxEventNameLength)
    throw new CodecError("ERR_BAD_EVENT_NAME", `a name of more than ${maxEventNameLength} characters`);
  if (nsp.length > (limits.maxNamespaceLength ?? NO_LIMIT))
    throw new CodecError("ERR_NAMESPACE_TOO_LONG", `more than ${limits.maxNamespaceLength} characters`);
}

/** Bytes of a message where the server measures it. */
function weightOf(frame: Frame, transport: string): number {
  const isText = typeof frame === "string";
  const length = isText ? utf8Length(frame) : frame.length;
  // Its header is measured with it.
  if (transport === "stream") return length + (length < 126 ? 1 : length < 65_536 ? 3 : 9);
  return isText || !IN_BASE64.includes(transport) ? length : 1 + base64Length(length);
}
