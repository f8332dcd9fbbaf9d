import { encodePayload } from "@sockeye/codec/payload";
import type { EncodedPacket } from "@sockeye/protocol";

const ESCAPES: Readonly<Record<string, string>> = {
  "%": "%25",
  "\r": "%0D",
  "\n": "%0A",
  "\0": "%00",
};

/**
 * A payload on one line: without what ends a line or a field of an event stream.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export function encodeEscapedPayload(packets: readonly EncodedPacket[]): string {
  return encodePayload(packets).replace(/[%\r\n\0]/g, (character) => ESCAPES[character] ?? "");
}
