import type { TransportClass } from "@sockeye/transport/client";

/** What ../standard/streams.ts lists on Node.js: in an app's bundle these are classes to import. */
export const streams: readonly TransportClass[] = [];
