// The client over WebSocket alone, for apps to which size matters. Everything else is the same, but there are no upgrades, and the
// option `parser` takes a codec and nothing in Socket.IO's shape. Types come from the main entry.
export { WebSocketTransport } from "@sockeye/transport/web";
export { io, io as connect, io as default } from "./io.js";
export { Manager } from "./manager.js";
export { Socket } from "./socket.js";
