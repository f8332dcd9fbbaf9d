import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { StreamTable } from "@sockeye/contract/internal";
import type { Clock } from "@sockeye/protocol";
import { eventBytes } from "./event-bytes.js";
import type { NodeInCluster } from "./node-in-cluster.js";
import type { ServerLimits } from "./options.js";

/** Streams of a namespace. @param node of a cluster: ids say whose they are */
export function streamsOf(clock: Clock, limits: ServerLimits, node?: NodeInCluster): StreamTable {
  return new StreamTable(
    {
      clock,
      weigh: (value) => eventBytes([value]),
      isSame: isDeepStrictEqual,
      makeId: () => node?.socketId() ?? randomBytes(16).toString("base64url"),
      isElsewhere: (id) => node?.isOwnId(id) === false,
    },
    // A piece must not be larger than a message may be, also as base64.
    { ...limits, maxUnreadUploadBytes: Math.min(limits.maxUnreadUploadBytes, limits.maxMessageBytes >> 1) },
  );
}
