import { clientProbe, codecFromParser } from "@sockeye/session";
import {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport,
} from "@sockeye/transport/web";
import type { Parts } from "../parts.js";

/** Every way that an old browser may have. */
export const legacyParts: Parts = {
  transports: [
    PollingTransport,
    WebSocketTransport,
    XhrStreamTransport,
    SseTransport,
    IframeTransport,
    JsonpTransport,
  ],
  probe: clientProbe,
  codecOf: codecFromParser,
};
