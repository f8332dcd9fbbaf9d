import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { StreamTable } from "@sockeye/contract/internal";
import type { Clock } from "@sockeye/protocol";
import { eventBytes } from "./event-bytes.js";
import type { ServerLimits } from "./options.js";

/** Streams of a namespace. */
export function streamsOf(clock: Clock, limits: ServerLimits): StreamTable {
  return new StreamTable(
    {
      clock,
      weigh: (value) => eventBytes([value]),
      isSame: isDeepStrictEqual,
      makeId: () => randomBytes(16).toString("base64url"),
    },
    // A piece must not be larger than a message may be, also as base64.
    { ...limits, maxUnreadUploadBytes: Math.min(limits.maxUnreadUploadBytes, limits.maxMessageBytes >> 1) },
  );
}
