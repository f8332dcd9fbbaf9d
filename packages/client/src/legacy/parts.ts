import { clientProbe, codecFromParser } from "@sockeye/session";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/web";
import type { Parts } from "../parts.js";

/** All that the oldest browsers can do besides. */
export const legacyParts: Parts = {
  transports: [PollingTransport, WebSocketTransport],
  probe: clientProbe,
  codecOf: codecFromParser,
};
