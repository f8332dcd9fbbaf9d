import type { Frame } from "@sockeye/protocol";
import { CodecError } from "@sockeye/protocol";
import { decodeBase64, encodeBase64 } from "./base64.js";

/**
 * How revision 3 of the engine protocol marks bytes. Text frames are those of revision 4; bytes carry a packet type as
 * text does: the byte 4 in front of them, or `b4` in front of their base64.
 *
 * @see PROTOCOL.md, "Revision 3"
 */
const MESSAGE = 4;
const BASE64_MESSAGE = "b4";
const BASE64_CODE = 0x62;

/** A binary frame of revision 3. */
export function wrapBytes(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.byteLength + 1);
  frame[0] = MESSAGE;
  frame.set(bytes, 1);
  return frame;
}

/** The same as text, for a client that asked for it. */
export function wrapBase64(bytes: Uint8Array): string {
  return BASE64_MESSAGE + encodeBase64(bytes);
}

/**
 * A frame of revision 3 as the same frame of revision 4: text stays as it is, bytes lose their mark.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED` for bytes that are no message, and bad base64
 */
export function unwrapFrame(frame: Frame): Frame {
  if (typeof frame !== "string") {
    if (frame[0] !== MESSAGE) throw noMessage();
    return frame.subarray(1);
  }
  if (frame.charCodeAt(0) !== BASE64_CODE) return frame;
  if (!frame.startsWith(BASE64_MESSAGE)) throw noMessage();
  return decodeBase64(frame.slice(BASE64_MESSAGE.length));
}

function noMessage(): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", "a binary frame is not a message");
}
