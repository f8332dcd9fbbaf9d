import type { EncodedPacket, Frame, Limits } from "@sockeye/protocol";
import { DEFAULT_MAX_PACKETS } from "@sockeye/protocol";
import { countUtf8 } from "../views.js";
import { decodeBase64, encodeBase64 } from "./base64.js";

// What ../payload.ts does on Node.js, for a client that trusts its server.

export { takeWithin } from "../payload.js";

const SEPARATOR = "\x1e";
const BASE64 = "b";

/** One body with all frames of all packets, in order. */
export function encodePayload(packets: readonly EncodedPacket[]): string {
  return textsOf(packets).join(SEPARATOR);
}

/** The frames of a body: text with its envelope, and bytes. @throws CodecError `ERR_PACKET_MALFORMED` for bad base64 */
export function decodePayload(body: string, _limits?: Pick<Limits, "maxPacketsPerPayload">): Frame[] {
  return body
    .split(SEPARATOR)
    .map((text) => (text.charAt(0) === BASE64 ? decodeBase64(text.slice(1)) : text));
}

/**
 * The bodies that carry the packets, in order, each of at most so many bytes. A frame that is too large goes alone and leaves it to the
 * peer to refuse it. Every body must have arrived before the next one is sent.
 */
export function splitPayload(packets: readonly EncodedPacket[], maxBytes: number): string[] {
  const bodies: string[][] = [];
  let body: string[] | undefined;
  let room = 0;
  for (const text of textsOf(packets)) {
    const bytes = SEPARATOR.length + countUtf8(text);
    if (!body || bytes > room || body.length >= DEFAULT_MAX_PACKETS) {
      body = [];
      bodies.push(body);
      room = maxBytes + SEPARATOR.length;
    }
    room -= bytes;
    body.push(text);
  }
  return bodies.map((each) => each.join(SEPARATOR));
}

function textsOf(packets: readonly EncodedPacket[]): string[] {
  return packets.flatMap(({ head, attachments }) => [head, ...attachments].map(textFrame));
}

/** A frame as text: bytes as `b` and base64. */
export function textFrame(frame: Frame): string {
  return typeof frame === "string" ? frame : BASE64 + encodeBase64(frame);
}
