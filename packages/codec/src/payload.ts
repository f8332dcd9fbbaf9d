import type { EncodedPacket, Frame, Limits } from "@sockeye/protocol";
import { CodecError, DEFAULT_LIMITS } from "@sockeye/protocol";
import { base64Length, decodeBase64, encodeBase64 } from "./base64.js";
import { utf8Length } from "./bytes.js";

/**
 * The bodies of HTTP requests and responses: frames joined by U+001E, bytes as `b` and base64.
 *
 * @see PROTOCOL.md, "Payloads"
 */
const SEPARATOR = "\x1e";
const BASE64 = "b";
const BASE64_CODE = 0x62;

/** One body with all frames of all packets, in order. An empty list gives an empty body, which no peer accepts. */
export function encodePayload(packets: readonly EncodedPacket[]): string {
  let body = "";
  for (const packet of packets) {
    body += body === "" ? textFrame(packet.head) : SEPARATOR + textFrame(packet.head);
    for (const bytes of packet.attachments) body += SEPARATOR + textFrame(bytes);
  }
  return body;
}

/**
 * The frames of a body: text with its envelope, and bytes. All or nothing: a body with one bad frame gives none.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED` for an empty frame (so also for an empty body) and bad base64,
 * `ERR_TOO_MANY_PACKETS` beyond `maxPacketsPerPayload`, without reading the rest
 */
export function decodePayload(body: string, limits: Pick<Limits, "maxPacketsPerPayload">): Frame[] {
  const frames: Frame[] = [];
  for (let start = 0; start <= body.length; ) {
    if (frames.length >= limits.maxPacketsPerPayload) {
      throw new CodecError("ERR_TOO_MANY_PACKETS", "a body has too many packets");
    }
    const separator = body.indexOf(SEPARATOR, start);
    const end = separator === -1 ? body.length : separator;
    if (end === start) throw new CodecError("ERR_PACKET_MALFORMED", "a body has an empty packet");
    const isBytes = body.charCodeAt(start) === BASE64_CODE;
    frames.push(isBytes ? decodeBase64(body.slice(start + 1, end)) : body.slice(start, end));
    start = end + 1;
  }
  return frames;
}

/**
 * How many packets, beginning with the one at `from`, fit together into a body of so many bytes. At least one if there
 * is one: a packet that is too large by itself goes alone, and {@link splitPayload} cuts it between frames.
 */
export function takeWithin(packets: readonly EncodedPacket[], maxBytes: number, from = 0): number {
  let total = -SEPARATOR.length;
  let frames = 0;
  for (let at = from; at < packets.length; at++) {
    // The condition of the loop vouches for the index.
    const packet = packets[at] as EncodedPacket;
    total += SEPARATOR.length + packetLength(packet);
    frames += 1 + packet.attachments.length;
    // What the peer refuses is not known; by default it is this.
    if (total > maxBytes || frames > DEFAULT_LIMITS.maxPacketsPerPayload) return Math.max(at - from, 1);
  }
  return packets.length - from;
}

/**
 * The bodies that carry the packets, in order, each of at most so many bytes. A packet stays in one body unless it is
 * too large by itself: then it is cut between its frames, as the protocol allows, and a frame that is too large goes
 * alone and leaves it to the peer to refuse it. Every body must have arrived before the next one is sent.
 */
export function splitPayload(packets: readonly EncodedPacket[], maxBytes: number): string[] {
  const bodies: string[] = [];
  for (let from = 0; from < packets.length; ) {
    const batch = packets.slice(from, from + takeWithin(packets, maxBytes, from));
    const [first] = batch;
    if (batch.length === 1 && first !== undefined && packetLength(first) > maxBytes) {
      bodies.push(...splitPacket(first, maxBytes));
    } else {
      bodies.push(encodePayload(batch));
    }
    from += batch.length;
  }
  return bodies;
}

function splitPacket(packet: EncodedPacket, maxBytes: number): string[] {
  const bodies: string[] = [textFrame(packet.head)];
  let room = maxBytes - frameLength(packet.head);
  for (const bytes of packet.attachments) {
    room -= SEPARATOR.length + frameLength(bytes);
    if (room >= 0) {
      bodies[bodies.length - 1] += SEPARATOR + textFrame(bytes);
    } else {
      bodies.push(textFrame(bytes));
      room = maxBytes - frameLength(bytes);
    }
  }
  return bodies;
}

/** Bytes of a packet in a body, without the separator before it. */
function packetLength(packet: EncodedPacket): number {
  let length = frameLength(packet.head);
  for (const bytes of packet.attachments) length += SEPARATOR.length + frameLength(bytes);
  return length;
}

function frameLength(frame: Frame): number {
  return typeof frame === "string" ? utf8Length(frame) : BASE64.length + base64Length(frame.byteLength);
}

/** A frame as text: bytes as `b` and base64. */
export function textFrame(frame: Frame): string {
  return typeof frame === "string" ? frame : BASE64 + encodeBase64(frame);
}
