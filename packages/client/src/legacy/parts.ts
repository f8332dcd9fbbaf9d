import {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport,
} from "@sockeye/transport/web";
import { allParts } from "../all-parts.js";
import type { Parts } from "../parts.js";

/** Every way that an old browser may have. */
export const legacyParts: Parts = {
  ...allParts,
  transports: [
    PollingTransport,
    WebSocketTransport,
    XhrStreamTransport,
    SseTransport,
    IframeTransport,
    JsonpTransport,
  ],
};
