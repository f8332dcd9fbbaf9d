import {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport,
} from "@sockeye/transport/client";
import { io } from "./legacy/io.js";

// What the other bundles have on `io` too, as far as a page can make use of it.
const page = globalThis as { io?: unknown };
page.io = Object.assign(io, {
  default: io,
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  StreamTransport: XhrStreamTransport,
  WebSocketTransport,
});
