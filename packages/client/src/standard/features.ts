import {
  PollingTransport,
  SseTransport,
  StreamTransport,
  WebSocketTransport,
} from "@sockeye/transport/client";
import { allFeatures } from "../all-features.js";
import type { Features } from "../features.js";

/** All that Socket.IO's client knows, and the transports that stream. */
export const standardParts: Features = {
  ...allFeatures,
  transports: [PollingTransport, WebSocketTransport, StreamTransport, SseTransport],
};
