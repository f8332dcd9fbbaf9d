import type { TransportClass } from "@sockeye/transport/client";
import { SseTransport, StreamTransport } from "@sockeye/transport/client";

/** What may be named on Node.js and in served files, though nothing uses it unless it is. Apps' bundles have no-streams.ts in its place. */
export const streams: readonly TransportClass[] = [StreamTransport, SseTransport];
