import { transportSuite } from "@sockeye/conformance";
import { WebSocketTransport } from "@sockeye/transport/client";
import { nodePair } from "./node-pair.js";

transportSuite("websocket", nodePair(WebSocketTransport));

transportSuite("websocket by ws", nodePair(WebSocketTransport, { gate: { webSockets: "ws" } }));

transportSuite(
  "websocket with compression",
  nodePair(WebSocketTransport, {
    gate: { perMessageDeflate: true },
    target: { client: { perMessageDeflate: true } },
  }),
);
