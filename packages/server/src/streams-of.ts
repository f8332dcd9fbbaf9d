import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { StreamLimits } from "@sockeye/contract/internal";
import { StreamTable } from "@sockeye/contract/internal";
import type { Clock } from "@sockeye/protocol";
import { eventBytes } from "./event-bytes.js";

/** Streams of a namespace. */
export function streamsOf(clock: Clock, limits: StreamLimits): StreamTable {
  return new StreamTable(
    {
      clock,
      weigh: (value) => eventBytes([value]),
      isSame: isDeepStrictEqual,
      makeId: () => randomBytes(16).toString("base64url"),
    },
    limits,
  );
}
