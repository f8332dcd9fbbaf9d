import type { Codec } from "@sockeye/protocol";
import { CodecError } from "@sockeye/protocol";

/** For an engine without Socket.IO on it: messages mean nothing here, and the session's observer gets them as they are. */
export const rawCodec: Codec = {
  encode: () => {
    throw new CodecError("ERR_UNENCODABLE", "an engine without Socket.IO sends messages, not packets");
  },
  decoder: () => ({ write: () => undefined }),
};
