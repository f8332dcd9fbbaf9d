import { PollingTransport, WebSocketTransport } from "@sockeye/transport/web";
import { io } from "./legacy/io.js";

// What the other bundles have on `io` too, as far as one can make use of it in a page.
const root = globalThis as { io?: unknown };
root.io = Object.assign(io, { default: io, PollingTransport, WebSocketTransport });
