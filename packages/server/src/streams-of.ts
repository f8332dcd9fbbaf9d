import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { StreamTable } from "@sockeye/contract/internal";
import type { AdapterCore } from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";
import { eventBytes } from "./event-bytes.js";
import type { NodeInCluster } from "./node-in-cluster.js";
import type { ServerLimits } from "./options.js";

/** The namespace of streams. */
interface StreamsCore extends Pick<AdapterCore, "clock" | "encode"> {
  readonly name: string;
  readonly limits: ServerLimits;
  readonly host: {
    readonly cluster: Pick<NodeInCluster, "shareStreams" | "madeBy" | "socketId" | "isOwnId"> | undefined;
  };
  reportError(error: unknown, event: string): void;
}

/** Streams of a namespace. On a cluster their ids say whose they are. */
export function streamsOf(core: StreamsCore): StreamTable {
  const { clock, limits, name: nsp } = core;
  const node = core.host.cluster;
  return new StreamTable(
    {
      clock,
      weigh: (value) => eventBytes([value]),
      isSame: isDeepStrictEqual,
      makeId: () => node?.socketId() ?? randomBytes(16).toString("base64url"),
      isElsewhere: (id) => node?.isOwnId(id) === false,
      cluster: node && {
        share: (sink) => node.shareStreams(nsp, sink),
        madeBy: (id) => node.madeBy(id),
        encode: (event, args) =>
          core.encode({ type: PacketType.EVENT, nsp, id: undefined, data: [event, ...args] }, {}),
        reportError: (error, event) => core.reportError(error, event),
      },
    },
    // A piece must not be larger than a message may be, also as base64.
    { ...limits, maxUnreadUploadBytes: Math.min(limits.maxUnreadUploadBytes, limits.maxMessageBytes >> 1) },
  );
}
