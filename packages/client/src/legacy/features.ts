import {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport,
} from "@sockeye/transport/client";
import { allFeatures } from "../all-features.js";
import type { Features } from "../features.js";

/** Every way that an old browser may have. */
export const legacyParts: Features = {
  ...allFeatures,
  transports: [
    PollingTransport,
    WebSocketTransport,
    XhrStreamTransport,
    SseTransport,
    IframeTransport,
    JsonpTransport,
  ],
};
