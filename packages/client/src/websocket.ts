// The client without polling, for apps to which size matters: a bundler leaves out what is not named here. Types come from
// the main entry, and are the same.
export { WebSocketTransport } from "@sockeye/transport/web";
export { io, io as connect, io as default } from "./io.js";
export { Manager } from "./manager.js";
export { Socket } from "./socket.js";
