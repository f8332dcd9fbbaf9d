import { UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import { WebSocketTransport } from "@sockeye/transport/client";
import type { Features } from "../features.js";

/** The fewest: WebSocket, and codecs as they are. */
export const leanParts: Features = {
  transports: [WebSocketTransport],
  probe: undefined,
  resume: undefined,
  race: undefined,
  blobs: undefined,
  unseen: undefined,
  codecOf: (parser) => ("decoder" in parser ? parser : absent("parser")),
  retriesOf: () => absent("retries"),
  engineOf: () => absent("engine"),
};

function absent(what: string): never {
  throw new UsageError("ERR_BAD_OPTION", prose("needsWholeClient", what));
}
