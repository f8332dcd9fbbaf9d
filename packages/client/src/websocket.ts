// The client over WebSocket alone, for apps to which size matters. Everything else is the same, but there are no upgrades; the option
// `parser` takes a codec and nothing in Socket.IO's shape; the option `retries` and `manager.engine` throw `ERR_BAD_OPTION`; and
// Blobs among arguments, `ERR_UNENCODABLE`. Types come from the main entry.
export { WebSocketTransport } from "@sockeye/transport/client";
export { io, io as connect, io as default } from "./lean/io.js";
export { Manager } from "./lean/manager.js";
export { Socket } from "./socket.js";
