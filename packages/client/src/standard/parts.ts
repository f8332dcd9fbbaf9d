import { PollingTransport, SseTransport, StreamTransport, WebSocketTransport } from "@sockeye/transport/web";
import { allParts } from "../all-parts.js";
import type { Parts } from "../parts.js";

/** All that Socket.IO's client knows, and the transports that stream. */
export const standardParts: Parts = {
  ...allParts,
  transports: [PollingTransport, WebSocketTransport, StreamTransport, SseTransport],
};
