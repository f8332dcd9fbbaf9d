import { encodeEscapedPayload } from "./escaped-payload.js";
import { PAYLOADS } from "./payload-format.js";
import { PRELUDE_BYTES, type StreamFormat, type StreamWriting } from "./stream-format.js";

const WRITING: StreamWriting = {
  headers: { "Content-Type": "text/event-stream; charset=utf-8" },
  // A comment.
  prelude: `:${" ".repeat(PRELUDE_BYTES)}\n\n`,
  encode: (packets) => `data: ${encodeEscapedPayload(packets)}\n\n`,
};

/**
 * Server-sent events: one event for each write, without name and id.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export const sse: StreamFormat = {
  name: "sse",
  decodeText: PAYLOADS.revision4.decodeText,
  begin: () => WRITING,
};
