import { clientProbe, codecFromParser } from "@sockeye/session";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/web";
import type { Parts } from "../parts.js";

/** All that Socket.IO's client knows. */
export const standardParts: Parts = {
  transports: [PollingTransport, WebSocketTransport],
  probe: clientProbe,
  codecOf: codecFromParser,
};
