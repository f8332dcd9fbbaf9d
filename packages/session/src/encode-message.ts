import { message, rawBytes } from "@sockeye/codec";
import type { RawMessage } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";

/** An engine message that is not a Socket.IO packet. @throws CodecError `ERR_UNENCODABLE` for what is neither text nor bytes */
export function encodeMessage(data: RawMessage, compress = true): EncodedPacket {
  return new EncodedPacket(typeof data === "string" ? message(data) : rawBytes(data), undefined, compress);
}
