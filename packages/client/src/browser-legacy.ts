import {
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  WebSocketTransport,
  XhrStreamTransport,
} from "@sockeye/transport/client";
import { io } from "./legacy/io.js";

/** What is put on it is the value of the script: see scripts/umd.mjs. */
declare const script: { io?: unknown };

// What the other bundles have on `io` too, as far as a page can make use of it.
script.io = Object.assign(io, {
  default: io,
  IframeTransport,
  JsonpTransport,
  PollingTransport,
  SseTransport,
  StreamTransport: XhrStreamTransport,
  WebSocketTransport,
});
