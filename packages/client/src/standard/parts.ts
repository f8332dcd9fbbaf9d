import { clientProbe, codecFromParser } from "@sockeye/session";
import { PollingTransport, SseTransport, StreamTransport, WebSocketTransport } from "@sockeye/transport/web";
import type { Parts } from "../parts.js";

/** All that Socket.IO's client knows, and the transports that stream. */
export const standardParts: Parts = {
  transports: [PollingTransport, WebSocketTransport, StreamTransport, SseTransport],
  probe: clientProbe,
  codecOf: codecFromParser,
};
