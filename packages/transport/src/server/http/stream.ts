import { encodeChunkFrames } from "@sockeye/codec/chunk-frames";
import { readEngineQuery } from "../request/query.js";
import { decodeChunkBody } from "./chunk-body.js";
import { encodeEscapedPayload } from "./escaped-payload.js";
import { PAYLOADS } from "./payload-format.js";
import { PRELUDE_BYTES, type StreamFormat, type StreamWriting } from "./stream-format.js";

const BYTES: StreamWriting = {
  headers: { "Content-Type": "application/octet-stream" },
  // Empty text frames, which mean nothing.
  prelude: Buffer.alloc(PRELUDE_BYTES),
  encode: encodeChunkFrames,
};

/** For those who can only read text that grows. */
const LINES: StreamWriting = {
  headers: { "Content-Type": "text/plain; charset=UTF-8" },
  prelude: `${" ".repeat(PRELUDE_BYTES)}\n`,
  encode: (packets) => `${encodeEscapedPayload(packets)}\n`,
};

/**
 * A body without an end: frames in a stream of bytes, or with `b64` one line of text for each write.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export const stream: StreamFormat = {
  name: "stream",
  decodeText: PAYLOADS.revision4.decodeText,
  decodeBytes: decodeChunkBody,
  begin: (req) => (readEngineQuery(req.url ?? "").base64 ? LINES : BYTES),
};
