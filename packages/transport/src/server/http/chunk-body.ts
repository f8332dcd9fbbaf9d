import { ChunkFrameDecoder } from "@sockeye/codec/chunk-frames";
import { CodecError, type Frame, type Limits } from "@sockeye/protocol";

/** Read at a time, so that a body with far too many frames is refused before all of them exist. */
const PIECE_BYTES = 65_536;

/**
 * The frames of a body of bytes. All or nothing: a body with one bad frame gives none.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED` for an empty body and one that ends within a frame, `ERR_TOO_MANY_PACKETS`
 * beyond `maxPacketsPerPayload`, and what {@link ChunkFrameDecoder.write} throws
 * @see PROTOCOL.md, "Frames in a stream of bytes"
 */
export function decodeChunkBody(
  body: Uint8Array,
  limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload">,
): Frame[] {
  const decoder = new ChunkFrameDecoder(limits.maxMessageBytes);
  const frames: Frame[] = [];
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    for (const frame of decoder.write(body.subarray(at, at + PIECE_BYTES))) frames.push(frame);
    if (frames.length > limits.maxPacketsPerPayload) {
      throw new CodecError("ERR_TOO_MANY_PACKETS", "a body has too many packets");
    }
  }
  if (body.length === 0 || decoder.pending) {
    throw new CodecError("ERR_PACKET_MALFORMED", "a body is empty or ends within a frame");
  }
  return frames;
}
