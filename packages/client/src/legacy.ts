// The client with every transport that an old browser may need, for apps that bundle for such browsers themselves. The same
// in one file of ECMAScript 5 is dist/browser/sockeye.legacy.min.js. Types come from the main entry.
export { SOCKET_PROTOCOL as protocol } from "@sockeye/protocol";
export {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport as StreamTransport,
} from "@sockeye/transport/client";
export { io, io as connect, io as default } from "./legacy/io.js";
export { Manager } from "./legacy/manager.js";
export { Socket } from "./socket.js";
