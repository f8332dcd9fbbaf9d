import { PollingTransport, WebSocketTransport } from "@sockeye/transport/client";
import { streams } from "#streams";
import { allFeatures } from "../all-features.js";
import type { Features } from "../features.js";

/** All that Socket.IO's client knows, and where it costs no app anything the transports that stream. */
export const standardParts: Features = {
  ...allFeatures,
  transports: [PollingTransport, WebSocketTransport, ...streams],
};
