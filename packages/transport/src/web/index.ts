export { PollingTransport } from "./polling.js";
export type { Target, TransportClass } from "./target.js";
export { WebSocketTransport } from "./websocket.js";
