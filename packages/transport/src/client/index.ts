export { IframeTransport } from "./iframe.js";
export { JsonpTransport } from "./jsonp.js";
export { PollingTransport } from "./polling.js";
export { SseTransport } from "./sse.js";
export { StreamTransport } from "./stream.js";
export type { Target, TransportClass } from "./target.js";
export { WebSocketTransport } from "./websocket.js";
export { WebTransportTransport } from "./webtransport.js";
export { XhrStreamTransport } from "./xhr-stream.js";
